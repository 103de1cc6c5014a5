"""One return laid out as small arrays: who accepts what, which ways lead there, and what every subset of it
costs at every node.

Dimensions: N nodes, P portions, G groups, E = 2^G subsets of groups, M lanes of return services.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.domain import ReturnMethod
from router.errors import InvalidInput, Violation
from router.kernels.geo import chord2_within, metres_of, unit_vectors
from router.kernels.types import MAX_GROUPS
from router.network import Lane
from router.refund import Draw, draws
from router.returns_compile import ReturnCosts, ReturnLanes, parcels, tariff_cents
from router.returns_domain import Condition, OriginalPick, Return, ReturnItem, return_violations
from router.rules.compile import weighted
from router.rules.return_model import MaxReturnDistance, Worth
from router.rules.selectors import SkuSelector
from router.snapshot import Snapshot

I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Portion:
    """Units of one line that one node sent (source: its id, or empty): they go whole to one place."""

    item: ReturnItem
    sku_ix: int
    units: int
    unit_value_cents: int
    unit_weight_grams: int
    labels: frozenset[str]
    source: str

    @property
    def sellable(self) -> bool:
        return self.item.condition is Condition.NEW

    def is_meant(self, skus: SkuSelector, conditions: Sequence[str]) -> bool:
        """Does a rule with these selectors speak of the portion?"""
        return (
            (not skus.ids or self.item.sku_id in skus.ids)
            and (not skus.labels or not self.labels.isdisjoint(skus.labels))
            and (not conditions or self.item.condition.name in conditions)
        )


@dataclass(frozen=True, slots=True)
class Way:
    """How goods come to a node. drop_off, service, lane: rows, -1 for none."""

    method: ReturnMethod
    drop_off: int
    service: int
    lane: int


@dataclass(frozen=True)
class ReturnProblem:
    """A return under the rules of its profile.

    groups: portions of each group. drawn: where the units came from, empty when that is not known.
    """

    request: Return
    snapshot: Snapshot
    costs: ReturnCosts
    portions: tuple[Portion, ...]
    groups: tuple[tuple[int, ...], ...]
    drawn: tuple[Draw, ...]
    now_seconds: int

    @property
    def lanes(self) -> ReturnLanes:
        return self.snapshot.compiled.returns.lanes

    @property
    def node_count(self) -> int:
        return len(self.snapshot.network.nodes)

    # Places

    @cached_property
    def start_drop_off(self) -> int:
        """Row of the node where the customer stands, -1 for a customer who is elsewhere."""
        name = self.request.drop_off_node_id
        return self.snapshot.compiled.nodes.find(name) if name else -1

    @cached_property
    def chord2(self) -> NDArray[np.float64]:
        """float64[N]: from where the customer is."""
        place = self.request.from_place
        if place is None:
            return self.chord2_from(self.start_drop_off)
        here = unit_vectors(np.array([place.latitude]), np.array([place.longitude]))[0]
        return _chord2(self.snapshot.compiled.network.node_xyz, here)

    def chord2_from(self, node: int) -> NDArray[np.float64]:
        """float64[N]: from a node."""
        xyz = self.snapshot.compiled.network.node_xyz
        return _chord2(xyz, xyz[:, node])

    @cached_property
    def may_drop_off(self) -> Flags:
        """bool[N]: the customer can hand goods over there."""
        if self.request.from_place is None:
            return np.asarray(self.lanes.drop_off & (np.arange(self.node_count) == self.start_drop_off))
        reach = chord2_within(int(self.costs.rules.limits.drop_off_km * 1000))
        return np.asarray(self.lanes.drop_off & (self.chord2 < reach))

    def metres(self, node: int, drop_off: int = -1) -> int:
        """To a node from where the customer is, or from the node of the drop-off."""
        chord2 = self.chord2 if drop_off < 0 else self.chord2_from(drop_off)
        return int(metres_of(chord2[node]))

    # Ways

    @cached_property
    def customer_lanes(self) -> I64:
        """int64[V, N]: the lane of each service from the customer to each node that it may bring parcels to,
        -1 for none."""
        place = self.request.from_place
        if place is None:
            return np.full((self.lanes.calls.shape[1], self.node_count), -1, np.int64)
        zone = self.snapshot.compiled.zones.find(place.country, place.postal_code)
        return self._lanes_from(zone, self.chord2)

    @cached_property
    def transfer_lanes(self) -> dict[int, I64]:
        """By row of the drop-off node, as ``customer_lanes``; a service must call there too."""
        found = {}
        for d in np.flatnonzero(self.may_drop_off).tolist():
            rows = self._lanes_from(int(self.lanes.node_zone[d]), self.chord2_from(d))
            rows[~self.lanes.calls[d]] = -1
            rows[:, d] = -1
            found[d] = rows
        return found

    def _lanes_from(self, zone: int, chord2: NDArray[np.float64]) -> I64:
        lanes = self.lanes
        found = np.full((lanes.calls.shape[1], self.node_count), -1, np.int64)
        for m in reversed(range(len(lanes.lanes))):  # the first that matches is written last
            if lanes.from_ok[m, zone]:
                found[lanes.service[m], lanes.to_ok[m, lanes.node_zone] & (chord2 < lanes.reach[m])] = m
        found[~(lanes.calls.T & lanes.parcel)] = -1
        return found

    def ways(self, node: int) -> Iterator[Way]:
        """All that lead to a node, whatever the goods."""
        if self.may_drop_off[node]:
            yield Way(ReturnMethod.DROP_OFF, node, -1, -1)
        for v, lane in enumerate(self.customer_lanes[:, node].tolist()):
            if lane >= 0:
                yield Way(ReturnMethod.PARCEL, -1, v, lane)
        for d, rows in self.transfer_lanes.items():
            for v, lane in enumerate(rows[:, node].tolist()):
                if lane >= 0:
                    yield Way(ReturnMethod.DROP_OFF_TRANSFER, d, v, lane)

    def takes(self, way: Way, members: Sequence[int]) -> bool:
        """May these portions travel that way?"""
        return way.lane < 0 or all(self.lane_takes[way.lane, p] for p in members)

    @cached_property
    def lane_takes(self) -> Flags:
        """bool[M, P]: by label, and a unit within the greatest bracket."""
        services = self.snapshot.network.return_services
        rows = [
            [
                p.labels.isdisjoint(services[v].excluded_sku_labels)
                and p.unit_weight_grams <= lane.brackets[-1].up_to_grams
                for p in self.portions
            ]
            for v, lane in zip(self.lanes.service.tolist(), self.lanes.lanes, strict=True)
        ]
        return np.array(rows, bool).reshape(len(rows), len(self.portions))

    def weight_grams(self, members: Sequence[int]) -> int:
        return sum(self.portions[p].units * self.portions[p].unit_weight_grams for p in members)

    def carriage_cents(self, way: Way, members: Sequence[int]) -> int:
        """The tariff of a way, weighted by its objective."""
        if way.lane < 0:
            return 0
        is_parcel = way.method is ReturnMethod.PARCEL
        prices = self.costs.shipping_cents if is_parcel else self.costs.transfer_cents
        return tariff_cents(self.lanes.lanes[way.lane], prices[way.lane], self.weight_grams(members))

    def parcel_count(self, way: Way, members: Sequence[int]) -> int:
        return 0 if way.lane < 0 else parcels(self.lanes.lanes[way.lane], self.weight_grams(members))

    def passing_cents(self, way: Way, members: Sequence[int]) -> int:
        """Handling at a drop-off node that sends the goods on."""
        if way.method is not ReturnMethod.DROP_OFF_TRANSFER:
            return 0
        units = sum(self.portions[p].units for p in members)
        return int(self.costs.handling_cents[way.drop_off]) * units

    def arrival_seconds(self, way: Way) -> int:
        return arrival_seconds(self.now_seconds, None if way.lane < 0 else self.lanes.lanes[way.lane])

    # Goods

    @cached_property
    def refused(self) -> Flags:
        """bool[N, P]: an eligibility rule removes the node."""
        found = np.zeros((self.node_count, len(self.portions)), bool)
        for rule, against in zip(self.costs.rules.eligibility, self.costs.against, strict=True):
            broken = against
            if isinstance(rule, MaxReturnDistance):
                broken = against & ~(self.chord2 < chord2_within(int(rule.km * 1000)))
            for p, portion in enumerate(self.portions):
                if portion.is_meant(rule.skus, rule.conditions):
                    found[:, p] |= broken
        return found

    @cached_property
    def reconditioned(self) -> Flags:
        """bool[N, P]: where that is worth its cost."""
        as_is, made_good = self._worths
        better = made_good - self.costs.recondition_cents[:, None] > as_is
        nodes = self.snapshot.network.nodes
        for p, portion in enumerate(self.portions):
            wanted = portion.labels | {"*"}
            better[:, p] &= not portion.sellable
            better[:, p] &= np.array([not wanted.isdisjoint(n.reconditions) for n in nodes], bool)
        return better

    @cached_property
    def worth_cents(self) -> I64:
        """int64[N, P]: of one unit, as it is or reconditioned."""
        as_is, made_good = self._worths
        return np.where(self.reconditioned, made_good, as_is)

    @cached_property
    def _worths(self) -> tuple[I64, I64]:
        """As it is, and reconditioned (-1: not worth doing)."""
        shape = (self.node_count, len(self.portions))
        as_is, made_good = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
        for p, portion in enumerate(self.portions):
            for goal, nodes in reversed(list(zip(self.costs.worth, self.costs.worth_nodes, strict=True))):
                if portion.is_meant(goal.skus, goal.conditions):
                    as_is[nodes, p], made_good[nodes, p] = _worth_of(goal, portion.unit_value_cents)
        return as_is, made_good

    def need_cents(self, members: Sequence[int]) -> I64:
        """int64[N]: what the sellable ones of these portions, all of one SKU, are worth for being scarce."""
        stock = self.snapshot.stock
        sku = self.portions[members[0]].sku_ix
        rows = slice(int(stock.sku_start[sku]), int(stock.sku_start[sku + 1]))
        found, kept = np.zeros(self.node_count, np.int64), np.zeros(self.node_count, bool)
        found[stock.node_ix[rows]] = stock.available[rows]
        kept[stock.node_ix[rows]] = True
        units = np.zeros(self.node_count, np.int64)
        for p in members:
            sells = self.portions[p].sellable | self.reconditioned[:, p]
            units += np.where(sells, self.portions[p].units, 0)
        total = np.zeros(self.node_count, np.int64)
        for need in self.costs.needs:
            total += need.total_cents(found, units)
        return np.where(kept, total, 0)


def build_problem(request: Return, snapshot: Snapshot, now_seconds: int) -> ReturnProblem:
    """Raises InvalidInput with everything wrong with a return, by field."""
    compiled = snapshot.compiled
    found = return_violations(request) + _unknown(request, snapshot)
    profile = compiled.default_profile
    if request.sourcing_profile:
        profile = compiled.profiles.find(request.sourcing_profile)
    costs = None if profile < 0 else compiled.returns.profiles[profile]
    if profile < 0:
        found.append(Violation("sourcing_profile", f"unknown profile {request.sourcing_profile!r}"))
    elif costs is None:
        name = snapshot.rules.profiles[profile].id
        found.append(Violation("sourcing_profile", f"the rules of profile {name!r} have no returns section"))
    if found or costs is None:
        raise InvalidInput(found)
    drawn = tuple(draws(request.items, request.original)) if request.original else ()
    portions = _portions(request, snapshot, drawn)
    groups = (tuple(range(len(portions))),) if request.together else tuple((p,) for p in range(len(portions)))
    if len(groups) > MAX_GROUPS:
        message = (
            f"{len(groups)} lines (one for each node that sent units of it) that may go to different places, "
            f"at most {MAX_GROUPS}: return fewer at once, or together"
        )
        raise InvalidInput.at("items", message)
    return ReturnProblem(request, snapshot, costs, portions, groups, drawn, now_seconds)


def arrival_seconds(now_seconds: int, lane: Lane | None) -> int:
    """When goods handed over now arrive; at once where nothing carries them."""
    return now_seconds if lane is None else now_seconds + lane.transit_seconds


def value_of(pick: OriginalPick, snapshot: Snapshot) -> int:
    """Cents of one unit as the original order said, or else the catalogue's."""
    if pick.unit_value_cents is not None:
        return pick.unit_value_cents
    return int(snapshot.catalogue.unit_value_cents[snapshot.catalogue.ids.find(pick.sku_id)])


