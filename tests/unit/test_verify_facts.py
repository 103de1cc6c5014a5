"""The verifier's own prices and facts, by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from router.cost import Part
from router.domain import Destination
from router.network import Network, Zone
from router.verify.facts import great_circle_m, rounded_half_up, zone_of
from router.verify.pricing import carriage_cents, parcel_count, stock_depth_cents
from router.verify.ways import Way
from tests.hand_worked import network, rule_set, strategy


@pytest.mark.parametrize(
    ("grams", "cents", "parcels"),
    [
        (0, 600, 1),  # nothing weighs: the first bracket
        (1000, 600, 1),
        (1001, 1050, 1),
        (5000, 1050, 1),  # one full parcel and no rest
        (5001, 1650, 2),
        (11_500, 3150, 3),  # 2 x 5000 and 1500
    ],
)
def test_tariff_by_hand(grams: int, cents: int, parcels: int) -> None:
    service = network().services[0]
    way = Way("eco", ((service, service.lanes[0]),), arrival_seconds=0)
    main = rule_set(strategy()).profiles[0].strategies[0]
    assert carriage_cents(main, way, grams) == {Part.SHIPPING: cents, Part.TRANSFER: 0}
    assert parcel_count(way, grams) == parcels


def test_stock_depth_by_hand() -> None:
    # 60 cents, target 4: leaving 4 costs nothing, then 15, 30, 45 and at last the full 60
    main = rule_set(strategy()).profiles[0].strategies[0]
    node = network().nodes[0]
    costs = [stock_depth_cents(main, node, available=5, unit_count=n) for n in range(6)]
    assert costs == [0, 0, 15, 45, 90, 150]


def test_rounding_is_half_up_and_exact() -> None:
    weight = Decimal("0.37")
    # 50 x 0.37 = 18.5, 10^12 x 0.37 is whole, 1 x 0.37 = 0.37
    assert [rounded_half_up(cents, weight) for cents in (50, 10**12, 1)] == [19, 370_000_000_000, 0]


def test_zone_is_the_longest_prefix_then_the_first_stated() -> None:
    zones = (
        Zone(zone_id="rest", country="FR"),
        Zone(zone_id="seine", country="FR", postal_prefixes=("75", "92")),
        Zone(zone_id="twin", country="FR", postal_prefixes=("75",)),
        Zone(zone_id="left bank", country="FR", postal_prefixes=("7500", "75 014")),
    )
    net = Network(nodes=(), zones=zones)
    codes = ("75 0 14", "75011", "92", "13001", "")
    assert [zone_of(net, "FR", c) for c in codes] == ["left bank", "seine", "seine", "rest", "rest"]
    assert zone_of(net, "DE", "75011") is None


def test_distance_by_hand() -> None:
    # a quarter of the circle: 6,371,000 x pi / 2 = 10,007,543.4
    pole = replace(network().nodes[0], latitude=90.0)
    assert great_circle_m(pole, Destination(country="FR", latitude=0.0, longitude=77.0)) == 10_007_543
