"""One delivery of an order, decided by itself: its scene is solved, and the plan told in the order's
terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.cost import Cost, Part
from router.domain import DeliveryMethod, DeliveryPlan, Onward, Plan
from router.ladder import Solved, Unsolved, best_of, divisible_lines, solve_world
from router.mistrust import told_apart
from router.onward import Chosen, LastLeg
from router.question import Question
from router.scene import Scene, build_scene
from router.shared import NOTHING_SHARED, Shared
from router.times import late_cents


class SceneNames(NamedTuple):
    """The rows of a scene's sources, as text, and the ids of its ways."""

    node_ids: tuple[str, ...]
    service_ids: tuple[str, ...]


def solve_delivery(
    question: Question, ix: int, shared: Shared = NOTHING_SHARED, divisible: NDArray[np.bool_] | None = None
) -> Solved | Unsolved:
    """The best plan for delivery ``ix`` with its share of the stock and of the nodes' days, straight or over
    a hub. divisible: bool[L], what ``divisible_of`` says; needed where something is shared."""
    found = [_solve(question, ix, shared, divisible)]
    for over in question.over_hubs(ix):
        found.append(_solve(over, ix, shared, None if divisible is None else divisible_of(over, ix)))
    return best_of(found)


def _solve(
    question: Question, ix: int, shared: Shared, divisible: NDArray[np.bool_] | None
) -> Solved | Unsolved:
    """By the one place that the question has for it."""
    scene = build_scene(question, ix, shared)
    if not len(scene.nodes) or not scene.ways.ids:
        return Unsolved()
    names = SceneNames(tuple(map(str, range(len(scene.nodes)))), tuple(scene.ways.ids))
    origin = scene.moment.origin_seconds
    if divisible is None and (scene.dates > origin).any():
        divisible = divisible_of(question, ix)
    seconds = scene.ways.arrival - origin
    found = solve_world(scene.moment, scene.columns, scene.order, names, seconds, question.limits, divisible)
    if isinstance(found, Unsolved):
        return found
    plan = finished(scene, question.snapshot.compiled.node_ids, names, found.plan)
    return replace(found, plan=told_apart(plan, scene.strategy, question.snapshot))


def divisible_of(question: Question, ix: int) -> NDArray[np.bool_]:
    """bool[L]: lines of a delivery that may be divided. A line that a node can supply whole at once stays
    whole, whatever others take there."""
    scene = build_scene(question, ix, later=False)
    if not scene.ways.ids:
        return np.zeros(len(scene.columns.sku_ix), bool)
    return divisible_lines(scene.moment, scene.columns)


def finished(scene: Scene, node_ids: Sequence[str], names: SceneNames, plan: Plan) -> Plan:
    """The plan with what the kernels do not tell apart: dates, methods, and the parts of its cost that they
    count among others."""
    shipments = []
    cost = plan.cost
    sku_ix = scene.columns.sku_ix.tolist()
    sku_rows = {line.sku_id: row for line, row in zip(scene.order.lines, sku_ix, strict=True)}
    for shipment in plan.shipments:
        row, way = int(shipment.node_id), names.service_ids.index(shipment.service_id)
        date_seconds = int(scene.dates[row])
        tariff = scene.ways.tariffs[int(scene.ways.tariff[row, way])]
        own = shipment.cost
        picks = [(sku_rows[pick.sku_id], pick.quantity) for pick in shipment.picks]
        told = [(Part.HANDLING, *one) for one in scene.prices.told(row, picks).items()]
        transfer = tariff.price(tariff.transfer_cents, shipment.weight_grams)
        for among, part, cents in [(Part.SHIPPING, Part.TRANSFER, transfer), *told]:
            own, cost = own.moved(among, part, cents), cost.moved(among, part, cents)
        shipments.append(
            replace(
                shipment,
                node_id=node_ids[int(scene.nodes[row])],
                supply_seconds=date_seconds if date_seconds > scene.moment.origin_seconds else 0,
                cost=own,
                delivery_id=scene.delivery.delivery_id,
                method=DeliveryMethod(int(scene.methods[row])),
            )
        )
    deliveries: tuple[DeliveryPlan, ...] = ()
    promise = plan.promise_seconds
    chosen = scene.leg.choose(np.array([promise], np.int64))[0] if scene.leg is not None else None
    if scene.leg is not None and chosen is not None:
        cost, onward = _sent_on(cost, scene.leg, chosen, promise)
        promise = chosen.arrival_seconds
        deliveries = (
            DeliveryPlan(
                delivery_id=scene.delivery.delivery_id, cost=Cost(), promise_seconds=promise, onward=onward
            ),
        )
    late = int(late_cents(scene.strategy, scene.delivery, np.array([promise], np.int64))[0])
    cost = cost.moved(Part.DELAY, Part.LATENESS, late)
    return Plan(shipments=tuple(shipments), cost=cost, deliveries=deliveries)


def _sent_on(cost: Cost, leg: LastLeg, chosen: Chosen, ready_seconds: int) -> tuple[Cost, Onward]:
    """The last leg, which the kernels count with the delay."""
    service = chosen.service
    for part, cents in (
        (Part.SHIPPING, service.shipping_cents),
        (Part.TRANSFER, service.transfer_cents),
        (Part.HANDLING, leg.handling_cents),
    ):
        cost = cost.moved(Part.DELAY, part, cents)
    onward = Onward(
        node_id=leg.hub.node_id,
        service_id=service.service_id,
        ready_seconds=ready_seconds,
        parcel_count=max(1, -(-leg.weight_grams // service.tariff.up_to_grams[-1])),
        weight_grams=leg.weight_grams,
    )
    return cost, onward
