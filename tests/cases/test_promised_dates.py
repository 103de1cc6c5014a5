"""Promises of a planner that knows what will come when: receipts, suppliers' lead times, two echelons.

How they are said here: a day is its first second; goods that are ready before they are asked for wait for
that day; what a supplier brings is a backorder of the place that it supplies, with the supplier's lead time;
a least shipment above the order is what the order is rounded up to; a place that is supplied over others is
a store that goods are transferred to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from router.catalogue import Sku
from router.domain import Decision, Delivery, Destination, NodeType, Order, OrderLine, Status
from router.network import STORE, Bracket, Lane, Network, Node, Path, Service, Zone
from router.rules.model import RuleSet
from router.sourcer import decide
from router.verify import verify
from tests.cases.adapter import MISSING, Case, cases_folder, read_cases
from tests.engine import snapshot_of
from tests.worlds import World

FILE = "frepple_promise.json"
SKU = "item"
DAY_SECONDS = 86_400
HERE: dict[str, Any] = {"country": "FR", "latitude": 48.0, "longitude": 2.0}
LATE = {"kind": "lateness", "cents_per_day": 1_000}
WAIT = {"kind": "waiting", "cents_per_day": 1}
RECEIPTS = {"kind": "receipts", "name": "what comes"}
FREE = {"line_splits": "free"}


def seconds(day: str) -> int:
    """The first second of a date."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def day(at_seconds: int) -> str:
    return datetime.fromtimestamp(at_seconds, UTC).date().isoformat()


def rules(*supply: dict[str, Any], **limits: Any) -> RuleSet:
    strategy = {"id": "plan", "supply": supply, "objectives": [LATE, WAIT], "limits": limits}
    profile = {"id": "planner", "strategies": [strategy]}
    return RuleSet.model_validate({"version": 1, "default_profile": "planner", "profiles": [profile]})


def decided(world: World) -> Decision:
    decision = decide(world.order, snapshot_of(world), world.now_seconds)
    complaints = verify(
        decision,
        world.order,
        world.network,
        world.sku_of,
        world.available,
        world.rules,
        world.now_seconds,
        world.expected,
    )
    assert complaints == []
    return decision


def told(decision: Decision, line_id: str, due: str) -> list[list[Any]]:
    """[date, units] of a line, by date; nothing is handed over before it is asked for."""
    found: dict[str, int] = {}
    for shipment in decision.plan.shipments:
        at = max(day(shipment.arrival_seconds), due)
        found[at] = found.get(at, 0) + sum(p.quantity for p in shipment.picks if p.line_id == line_id)
    return [[at, units] for at, units in sorted(found.items()) if units]


def carrier(service_id: str, *lanes: Lane, **more: Any) -> Service:
    return Service(service_id=service_id, lanes=lanes, **more)


def lane(days: int = 0, **more: Any) -> Lane:
    brackets = (Bracket(up_to_grams=10**7, cents=0),)
    return Lane(transit_seconds=days * DAY_SECONDS, brackets=brackets, **more)


ONE_PLACE = Network(
    nodes=(Node(node_id="place", node_type=NodeType.WAREHOUSE, services=frozenset({"van"}), **HERE),),
    services=(carrier("van", lane()),),
)


def asked(case: Case, lines: Iterable[OrderLine], due: str) -> Order:
    home = Destination(**HERE)
    delivery = Delivery(delivery_id="d", destination=home, requested_seconds=seconds(due))
    return Order(order_id=str(case["name"]), lines=tuple(lines), deliveries=(delivery,))


def one_item(case: Case) -> World:
    """One place, one SKU, receipts."""
    least = case.get("min_shipment", 0)
    limits: dict[str, Any] = dict(FREE)
    if least:
        limits = {"line_splits": "never"}
    if "max_late_days" in case:
        limits |= {"max_late_days": case["max_late_days"], "allow_partial": True}
    units = max(case["order"]["qty"], least)
    return World(
        network=ONE_PLACE,
        skus={SKU: Sku(sku_id=SKU, weight_grams=1)},
        stock={(SKU, "place"): case["on_hand"]},
        receipts={(SKU, "place"): tuple((seconds(r["date"]), r["qty"]) for r in case["incoming"])},
        rules=rules(RECEIPTS, **limits),
        order=asked(case, [OrderLine(line_id="1", sku_id=SKU, quantity=units)], case["order"]["due"]),
        now_seconds=seconds(case["today"]),
    )


def cases(*keys: str) -> Sequence[Any]:
    """Those that state the keys."""
    if cases_folder() is None:
        return [pytest.param({}, id="none", marks=pytest.mark.skip(reason=MISSING))]
    return [pytest.param(case, id=case["name"]) for case in read_cases(FILE) if case.keys() >= set(keys)]


