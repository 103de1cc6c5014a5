"""The verifier of returns: checks a ranking against docs/cost-model.md, not knowing how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from router.domain import Destination, ReturnMethod
from router.network import Lane, Network, Node, Service
from router.returns_domain import (
    Return,
    ReturnCost,
    ReturnDecision,
    ReturnedUnits,
    ReturnItem,
    ReturnPart,
    ReturnPlan,
)
from router.rules.model import RuleSet
from router.rules.return_model import AcceptReturns, MaxReturnDistance, ReturnRules
from router.verify.facts import SkuFacts, great_circle_m, selects_node, selects_sku, zone_of
from router.verify.plan import DISTANCE_TOLERANCE_M
from router.verify.returns_pricing import (
    follow_cents,
    handling_cents,
    need_cents,
    reconditioning_cents,
    split_cents,
    tariff_cents,
    worth_cents,
)
from router.verify.returns_sources import Source, refund_complaints, sources_of


@dataclass(frozen=True)
class ReturnCase:
    """One return and everything its answer depends on."""

    request: Return
    network: Network
    sku_of: Callable[[str], SkuFacts]
    available: Callable[[str, str], int | None]
    rules: ReturnRules
    now_seconds: int

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {n.node_id: n for n in self.network.nodes}

    @cached_property
    def items(self) -> dict[str, ReturnItem]:
        return {item.line_id: item for item in self.request.items}

    @cached_property
    def here(self) -> Destination:
        """Where the customer is."""
        place = self.request.from_place
        return place if place is not None else place_of(self.nodes[self.request.drop_off_node_id])

    @cached_property
    def sources(self) -> Counter[Source]:
        return sources_of(self.request, self.sku_of)

    def takes_drop_off(self, node: Node) -> bool:
        """The customer can hand the goods over there."""
        if ReturnMethod.DROP_OFF not in node.return_methods:
            return False
        if self.request.from_place is None:
            return node.node_id == self.request.drop_off_node_id
        return great_circle_m(node, self.here) <= self.rules.limits.drop_off_km * 1000


Way = tuple[ReturnMethod, str, str, Lane | None, int]
"""Method, drop-off node, service, lane and metres."""


def verify_returns(
    decision: ReturnDecision,
    request: Return,
    network: Network,
    sku_of: Callable[[str], SkuFacts],
    available: Callable[[str, str], int | None],
    rules: RuleSet,
    now_seconds: int,
) -> list[str]:
    """Everything in which a ranking contradicts the cost model, readable; empty when clean. Arguments are
    those of ``verify``. Proven are permission, prices, the best way to each place, and refunds; not that no
    other plan is better."""
    profile = request.sourcing_profile or rules.default_profile
    returns = next(p.returns for p in rules.profiles if p.id == profile)
    if returns is None:
        return [f"profile {profile!r} has no returns section"]
    case = ReturnCase(request, network, sku_of, available, returns, now_seconds)
    found = refund_complaints(request, decision.refunds, sku_of)
    if decision.decided_at_seconds != now_seconds:
        found.append(f"decided_at_seconds is {decision.decided_at_seconds}, should be {now_seconds}")
    for i, plan in enumerate(decision.plans):
        found += [f"plans[{i}]: {complaint}" for complaint in _plan_complaints(case, plan)]
    return found + _ranking_complaints(case, decision)


def _ranking_complaints(case: ReturnCase, decision: ReturnDecision) -> list[str]:
    """Cheapest first, none twice, all with as many units; what the first leaves out is told with reasons."""
    found: list[str] = []
    cents = [plan.total_cents for plan in decision.plans]
    if cents != sorted(cents):
        found.append(f"plans are not sorted by cost: {cents}")
    if len(cents) > case.request.max_plans:
        found.append(f"{len(cents)} plans, asked for {case.request.max_plans}")
    divisions = [tuple((part.node_id, part.units) for part in plan.parts) for plan in decision.plans]
    if len(set(divisions)) < len(divisions):
        found.append("a plan is given twice")
    if len({sum(u.quantity for part in plan.parts for u in part.units) for plan in decision.plans}) > 1:
        found.append("plans differ in units placed")
    left = Counter(_source_key(entry.units) for entry in decision.unplaced)
    whole = Counter((s.line_id, s.node_id, s.unit_value_cents, n) for s, n in case.sources.items())
    right = Counter(map(_source_key, decision.plans[0].unplaced)) if decision.plans else whole
    if left != right:
        found.append(f"unplaced is {left}, should be {right}")
    for entry in decision.unplaced:
        if [n.node_id for n in entry.nodes] != [n.node_id for n in case.network.nodes]:
            found.append(f"unplaced line {entry.units.line_id!r}: not every node has its reasons")
        found += [
            f"unplaced line {entry.units.line_id!r}: no reason against {n.node_id!r}"
            for n in entry.nodes
            if not n.rejections
        ]
    return found


def _plan_complaints(case: ReturnCase, plan: ReturnPlan) -> list[str]:
    found: list[str] = []
    placed = [units for part in plan.parts for units in part.units]
    stated = Counter(_source_key(units) for units in [*placed, *plan.unplaced])
    right = Counter((s.line_id, s.node_id, s.unit_value_cents, n) for s, n in case.sources.items())
    if stated != right:
        return [f"units are {stated}, should be {right}"]
    ids = [part.node_id for part in plan.parts]
    if ids != sorted(set(ids)):
        found.append(f"parts are not sorted by node, each once: {ids}")
    if len(ids) > case.rules.limits.max_places:
        found.append(f"max_places is {case.rules.limits.max_places}, the plan has {len(ids)}")
    if case.request.together and (len(ids) > 1 or plan.unplaced):
        found.append("lines that stay together go different ways")
    if not plan.parts:
        found.append("a plan without parts")
    for part in plan.parts:
        if part.node_id not in case.nodes:
            return [f"unknown node {part.node_id!r}"]
        found += [f"part {part.node_id!r}: {complaint}" for complaint in _part_complaints(case, part)]
    whole = dict.fromkeys(ReturnCost.__dataclass_fields__, 0)
    for part in plan.parts:
        for name in whole:
            whole[name] += getattr(part.cost, name)
    whole["split_cents"] = split_cents(case.rules, len(plan.parts))
    if plan.cost != ReturnCost(**whole):
        found.append(f"cost is {plan.cost}, should be {ReturnCost(**whole)}")
    return found


def _source_key(units: ReturnedUnits) -> tuple[str, str, int, int]:
    return units.line_id, units.original_node_id, units.unit_value_cents, units.quantity


def _part_complaints(case: ReturnCase, part: ReturnPart) -> Iterator[str]:
    node = case.nodes[part.node_id]
    for units in part.units:
        sku, item = case.sku_of(units.sku_id), case.items[units.line_id]
        if (units.sku_id, units.condition) != (item.sku_id, item.condition):
            yield f"line {units.line_id!r} is {units.condition.name} {units.sku_id!r}"
        _, made_good = worth_cents(case.rules, node, sku, units.condition, units.unit_value_cents)
        if units.reconditioned != made_good:
            yield f"line {units.line_id!r}: reconditioned is {units.reconditioned}, should be {made_good}"
        for rule in case.rules.eligibility:
            meant = selects_sku(rule.skus, sku) and (
                not rule.conditions or item.condition.name in rule.conditions
            )
            selected = selects_node(rule.nodes, node)
            if isinstance(rule, MaxReturnDistance):
                selected = selected and great_circle_m(node, case.here) > rule.km * 1000
            if meant and selected != isinstance(rule, AcceptReturns):
                yield f"rule {rule.name!r} ({rule.kind}) forbids line {units.line_id!r}"
    grams = sum(case.sku_of(units.sku_id).weight_grams * units.quantity for units in part.units)
    if part.weight_grams != grams:
        yield f"weight_grams is {part.weight_grams}, should be {grams}"
    costs: dict[tuple[int, int], list[Way]] = {}
    for way in _ways(case, node, part):
        cents = sum(_carriage_cents(case, part, way))
        costs.setdefault((cents, _arrival_seconds(case, way)), []).append(way)
    taken = (part.method, part.drop_off_node_id, part.service_id)
    best = min(costs, default=None)
    like_it = [way for ways in costs.values() for way in ways if way[:3] == taken]
    if not like_it or best is None:
        yield f"no way there like {taken}"
        return
    way = like_it[0]
    if way not in costs[best]:
        yield f"{[w[:3] for w in costs[best]]} is better than {taken}"
    lane, metres = way[3:]
    count = 0 if lane is None else max(1, -(-grams // lane.brackets[-1].up_to_grams))
    if part.parcel_count != count:
        yield f"parcel_count is {part.parcel_count}, should be {count}"
    if abs(part.distance_m - metres) > DISTANCE_TOLERANCE_M:
        yield f"distance_m is {part.distance_m}, should be {metres}"
    if part.arrival_seconds != _arrival_seconds(case, way):
        yield f"arrival_seconds is {part.arrival_seconds}, should be {_arrival_seconds(case, way)}"
    right = _cost(case, node, part, way)
    if part.cost != right:
        yield f"cost is {part.cost}, should be {right}"


def _ways(case: ReturnCase, node: Node, part: ReturnPart) -> Iterator[Way]:
    """Every way to bring these units to a node."""
    if case.takes_drop_off(node):
        yield ReturnMethod.DROP_OFF, node.node_id, "", None, great_circle_m(node, case.here)
    if ReturnMethod.PARCEL not in node.return_methods:
        return
    starts: list[tuple[ReturnMethod, Node | None, Destination]] = [
        (ReturnMethod.DROP_OFF_TRANSFER, other, place_of(other))
        for other in case.network.nodes
        if other is not node and case.takes_drop_off(other)
    ]
    if case.request.from_place is not None:
        starts.append((ReturnMethod.PARCEL, None, case.here))
    for method, other, start in starts:
        metres = great_circle_m(node, start)
        for service in case.network.return_services:
            calls = service.service_id in node.services and (
                other is None or service.service_id in other.services
            )
            lane = _lane_of(case, service, start, node, metres) if calls else None
            if lane is not None and _carries(case, service, lane, part):
                yield method, "" if other is None else other.node_id, service.service_id, lane, metres


def _lane_of(case: ReturnCase, service: Service, start: Destination, node: Node, metres: int) -> Lane | None:
    origin = zone_of(case.network, start.country, start.postal_code)
    target = zone_of(case.network, node.country, node.postal_code)
    for lane in service.lanes:
        if (
            (not lane.from_zones or origin in lane.from_zones)
            and (not lane.to_zones or target in lane.to_zones)
            and (lane.max_distance_m is None or metres <= lane.max_distance_m)
        ):
            return lane
    return None


def _carries(case: ReturnCase, service: Service, lane: Lane, part: ReturnPart) -> bool:
    skus = [case.sku_of(units.sku_id) for units in part.units]
    greatest = lane.brackets[-1].up_to_grams
    return all(not service.excluded_sku_labels & s.labels and s.weight_grams <= greatest for s in skus)


def _carriage_cents(case: ReturnCase, part: ReturnPart, way: Way) -> tuple[int, int, int]:
    """Parcels from the customer, transfer, and handling where goods pass."""
    method, drop_off, _, lane, _ = way
    if lane is None:
        return 0, 0, 0
    is_transfer = method is ReturnMethod.DROP_OFF_TRANSFER
    cents = tariff_cents(case.rules, lane, part.weight_grams, is_transfer=is_transfer)
    if not is_transfer:
        return cents, 0, 0
    units = sum(own.quantity for own in part.units)
    return 0, cents, handling_cents(case.rules, case.nodes[drop_off]) * units


def _arrival_seconds(case: ReturnCase, way: Way) -> int:
    lane = way[3]
    return case.now_seconds + (0 if lane is None else lane.transit_seconds)


def _cost(case: ReturnCase, node: Node, part: ReturnPart, way: Way) -> ReturnCost:
    shipping, transfer, passing = _carriage_cents(case, part, way)
    handling = reconditioning = worth = follow = 0
    sellable: Counter[str] = Counter()
    for units in part.units:
        n, sku = units.quantity, case.sku_of(units.sku_id)
        each, made_good = worth_cents(case.rules, node, sku, units.condition, units.unit_value_cents)
        handling += n * handling_cents(case.rules, node)
        reconditioning += n * reconditioning_cents(case.rules, node) * made_good
        worth += n * each
        follow += n * follow_cents(case.rules) * (units.original_node_id == node.node_id)
        sellable[units.sku_id] += n * (made_good or units.condition.name == "NEW")
    return ReturnCost(
        return_shipping_cents=shipping,
        transfer_cents=transfer,
        return_handling_cents=handling + passing,
        reconditioning_cents=reconditioning,
        worth_cents=worth,
        stock_need_cents=sum(
            need_cents(case.rules, node, case.available(sku_id, node.node_id), n)
            for sku_id, n in sellable.items()
        ),
        follow_source_cents=follow,
    )


def place_of(node: Node) -> Destination:
    """Where a node is."""
    return Destination(
        country=node.country,
        postal_code=node.postal_code,
        latitude=node.latitude,
        longitude=node.longitude,
    )
