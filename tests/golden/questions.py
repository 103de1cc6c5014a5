"""The questions whose answers are recorded: seeded worlds, chosen for what their answers show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from router.solver.limits import SearchLimits
from router.sourcer import decide
from tests.engine import snapshot_of
from tests.property.comparison import KINDS
from tests.worlds import EVERYTHING, Features, World, random_world

FOLDER = Path(__file__).parent / "decisions"

CROWDED = replace(
    EVERYTHING,
    nodes=8,
    lines=9,
    skus=5,
    strategies=1,
    line_splits=("free",),
    conditions=False,
    eligibility=False,
    deadlines=False,
)
"""With quantities from 5 to 8 and stock to match: more to divide than is done without a search."""
LONG = replace(CROWDED, lines=30, quantity=8, line_splits=("free", "never"))
"""With plenty of stock: a greedy plan may be as cheap as any could be."""
RECIPES: Mapping[str, Features] = {**KINDS, "crowded": CROWDED, "long": LONG}


@dataclass(frozen=True, slots=True)
class Question:
    """The world of a seed of one kind; ``node_limit`` bounds the search."""

    kind: str
    seed: int
    node_limit: int = 20_000


QUESTIONS: dict[str, Question] = {
    "one node": Question("everything", 10),
    "two nodes": Question("everything", 5),
    "three nodes, fallback": Question("everything", 28),
    "three nodes, every part of the cost": Question("whole lines", 42),
    "three nodes, whole lines": Question("whole lines", 102),
    "a group that travels alone": Question("everything", 2),
    "a group that travels alone, six parts of the cost": Question("everything", 14),
    "lines that stay together": Question("everything", 15),
    "stock prices": Question("prices", 45),
    "several parcels": Question("everything", 22),
    "a deadline": Question("everything", 49),
    "a deadline, fallback": Question("everything", 53),
    "second fallback": Question("shared stock", 136),
    "partial": Question("everything", 7),
    "partial, two nodes": Question("everything", 66),
    "partial, second fallback": Question("everything", 139),
    "a divided line, fallback": Question("everything", 50),
    "a divided line, three nodes": Question("everything", 42),
    "a divided line, every part of the cost": Question("open", 95),
    "a divided line, partial": Question("everything", 43),
    "a divided line, partial, three nodes": Question("shared stock", 124),
    "a divided line, two nodes": Question("open", 7),
    "a tie that costs nothing": Question("everything", 24),
    "no plan": Question("everything", 0),
    "no plan, a line divided in vain": Question("everything", 4),
    "no strategy applies": Question("everything", 25),
    "a search": Question("crowded", 9),
    "a search, partial": Question("crowded", 15),
    "a search that finds no plan": Question("crowded", 13),
    "a search that was stopped": Question("crowded", 45, node_limit=1),
    "a search that was stopped, partial": Question("crowded", 30, node_limit=1),
    "a greedy plan that meets the bound": Question("long", 11),
    "a greedy plan that meets the bound, large order": Question("long", 3),
}


def world_of(question: Question) -> World:
    """The same question, the same world."""
    world = random_world(np.random.default_rng(question.seed), RECIPES[question.kind])
    if question.kind == "crowded":
        lines = [replace(line, quantity=5 + i % 4) for i, line in enumerate(world.order.lines)]
        world = replace(world, order=replace(world.order, lines=tuple(lines)))
    times = {"crowded": 2, "long": 30}.get(question.kind)
    if times is None:
        return world
    return replace(world, stock={key: max(0, units) * times for key, units in world.stock.items()})


def record_of(question: Question) -> dict[str, Any]:
    """What is kept: the question, what of the world helps to read the answer, and the answer. Of the
    versions, the engine's is left out: a release alone changes no decision."""
    world = world_of(question)
    limits = SearchLimits(node_limit=question.node_limit, time_limit_seconds=600.0)
    decision = plain(decide(world.order, snapshot_of(world), world.now_seconds, limits))
    del decision["versions"]["engine_version"]
    available: dict[str, dict[str, int]] = {}
    for (sku_id, node_id), units in sorted(world.stock.items()):
        available.setdefault(sku_id, {})[node_id] = units
    return {
        "question": asdict(question),
        "lines": [plain(line) for line in world.order.lines],
        "available": available,
        "decision": decision,
    }


def plain(value: Any) -> Any:
    """Records, enumerations and tuples as JSON has them."""
    if isinstance(value, IntEnum):
        return value.name
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def file_of(name: str) -> Path:
    """Where the answer to a question is kept."""
    return FOLDER / f"{name.replace(',', '').replace(' ', '_')}.json"