def _unknown(request: Return, snapshot: Snapshot) -> list[Violation]:
    """What a return names that does not exist."""
    found, compiled = [], snapshot.compiled
    for i, item in enumerate(request.items):
        if snapshot.catalogue.ids.find(item.sku_id) < 0:
            found.append(Violation(f"items[{i}].sku_id", f"unknown SKU {item.sku_id!r}"))
        if item.original_node_id and compiled.nodes.find(item.original_node_id) < 0:
            message = f"unknown node {item.original_node_id!r}"
            found.append(Violation(f"items[{i}].original_node_id", message))
    place = request.from_place
    if place is not None and compiled.countries.find(place.country) < 0:
        message = f"{place.country!r} is not an ISO 3166-1 alpha-2 country"
        found.append(Violation("from_place.country_code", message))
    if request.drop_off_node_id and compiled.nodes.find(request.drop_off_node_id) < 0:
        found.append(Violation("drop_off_node_id", f"unknown node {request.drop_off_node_id!r}"))
    for s, shipment in enumerate(request.original):
        for p, pick in enumerate(shipment.picks):
            if snapshot.catalogue.ids.find(pick.sku_id) < 0:
                path = f"original_plan.shipments[{s}].picks[{p}].sku_id"
                found.append(Violation(path, f"unknown SKU {pick.sku_id!r}"))
    return found


