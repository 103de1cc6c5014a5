"""Neutral cases from other systems, read by path and said in our own words.

The JSON files are never copied into the repository. They lie in the folder that the environment variable
SOURCIER_CASES names, else in ``../shared/cases`` seen from the repository.

How a case is said here: fractional quantities become units of a finer measure; a place that is switched off
or has used up its orders of the day is an excluded node; unsellable stock has no row; what is reserved or
allocated is subtracted; an untracked SKU has stock without end where it is listed; what a place sells without
having it is the stock of a supplier behind that place, who ranks after everything on hand.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

import pytest

from router.catalogue import Sku
from router.domain import Decision, Destination, NodeType, Order, OrderLine
from router.network import Bracket, Lane, Network, Node, Service
from router.rules.model import RuleSet
from router.sourcer import decide
from router.verify import verify
from tests.engine import snapshot_of
from tests.worlds import NOW_SECONDS, World

Case = Mapping[str, Any]
Allocations = dict[tuple[str, str, str], Fraction]
"""(location, SKU, state) -> quantity in the measure of the case."""

VARIABLE = "SOURCIER_CASES"
SIBLING = Path(__file__).parents[3] / "shared" / "cases"
MISSING = f"no cases of other systems: set {VARIABLE}, or put them in ../shared/cases beside the repository"

WITHOUT_END = 1_000_000_000
"""Units of an untracked or backordered SKU."""
BEHIND = " (supplier)"
"""Ends the id of the node that stands for what a place can order in."""
OUT_OF_USE = "out-of-use"
"""Label of nodes that policies exclude."""


def cases_folder() -> Path | None:
    """Where the files are; None when there are none. Raises FileNotFoundError for a variable that leads
    nowhere."""
    named = os.environ.get(VARIABLE)
    if named:
        folder = Path(named)
        if not folder.is_dir():
            raise FileNotFoundError(f"{VARIABLE} names {named!r}, which is not a folder")
        return folder
    return SIBLING if SIBLING.is_dir() else None


def read_cases(file_name: str) -> list[Case]:
    """The cases of one file; empty when the folder is absent."""
    folder = cases_folder()
    if folder is None:
        return []
    cases: list[Case] = json.loads((folder / file_name).read_text(encoding="utf-8"))["cases"]
    return cases


def case_params(
    file_names: Iterable[str], keep: Callable[[str, Case], bool] = lambda name, case: True
) -> list[Any]:
    """(file name, case) of each case that is kept, for ``parametrize``; a single skipped one when the folder
    is absent."""
    if cases_folder() is None:
        return [pytest.param("", {}, id="none", marks=pytest.mark.skip(reason=MISSING))]
    return [
        pytest.param(name, case, id=f"{name.removesuffix('.json')}: {case['name']}")
        for name in file_names
        for case in read_cases(name)
        if keep(name, case)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A case in our words. ``scale`` of our units are one of the case's."""

    world: World
    scale: int


def said(case: Case, rules: RuleSet) -> Said:
    """The case under rules that state somebody's policy."""
    scale = scale_of(case)
    nodes, stock = [], {}
    for position, place in enumerate(case["locations"]):
        nodes.append(_node(place, position))
        for sku_id, units in place["stock"].items():
            taken = sum(place.get(key, {}).get(sku_id, 0) for key in ("reserved", "allocated"))
            untracked = sku_id in case.get("untracked", ())
            stock[sku_id, place["id"]] = WITHOUT_END if untracked else _units(units - taken, scale)
        if place.get("backorderable"):
            behind = f"{place['id']}{BEHIND}"
            rank = len(case["locations"]) + position
            nodes.append(_node({**place, "id": behind, "priority": rank + 1}, rank, NodeType.SUPPLIER))
            stock |= {(sku_id, behind): WITHOUT_END for sku_id in place["backorderable"]}
    lines = tuple(
        OrderLine(line_id=str(i + 1), sku_id=line["sku"], quantity=_units(line["qty"], scale))
        for i, line in enumerate(case["lines"])
    )
    sku_ids = sorted({line.sku_id for line in lines} | {sku_id for sku_id, _ in stock})
    latitude, longitude = case.get("dest", (0.0, 0.0))
    world = World(
        network=Network(nodes=tuple(sorted(nodes, key=lambda n: n.node_id)), services=(_PARCEL,)),
        skus={sku_id: Sku(sku_id=sku_id, weight_grams=100) for sku_id in sku_ids},
        stock=stock,
        rules=rules,
        order=Order(
            order_id=str(case["name"]),
            lines=lines,
            destination=Destination(country="FR", latitude=float(latitude), longitude=float(longitude)),
        ),
        now_seconds=NOW_SECONDS,
    )
    return Said(world=world, scale=scale)


def scale_of(case: Case) -> int:
    """The least number of finer units that makes every quantity of the case whole."""
    quantities = [line["qty"] for line in case["lines"]]
    for place in case["locations"]:
        for key in ("stock", "reserved", "allocated"):
            quantities += place.get(key, {}).values()
    return lcm(*(_exact(q).denominator for q in quantities))


def _exact(quantity: float) -> Fraction:
    return Fraction(str(quantity))


def _units(quantity: float, scale: int) -> int:
    return int(_exact(quantity) * scale)


def _node(place: Case, position: int, node_type: NodeType = NodeType.WAREHOUSE) -> Node:
    """``priority`` (or ``sequence``) of a place is its own, or else its position in the case."""
    full = "max_orders" in place and place["orders_today"] >= place["max_orders"]
    switched_off = not place.get("enabled", True)
    return Node(
        node_id=place["id"],
        node_type=node_type,
        country="FR",
        latitude=float(place.get("lat", 0.0)),
        longitude=float(place.get("lng", 0.0)),
        labels=frozenset({OUT_OF_USE}) if full or switched_off else frozenset(),
        priority=place.get("priority", place.get("sequence", position + 1)),
        services=frozenset({_PARCEL.service_id}),
    )


_PARCEL = Service(
    service_id="parcel",
    lanes=(Lane(transit_seconds=86_400, brackets=(Bracket(up_to_grams=10**7, cents=0),)),),
)
"""The cases know no carriers: everything travels, for nothing."""


def decided(case: Said) -> Decision:
    """The engine's answer, found clean by the verifier."""
    world = case.world
    decision = decide(world.order, snapshot_of(world), world.now_seconds)
    complaints = verify(
        decision, world.order, world.network, world.sku_of, world.available, world.rules, world.now_seconds
    )
    assert complaints == []
    return decision


def allocations(decision: Decision, scale: int) -> Allocations:
    """What the plan takes from where, back in the words of the case."""
    found: Counter[tuple[str, str, str]] = Counter()
    for shipment in decision.plan.shipments:
        place, state = shipment.node_id, "on_hand"
        if place.endswith(BEHIND):
            place, state = place.removesuffix(BEHIND), "backordered"
        for pick in shipment.picks:
            found[place, pick.sku_id, state] += pick.quantity
    return {key: Fraction(units, scale) for key, units in found.items()}


def expected_allocations(rows: Iterable[Case]) -> Allocations:
    """The same of what a case expects."""
    found: Allocations = {}
    for row in rows:
        key = (row["location"], row["sku"], row.get("state", "on_hand"))
        found[key] = found.get(key, Fraction(0)) + _exact(row["qty"])
    return found
