"""The process: a gRPC server over a world, its health, and the thread that keeps the world up to date."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from router.domain import Destination, Order, OrderLine
from router.errors import InvalidConfig, InvalidInput
from router.network import Network, Node
from router.sourcer import ENGINE_VERSION, decide
from server.admission import Admission, Lane
from server.api.sourcing.v1 import (
    node_pb2,
    node_pb2_grpc,
    reservation_pb2,
    reservation_pb2_grpc,
    returns_pb2,
    returns_pb2_grpc,
    sourcing_pb2,
    sourcing_pb2_grpc,
    stock_pb2,
    stock_pb2_grpc,
)
from server.config import Config
from server.fast_batch import FastBatch
from server.fast_quote import FastQuote
from server.gauges import State
from server.guard import PREFIX, Guard
from server.logs import event
from server.rules_watch import RulesWatch
from server.security.gate import OPEN, Gate
from server.security.tls import TlsFiles, server_credentials
from server.services.node import NodeService
from server.services.offer import OfferService
from server.services.reservation import ReservationService
from server.services.returns import ReturnsService
from server.services.sourcing import SourcingService
from server.services.stock import StockService
from server.telemetry import Telemetry
from server.world import World

SERVICE_NAMES = (
    sourcing_pb2.DESCRIPTOR.services_by_name["SourcingService"].full_name,
    stock_pb2.DESCRIPTOR.services_by_name["StockService"].full_name,
    reservation_pb2.DESCRIPTOR.services_by_name["ReservationService"].full_name,
    returns_pb2.DESCRIPTOR.services_by_name["ReturnsService"].full_name,
    node_pb2.DESCRIPTOR.services_by_name["NodeService"].full_name,
    sourcing_pb2.DESCRIPTOR.services_by_name["OfferService"].full_name,
)
DECIDING = frozenset(
    f"{PREFIX}{method}"
    for method in (
        "SourcingService/SourceOrder",
        "SourcingService/SourceOrders",
        "SourcingService/ResourceOrder",
        "SourcingService/RankNodes",
        "SourcingService/GetPromise",
        "OfferService/OfferOrder",
    )
)
"""Methods whose answers are made from the snapshot."""
TICK_SECONDS = 1.0
FOLLOWS_PER_TICK = 10
STEP_SECONDS = 10.0
"""How long a stopping server waits for the ticker's step under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How to serve. listen: ``host:port``, port 0 for any free one. grace_seconds: how long calls under way
    may take once the server is told to stop; drain_seconds: how long others are still taken then.
    max_calls_per_connection: others wait at the client. max_waiting_calls, max_wait_seconds: calls beyond are
    refused (``server.admission``). shares_port: other workers serve it too."""

    listen: str
    threads: int
    max_message_bytes: int
    grace_seconds: float
    drain_seconds: float = 0
    max_calls_per_connection: int = 256
    max_waiting_calls: int = 1_000
    max_wait_seconds: float = 1.0
    shares_port: bool = False
    tls: TlsFiles | None = None

    @classmethod
    def of(cls, config: Config, *, shares_port: bool = False) -> Serving:
        return cls(
            listen=config.address,
            threads=config.threads,
            max_message_bytes=config.max_message_bytes,
            grace_seconds=config.grace_seconds,
            drain_seconds=config.drain_seconds,
            max_calls_per_connection=config.max_calls_per_connection,
            max_waiting_calls=config.max_waiting_calls,
            max_wait_seconds=config.max_wait_millis / 1_000,
            shares_port=shares_port,
            tls=config.tls,
        )


class Ticker:
    """Once a second: ends holds whose time is over and looks at the rule file; more often, follows what other
    processes wrote. A step that fails is reported, once for each way it fails, and tried again the next time;
    the others go on.

    prepare: for what comes next, once a second. sound: told after every tick whether the ledger could be
    used. Rules that cannot be read are no reason to serve nobody: those in force stay.
    """

    def __init__(
        self,
        world: World,
        rules: RulesWatch | None,
        sound: Callable[[bool], None] = lambda _: None,
        seconds: float = TICK_SECONDS,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._world = world
        self._rules = rules
        self._sound = sound
        self._prepare = prepare
        self._seconds = seconds
        self._stop = threading.Event()
        self._failing: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        self._world.is_kept_fresh = True
        self._thread.start()

    def stop(self) -> None:
        """Returns when the step under way is done, or after STEP_SECONDS."""
        self._stop.set()
        self._thread.join(STEP_SECONDS)

    def _run(self) -> None:
        steps = itertools.cycle([*[self.follow] * (FOLLOWS_PER_TICK - 1), self.tick])
        while not self._stop.wait(self._seconds / FOLLOWS_PER_TICK):
            next(steps)()

    def follow(self) -> None:
        """What others wrote only."""
        self._done("follow", self._world.follow)

    def tick(self) -> None:
        """Every step once."""
        sound = [self._done("expire", self._world.expire), self._done("follow", self._world.follow)]
        if self._rules is not None:
            self._done("rules", self._rules.check)
        self._done("prepare", self._prepare)
        self._sound(all(sound))

    def _done(self, name: str, step: Callable[[], object]) -> bool:
        """False when it failed."""
        before = self._failing.pop(name, "")
        try:
            step()
        except Exception as error:
            self._failing[name] = repr(error)
            if self._failing[name] != before:
                event("tick_failed", level=logging.ERROR, error=error, step=name)
            return False
        if before:
            event("tick_recovered", step=name)
        return True


class App:
    """A server that can be started once and stopped once. It reports SERVING from its first decision on until
    it stops, but for the time in which its ledger cannot be used."""

    def __init__(
        self,
        world: World,
        serving: Serving,
        rules: RulesWatch | None = None,
        telemetry: Telemetry | None = None,
        gate: Gate = OPEN,
    ) -> None:
        self.world = world
        self.port = 0
        self._known: tuple[Network, dict[str, Node]] | None = None
        self._serving = serving
        sourcing = SourcingService(world, max_explaining=max(1, serving.threads // 2))
        self._ticker = Ticker(
            world, rules, lambda sound: self._tell_health(sound=sound), prepare=sourcing.prepare
        )
        self._health = health.HealthServicer()
        self._health_lock = threading.Lock()
        self._state = {"warm": False, "sound": True, "open": True}
        self._tell_health()
        self.admission = Admission(serving.threads, serving.max_waiting_calls, serving.max_wait_seconds)
        self.telemetry = telemetry or Telemetry()
        self.telemetry.watch_state(State(world, self.admission, rules, self.is_serving))
        self._server = grpc.server(
            self.admission.pool(Lane.RESOLVE),
            interceptors=[Guard(self.admission, self.telemetry, gate, self._nodes, self._check)],
            options=[
                ("grpc.max_receive_message_length", serving.max_message_bytes),
                ("grpc.max_send_message_length", -1),
                # Others wait where they come from, which costs nothing here.
                ("grpc.max_concurrent_streams", serving.max_calls_per_connection),
                # A second server on the port is a mistake, unless it is another worker.
                ("grpc.so_reuseport", int(serving.shares_port)),
            ],
        )
        sourcing_pb2_grpc.add_SourcingServiceServicer_to_server(sourcing, self._server)
        stock_pb2_grpc.add_StockServiceServicer_to_server(StockService(world), self._server)
        reservation_pb2_grpc.add_ReservationServiceServicer_to_server(ReservationService(world), self._server)
        returns_pb2_grpc.add_ReturnsServiceServicer_to_server(ReturnsService(world), self._server)
        node_pb2_grpc.add_NodeServiceServicer_to_server(NodeService(world), self._server)
        sourcing_pb2_grpc.add_OfferServiceServicer_to_server(OfferService(world), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*SERVICE_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    def start(self) -> None:
        """Listens at once, reports SERVING when a first decision has been made. Raises InvalidConfig when the
        address cannot be used."""
        self.listen()
        self.warm_up()

    def listen(self) -> None:
        """Raises InvalidConfig when the address cannot be used."""
        try:
            if self._serving.tls is None:
                self.port = self._server.add_insecure_port(self._serving.listen)
            else:
                credentials = server_credentials(self._serving.tls)
                self.port = self._server.add_secure_port(self._serving.listen, credentials)
        except RuntimeError as error:
            raise InvalidConfig.at("server.address", f"cannot listen on {self._serving.listen!r}") from error
        self._server.start()
        self._ticker.start()
        event("listening", port=self.port)

    def warm_up(self) -> None:
        """Makes a first decision."""
        warm_up(self.world)
        self._tell_health(warm=True)
        snapshot = self.world.snapshot
        event(
            "started",
            port=self.port,
            nodes=len(snapshot.network.nodes),
            skus=len(snapshot.catalogue),
            stock_rows=len(snapshot.stock),
            stock_version=snapshot.stock.version,
            rules_hash=snapshot.rules_hash,
            engine_version=ENGINE_VERSION,
        )

    def stop(self) -> None:
        """NOT_SERVING first, so that callers go elsewhere; calls under way are answered."""
        self._tell_health(open=False)
        time.sleep(self._serving.drain_seconds)
        self._server.stop(self._serving.grace_seconds).wait()
        self.admission.shut_down()
        self._ticker.stop()
        self.world.ledger.close()
        self.telemetry.close()
        event("stopped", stock_version=self.world.snapshot.stock.version)

    def run_until_told(self) -> None:
        """Serves until SIGTERM or SIGINT, then stops. Main thread only. When it is told while kernels are
        compiled, which takes minutes and cannot be interrupted, it does not return but ends the process."""
        told = threading.Event()
        failed: list[BaseException] = []

        def tell(number: int, frame: FrameType | None) -> None:
            told.set()

        def warm() -> None:
            try:
                self.warm_up()
            except BaseException as error:
                failed.append(error)
                told.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, tell)
        self.listen()
        warming = threading.Thread(target=warm, name="warm-up", daemon=True)
        warming.start()
        told.wait()
        self.stop()
        if failed:
            raise failed[0]
        if warming.is_alive():
            logging.shutdown()
            os._exit(0)

    def _nodes(self) -> dict[str, Node]:
        network = self.world.snapshot.network
        if self._known is None or self._known[0] is not network:
            self._known = (network, {node.node_id: node for node in network.nodes})
        return self._known[1]

    def _check(self, method: str) -> None:
        """Before a call. Raises StaleSnapshot."""
        if method in DECIDING:
            self.world.check_fresh()

    def is_serving(self) -> bool:
        """What its health reports."""
        return all(self._state.values())

    def _tell_health(self, **changed: bool) -> None:
        """``changed``: some of warm, sound, open; all of them make SERVING."""
        status = health_pb2.HealthCheckResponse.ServingStatus
        with self._health_lock:
            before = self.is_serving()
            self._state.update(changed)
            serving = self.is_serving()
            if changed and serving == before:
                return
            for name in ("", *SERVICE_NAMES):
                self._health.set(name, status.SERVING if serving else status.NOT_SERVING)


def warm_up(world: World) -> None:
    """One decision, alone and in a batch, so that the kernels are compiled before the first customer asks.
    Nothing is held."""
    snapshot = world.snapshot
    if not len(snapshot.catalogue) or not snapshot.network.nodes:
        return
    node = snapshot.network.nodes[0]
    order = Order(
        order_id="warm-up",
        lines=(OrderLine(line_id="1", sku_id=snapshot.catalogue.ids.name(0), quantity=1),),
        destination=Destination(
            country=node.country,
            postal_code=node.postal_code,
            latitude=node.latitude,
            longitude=node.longitude,
        ),
    )
    try:
        decide(order, snapshot, world.now_seconds())
    except InvalidInput as error:
        event("warm_up_refused", level=logging.WARNING, message=error.message)
        return
    place = sourcing_pb2.Destination(
        country_code=node.country,
        postal_code=node.postal_code,
        latitude=node.latitude,
        longitude=node.longitude,
    )
    line = sourcing_pb2.OrderLine(line_id="1", sku_id=order.lines[0].sku_id, quantity=1)
    message = sourcing_pb2.Order(order_id="warm-up", lines=[line], destination=place)
    request = sourcing_pb2.SourceOrdersRequest(orders=[message], validate_only=True)
    single = sourcing_pb2.SourceOrderRequest(order=message, validate_only=True)
    FastQuote().answer(single.SerializeToString(), snapshot, world.now_seconds())
    batch = FastBatch(1).decide(request.SerializeToString(), snapshot, world.now_seconds())
    if batch is not None:
        batch.encoded(lambda _: sourcing_pb2.SourceOrdersResult())
