"""Where returned goods go: ways, costs, capability, worth, and what is answered when nothing accepts them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.domain import NodeType
from router.errors import InvalidInput
from router.network import Bracket, Lane, Service
from router.returns_domain import Condition, Return, ReturnCost, ReturnItem
from tests.return_shop import (
    BACK,
    COAT,
    COSTS,
    DAY,
    DROP_OFF,
    HAT,
    NETWORK,
    NOW,
    PARCEL,
    PARIS,
    TARIFF,
    asked,
    best,
    by_place,
    places,
    ranked,
    rules_of,
    with_nodes,
)


def test_cost_alone_decides() -> None:
    """Store: 100 handling. Depot by parcel: 500 + 20; after a drop-off 100 more."""
    decision = ranked(asked(COAT), rules_of(*COSTS))
    assert [plan.parts[0].node_id for plan in decision.plans] == ["store", "depot", "workshop"]
    store, depot, _ = decision.plans
    assert store.cost == ReturnCost(return_handling_cents=100)
    assert depot.cost == ReturnCost(return_shipping_cents=500, return_handling_cents=20)
    [part] = store.parts
    assert (part.method, part.drop_off_node_id, part.service_id) == (DROP_OFF, "store", "")
    assert (part.parcel_count, part.weight_grams, part.distance_m) == (0, 1_000, 0)
    assert part.arrival_seconds == NOW
    [part] = depot.parts
    assert (part.method, part.drop_off_node_id, part.service_id) == (PARCEL, "", "back")
    assert (part.parcel_count, part.weight_grams) == (1, 1_000)
    assert part.distance_m == pytest.approx(391_500, abs=500)
    assert part.arrival_seconds == NOW + 2 * DAY
    assert decision.unplaced == ()


def test_a_store_that_takes_no_drop_offs_and_has_no_carrier_gets_nothing() -> None:
    """Capability: what a node takes decides, whatever it would cost."""
    network = with_nodes(store={"return_methods": frozenset()})
    assert places(best(asked(COAT), rules_of(*COSTS), network)) == {"depot": "PARCEL"}


def test_a_customer_at_home_drops_off_within_the_distance_only() -> None:
    far = with_nodes(store={"latitude": 48.95})  # some 10 km
    assert places(best(asked(COAT), rules_of(*COSTS), far)) == {"store": "DROP_OFF"}
    assert places(best(asked(COAT), rules_of(*COSTS, drop_off_km=10), far)) == {"depot": "PARCEL"}


def test_goods_handed_over_in_a_store_stay_there_or_are_sent_on() -> None:
    """Sent on: 500 for the transfer, 100 at the store that passes it on, 20 at the depot."""
    decision = ranked(asked(COAT, drop_off_node_id="store"), rules_of(*COSTS))
    assert places(decision.plans[0]) == {"store": "DROP_OFF"}
    transfer = decision.plans[1].parts[0]
    assert (transfer.node_id, transfer.method.name) == ("depot", "DROP_OFF_TRANSFER")
    assert (transfer.drop_off_node_id, transfer.service_id) == ("store", "back")
    assert transfer.cost == ReturnCost(transfer_cents=500, return_handling_cents=120)
    assert transfer.arrival_seconds == NOW + 2 * DAY


def test_a_transfer_after_a_drop_off_may_be_cheaper_than_a_parcel() -> None:
    rules = rules_of(
        COSTS[0],
        {"kind": "transfer", "weight": 0.25},
        COSTS[2],
        eligibility=({"kind": "exclude_returns", "name": "no", "nodes": {"types": ["STORE"]}},),
    )
    [part] = best(asked(COAT), rules).parts
    assert (part.node_id, part.method.name, part.drop_off_node_id) == (
        "depot",
        "DROP_OFF_TRANSFER",
        "store",
    )
    assert part.cost == ReturnCost(transfer_cents=125, return_handling_cents=120)


def test_a_transfer_needs_a_service_that_calls_at_both_ends() -> None:
    network = with_nodes(store={"services": frozenset({"out"})})
    decision = ranked(asked(COAT, drop_off_node_id="store"), rules_of(*COSTS), network)
    assert [places(plan) for plan in decision.plans] == [{"store": "DROP_OFF"}]


def test_only_return_services_bring_returns() -> None:
    network = replace(NETWORK, return_services=())
    decision = ranked(asked(COAT), rules_of(*COSTS), network)
    assert [places(plan) for plan in decision.plans] == [{"store": "DROP_OFF"}]


def test_lanes_lead_from_the_customer_to_the_node() -> None:
    """The first lane that matches counts: near ones are dear here."""
    lanes = (
        Lane(max_distance_m=250_000, transit_seconds=DAY, brackets=(Bracket(up_to_grams=5_000, cents=990),)),
        *BACK.lanes,
    )
    network = replace(NETWORK, return_services=(replace(BACK, lanes=lanes),))
    cost = by_place(ranked(asked(COAT), rules_of(*COSTS), network))
    assert (cost["workshop"].return_shipping_cents, cost["depot"].return_shipping_cents) == (990, 500)


def test_several_lines_go_to_one_place_when_that_is_cheaper() -> None:
    """Together 2 kg in one parcel: 500 + 3 x 20, and 400 less than in two parcels. The tariff is no sum."""
    no_store = with_nodes(store={"return_methods": frozenset()})
    plan = best(asked(COAT, HAT), rules_of(*COSTS), no_store)
    assert places(plan) == {"depot": "PARCEL"}
    assert plan.cost == ReturnCost(return_shipping_cents=500, return_handling_cents=60)
    assert [units.line_id for units in plan.parts[0].units] == ["1", "2"]


def test_lines_part_where_that_is_worth_a_place_more() -> None:
    """The coat is worth 100 % in the depot, the hats are in the store; apart costs a split."""
    worth = (
        {"kind": "worth", "skus": {"ids": ["coat"]}, "nodes": {"ids": ["depot"]}, "percent": 100},
        {"kind": "worth", "skus": {"ids": ["hat"]}, "nodes": {"ids": ["store"]}, "percent": 100},
    )
    request = asked(COAT, HAT)
    plan = best(request, rules_of(*COSTS, *worth, {"kind": "split", "cents": 30}))
    assert places(plan) == {"depot": "PARCEL", "store": "DROP_OFF"}
    assert plan.cost == ReturnCost(
        return_shipping_cents=500, return_handling_cents=220, split_cents=30, worth_cents=14_000
    )
    assert plan.total_cents == -13_250
    one_place = best(request, rules_of(*COSTS, *worth, max_places=1))
    assert places(one_place) == {"depot": "PARCEL"}
    assert places(best(replace(request, together=True), rules_of(*COSTS, *worth))) == {"depot": "PARCEL"}


def test_the_ranking_has_every_division_once_and_cheapest_first() -> None:
    """Two lines, three nodes: nine divisions."""
    decision = ranked(asked(COAT, HAT), rules_of(*COSTS, {"kind": "split", "cents": 7}))
    cents = [plan.total_cents for plan in decision.plans]
    assert len(cents) == 9
    assert cents == sorted(cents)
    assert len(ranked(asked(COAT, HAT, max_plans=4), rules_of(*COSTS)).plans) == 4


def test_a_node_is_used_once_even_where_two_parcels_would_be_cheaper() -> None:
    """3 kg in one parcel cost 9,000, a coat and the hats apart 500 each: two places, not one twice."""
    jump = (TARIFF[0], Bracket(up_to_grams=10_000, cents=9_000))
    network = replace(
        with_nodes(store={"return_methods": frozenset()}),
        return_services=(Service(service_id="back", lanes=(Lane(brackets=jump),)),),
    )
    request = asked(replace(COAT, quantity=2), HAT)
    plan = best(request, rules_of(*COSTS), network)
    assert places(plan) == {"depot": "PARCEL", "workshop": "PARCEL"}
    assert plan.cost.return_shipping_cents == 1_000
    only_depot = {"kind": "accept_returns", "name": "depot", "nodes": {"ids": ["depot"]}}
    alone = best(request, rules_of(*COSTS, eligibility=(only_depot,)), network)
    assert alone.cost.return_shipping_cents == 9_000


TOO_HEAVY = (
    "NO_SERVICE",
    "",
    "back takes at most 10.000 kg, a unit weighs 12.000 kg",
    "a return service that takes the line",
)
REASONS: list[tuple[str, Any, Any, dict[str, list[tuple[str, str, str, str]]]]] = [
    (
        "at home, nothing takes it",
        asked(COAT),
        {
            "depot": {"services": frozenset()},
            "store": {"latitude": 49.0},
            "workshop": {"return_methods": frozenset()},
        },
        {
            "depot": [
                ("NO_SERVICE", "", "no return service calls here", "a return service that takes the line")
            ],
            "store": [("DROP_OFF_DISTANCE", "", "15.945 km", "<= 12.5 km")],
            "workshop": [("NO_RETURNS", "", "takes none", "DROP_OFF or PARCEL")],
        },
    ),
    (
        "in a node without drop-offs",
        asked(COAT, drop_off_node_id="depot"),
        {},
        {
            "depot": [("NO_RETURNS", "", "takes PARCEL", "DROP_OFF")],
            "store": [("NO_RETURNS", "", "the goods are at depot, which takes no drop-offs", "a drop-off")],
            "workshop": [
                ("NO_RETURNS", "", "the goods are at depot, which takes no drop-offs", "a drop-off")
            ],
        },
    ),
    (
        "too heavy for the only way",
        asked(ReturnItem(line_id="1", sku_id="heater", quantity=1)),
        {"store": {"return_methods": frozenset({PARCEL}), "services": frozenset()}},
        {
            "store": [
                ("NO_SERVICE", "", "no return service calls here", "a return service that takes the line")
            ],
            "depot": [TOO_HEAVY],
            "workshop": [TOO_HEAVY],
        },
    ),
]


@pytest.mark.parametrize(("request_", "changes", "expected"), [case[1:] for case in REASONS])
def test_units_that_nothing_accepts_come_with_every_nodes_reasons(
    request_: Return, changes: Any, expected: Any
) -> None:
    decision = ranked(request_, rules_of(*COSTS, drop_off_km=12.5), with_nodes(**changes))
    assert decision.plans == ()
    [unplaced] = decision.unplaced
    found = {
        n.node_id: [(r.reason, r.rule_name, r.value, r.threshold) for r in n.rejections]
        for n in unplaced.nodes
    }
    assert found == expected


def test_what_is_accepted_is_placed_and_the_rest_told() -> None:
    """Most units count before cost; lines that must stay together are all or none."""
    rule = {"kind": "exclude_returns", "name": "no-hats", "skus": {"ids": ["hat"]}, "nodes": {}}
    decision = ranked(asked(COAT, HAT), rules_of(*COSTS, eligibility=(rule,)))
    assert places(decision.plans[0]) == {"store": "DROP_OFF"}
    [units] = decision.plans[0].unplaced
    assert (units.line_id, units.quantity) == ("2", 2)
    [entry] = decision.unplaced
    assert {r.rule_name for node in entry.nodes for r in node.rejections} == {"no-hats"}
    decision = ranked(asked(COAT, HAT, together=True), rules_of(*COSTS, eligibility=(rule,)))
    assert decision.plans == ()
    coat, hat = decision.unplaced
    assert {r.reason for node in coat.nodes for r in node.rejections} == {"TOGETHER"}
    assert coat.nodes[0].rejections[0].value == "refuses line 2"
    assert {r.reason for node in hat.nodes for r in node.rejections} == {"EXCLUDE_RETURNS"}


def test_the_limit_on_places_is_a_reason_too() -> None:
    rules = rules_of(
        *COSTS,
        eligibility=(
            {"kind": "accept_returns", "name": "a", "skus": {"ids": ["coat"]}, "nodes": {"ids": ["depot"]}},
            {"kind": "accept_returns", "name": "b", "skus": {"ids": ["hat"]}, "nodes": {"ids": ["store"]}},
        ),
        max_places=1,
    )
    decision = ranked(asked(COAT, HAT), rules)
    assert places(decision.plans[0]) == {"store": "DROP_OFF"}  # two hats are more units than a coat
    [entry] = decision.unplaced
    said = {n.node_id: [(r.reason, r.value, r.threshold) for r in n.rejections] for n in entry.nodes}
    assert said["depot"] == [("MAX_PLACES", "one place more", "<= 1 place")]
    assert said["store"][0][0] == "ACCEPT_RETURNS"


def test_together_takes_more_lines_than_the_programme_could_part() -> None:
    items = tuple(ReturnItem(line_id=str(i), sku_id="hat", quantity=1) for i in range(11))
    plan = best(asked(*items, together=True), rules_of(*COSTS))
    assert [units.line_id for units in plan.parts[0].units] == [str(i) for i in range(11)]
    with pytest.raises(InvalidInput) as raised:
        ranked(asked(*items), rules_of(*COSTS))
    [violation] = raised.value.violations
    assert violation.field == "items"
    assert "11 lines" in violation.message


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"items": ()}, ["items"]),
    ({"items": (replace(COAT, line_id=""),)}, ["items[0].line_id"]),
    ({"items": (COAT, COAT)}, ["items[1].line_id"]),
    ({"items": (replace(COAT, sku_id="x"),)}, ["items[0].sku_id"]),
    ({"items": (replace(COAT, quantity=0),)}, ["items[0].quantity"]),
    ({"items": (replace(COAT, unit_value_cents=-1),)}, ["items[0].unit_value_cents"]),
    ({"items": (replace(COAT, original_node_id="x"),)}, ["items[0].original_node_id"]),
    ({"items": (replace(COAT, returned_before=-1),)}, ["items[0].returned_before"]),
    ({"from_place": None}, ["from_place"]),
    ({"drop_off_node_id": "store"}, ["drop_off_node_id"]),
    ({"from_place": None, "drop_off_node_id": "x"}, ["drop_off_node_id"]),
    ({"from_place": replace(PARIS, latitude=91.0)}, ["from_place.latitude"]),
    ({"from_place": replace(PARIS, country="XX")}, ["from_place.country_code"]),
    ({"sourcing_profile": "x"}, ["sourcing_profile"]),
    ({"max_plans": 51}, ["max_plans"]),
    (
        {"items": (replace(COAT, quantity=0, sku_id="x"),), "max_plans": 0, "from_place": None},
        ["items[0].quantity", "from_place", "max_plans", "items[0].sku_id"],
    ),
]


@pytest.mark.parametrize(("changes", "fields"), WRONG)
def test_bad_input_names_its_fields_all_at_once(changes: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidInput) as raised:
        ranked(replace(asked(COAT), **changes), rules_of(*COSTS))
    assert [violation.field for violation in raised.value.violations] == fields


def test_a_profile_without_a_section_takes_no_returns() -> None:
    rules = rules_of()
    [profile] = rules.profiles
    rules = rules.model_copy(update={"profiles": (profile.model_copy(update={"returns": None}),)})
    with pytest.raises(InvalidInput) as raised:
        ranked(asked(COAT), rules)
    assert [str(v) for v in raised.value.violations] == [
        "sourcing_profile: the rules of profile 'p' have no returns section"
    ]


def test_conditions_and_node_types_have_the_names_that_rules_use() -> None:
    assert [c.name for c in Condition] == ["NEW", "OPENED", "DAMAGED", "DEFECTIVE"]
    assert NETWORK.nodes[1].node_type is NodeType.STORE
