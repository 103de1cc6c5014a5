"""Work space of the kernels: allocated once per size and thread, never inside a decision."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from router.cost import PART_COUNT
from router.kernels.jit import hold
from router.kernels.types import (
    CLASSES,
    LEVELS,
    MAX_GROUPS,
    Candidates,
    PlanArrays,
    RowClasses,
    Subsets,
    World,
)


@dataclass(slots=True)
class Workspace:
    """Scratch for one thread. The arrays are overwritten by every call."""

    candidates: Candidates
    subsets: Subsets
    row_classes: RowClasses
    held_world: World | None = None
    held: Any = None

    def hold(self, world: World) -> Any:
        """A handle on the world and this work space, for ``decide_all``."""
        if self.held_world is not world:
            self.held = hold((world, self.candidates, self.subsets, self.row_classes))
            self.held_world = world
        return self.held

    @classmethod
    def of(cls, world: World, lines: int) -> Workspace:
        """Room for any order of at most ``lines`` lines on this world."""
        nodes, services = world.network.node_service.shape
        lanes = len(world.network.lane_service)
        candidates = Candidates(
            row_of_node=np.full(nodes, -1, np.int32),
            node=np.zeros(nodes, np.int32),
            chord2=np.zeros(nodes),
            bits=np.zeros((nodes, lines), np.uint64),
            available=np.zeros((nodes, lines), np.int64),
            cap=np.zeros((nodes, lines), np.int64),
            supply=np.zeros(nodes, np.int64),
            group_cents=np.zeros((nodes, MAX_GROUPS), np.int64),
            ship_cents=np.zeros(nodes, np.int64),
            lane=np.full((nodes, services), -1, np.int32),
            lane_used=np.zeros(lanes, np.uint8),
            late=np.zeros((nodes, services), np.uint8),
            seconds=np.zeros((nodes, services), np.int64),
            delay_cents=np.zeros((nodes, services), np.int64),
            line_item_units=np.zeros(lines, np.int64),
            line_leads=np.zeros(lines, np.uint8),
            line_shared=np.zeros(lines, np.int64),
            shared_line=np.zeros(lines, np.int64),
            shared_units=np.zeros((lines, lines), np.int64),
            group_units=np.zeros(lines, np.int64),
            group_lines=np.zeros(lines, np.int64),
            group_weight=np.zeros(lines, np.int64),
            group_value=np.zeros(lines, np.int64),
            group_alone=np.zeros(lines, np.uint8),
        )
        return cls(candidates, _subsets(lanes), _row_classes(world, lines))


def _subsets(lanes: int) -> Subsets:
    entries = 1 << MAX_GROUPS
    return Subsets(
        low=np.array([0] + [(m & -m).bit_length() - 1 for m in range(1, entries)], np.int64),
        weight=np.zeros(entries, np.int64),
        value=np.zeros(entries, np.int64),
        units=np.zeros(entries, np.int64),
        lane_groups=np.zeros(lanes, np.int64),
        lane_cents=np.zeros((entries, lanes), np.int64),
        node_sum=np.zeros(entries, np.int64),
        node_base=np.zeros(entries, np.int64),
        best=np.zeros(entries, np.int64),
        best_row=np.zeros(entries, np.int32),
        cover=np.zeros((MAX_GROUPS + 1, entries), np.int64),
        pick=np.zeros((MAX_GROUPS + 1, entries), np.int64),
        level=np.zeros(LEVELS, np.int64),
        part_mask=np.zeros(MAX_GROUPS, np.int64),
        part_row=np.zeros(MAX_GROUPS, np.int64),
    )


def _row_classes(world: World, lines: int) -> RowClasses:
    nodes, services = world.network.node_service.shape
    offers, entries = len(world.network.offer_kind), CLASSES << MAX_GROUPS
    return RowClasses(
        lines=np.zeros(nodes, np.int64),
        have=np.zeros((lines, nodes), np.int64),
        goods=np.zeros((MAX_GROUPS, nodes), np.int64),
        last_order=np.zeros(nodes + 1, np.int64),
        listed=np.zeros(nodes, np.int64),
        listed_class=np.zeros(nodes, np.int64),
        ship_cents=np.zeros(nodes, np.int64),
        away=np.zeros(nodes),
        metres=np.zeros(nodes, np.int64),
        class_of_offer=np.full(offers, -1, np.int32),
        class_of_kind=np.full(offers, -1, np.int32),
        seen=np.zeros(nodes, np.int64),
        lane=np.full((CLASSES, services), -1, np.int32),
        delay_cents=np.zeros((CLASSES, services), np.int64),
        groups=np.zeros(CLASSES, np.int64),
        best=np.zeros(entries, np.int64),
        best_node=np.zeros(entries, np.int64),
        carriage=np.zeros(entries, np.int64),
        shipments=np.zeros(1 << MAX_GROUPS, np.int64),
        line_mask=np.zeros(MAX_GROUPS, np.int64),
    )


def plan_arrays(orders: int, lines: int) -> PlanArrays:
    """Room for the decisions of so many orders with so many lines in all."""
    return PlanArrays(
        status=np.zeros(orders, np.int16),
        first_strategy=np.zeros(orders, np.int32),
        strategy=np.zeros(orders, np.int32),
        filled=np.zeros(orders, np.int64),
        total_cents=np.zeros(orders, np.int64),
        parts=np.zeros((orders, PART_COUNT), np.int64),
        ship_start=np.zeros(orders + 1, np.int64),
        ship_row=np.empty(lines, np.int64),
        ship_node=np.empty(lines, np.int32),
        ship_service=np.empty(lines, np.int32),
        ship_groups=np.empty(lines, np.int64),
        ship_parcels=np.empty(lines, np.int64),
        ship_weight_grams=np.empty(lines, np.int64),
        ship_distance_m=np.empty(lines, np.int64),
        ship_arrival_seconds=np.empty(lines, np.int64),
        ship_parts=np.empty((lines, PART_COUNT), np.int64),
    )


_local = threading.local()


def workspace_for(world: World, most_lines: int) -> Workspace:
    """This thread's work space for orders of at most ``most_lines`` lines on a world of this shape. Rows
    are kept as short as the call allows: they are read a hundred times more often than they are made."""
    nodes, services = world.network.node_service.shape
    lines = 1 << max(2, (most_lines - 1).bit_length())
    lanes, offers = len(world.network.lane_service), len(world.network.offer_kind)
    key = (nodes, services, lanes, offers, lines)
    spaces: dict[tuple[int, ...], Workspace] = getattr(_local, "spaces", {})
    _local.spaces = spaces
    if key not in spaces:
        if len(spaces) > 16:
            spaces.clear()
        spaces[key] = Workspace.of(world, lines)
    return spaces[key]
