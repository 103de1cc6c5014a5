"""One order of each kind, decided and held by a running server: how goods reach customers, what a product
page promises, and where a return goes. Customers and goods are drawn; of each kind the first order is taken
whose answer is of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import grpc
import numpy as np

from bench.france import World, moved
from bench.geography import Place, distance_m
from router.domain import Delivery, DeliveryMethod, Destination, NodeType, Order, OrderLine, SalesChannel
from router.network import Node, PickupPoint
from server.api.sourcing.v1 import returns_pb2, returns_pb2_grpc, sourcing_pb2, sourcing_pb2_grpc
from server.convert import delivery_to_proto, order_to_proto

MOST_CUSTOMERS = 2_000
"""So many are asked for an order of a kind before it is given up."""
HOLD_SECONDS = 3_600
SHORT_HOLD_SECONDS = 7_200
OVER_HUBS = "over-"
"""Paths of the network begin with it, services do not."""
CALL_SECONDS = 60
HOME, STORE, POINT = "home", "store", "point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who wants ``quantity`` units of each of ``sku_ids``. ``store``: the nearest where goods are
    handed out; ``point``: the nearest pick-up point."""

    place: Place
    home: Destination
    store: Node
    point: PickupPoint
    sku_ids: tuple[str, str, str]
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``places``: where the goods go, a line each. ``method``: only by this one.

    expected: what the shipments to these places must be for the order to be of this kind, by method and types
    of nodes (empty: any). over_hubs: by a path, or not by one; None: all the same. in_store: taken in the
    store, which sends nothing itself: either it is carried out, or it comes from elsewhere.
    """

    title: str
    places: tuple[str, ...]
    expected: tuple[tuple[DeliveryMethod, frozenset[NodeType]], ...]
    method: DeliveryMethod | None = None
    over_hubs: bool | None = None
    channel: SalesChannel = SalesChannel.WEB
    in_store: bool = False
    hold_seconds: int = HOLD_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """An order of a kind, its answer, and which nodes could have supplied each line."""

    kind: Kind
    customer: Customer
    order: Order
    answer: sourcing_pb2.SourceOrderResponse
    ranking: sourcing_pb2.RankNodesResponse


ANY: frozenset[NodeType] = frozenset()
OWN_DOCKS = frozenset({NodeType.WAREHOUSE, NodeType.DISTRIBUTION_CENTER})
KINDS = (
    Kind(
        title="ship from store",
        places=(HOME,),
        expected=((DeliveryMethod.SHIP, frozenset({NodeType.STORE})),),
    ),
    Kind(
        title="ship from warehouse",
        places=(HOME,),
        expected=((DeliveryMethod.SHIP, OWN_DOCKS),),
        channel=SalesChannel.CALL_CENTER,
    ),
    Kind(
        title="drop-ship",
        places=(HOME,),
        expected=((DeliveryMethod.SHIP, frozenset({NodeType.SUPPLIER})),),
    ),
    Kind(
        title="click & collect",
        places=(STORE,),
        expected=((DeliveryMethod.PICKUP, frozenset({NodeType.STORE})),),
    ),
    Kind(
        title="ship to store",
        places=(STORE,),
        expected=((DeliveryMethod.SHIP_TO_STORE, ANY),),
        over_hubs=False,
    ),
    Kind(
        title="ship to store over a hub",
        places=(STORE,),
        expected=((DeliveryMethod.SHIP_TO_STORE, ANY),),
        over_hubs=True,
    ),
    Kind(
        title="pick-up point",
        places=(POINT,),
        expected=((DeliveryMethod.PICKUP_POINT, ANY),),
        channel=SalesChannel.SOCIAL,
    ),
    Kind(
        title="reserve & collect",
        places=(STORE,),
        method=DeliveryMethod.RESERVE_AND_COLLECT,
        expected=((DeliveryMethod.RESERVE_AND_COLLECT, frozenset({NodeType.STORE})),),
        channel=SalesChannel.MOBILE,
        hold_seconds=SHORT_HOLD_SECONDS,
    ),
    Kind(
        title="carry-out",
        places=(STORE,),
        method=DeliveryMethod.CARRY_OUT,
        expected=((DeliveryMethod.CARRY_OUT, frozenset({NodeType.STORE})),),
        channel=SalesChannel.STORE,
        in_store=True,
    ),
    Kind(
        title="ordered in a store, sent home",
        places=(HOME,),
        expected=((DeliveryMethod.SHIP, OWN_DOCKS | {NodeType.STORE}),),
        channel=SalesChannel.STORE,
        in_store=True,
    ),
    Kind(
        title="mixed",
        places=(STORE, HOME, POINT),
        expected=(
            (DeliveryMethod.PICKUP, ANY),
            (DeliveryMethod.SHIP, ANY),
            (DeliveryMethod.PICKUP_POINT, ANY),
        ),
    ),
)


# --------------------------------------------------------------------------------------------- customers


def customers(world: World, seed: int, stream: int) -> Iterator[Customer]:
    """Drawn without end: places on the mainland by population, goods by popularity. Streams differ."""
    rng = np.random.default_rng((seed, 300 + stream))
    places = [place for place in world.places if not place.postal_code.startswith("20")]
    people = np.array([place.population for place in places], float)
    stores = [node for node in world.nodes if node.pickup_lead_seconds is not None and not node.closed]
    popularity = world.goods.popularity / world.goods.popularity.sum()
    while True:
        place = places[int(rng.choice(len(places), p=people / people.sum()))]
        latitude, longitude = moved(place, *rng.normal(0, 800, 2).tolist())
        near = partial(_metres, latitude, longitude)
        rows = rng.choice(len(popularity), 3, replace=False, p=popularity).tolist()
        yield Customer(
            place=place,
            home=Destination(
                country="FR", postal_code=place.postal_code, latitude=latitude, longitude=longitude
            ),
            store=min(stores, key=near),
            point=min(world.pickup_points, key=near),
            sku_ids=(
                world.goods.sku_ids[rows[0]],
                world.goods.sku_ids[rows[1]],
                world.goods.sku_ids[rows[2]],
            ),
            quantity=1 + int(rng.random() < 0.3),
        )


def _metres(latitude: float, longitude: float, where: Node | PickupPoint) -> float:
    return distance_m(latitude, longitude, where.latitude, where.longitude)


def delivery_to(place: str, customer: Customer, method: DeliveryMethod | None = None) -> Delivery:
    """To the customer's home, store or pick-up point."""
    return Delivery(
        delivery_id=place,
        destination=customer.home if place == HOME else None,
        node_id=customer.store.node_id if place == STORE else "",
        pickup_point_id=customer.point.point_id if place == POINT else "",
        method=method,
    )


