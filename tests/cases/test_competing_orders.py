"""Fourteen orders that compete for five centres, each decided when it comes.

How the case is said here: a centre is open on business days until its cut-off, and ships what it gets ready
that day; a unit weighs a gram, so that a fee per unit is a bracket per gram; a promised date is kept until
its end.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from router.catalogue import Sku
from router.domain import Decision, Delivery, Destination, NodeType, Order, OrderLine, Shipment, Status
from router.network import Bracket, Calendar, Lane, LoadKind, Network, Node, Opening, Service, Zone
from router.rules.model import RuleSet
from router.sourcer import decide
from tests.cases.adapter import MISSING, Case, cases_folder, read_cases
from tests.engine import snapshot_of
from tests.worlds import World

FILE = "busydbee_batch.json"
DAY_SECONDS = 86_400
HERE: dict[str, Any] = {"country": "FR", "latitude": 48.0, "longitude": 2.0}
PENALTY_CENTS = 500
"""Of a late line, by the case; three percent of its value are less for all of them."""


def rules(*strategies: dict[str, Any]) -> RuleSet:
    common = {
        "supply": [{"kind": "receipts", "name": "restock"}],
        "objectives": [
            {"kind": "shipping"},
            {"kind": "lateness", "steps": [{"from_days": 1, "cents": PENALTY_CENTS}]},
        ],
    }
    profile = {"id": "peer", "strategies": [common | strategy for strategy in strategies]}
    return RuleSet.model_validate({"version": 1, "default_profile": "peer", "profiles": [profile]})


IN_TIME = {"id": "in time", "limits": {"max_late_days": 0}, "fallback": "late"}
LATE = {"id": "late", "limits": {"max_late_days": 7}}
"""Later is no answer."""


def cents(amount: float) -> int:
    return int(Decimal(str(amount)) * 100)


def start_of(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def end_of(day: str) -> int:
    return start_of(day) + DAY_SECONDS


def ordinal(at_seconds: int) -> int:
    return datetime.fromtimestamp(at_seconds, UTC).date().toordinal()


def calendar_id(cut_off: str) -> str:
    return f"until {cut_off[:2]}"


def network(case: Case) -> Network:

    def weekdays(until: int) -> tuple[Opening, ...]:
        return (Opening(weekdays=frozenset(range(5)), opens_minute=0, closes_minute=until),)

    cut_offs = sorted({centre["cutoff"] for centre in case["centres"]})
    calendars = [
        Calendar(calendar_id=calendar_id(at), openings=weekdays(60 * int(at[:2]))) for at in cut_offs
    ]
    calendars.append(Calendar(calendar_id="business", openings=weekdays(1440)))
    services = []
    for carrier in case["carriers"]:
        centre = next(c for c in case["centres"] if c["id"] == carrier["centre"])
        lanes = []
        for zone in (1, 2, 3):
            beyond = max(0, abs(zone - centre["zone"]) - 1)
            each = cents(carrier["per_unit"]) + beyond * 350
            lanes.append(
                Lane(
                    to_zones=frozenset({str(zone)}),
                    transit_days=carrier["transit_days"] + beyond,
                    brackets=tuple(
                        Bracket(up_to_grams=n, cents=cents(carrier["base"]) + n * each) for n in range(1, 21)
                    ),
                )
            )
        services.append(
            Service(
                service_id=f"{carrier['centre']} {carrier['service']}",
                calendar="business",
                lanes=tuple(lanes),
            )
        )
    nodes = tuple(
        Node(
            node_id=centre["id"],
            node_type=NodeType.WAREHOUSE,
            calendar=calendar_id(centre["cutoff"]),
            capacity=((LoadKind.UNITS, centre["capacity_per_day"]),),
            services=frozenset({f"{centre['id']} ground", f"{centre['id']} expedited"}),
            **HERE,
        )
        for centre in case["centres"]
    )
    zones = tuple(Zone(zone_id=str(z), country="FR", postal_prefixes=(str(z),)) for z in (1, 2, 3))
    return Network(nodes=nodes, services=tuple(services), zones=zones, calendars=tuple(calendars))


def order_of(asked: Case) -> Order:
    home = Destination(postal_code=str(asked["zone"]), **HERE)
    return Order(
        order_id=asked["id"],
        lines=tuple(
            OrderLine(line_id=line["sku"], sku_id=line["sku"], quantity=line["qty"])
            for line in asked["lines"]
        ),
        deliveries=(Delivery(delivery_id="d", destination=home, requested_seconds=end_of(asked["promise"])),),
    )


class Centres:
    """What is left of stock, restock and days while orders come."""

    def __init__(self, case: Case, policy: RuleSet) -> None:
        self.policy = policy
        self.network = network(case)
        self.skus = {name: Sku(sku_id=name, weight_grams=1) for name in case["unit_price"]}
        self.stock = {(row["sku"], row["centre"]): row["qty"] for row in case["stock"]}
        self.receipts = {(r["sku"], r["centre"]): ((start_of(r["date"]), 1),) for r in case["restock"]}
        self.free: dict[tuple[str, int], int] = {}
        self.now_seconds = int(datetime.fromisoformat(case["now"].split()[0]).replace(tzinfo=UTC).timestamp())

    def decide(self, order: Order) -> Decision:
        world = World(
            network=self.network,
            skus=self.skus,
            stock=self.stock,
            receipts=self.receipts,
            rules=self.policy,
            order=order,
            now_seconds=self.now_seconds,
        )
        snapshot = snapshot_of(world)
        for (node_id, day), units in self.free.items():
            snapshot.states.set_free(snapshot.compiled.node_rows[node_id], LoadKind.UNITS, day, units)
        decision = decide(order, snapshot, self.now_seconds)
        for shipment in decision.plan.shipments:
            self.take(shipment)
        return decision

    def take(self, shipment: Shipment) -> None:
        node = next(n for n in self.network.nodes if n.node_id == shipment.node_id)
        day = ordinal(shipment.supply_seconds or self.now_seconds)
        if not shipment.supply_seconds and node.calendar == calendar_id("12:00"):
            day += 1  # it is past the cut-off
        capacity = dict(node.capacity)[LoadKind.UNITS]
        units = sum(pick.quantity for pick in shipment.picks)
        key = (shipment.node_id, day)
        self.free[key] = self.free.get(key, capacity) - units
        for pick in shipment.picks:
            self.stock[pick.sku_id, shipment.node_id] -= pick.on_hand_quantity
            if pick.receipts:
                self.receipts.pop((pick.sku_id, shipment.node_id))


def late_days(order: Order, decision: Decision) -> int:
    wanted = order.deliveries[0].requested_seconds or 0
    return max(0, -(-(decision.plan.promise_seconds - wanted) // DAY_SECONDS))


def effective_cents(decision: Decision, late: int) -> int:
    """As the case counts."""
    shipping = decision.plan.cost.shipping_cents
    if late >= 7:
        return 2 * shipping
    return shipping + PENALTY_CENTS * (late > 0)


def cases() -> list[Any]:
    if cases_folder() is None:
        return [pytest.param({}, id="none", marks=pytest.mark.skip(reason=MISSING))]
    return [pytest.param(case, id=case["name"]) for case in read_cases(FILE)]


def sourced_in_turn(case: Case, policy: RuleSet) -> tuple[int, int]:
    """Orders in time, and cents as the case counts them."""
    centres = Centres(case, policy)
    in_time = total = 0
    for asked in sorted(case["orders"], key=lambda asked: asked["arrival"]):
        order = order_of(asked)
        decision = centres.decide(order)
        assert decision.status is Status.SOURCED
        late = late_days(order, decision)
        in_time += late == 0
        total += effective_cents(decision, late)
    assert min(centres.free.values()) >= 0
    return in_time, total


@pytest.mark.parametrize("case", cases())
def test_orders_in_turn_do_no_worse_than_the_peer(case: Case) -> None:
    in_time, total = sourced_in_turn(case, rules(IN_TIME, LATE))
    peer = case["expected"]["arrival_order"]
    assert in_time >= peer["on_time"]
    assert total <= cents(peer["effective_cost"])


@pytest.mark.parametrize("case", cases())
def test_orders_in_turn_by_cost_alone_are_cheaper(case: Case) -> None:
    _, total = sourced_in_turn(case, rules(LATE))
    assert total < cents(case["expected"]["arrival_order"]["effective_cost"])