@pytest.mark.parametrize("case", cases("incoming"))
def test_an_order_gets_what_is_there_and_what_comes(case: Case) -> None:
    world = one_item(case)
    decision = decided(world)
    wanted = [[row["date"], row["qty"]] for row in case["expected"]["deliveries"]]
    assert told(decision, "1", case["order"]["due"]) == wanted
    assert case["order"]["qty"] - sum(units for _, units in wanted) == case["expected"]["short"]
    assert (decision.status is Status.PARTIAL) == (case["expected"]["short"] > 0)


@pytest.mark.parametrize("case", cases("group_policy"))
def test_a_group_is_promised_for_when_its_last_line_comes(case: Case) -> None:
    lines = case["lines"]
    supply = [
        {
            "kind": "backorder",
            "name": f"supplier of {line['line']}",
            "skus": {"ids": [line["line"]]},
            "lead_days": line["supplier_lead_days"],
        }
        for line in lines
    ]
    together = [
        OrderLine(line_id=x["line"], sku_id=x["line"], quantity=x["qty"], together="all") for x in lines
    ]
    world = World(
        network=ONE_PLACE,
        skus={x["line"]: Sku(sku_id=x["line"], weight_grams=1) for x in lines},
        stock={(x["line"], "place"): x["on_hand"] for x in lines},
        rules=rules(*supply),
        order=asked(case, together, min(x["due"] for x in lines)),
        now_seconds=seconds(case["today"]),
    )
    decision = decided(world)
    promised = {x["line"]: told(decision, x["line"], x["due"])[-1][0] for x in lines}
    assert promised == case["expected"]["promise"]


def echelons(case: Case) -> Network:
    """Every place is in a zone of its own and sends by a van of its own; paths go by way of the regions."""
    links = [(x["from_"], x["to"], x["lead_days"]) for x in case["lanes"]]
    names = sorted({name for a, b, _ in links for name in (a, b)})
    key = {name: str(i) for i, name in enumerate(names)}
    senders = sorted({a for a, _, _ in links})
    services = tuple(
        carrier(
            f"from {a}",
            *(lane(days, to_zones=frozenset({b})) for sender, b, days in links if sender == a),
            serves=frozenset({STORE}),
            is_transfer=True,
        )
        for a in senders
    )
    nodes = tuple(
        Node(
            node_id=name,
            node_type=NodeType.WAREHOUSE if name in senders else NodeType.STORE,
            postal_code=key[name],
            services=frozenset({f"from {name}"} if name in senders else ()),
            pickup_lead_seconds=None if name in senders else 0,
            **HERE,
        )
        for name in names
    )
    hubs = [(a, b) for a, b, _ in links if b in senders]
    return Network(
        nodes=nodes,
        services=services,
        zones=tuple(Zone(zone_id=n, country="FR", postal_prefixes=(key[n],)) for n in names),
        paths=tuple(
            Path(path_id=f"{a} over {b}", services=(f"from {a}", f"from {b}"), hubs=(b,)) for a, b in hubs
        ),
    )


@pytest.mark.parametrize("case", cases("supplier"))
def test_orders_in_turn_are_supplied_through_a_network(case: Case) -> None:
    leads = [
        {"kind": "backorder", "name": x["to"], "nodes": {"ids": [x["to"]]}, "lead_days": x["lead_days"]}
        for x in case["supplier"]
    ]
    world = World(
        network=echelons(case),
        skus={SKU: Sku(sku_id=SKU, weight_grams=1)},
        stock={(SKU, place): units for place, units in case["on_hand"].items()},
        rules=rules(*leads, **FREE),
        order=asked(case, (), case["today"]),
        now_seconds=seconds(case["today"]),
    )
    found = {}
    for order in case["orders"]:
        delivery = Delivery(
            delivery_id="d",
            node_id=order["at"],
            requested_seconds=max(seconds(order["due"]), world.now_seconds),
        )
        line = OrderLine(line_id="1", sku_id=SKU, quantity=order["qty"])
        asks = Order(order_id=order["id"], lines=(line,), deliveries=(delivery,))
        decision = decided(replace(world, order=asks))
        found[order["id"]] = told(decision, "1", order["due"])
        stock = dict(world.stock)
        for shipment in decision.plan.shipments:
            taken = sum(pick.on_hand_quantity for pick in shipment.picks)
            if taken:
                stock[SKU, shipment.node_id] -= taken
        world = replace(world, stock=stock)
    assert found == case["expected"]