def _portions(request: Return, snapshot: Snapshot, drawn: Sequence[Draw]) -> tuple[Portion, ...]:
    """By line, then by the shipment the units came from."""
    units: dict[tuple[int, str, int | None], int] = {}
    for ix, item in enumerate(request.items):
        if not request.original:
            units[ix, item.original_node_id, item.unit_value_cents] = item.quantity
    for draw in drawn:
        item, shipment = request.items[draw.item], request.original[draw.shipment]
        value = item.unit_value_cents
        if value is None:
            value = value_of(shipment.picks[draw.pick], snapshot)
        key = (draw.item, shipment.node_id, value)
        units[key] = units.get(key, 0) + draw.units
    return tuple(
        _portion(request.items[ix], source, value, count, snapshot)
        for (ix, source, value), count in units.items()
    )


def _portion(item: ReturnItem, source: str, value: int | None, units: int, snapshot: Snapshot) -> Portion:
    sku = snapshot.catalogue.sku(item.sku_id)
    return Portion(
        item=item,
        sku_ix=snapshot.catalogue.ids.find(item.sku_id),
        units=units,
        unit_value_cents=sku.unit_value_cents if value is None else value,
        unit_weight_grams=sku.weight_grams,
        labels=sku.labels,
        source=source,
    )


def _worth_of(goal: Worth, value_cents: int) -> tuple[int, int]:
    as_is = weighted(value_cents, goal.percent / 100)
    if goal.reconditioned_percent is None:
        return as_is, -1
    return as_is, weighted(value_cents, goal.reconditioned_percent / 100)


def _chord2(xyz: NDArray[np.float64], here: NDArray[np.float64]) -> NDArray[np.float64]:
    away = xyz - here[:, None]
    return np.asarray((away * away).sum(axis=0))
