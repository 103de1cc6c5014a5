"""The order of an order fulfilment template with weight tiers: five lines, two distribution centres, two
carriers each.

The peer handles goods by their volume, which are offers of the centres here, and bills the greater of the
weight and the volume times a factor, which our tariffs do not know: they go by weight. That changes nothing
of what is found: no plan is billed less than by its weight, so a cheapest plan by weight that costs as much
by the peer's own rules is a cheapest one there, too.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from router.catalogue import Sku
from router.domain import CertificateKind, Decision, Destination, NodeType, Order, OrderLine
from router.network import Bracket, Lane, Network, Node, Offer, Service
from tests.cases.adapter import Said, case_params, decided
from tests.small_shop import rules_of
from tests.worlds import NOW_SECONDS, World

PER_UNIT = 1_000
"""Our cents in one of the peer's units of money, and our grams in one of its units of weight."""


def exact(number: float) -> Fraction:
    return Fraction(str(number))


def whole(number: Fraction) -> int:
    assert number.denominator == 1
    return int(number)


def tiers_of(asked: dict[str, Any], centre: str, carrier: str) -> list[tuple[Fraction, Fraction]]:
    tariff = asked["carrier_delivery_costs"][centre][carrier]
    return [(exact(w), exact(r)) for w, r in zip(tariff["weight_tiers"], tariff["weight_rates"], strict=True)]


def said_with_tiers(asked: dict[str, Any]) -> Said:
    """A service is a carrier at a centre."""
    nodes, services, stock = [], [], {}
    for place in asked["distribution_centers"]:
        centre = place["distribution_center_id"]
        for carrier in asked["carrier_delivery_costs"][centre]:
            brackets = tuple(
                Bracket(up_to_grams=whole(weight * PER_UNIT), cents=whole(rate * PER_UNIT))
                for weight, rate in tiers_of(asked, centre, carrier)
            )
            lane = Lane(transit_seconds=86_400, brackets=brackets)
            services.append(Service(service_id=f"{centre}/{carrier}", lanes=(lane,)))
        each = exact(place["handling_cost"]) / exact(asked["carton_volume"])
        offers = [
            Offer(sku_id=i["item_id"], price_cents=whole(each * exact(i["unit_volume"]) * PER_UNIT))
            for i in asked["items"]
        ]
        nodes.append(
            Node(
                node_id=centre,
                node_type=NodeType.DISTRIBUTION_CENTER,
                country="FR",
                latitude=0.0,
                longitude=0.0,
                services=frozenset(s.service_id for s in services if s.service_id.startswith(centre)),
                offers=tuple(sorted(offers, key=lambda offer: offer.sku_id)),
            )
        )
        stock |= {(sku_id, centre): units for sku_id, units in place["inventory"].items()}
    world = World(
        network=Network(nodes=tuple(nodes), services=tuple(services)),
        skus={
            i["item_id"]: Sku(sku_id=i["item_id"], weight_grams=whole(exact(i["unit_weight"]) * PER_UNIT))
            for i in asked["items"]
        },
        stock=stock,
        rules=rules_of(
            {
                "id": "tiers",
                "objectives": ({"kind": "shipping"}, {"kind": "purchase"}),
                "limits": {"line_splits": "free"},
            }
        ),
        order=Order(
            order_id="tiers",
            lines=tuple(
                OrderLine(line_id=i["item_id"], sku_id=i["item_id"], quantity=i["quantity"])
                for i in asked["items"]
            ),
            destination=Destination(country="FR", latitude=0.0, longitude=0.0),
        ),
        now_seconds=NOW_SECONDS,
    )
    return Said(world=world, scale=1)


def by_the_peer(asked: dict[str, Any], decision: Decision) -> Fraction:
    """What the plan costs by the peer's rules, which it must keep: all is sent, and carriers have room."""
    items = {i["item_id"]: i for i in asked["items"]}
    costs = {p["distribution_center_id"]: exact(p["handling_cost"]) for p in asked["distribution_centers"]}
    total, sent = Fraction(0), Counter[str]()
    for shipment in decision.plan.shipments:
        centre, carrier = shipment.service_id.split("/")
        units = {pick.sku_id: pick.quantity for pick in shipment.picks}
        volume = sum((exact(items[s]["unit_volume"]) * n for s, n in units.items()), Fraction(0))
        weight = sum((exact(items[s]["unit_weight"]) * n for s, n in units.items()), Fraction(0))
        assert volume <= exact(asked["carrier_capacities"][centre][carrier])
        billable = max(weight, volume * exact(asked["carrier_dimensional_weight_factors"][carrier]))
        total += next(rate for up_to, rate in tiers_of(asked, centre, carrier) if billable <= up_to)
        total += costs[centre] * volume / exact(asked["carton_volume"])
        sent.update(units)
    assert sent == {i["item_id"]: i["quantity"] for i in asked["items"]}
    return total


@pytest.mark.parametrize(("file_name", "case"), case_params(["nextmv_mip.json"]))
def test_the_cheapest_plan_is_found(file_name: str, case: Any) -> None:
    decision = decided(said_with_tiers(case["input"]))
    assert decision.certificate.kind is CertificateKind.EXACT
    right = exact(case["expected"]["value_when_only_used_carriers_pay"])
    assert by_the_peer(case["input"], decision) == Fraction(decision.plan.total_cents, PER_UNIT) == right
