"""An order under one strategy, and everything its answer depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from router.domain import Delivery, DeliveryMethod, LineFill, Order, OrderFill
from router.network import HOME
from router.places import Place, deliveries_of, lines_of, place_of
from router.rooms import Load, Rooms, loads_of_order
from router.rules.compile_eligibility import matches_node
from router.rules.model import MinRemaining, StockDepth, Strategy
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from router.supply import Supply


@dataclass(slots=True)
class Question:
    """forbidden: rows of nodes that may supply nothing. What is worked out once is kept."""

    order: Order
    snapshot: Snapshot
    strategy_ix: int
    now_seconds: int
    limits: SearchLimits = field(default_factory=SearchLimits)
    forbidden: frozenset[int] = frozenset()
    deliveries: tuple[Delivery, ...] = field(init=False)
    places: tuple[Place, ...] = field(init=False)
    supply: Supply = field(init=False)
    rooms: Rooms = field(init=False)
    loads: tuple[Load, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Raises KeyError for an order that ``delivery_violations`` objects to."""
        snapshot = self.snapshot
        self.deliveries = deliveries_of(self.order)
        self.places = tuple(place_of(d, snapshot.network, snapshot.compiled) for d in self.deliveries)
        self.supply = Supply(snapshot, self.strategy_ix, self.now_seconds)
        self.rooms = Rooms(snapshot, self.now_seconds)
        self.loads = loads_of_order(self.order)

    def asked_of(self, order: Order) -> Question:
        """The same of another order."""
        found = replace(self, order=order)
        found.supply, found.rooms = self.supply, self.rooms
        return found

    def over_hubs(self, ix: int) -> Iterator[Question]:
        """The same with delivery ``ix`` sent to one hub after the other, and on from there."""
        delivery, place = self.deliveries[ix], self.places[ix]
        rule = self.strategy.consolidation
        asked = delivery.method in (None, DeliveryMethod.SHIP) and delivery.earliest_seconds is None
        if rule is None or place.kind != HOME or not asked:
            return
        for node in self.snapshot.network.nodes:
            here = node.pickup_lead_seconds is not None and node.country == place.destination.country
            if here and matches_node(rule.hubs, node):
                to_hub = replace(
                    delivery, destination=None, node_id=node.node_id, method=None, onward=place.destination
                )
                found = self.asked_of(self.order)
                found.deliveries = (*self.deliveries[:ix], to_hub, *self.deliveries[ix + 1 :])
                hub = place_of(to_hub, self.snapshot.network, self.snapshot.compiled)
                found.places = (*self.places[:ix], hub, *self.places[ix + 1 :])
                yield found

    @property
    def strategy(self) -> Strategy:
        return self.snapshot.compiled.strategies[self.strategy_ix]

    @property
    def allow_partial(self) -> bool:
        """May something be left out?"""
        return self.strategy.limits.allow_partial and self.order.fill is not OrderFill.FILL_OR_KILL

    @property
    def origin_seconds(self) -> int:
        """The instant that times are reckoned from."""
        return self.rooms.origin_seconds

    def may_stay_out(self, ix: int) -> bool:
        """May all of delivery ``ix`` be left out?"""
        lines = lines_of(self.order, self.deliveries[ix])
        return self.allow_partial and all(line.fill is not LineFill.FILL_OR_KILL for line in lines)

    @property
    def shared_costs(self) -> bool:
        """Does it matter what others take of a row where there is enough for all?"""
        return any(isinstance(goal, StockDepth) for goal in self.strategy.objectives) or any(
            isinstance(rule, MinRemaining) for rule in self.strategy.eligibility
        )
