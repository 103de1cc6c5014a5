"""Deliveries that are put together at a hub and sent on from there in one shipment (docs/cost-model.md,
"Consolidation"): what the last leg costs, and when it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.calendar import DAY_SECONDS, NEVER
from router.domain import Delivery
from router.kernels.types import FAR
from router.network import HOME, Node
from router.places import lines_of, place_of
from router.question import Question
from router.rules.compile import weighted
from router.rules.model import Handling
from router.times import latest_of, times_cents
from router.timetable import HORIZON_DAYS
from router.ways import Finder, Tariff

I64 = NDArray[np.int64]


class Service(NamedTuple):
    """One that may take the last leg. cents: weighted, of its tariff; they are transfer_cents if the
    retailer carries it."""

    service_id: str
    row: int
    lane: int
    tariff: Tariff
    shipping_cents: int
    transfer_cents: int


class Chosen(NamedTuple):
    """The service for goods that lie at the hub from some time on, and when they arrive (epoch seconds).
    cents: with what that arrival costs."""

    cents: int
    arrival_seconds: int
    service: Service


@dataclass(frozen=True, slots=True)
class LastLeg:
    """From the hub to the address, with all of the delivery. handling_cents: of one more shipment at the
    hub."""

    question: Question
    delivery: Delivery
    hub: Node
    finder: Finder
    services: tuple[Service, ...]
    weight_grams: int
    handling_cents: int
    latest_seconds: int

    @classmethod
    def of(cls, question: Question, ix: int) -> LastLeg:
        """Of delivery ``ix``, which goes to the hub and has an ``onward`` address."""
        snapshot, delivery, strategy = question.snapshot, question.deliveries[ix], question.strategy
        network, compiled = snapshot.network, snapshot.compiled
        hub_ix = question.places[ix].node_ix
        home = place_of(Delivery(delivery_id="", destination=delivery.onward), network, compiled)
        finder = Finder(network, compiled, question.strategy_ix, home, np.array([hub_ix], np.int64))
        lines = lines_of(question.order, delivery)
        skus = [snapshot.catalogue.ids.find(line.sku_id) for line in lines]
        grams = compiled.catalogue.weight_grams[skus].astype(np.int64)
        weight = int(grams @ np.array([line.quantity for line in lines], np.int64))
        carried = compiled.rules.service_ok[question.strategy_ix][compiled.catalogue.sku_class[skus]].all(
            axis=0
        )
        services = []
        for v, lane, tariff in finder.leaving():
            if (
                carried[v]
                and HOME in network.services[v].serves
                and int(grams.max()) <= tariff.up_to_grams[-1]
            ):
                cents = (
                    tariff.price(tariff.shipping_cents, weight),
                    tariff.price(tariff.transfer_cents, weight),
                )
                services.append(Service(network.services[v].service_id, v, lane, tariff, *cents))
        hub = network.nodes[hub_ix]
        handling = sum(
            weighted(hub.shipment_cents, g.weight) for g in strategy.objectives if isinstance(g, Handling)
        )
        latest = latest_of(question.order, strategy, delivery)
        return cls(question, delivery, hub, finder, tuple(services), weight, handling, latest)

    def choose(self, there_seconds: I64) -> list[Chosen | None]:
        """For goods that lie at the hub at each of these instants: the service that costs least with its
        arrival; of equal ones the earlier, then the one stated first. None: none is in time."""
        question = self.question
        last = question.origin_seconds + HORIZON_DAYS * DAY_SECONDS
        best: list[Chosen | None] = [None] * len(there_seconds)
        for service in self.services:
            arrival = self.finder.onward(self.hub, service.row, service.lane, there_seconds)
            price = self.handling_cents + service.shipping_cents + service.transfer_cents
            cents = price + times_cents(
                question.snapshot, question.strategy_ix, self.delivery, arrival, question.origin_seconds
            )
            for i, (at, all_cents) in enumerate(zip(arrival.tolist(), cents.tolist(), strict=True)):
                known = best[i]
                if at <= min(last, self.latest_seconds) and (known is None or (all_cents, at) < known[:2]):
                    best[i] = Chosen(all_cents, at, service)
        return best

    def cents(self, arrival_seconds: I64) -> I64:
        """int64[n, V]: of the last leg and its arrival, for the last arrivals at the hub; FAR where nothing
        is in time."""
        times, which = np.unique(arrival_seconds, return_inverse=True)
        here = times[times < NEVER]
        chosen = [FAR if c is None else c.cents for c in self.choose(here)]
        table = np.array([*chosen, *[FAR] * (len(times) - len(here))], np.int64)
        return np.asarray(table[which.reshape(arrival_seconds.shape)], np.int64)
