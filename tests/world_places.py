"""The part of ``tests.worlds`` that draws where goods go besides one address, and by what: stores, pick-up
points, the retailer's own transport, paths over hubs, deliveries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from router.domain import Delivery, DeliveryMethod, Destination, Order, OrderLine
from router.network import HOME, PICKUP_POINT, STORE, Bracket, Lane, Network, Path, PickupPoint, Service
from tests.world_rules import RulesRecipe

HOUR_SECONDS, DAY_SECONDS = 3_600, 86_400
SERVED: tuple[frozenset[str], ...] = (
    frozenset({HOME, STORE, PICKUP_POINT}),
    frozenset({HOME, PICKUP_POINT}),
    frozenset({HOME, STORE, PICKUP_POINT}),
    frozenset({HOME, PICKUP_POINT}),
    frozenset({STORE}),
    frozenset({HOME}),
)
AT_STORE = (
    None,
    None,
    DeliveryMethod.SHIP_TO_STORE,
    DeliveryMethod.SHIP_TO_STORE,
    DeliveryMethod.PICKUP,
    DeliveryMethod.RESERVE_AND_COLLECT,
    DeliveryMethod.CARRY_OUT,
)

Place = tuple[str, str, float, float]
"""Country, postal code, latitude and longitude."""


def anywhere(lane: Lane) -> Lane:
    """The lane without limits."""
    return replace(lane, from_zones=frozenset(), to_zones=frozenset(), max_distance_m=None)


class PlacesRecipe(RulesRecipe):
    """Draws places and deliveries."""

    def with_places(self, network: Network, places: Sequence[Place]) -> Network:
        """The network with stores, what serves them, pick-up points and paths."""
        nodes = tuple(
            replace(node, pickup_lead_seconds=self.pick((HOUR_SECONDS, 0, 5_400, DAY_SECONDS)))
            if i == 0 or self.chance(50)
            else node
            for i, node in enumerate(network.nodes)
        )
        points = tuple(
            PickupPoint(point_id=f"P{i}", country=at[0], postal_code=at[1], latitude=at[2], longitude=at[3])
            for i, at in enumerate(self.pick(places) for _ in range(self.pick((1, 0, 2))))
        )
        only_paths = self.chance(35)
        services = tuple(self.serving(service, only_paths) for service in network.services)
        found = replace(network, nodes=nodes, services=services, pickup_points=points)
        return replace(found, paths=tuple(self.path(i, found) for i in range(self.pick((1, 2, 0)))))

    def serving(self, service: Service, only_paths: bool) -> Service:
        """The service for some kinds of place, often to everywhere; now and then the retailer's own, which
        serves no address. only_paths: stores are reached by paths alone."""
        serves = self.pick(SERVED) - ({STORE} if only_paths else set()) or {PICKUP_POINT}
        own = self.chance(30) and serves != {HOME}
        lanes = (*service.lanes, self.lane_to_anywhere()) if self.chance(80) else service.lanes
        return replace(service, serves=serves - {HOME} if own else serves, is_transfer=own, lanes=lanes)

    def lane_to_anywhere(self) -> Lane:
        days = self.pick((1, 0, 2, 3))
        greatest = self.pick((5_000, 30_000, 2_000))
        brackets = [Bracket(up_to_grams=g, cents=self.integer(0, 900)) for g in (1_000, greatest)]
        return Lane(transit_seconds=days * DAY_SECONDS + self.pick((0, 7_200)), brackets=tuple(brackets))

    def path(self, i: int, network: Network) -> Path:
        """A path over one hub or two, mostly by services that go everywhere."""
        far_reaching = [v for v in network.services if v.lanes and v.lanes[-1] == anywhere(v.lanes[-1])]
        if not far_reaching or self.chance(20):
            far_reaching = list(network.services)
        ids = [node.node_id for node in network.nodes]
        hubs = [self.pick(ids)]
        if self.chance(25) and len(ids) > 1:
            hubs.append(self.pick([name for name in ids if name != hubs[0]]))
        return Path(
            path_id=f"over {i}",
            services=tuple(self.pick(far_reaching).service_id for _ in range(len(hubs) + 1)),
            hubs=tuple(hubs),
            hub_seconds=self.pick((0, HOUR_SECONDS, 20_000)),
            hub_cents=self.pick((0, 35, 101)),
        )

    # --- the order ----------------------------------------------------------------------------------

    def with_deliveries(self, order: Order, network: Network, places: Sequence[Place], now: int) -> Order:
        """The order with its lines given to deliveries, now and then without any."""
        count = min(len(order.lines), self.integer(0, 5) and self.size(self.features.deliveries))
        if not count:
            return order
        deliveries = [self.delivery(i, network, places, now) for i in range(count)]
        selling = next((d.node_id for d in deliveries if d.method is DeliveryMethod.CARRY_OUT), "")
        deliveries = [
            replace(d, method=None) if d.method is DeliveryMethod.CARRY_OUT and d.node_id != selling else d
            for d in deliveries
        ]
        lines = [self.given(line, i, deliveries) for i, line in enumerate(order.lines)]
        return Order(
            order_id=order.order_id,
            lines=tuple(lines),
            deliveries=tuple(deliveries),
            selling_node_id=selling,
            sales_channel=order.sales_channel,
            customer_segment=order.customer_segment,
            sourcing_profile=order.sourcing_profile,
            deliver_by_seconds=order.deliver_by_seconds,
        )

    def given(self, line: OrderLine, i: int, deliveries: Sequence[Delivery]) -> OrderLine:
        """The line as one of a delivery; each has one."""
        own = deliveries[i] if i < len(deliveries) else self.pick(deliveries)
        together = line.together and line.together + own.delivery_id
        return replace(line, delivery_id=own.delivery_id, together=together)

    def delivery(self, i: int, network: Network, places: Sequence[Place], now: int) -> Delivery:
        kind = self.pick((STORE, HOME, STORE, HOME, PICKUP_POINT))
        to: dict[str, Any] = {}
        if kind == STORE:
            stores = [n.node_id for n in network.nodes if n.pickup_lead_seconds is not None]
            to = {"node_id": self.pick(stores), "method": self.pick(AT_STORE)}
        elif kind == PICKUP_POINT and network.pickup_points:
            point_id = self.pick(network.pickup_points).point_id
            to = {"pickup_point_id": point_id, "method": self.pick((None, DeliveryMethod.PICKUP_POINT))}
        else:
            at = self.pick(places)
            address = Destination(country=at[0], postal_code=at[1], latitude=at[2], longitude=at[3])
            to = {"destination": address, "method": self.pick((None, DeliveryMethod.SHIP))}
        if "destination" in to and self.chance(25):
            to["earliest_seconds"] = now + self.moment()
        if self.chance(15):
            to["latest_seconds"] = max(now + self.moment(), to.get("earliest_seconds", 0))
        if self.chance(50):
            to["requested_seconds"] = now + self.moment()
        return Delivery(delivery_id=f"D{i}", **to)

    def moment(self) -> int:
        """Seconds from now to a time that a customer may state."""
        at = self.pick((2 * DAY_SECONDS, 86_400, 3 * DAY_SECONDS, 86_399, 50_000, 5 * DAY_SECONDS))
        return at + self.pick((0, 0, 3_600, 1))
