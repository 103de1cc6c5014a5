"""Which ways parcels may take, and what they and their arrivals cost: a part of the brute force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from router.domain import Delivery, Order, OrderLine
from router.network import Network
from router.rules.model import Strategy
from tests.oracle_dates import SlowCalendar
from tests.oracle_facts import covers_sku, delay_cents, lateness_cents, split_cents
from tests.oracle_onward import Leg
from tests.oracle_parts import Option, Parcel
from tests.oracle_ways import Way, Ways


class Carriage:
    """Of one order, or one of its deliveries."""

    strategy: Strategy
    order: Order
    delivery: Delivery | None
    network: Network
    calendar: SlowCalendar
    ways: Ways
    lines: tuple[OrderLine, ...]
    skus: list[Any]
    leg: Leg | None

    def options(self, node_ix: int, sent: list[int], grams: int, at: int | None = None) -> Iterator[Option]:
        """The ways that these lines may take from the node, at a date or the origin, and be in time."""
        for ix, way in enumerate(self.ways.of(self.network.nodes[node_ix], at)):
            if any(self.refuses(way, i) for i in sent) or self.too_late(way.arrival_seconds):
                continue
            cents = [way.cents(self.strategy, grams, kind) for kind in ("shipping", "transfer")]
            yield Option(*cents, way.arrival_seconds, ix, way.way_id, len(way.parcels(grams)))

    def too_late(self, arrival_seconds: int) -> bool:
        """Is an arrival at the target not allowed?"""
        if self.leg is not None:
            return self.leg.parts(arrival_seconds) is None
        return self.is_late(arrival_seconds)

    def is_late(self, arrival_seconds: int) -> bool:
        """Is an arrival at the customer's not allowed?"""
        bounds = [self.order.deliver_by_seconds]
        if self.delivery is not None:
            bounds.append(self.delivery.latest_seconds)
            requested, days = self.delivery.requested_seconds, self.strategy.limits.max_late_days
            if requested is not None and days is not None:
                bounds.append(requested + days * 86_400)
        return any(bound is not None and arrival_seconds > bound for bound in bounds)

    def refuses(self, way: Way, line: int) -> bool:
        """The line's SKU does not travel that way."""
        sku = self.skus[line]
        if sku.weight_grams > way.heaviest:
            return True
        for service, _ in way.legs:
            if not service.excluded_sku_labels.isdisjoint(sku.labels):
                return True
            for rule in self.strategy.eligibility:
                if rule.kind == "exclude_services" and covers_sku(rule.skus, sku):
                    named = service.service_id in rule.services
                    if named or not service.labels.isdisjoint(rule.labels):
                        return True
        return False

    def cheapest_ways(self, parcels: list[Parcel]) -> tuple[int, list[Option]]:
        """The cost of the plan but for stock depth, and the ways that give it.

        Every arrival is tried as the last one allowed. Delay and lateness never fall with time, so pricing
        them at the bound instead of the true last arrival is never too low, and exact at the optimum's own.
        """
        if not parcels:
            return 0, []
        fixed = sum(p.cost.total_cents for p in parcels) + self.split_cents(parcels)
        best: tuple[int, list[Option]] | None = None
        for bound in sorted({o.arrival_seconds for p in parcels for o in p.options}):
            chosen: list[Option] = []
            for parcel in parcels:
                in_time = [o for o in parcel.options if o.arrival_seconds <= bound]
                if in_time:
                    chosen.append(min(in_time, key=Option.rank))
            if len(chosen) < len(parcels):
                continue
            tariffs = sum(o.shipping_cents + o.transfer_cents for o in chosen)
            leg = self.leg and self.leg.parts(bound)
            cents = fixed + tariffs + (leg[0] if leg else sum(self.time_cents(bound)))
            if best is None or cents < best[0]:
                best = (cents, chosen)
        assert best is not None, "every parcel has an option, so the latest bound serves all"
        return best

    def split_cents(self, parcels: Sequence[object]) -> int:
        return 0 if self.leg is not None else split_cents(self.strategy, len(parcels))

    def time_cents(self, last_arrival_seconds: int) -> tuple[int, int]:
        """Delay and lateness of a last arrival."""
        requested = None if self.delivery is None else self.delivery.requested_seconds
        late = 0 if requested is None else lateness_cents(self.strategy, last_arrival_seconds - requested)
        return delay_cents(self.strategy, last_arrival_seconds - self.calendar.origin_seconds), late
