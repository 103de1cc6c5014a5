"""A sound ranking is clean before the verifier; broken in any one way it is complained of, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from router.domain import ReturnMethod
from router.returns import rank_returns
from router.returns_domain import (
    Condition,
    OriginalPick,
    OriginalShipment,
    ReturnDecision,
    ReturnedUnits,
    ReturnPart,
    ReturnPlan,
)
from router.verify.returns import verify_returns
from tests.return_shop import COAT, COSTS, HAT, NETWORK, NOW, SKUS, asked, rules_of, snapshot_of

RULES = rules_of(
    *COSTS,
    {"kind": "worth", "percent": 50, "reconditioned_percent": 90},
    {"kind": "follow_source", "cents": 3_000},
    {"kind": "stock_need", "cents": 100, "target_units": 4},
    {"kind": "split", "cents": 30},
    eligibility=({"kind": "exclude_returns", "name": "no-hats", "skus": {"ids": ["hat"]},
                  "nodes": {"ids": ["depot"]}},),
    max_places=2,
)  # fmt: skip
STOCK = {("hat", "store"): 2}
SENT = (
    OriginalShipment(
        node_id="workshop",
        service_id="out",
        shipping_cents=500,
        picks=tuple(
            OriginalPick(line_id=i.line_id, sku_id=i.sku_id, quantity=i.quantity) for i in (COAT, HAT)
        ),
    ),
)
REQUEST = asked(replace(COAT, condition=Condition.OPENED), HAT, original=SENT, max_plans=3)

Edit = Callable[[ReturnDecision], ReturnDecision]


def in_plan(**changes: Any) -> Edit:
    return lambda d: replace(d, plans=(replace(d.plans[0], **changes), *d.plans[1:]))


def in_part(**changes: Any) -> Edit:
    def edit(d: ReturnDecision) -> ReturnDecision:
        parts = d.plans[0].parts
        return in_plan(parts=(replace(parts[0], **changes), *parts[1:]))(d)

    return edit


def in_units(**changes: Any) -> Edit:
    def edit(d: ReturnDecision) -> ReturnDecision:
        units = d.plans[0].parts[0].units
        return in_part(units=(replace(units[0], **changes), *units[1:]))(d)

    return edit


def in_cost(**changes: Any) -> Edit:
    def edit(d: ReturnDecision) -> ReturnDecision:
        return in_part(cost=replace(d.plans[0].parts[0].cost, **changes))(d)

    return edit


def in_total(**changes: Any) -> Edit:
    return lambda d: in_plan(cost=replace(d.plans[0].cost, **changes))(d)


def in_refund(**changes: Any) -> Edit:
    return lambda d: replace(d, refunds=(replace(d.refunds[0], **changes), *d.refunds[1:]))


def ranking() -> ReturnDecision:
    return rank_returns(REQUEST, snapshot_of(RULES, NETWORK, STOCK), NOW)


def complaints(decision: ReturnDecision) -> list[str]:
    return verify_returns(
        decision,
        REQUEST,
        NETWORK,
        sku_of=SKUS.__getitem__,
        available=lambda sku_id, node_id: STOCK.get((sku_id, node_id)),
        rules=RULES,
        now_seconds=NOW,
    )


def test_the_ranking_is_clean() -> None:
    decision = ranking()
    [part] = decision.plans[0].parts
    assert (part.node_id, part.method) == ("workshop", ReturnMethod.PARCEL)
    assert len(decision.plans) == 3
    assert len(decision.refunds) == 2
    assert complaints(decision) == []


GHOST = ReturnedUnits(
    line_id="1", sku_id="coat", quantity=9, condition=Condition.NEW, unit_value_cents=10_000
)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda d: replace(d, decided_at_seconds=1), "decided_at_seconds is 1"),
        (lambda d: replace(d, plans=d.plans[::-1]), "not sorted by cost"),
        (lambda d: replace(d, plans=(*d.plans, d.plans[-1])), "a plan is given twice"),
        (lambda d: replace(d, plans=(*d.plans, d.plans[-1])), "4 plans, asked for 3"),
        (lambda d: replace(d, unplaced=()), None),
        (in_plan(unplaced=(GHOST,)), "units are"),
        (in_plan(parts=()), "units are"),
        (in_units(quantity=2), "units are"),
        (in_units(original_node_id="depot"), "units are"),
        (in_units(unit_value_cents=1), "units are"),
        (in_units(condition=Condition.DAMAGED), "line '1' is DAMAGED 'coat'"),
        (in_units(reconditioned=False), "reconditioned is False, should be True"),
        (in_part(node_id="nowhere"), "unknown node 'nowhere'"),
        (in_part(node_id="depot"), "rule 'no-hats' (exclude_returns) forbids line '2'"),
        (in_part(method=ReturnMethod.DROP_OFF), "no way there like"),
        (in_part(service_id="out"), "no way there like"),
        (in_part(method=ReturnMethod.DROP_OFF_TRANSFER, drop_off_node_id="store"), "is better than"),
        (in_part(weight_grams=1), "weight_grams is 1, should be 2000"),
        (in_part(parcel_count=2), "parcel_count is 2, should be 1"),
        (in_part(distance_m=5), "distance_m is 5"),
        (in_part(arrival_seconds=5), "arrival_seconds is 5"),
        *((in_cost(**{name: 7}), f"{name}=7") for name in (
            "return_shipping_cents", "transfer_cents", "return_handling_cents", "reconditioning_cents",
            "split_cents", "worth_cents", "stock_need_cents", "follow_source_cents",
        )),
        (in_total(split_cents=30), "plans[0]: cost is"),
        (in_refund(shipping_cents=1), "refunds are"),
        (in_refund(quantity=2), "refunds are"),
        (lambda d: replace(d, refunds=()), "refunds are"),
    ],
)  # fmt: skip
def test_what_is_broken_is_complained_of(edit: Edit, expected: str | None) -> None:
    found = complaints(edit(ranking()))
    if expected is None:
        assert found == []
    else:
        assert any(expected in complaint for complaint in found), found


def test_too_many_places_and_a_node_twice_are_complained_of() -> None:
    decision = ranking()
    two = next(plan for plan in decision.plans if len(plan.parts) == 2)
    part: ReturnPart = two.parts[0]
    for parts, expected in (
        ((two.parts[1], part), "not sorted by node"),
        ((part, part), "units are"),
    ):
        broken: ReturnPlan = replace(two, parts=parts)
        found = complaints(replace(decision, plans=(broken,)))
        assert any(expected in complaint for complaint in found), found


def test_lines_left_out_need_reasons() -> None:
    rules = rules_of(*COSTS, eligibility=({"kind": "exclude_returns", "name": "none", "nodes": {}},))
    decision = rank_returns(asked(COAT), snapshot_of(rules, NETWORK, {}), NOW)
    [entry] = decision.unplaced

    def said(changed: ReturnDecision) -> list[str]:
        return verify_returns(changed, asked(COAT), NETWORK, SKUS.__getitem__, lambda *_: None, rules, NOW)

    assert said(decision) == []
    assert "unplaced is" in said(replace(decision, unplaced=()))[0]
    nothing = replace(entry, nodes=(replace(entry.nodes[0], rejections=()), *entry.nodes[1:]))
    assert "no reason against 'depot'" in said(replace(decision, unplaced=(nothing,)))[0]
    fewer = replace(entry, nodes=entry.nodes[1:])
    assert "not every node" in said(replace(decision, unplaced=(fewer,)))[0]
