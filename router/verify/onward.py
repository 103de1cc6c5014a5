"""The last leg of a delivery that is put together at a hub: docs/cost-model.md, "Consolidation"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from router.cost import Part
from router.domain import Delivery, DeliveryMethod, DeliveryPlan, Onward
from router.network import HOME, Node
from router.rules.model import Strategy
from router.verify.case import Case
from router.verify.facts import great_circle_m, selects_node
from router.verify.pricing import carriage_cents, handling_cents, parcel_count, time_cents
from router.verify.supply import excludes
from router.verify.ways import Finder, Way


def hub_case(case: Case, onward: Onward) -> Case:
    """The delivery as one to the hub. The hub must exist."""
    own = case.delivery
    if own is None:
        own = Delivery(delivery_id="", destination=case.order.destination)
    return replace(case, delivery=replace(own, destination=None, node_id=onward.node_id, method=None))


def onward_complaints(case: Case, strategy: Strategy, own: DeliveryPlan, ready_seconds: int) -> list[str]:
    """What is wrong with the way on from the hub, to which all shipments are there at ``ready_seconds``."""
    onward = own.onward
    if onward is None:
        return []
    hub = next((node for node in case.network.nodes if node.node_id == onward.node_id), None)
    if hub is None:
        return [f"onward: unknown hub {onward.node_id!r}"]
    found = _hub_complaints(case, strategy, hub)
    if onward.ready_seconds != ready_seconds:
        found.append(f"onward: ready_seconds is {onward.ready_seconds}, should be {ready_seconds}")
    grams = sum(line.quantity * case.sku_of(line.sku_id).weight_grams for line in case.lines.values())
    if onward.weight_grams != grams:
        found.append(f"onward: weight_grams is {onward.weight_grams}, should be {grams}")
    ranked = {
        way.way_id: (total_cents(case, strategy, way, grams), way.arrival_seconds, rank, way)
        for rank, way in enumerate(open_legs(case, strategy, hub, ready_seconds))
    }
    if onward.service_id not in ranked:
        return [*found, f"onward: {onward.service_id!r} does not take it on in time"]
    way = ranked[onward.service_id][3]
    best = min(ranked, key=lambda way_id: ranked[way_id][:3])
    if best != onward.service_id:
        found.append(f"onward: service {best!r} is the better choice")
    if onward.parcel_count != parcel_count(way, grams):
        found.append(f"onward: parcel_count is {onward.parcel_count}, should be {parcel_count(way, grams)}")
    if own.promise_seconds != way.arrival_seconds:
        found.append(f"promise_seconds is {own.promise_seconds}, should be {way.arrival_seconds}")
    return found


def leg_cents(case: Case, strategy: Strategy, own: DeliveryPlan) -> dict[Part, int]:
    """What the last leg costs by itself, by part; nothing where there is none such."""
    onward = own.onward
    assert onward is not None
    hub = next((node for node in case.network.nodes if node.node_id == onward.node_id), None)
    if hub is None:
        return {}
    grams = sum(line.quantity * case.sku_of(line.sku_id).weight_grams for line in case.lines.values())
    for way in open_legs(case, strategy, hub, onward.ready_seconds):
        if way.way_id == onward.service_id:
            more = handling_cents(strategy, hub, line_count=0, unit_count=0)
            return {**carriage_cents(strategy, way, grams), Part.HANDLING: more}
    return {}


def total_cents(case: Case, strategy: Strategy, way: Way, grams: int) -> int:
    """Of the leg and its arrival."""
    carriage = carriage_cents(strategy, way, grams)
    return sum(carriage.values()) + sum(time_cents(case, strategy, way.arrival_seconds).values())


def open_legs(case: Case, strategy: Strategy, hub: Node, ready_seconds: int) -> Iterator[Way]:
    """Services that take everything from the hub to the address, in time, as stated."""
    finder = Finder(case.network, case.place, case.origin_seconds)
    latest = case.latest_seconds(strategy)
    skus = [case.sku_of(line.sku_id) for line in case.lines.values()]
    start = replace(hub, processing_seconds=0)
    for way in finder.find(start, great_circle_m(hub, case.place), ready_seconds).values():
        heaviest = way.greatest_grams
        if heaviest is not None and any(sku.weight_grams > heaviest for sku in skus):
            continue
        if any(excludes(strategy, service, sku) for service, _ in way.legs for sku in skus):
            continue
        if latest is None or way.arrival_seconds <= latest:
            yield way


def _hub_complaints(case: Case, strategy: Strategy, hub: Node) -> list[str]:
    rule, own = strategy.consolidation, case.delivery
    found = []
    if rule is None or not selects_node(rule.hubs, hub) or hub.pickup_lead_seconds is None:
        found.append(f"onward: {hub.node_id!r} is no hub")
    if case.place.kind != HOME or hub.country != case.place.country:
        found.append(f"onward: {hub.node_id!r} does not lie in the country of an address")
    if own is not None and (own.earliest_seconds or own.method not in (None, DeliveryMethod.SHIP)):
        found.append("onward: the delivery is not one that may go over a hub")
    return found
