"""A snapshot: everything a decision reads. Frozen, but for the available units inside its stock, and for the
times of the last minutes, which it remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from router.catalogue import Catalogue
from router.columns import frozen
from router.compile import Compiled, compile_all
from router.kernels.types import FAR, RuleArrays, World
from router.network import Network
from router.node_states import NodeStates
from router.receipts import Receipts, Steps
from router.rules.model import RuleSet
from router.stock import Stock

MOMENTS_KEPT = 4
BIT_EXCLUDED = 4
BIT_SWITCHED_OFF = 5
BIT_NO_CAPACITY = 6
BIT_FORBIDDEN = 7
"""Reasons that lie in the state of a node, besides those that the kernels find."""


def without_nodes(rules: RuleArrays, nodes: Sequence[int], bit: int) -> RuleArrays:
    """The same rules, under which some node rows may supply nothing, for the reason ``bit``."""
    if not nodes:
        return rules
    bits, keep = rules.static_bits.copy(), rules.keep_units.copy()
    bits[:, :, list(nodes)] |= np.uint64(1 << bit)
    keep[:, :, list(nodes)] = FAR
    return rules._replace(static_bits=frozen(bits), keep_units=frozen(keep))


class Moment(NamedTuple):
    """The world as it is for orders that count from an origin (epoch seconds)."""

    world: World
    origin_seconds: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The models that verification and explanation read, and their columns for the kernels."""

    network: Network
    catalogue: Catalogue
    rules: RuleSet
    stock: Stock
    compiled: Compiled
    receipts: Receipts
    states: NodeStates
    _moments: dict[tuple[int, tuple[int, ...]], Moment] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    @classmethod
    def build(
        cls,
        network: Network,
        catalogue: Catalogue,
        rules: RuleSet,
        stock: Stock,
        receipts: Mapping[tuple[str, str], Steps] | None = None,
        states: NodeStates | None = None,
    ) -> Snapshot:
        """Compiles. Nodes must be sorted by id: that order breaks ties (ValueError otherwise). receipts: by
        SKU and node id."""
        ids = [n.node_id for n in network.nodes]
        if ids != sorted(set(ids)):
            raise ValueError("network.nodes must be sorted by node_id, without repeats")
        if stock.node_count != len(ids) or stock.sku_count != len(catalogue):
            raise ValueError("stock, network and catalogue differ in size")
        compiled = compile_all(network, catalogue, rules)
        expected = Receipts.none(len(catalogue))
        for (sku_id, node_id), steps in (receipts or {}).items():
            for at_seconds, units in steps:
                sku_ix, node_ix = catalogue.ids.find(sku_id), compiled.node_rows[node_id]
                expected.set(sku_ix, node_ix, at_seconds, units)
        return cls(network, catalogue, rules, stock, compiled, expected, states or NodeStates())

    def with_rules(self, rules: RuleSet) -> Snapshot:
        """The same world under other rules."""
        return replace(self, rules=rules, compiled=compile_all(self.network, self.catalogue, rules))

    def with_stock(self, stock: Stock, receipts: Receipts | None = None) -> Snapshot:
        """The same world with other stock rows, and receipts if stated."""
        return replace(self, stock=stock, receipts=self.receipts if receipts is None else receipts)

    def at(self, now_seconds: int) -> Moment:
        """What the kernels read for an order placed at ``now_seconds``. The world is the same tuple as long
        as times do not change, so that handles on it can be kept."""
        timetable = self.compiled.timetable
        origin = timetable.origin(now_seconds)
        off = self.states.off(now_seconds)
        key = (origin if timetable.keeps_time else 0, off)
        found = self._moments.get(key)
        if found is None:
            c, times = self.compiled, timetable.at(origin)
            network = c.network._replace(
                offer_lane=times.lane, offer_seconds=times.seconds, offer_kind=times.kind
            )
            rules = without_nodes(c.rules, off, BIT_SWITCHED_OFF)
            found = Moment(World(network, c.catalogue, rules, self.stock.arrays()), origin)
            while len(self._moments) >= MOMENTS_KEPT:
                self._moments.pop(next(iter(self._moments), key), None)
            found = self._moments.setdefault(key, found)
        return found if found.origin_seconds == origin else Moment(found.world, origin)

    @property
    def rules_hash(self) -> str:
        return self.compiled.rules_hash

    def available(self, sku_id: str, node_id: str) -> int | None:
        """Units that can be promised; None for an unknown pair."""
        sku_ix, node_ix = self.catalogue.ids.find(sku_id), self.compiled.nodes.find(node_id)
        return None if sku_ix < 0 or node_ix < 0 else self.stock.get(sku_ix, node_ix)
