"""Requests as shops send them, most of them plain, some of them wrong, and a service to send them to."""

from __future__ import annotations

import functools

import numpy as np

from router.domain import SalesChannel
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from server.api.sourcing.v1 import sourcing_pb2
from server.ledger.memory import MemoryLedger
from server.world import Settings, World
from tests.engine import snapshot_of
from tests.world_rules import WHOLE_LINES, Features
from tests.worlds import NOW_SECONDS, random_world

MAX_ORDERS = 40


class Shopper:
    """Draws orders, most of them plain, from a world's ids."""

    def __init__(self, seed: int, snapshot: Snapshot) -> None:
        self.rng = np.random.default_rng(seed)
        self.skus = snapshot.catalogue.ids.names()
        self.profiles = snapshot.compiled.profiles.names()

    def often(self, usual: tuple[object, ...], odd: tuple[object, ...], percent: int = 2) -> object:
        """Nearly always a usual value."""
        values = odd if self.rng.integers(100) < percent else usual
        return values[int(self.rng.integers(len(values)))]

    def line(self, i: int) -> sourcing_pb2.OrderLine:
        message = sourcing_pb2.OrderLine(
            line_id=self.often((f"line-{i}",), ("line-0", "", "é", "x" * 128, "x" * 129, "L")),
            sku_id=self.often(tuple(self.skus), ("nothing", "", "ü", "K" * 200), 1),
            quantity=self.often((1, 2, 3), (0, -1, 1_000_000, 1_000_001, 2**62), 1),
            together=self.often(("", "", "a", "b"), ("ab", "é", "y" * 129), 2),
            ship_alone=bool(self.rng.integers(8) == 0),
        )
        if self.rng.integers(4) == 0:
            message.unit_value_cents = self.often((0, 700), (-1, 10**9, 10**9 + 1))
        return message

    def order(self, i: int) -> sourcing_pb2.Order:
        count = self.often((1, 2, 3, 4), (0, 9, 10, 11, 12, 200, 201))
        message = sourcing_pb2.Order(
            order_id=self.often((f"order-{i}", "o"), ("", "ö", "x" * 128, "x" * 129)),
            lines=[self.line(k) for k in range(int(count))],
            sales_channel=self.often((0, 1, 3, int(max(SalesChannel))), (8, -1, 2**31 - 1)),
            customer_segment=self.often(("", "gold", "silver"), ("é", "z" * 129)),
            sourcing_profile=self.often(("", *self.profiles), ("none", "é", "z" * 129)),
        )
        if self.rng.integers(50):
            place = message.destination
            place.country_code = self.often(("FR", "DE", "BE"), ("", "XX", "fr", "FRA", "É"))
            place.postal_code = self.often(
                ("75001", "75 020", "69001", "", "7", "10115"), (" ", "é1", "7 5 0 0 1", "1" * 128, "1" * 129)
            )
            if self.rng.integers(50):
                place.latitude = self.often(
                    (float(self.rng.uniform(-90, 90)), 48.8566), (90.0, -90.0, 90.1, float("nan"), -0.0)
                )
            if self.rng.integers(50):
                place.longitude = self.often(
                    (float(self.rng.uniform(-180, 180)), 2.3), (180.0, -180.5, float("inf"), 0.0)
                )
        if self.rng.integers(5) == 0:
            message.deliver_by_time.seconds = self.often(
                (NOW_SECONDS, NOW_SECONDS + 500_000), (NOW_SECONDS - 1, 0, -5, 253_402_300_800)
            )
            message.deliver_by_time.nanos = self.often((0, 0, 999_999_999), (10**9, -1))
        return message

    def request(self, count: int) -> sourcing_pb2.SourceOrdersRequest:
        return sourcing_pb2.SourceOrdersRequest(
            request_id=self.often(("", "r"), ("é", "r" * 129), 1),
            orders=[self.order(i) for i in range(count)],
            validate_only=self.often((True,), (False,), 1),
            hold_seconds=self.often((0, 60), (-1, 604_801), 1),
        )


@functools.cache
def shop(seed: int, features: Features = WHOLE_LINES) -> Snapshot:
    return snapshot_of(random_world(np.random.default_rng(seed), features))


def served(snapshot: Snapshot) -> World:
    settings = Settings(
        hold_seconds=60,
        collect_hold_seconds=60,
        reserve_attempts=1,
        max_orders_per_call=MAX_ORDERS,
        search=SearchLimits(),
    )
    return World(snapshot, MemoryLedger(lambda: NOW_SECONDS), lambda: NOW_SECONDS, settings)


def damaged(raw: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, left out, put in, repeated or cut off."""
    data = bytearray(raw)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(data) + 1))
        end = min(len(data), at + int(rng.integers(1, 30)))
        match int(rng.integers(7)):
            case 0:
                data[at:at] = rng.bytes(int(rng.integers(1, 4)))
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end]
            case 3:
                del data[at:]
            case _ if at < len(data):
                data[at] = int(rng.choice((0, 1, 0x80, 0xFF, int(rng.integers(256)), data[at] ^ 0x80)))
    return bytes(data)