def order_of(kind: Kind, customer: Customer) -> Order:
    """What the customer would order."""
    goods = zip(kind.places, customer.sku_ids, strict=False)
    return Order(
        order_id=f"demo {kind.title}",
        lines=tuple(
            OrderLine(line_id=str(i), sku_id=sku_id, quantity=customer.quantity, delivery_id=place)
            for i, (place, sku_id) in enumerate(goods, 1)
        ),
        deliveries=tuple(delivery_to(place, customer, kind.method) for place in kind.places),
        selling_node_id=customer.store.node_id if kind.in_store else "",
        sales_channel=kind.channel,
    )


# ---------------------------------------------------------------------------------------------- decisions


class Desk:
    """Asks a server. ``world`` says of what types its nodes are."""

    def __init__(self, channel: grpc.Channel, world: World, seed: int) -> None:
        self.sourcing = sourcing_pb2_grpc.SourcingServiceStub(channel)
        self.returns = returns_pb2_grpc.ReturnsServiceStub(channel)
        self.world = world
        self.seed = seed
        self._types = {node.node_id: node.node_type for node in world.nodes}

    def source(self, kind: Kind) -> Sourced:
        """The first order of the kind, held. Raises LookupError when no customer orders so."""
        for customer in self._customers(KINDS.index(kind)):
            order = order_of(kind, customer)
            quote = self._ask(order, validate_only=True)
            if self.is_of(kind, customer, quote.decision):
                ranking = self.sourcing.RankNodes(
                    sourcing_pb2.RankNodesRequest(
                        order=order_to_proto(order),
                        max_nodes_per_line=len(self.world.nodes),
                        include_rejected=True,
                    ),
                    timeout=CALL_SECONDS,
                )
                request_id = f"{order.order_id} {self.seed}"
                answer = self._ask(order, request_id=request_id, hold_seconds=kind.hold_seconds)
                return Sourced(kind=kind, customer=customer, order=order, answer=answer, ranking=ranking)
        raise LookupError(f"no order of the kind {kind.title!r} among {MOST_CUSTOMERS}")

    def promise(self) -> tuple[Customer, sourcing_pb2.GetPromiseResponse]:
        """A product page with three deliveries, of the first customer for whom each has a date and the store
        has the goods. Raises LookupError when there is none."""
        for customer in self._customers(len(KINDS)):
            deliveries = tuple(delivery_to(place, customer) for place in (HOME, STORE, POINT))
            answer = self.sourcing.GetPromise(
                sourcing_pb2.GetPromiseRequest(
                    items=[sourcing_pb2.PromiseItem(sku_id=customer.sku_ids[0], quantity=customer.quantity)],
                    deliveries=[delivery_to_proto(delivery) for delivery in deliveries],
                ),
                timeout=CALL_SECONDS,
            )
            found = [promise.delivery_method for promise in answer.promises if not promise.reason]
            if len(found) == len(deliveries) and int(DeliveryMethod.PICKUP) in found:
                return customer, answer
        raise LookupError("no product page with three dates")

    def rank_return(self, sourced: Sourced) -> returns_pb2.RankReturnNodesResponse:
        """The first line of an order comes back, unpacked, from the customer's home."""
        line, home = sourced.order.lines[0], sourced.customer.home
        return self.returns.RankReturnNodes(
            returns_pb2.RankReturnNodesRequest(
                items=[
                    returns_pb2.ReturnItem(
                        line_id=line.line_id,
                        sku_id=line.sku_id,
                        quantity=line.quantity,
                        condition=returns_pb2.RETURN_CONDITION_OPENED,
                    )
                ],
                from_place=returns_pb2.ReturnPlace(
                    country_code=home.country,
                    postal_code=home.postal_code,
                    latitude=home.latitude,
                    longitude=home.longitude,
                ),
                decision_id=sourced.answer.decision.decision_id,
                max_plans=5,
            ),
            timeout=CALL_SECONDS,
        )

    def is_of(self, kind: Kind, customer: Customer, decision: sourcing_pb2.Decision) -> bool:
        """Is the answer of this kind, and found by the strategy that the order begins with?"""
        shipments = decision.plan.shipments
        if decision.status != sourcing_pb2.DECISION_STATUS_SOURCED or len(decision.strategy_ids) > 1:
            return False
        if len(shipments) != len(kind.places):
            return False
        for place, (method, types) in zip(kind.places, kind.expected, strict=True):
            [shipment] = [s for s in shipments if s.delivery_id == place] or [None]
            if shipment is None or shipment.delivery_method != int(method):
                return False
            if types and self._types[shipment.node_id] not in types:
                return False
            over_hubs = shipment.service_id.startswith(OVER_HUBS)
            if kind.over_hubs is not None and over_hubs != kind.over_hubs:
                return False
        own = [s for s in shipments if s.node_id == customer.store.node_id]
        return not kind.in_store or bool(own) == (kind.method is DeliveryMethod.CARRY_OUT)

    def _customers(self, stream: int) -> Iterator[Customer]:
        return islice(customers(self.world, self.seed, stream), MOST_CUSTOMERS)

    def _ask(self, order: Order, **wishes: object) -> sourcing_pb2.SourceOrderResponse:
        request = sourcing_pb2.SourceOrderRequest(order=order_to_proto(order), **wishes)  # type: ignore[arg-type]
        return self.sourcing.SourceOrder(request, timeout=CALL_SECONDS)
