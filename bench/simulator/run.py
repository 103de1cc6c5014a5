"""One run: replicas of the real services, clients that retry, and a calendar of events in virtual time."""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench.simulator.disk import Database, Faults, MakeLedger, SimulatedLedger
from bench.simulator.laws import BrokenLaw, Laws
from bench.synthetic import RULES, make_orders, make_snapshot
from router.domain import Order
from router.errors import LedgerUnusable, SourcierError
from router.ledger import ReservationState, StockUpdate
from router.ledger_commands import UpdateStock
from router.rules.model import RuleSet
from router.snapshot import Snapshot
from router.solver.limits import SearchLimits
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2, stock_pb2
from server.convert import order_to_proto
from server.guard import LocalCall
from server.opening import Inputs, snapshot_of
from server.services.reservation import ReservationService
from server.services.sourcing import SourcingService
from server.services.stock import StockService
from server.world import Settings, World

START_SECONDS = 1_750_000_000
NODES, SKUS = 4, 5
CLIENTS = 12
REPLICAS = 3
SAFETY_SECONDS = 400
LIVENESS_SECONDS = 4_000
MOST_STEPS = 200_000
SETTINGS = Settings(
    hold_seconds=60,
    collect_hold_seconds=60,
    reserve_attempts=3,
    max_orders_per_call=100,
    search=SearchLimits(),
)
OTHER_RULES = RuleSet.model_validate(
    {
        "version": 1,
        "default_profile": "all",
        "profiles": [{"id": "all", "strategies": [{"id": "other", "objectives": [{"kind": "shipping"}]}]}],
    }
)


@dataclass(frozen=True, slots=True)
class Odds:
    """Of 1, how often things go wrong in the safety phase."""

    lost: float = 0.1
    doubled: float = 0.1
    crash: float = 0.02
    jump: float = 0.02
    disk: Faults = field(default_factory=lambda: Faults(0.05, 0.05, 0.05))


@dataclass(order=True, slots=True)
class Event:
    at: float
    number: int
    what: str = field(compare=False)
    act: Callable[[], None] = field(compare=False)


class Simulation:
    """``run`` once. trace: a line for each event; the same seed gives the same. counts: what happened."""

    def __init__(self, seed: int, make: MakeLedger = SimulatedLedger, odds: Odds | None = None) -> None:
        self.random = Random(seed)
        self.odds = odds or Odds()
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        base = make_snapshot(nodes=NODES, skus=SKUS, share=1.0)
        self._inputs = Inputs(base.network, "EUR", base.catalogue, RULES, ())
        self.database = Database(self.random, Faults(), START_SECONDS)
        self.laws = Laws(Counter())
        self._fill(base)
        self._make = make
        self.time = 0.0
        self._events: list[Event] = []
        self._numbers = itertools.count()
        self.replicas = [self._started() for _ in range(REPLICAS)]
        orders = make_orders(base, CLIENTS * 4, 2, seed=seed)
        self.clients = [Client(self, f"c{i}", orders[4 * i : 4 * i + 4]) for i in range(CLIENTS)]
        self.is_calm = False

    def _fill(self, base: Snapshot) -> None:
        names = base.catalogue.ids.names()
        rows = [
            (sku, node.node_id, self.random.randrange(3, 9)) for sku in names for node in base.network.nodes
        ]
        self.database.run(
            UpdateStock("", [StockUpdate(sku_id=s, node_id=n, on_hand=units) for s, n, units in rows])
        )
        for sku, node, units in rows:
            self.laws.on_hand[sku, node] += units

    def _started(self) -> World:
        """A replica that has just read everything."""
        ledger = self._make(self.database)
        snapshot = snapshot_of(ledger.columns(), self._inputs, self.database.clock())
        return World(snapshot, ledger, self.database.clock, SETTINGS)

    def run(self) -> str:
        """A digest of the trace. Raises BrokenLaw."""
        self.database.faults = self.odds.disk
        for client in self.clients:
            self.after(self.random.random() * 20, f"{client.name} begins", client.step)
        self.after(1, "world", self._world_goes_on)
        self._play(SAFETY_SECONDS)
        self.is_calm = True
        self.database.faults = Faults()
        self._play(SAFETY_SECONDS + LIVENESS_SECONDS)
        self._check_end()
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]

    def after(self, seconds: float, what: str, act: Callable[[], None]) -> None:
        """Something happens later."""
        heapq.heappush(self._events, Event(self.time + seconds, next(self._numbers), what, act))

    def _play(self, until: float) -> None:
        while self._events and self._events[0].at <= until:
            event = heapq.heappop(self._events)
            self.database.now_seconds += int(event.at) - int(self.time)
            self.time = event.at
            self.trace.append(f"{event.at:.3f} {event.what} v{self.database.state.version}")
            event.act()
            self.laws.check(self.database.state, self.database.now_seconds)
            if len(self.trace) > MOST_STEPS:
                raise BrokenLaw("everything comes to an end", f"{MOST_STEPS} events")
        self.time = until

    def _world_goes_on(self) -> None:
        """Once a second: replicas follow, feeds come, rules and clocks change, replicas crash."""
        chance = self.random.random
        for ix in range(REPLICAS):
            if self._happens(self.odds.crash):
                self.counts["crashes"] += 1
                self._restart(ix)
            elif chance() < 0.7:
                self._quietly(self.replicas[ix].expire)
        if not self.is_calm:
            if chance() < 0.2:
                self._feed()
            if chance() < 0.03:
                rules = OTHER_RULES if chance() < 0.5 else RULES
                self.counts["rule reloads"] += 1
                self.replicas[int(chance() * REPLICAS)].use_rules(rules)
            if chance() < self.odds.jump:
                self.counts["clock jumps"] += 1
                self.database.now_seconds += self.random.choice((-30, -5, 5, 90))
        if not self.is_calm or any(not client.is_done for client in self.clients):
            self.after(1, "world", self._world_goes_on)

    def _feed(self) -> None:
        """Goods arrive, told by a feed that numbers what it sends, and now and then sends it again."""
        number = self.counts["feeds"] = self.counts["feeds"] + 1
        names = self._inputs.catalogue.ids.names()
        sku, node = self.random.choice(names), self.random.choice(self._inputs.network.nodes).node_id
        units = self.random.randrange(1, 4)
        row = stock_pb2.StockAdjustment(sku_id=sku, node_id=node, delta=units, sequence=number)
        request = stock_pb2.AdjustStockRequest(feed_id="wms", adjustments=[row])
        mark = ("wms", sku, node)
        for _ in range(1 + (self.random.random() < 0.5)):
            world = self.random.choice(self.replicas)
            self._quietly(lambda world=world: StockService(world).AdjustStock(request, LocalCall()))  # type: ignore[misc]
        if self.database.state.marks.get(mark) == number:
            self.laws.on_hand[sku, node] += units

    def _restart(self, ix: int) -> None:
        """Whatever a replica knew is gone. While one cannot begin the old one serves, as another process
        would."""
        found = self._quietly(self._started)
        if found is not None:
            self.replicas[ix] = found

    def _happens(self, odds: float) -> bool:
        return not self.is_calm and self.random.random() < odds

    def _quietly(self, act: Callable[[], Any]) -> Any:
        """None where the database failed."""
        try:
            return act()
        except LedgerUnusable:
            self.counts["database failures"] += 1
            return None

    def send(self, what: str, act: Callable[[World], Any], answered: Callable[[Any], None]) -> None:
        """A message to some replica, which may be lost, come twice or late; so may the answer."""
        copies = 0 if self._happens(self.odds.lost) else 1 + self._happens(self.odds.doubled)
        self.counts["messages lost"] += copies == 0
        self.counts["messages doubled"] += copies == 2
        for _ in range(copies):
            ix = int(self.random.random() * REPLICAS)
            delay = self.random.expovariate(2.0)
            self.after(delay, f"{what} at {ix}", lambda ix=ix: self._handle(what, ix, act, answered))  # type: ignore[misc]

    def _handle(
        self, what: str, ix: int, act: Callable[[World], Any], answered: Callable[[Any], None]
    ) -> None:
        try:
            answer = act(self.replicas[ix])
        except SourcierError as error:
            answer = error
            if isinstance(error, LedgerUnusable):
                self.counts["database failures"] += 1
        self.counts["calls"] += 1
        if self._happens(self.odds.lost):
            self.counts["answers lost"] += 1
            return
        self.after(self.random.expovariate(4.0), f"answer to {what}", lambda: answered(answer))

    def _check_end(self) -> None:
        """Everything came to an end, and every replica knows it."""
        waiting = [client.name for client in self.clients if not client.is_done]
        if waiting:
            raise BrokenLaw("everything comes to an end", f"still waiting: {', '.join(waiting)}")
        self.database.now_seconds += 10 * SETTINGS.hold_seconds
        for world in self.replicas:
            world.expire()
        self.laws.check(self.database.state, self.database.now_seconds)
        states = {r.state for r in self.database.state.reservations.values()}
        if ReservationState.HELD in states:
            raise BrokenLaw("everything comes to an end", "something is still held")
        for ix, world in enumerate(self.replicas):
            for sku, rows in self.database.state.rows.items():
                for node, row in rows.items():
                    seen = world.snapshot.available(sku, node)
                    if seen != row.available:
                        raise BrokenLaw(
                            "replicas follow", f"replica {ix} sees {seen} of {(sku, node)}: {row}"
                        )


class Client:
    """Buys its orders one by one: holds, then confirms or gives back, and asks again after silence."""

    def __init__(self, run: Simulation, name: str, orders: list[Order]) -> None:
        self.name = name
        self._run = run
        self._steps = self._life(orders)
        self._turn = 0
        self.is_done = False

    def step(self) -> None:
        """The next thing to do."""
        try:
            next(self._steps)
        except StopIteration:
            self.is_done = True

    def _life(self, orders: list[Order]) -> Iterator[None]:
        for number, order in enumerate(orders):
            request_id = f"{self.name}-{number}"
            request = sourcing_pb2.SourceOrderRequest(request_id=request_id, order=order_to_proto(order))
            answer: list[Any] = []
            while not answer:
                yield from self._ask(f"{request_id} source", lambda w, r=request: _sourced(w, r), answer)  # type: ignore[misc]
                if answer and isinstance(answer[0], SourcierError):
                    answer.clear()
            if not answer[0].reservation_id:
                self._run.counts["unsourceable"] += 1
                continue
            self._run.laws.told_reserved(request_id, answer[0].reservation_id)
            self._run.counts["held"] += 1
            yield from self._resolve(answer[0].reservation_id)

    def _resolve(self, reservation_id: str) -> Iterator[None]:
        """Until it is known how the reservation ended."""
        confirms = self._run.random.random() < 0.7
        act = _confirmed if confirms else _released
        state = ReservationState.CONFIRMED if confirms else ReservationState.RELEASED
        while True:
            answer: list[Any] = []
            yield from self._ask(f"{reservation_id} {act.__name__}", lambda w: act(w, reservation_id), answer)
            if not answer or isinstance(answer[0], LedgerUnusable):
                continue
            if isinstance(answer[0], SourcierError):
                state = ReservationState[answer[0].metadata["state"]]
            self._run.laws.told_ended(reservation_id, state)
            self._run.counts[state.name.lower()] += 1
            return

    def _ask(self, what: str, act: Callable[[World], Any], answer: list[Any]) -> Iterator[None]:
        """Returns with an answer, or after silence. Answers to earlier turns come too late."""
        self._turn += 1
        turn = self._turn

        def answered(found: Any) -> None:
            if turn == self._turn and not answer:
                answer.append(found)
                self.step()

        def silence() -> None:
            if turn == self._turn and not answer:
                self._turn += 1
                self.step()

        self._run.send(what, act, answered)
        self._run.after(5 + 5 * self._run.random.random(), f"{self.name} waits no longer", silence)
        yield


def _sourced(world: World, request: sourcing_pb2.SourceOrderRequest) -> sourcing_pb2.SourceOrderResponse:
    answer = SourcingService(world).SourceOrder(request, LocalCall())
    return sourcing_pb2.SourceOrderResponse.FromString(answer) if isinstance(answer, bytes) else answer


def _confirmed(world: World, reservation_id: str) -> Any:
    request = reservation_pb2.ConfirmReservationRequest(reservation_id=reservation_id)
    return ReservationService(world).ConfirmReservation(request, LocalCall())


def _released(world: World, reservation_id: str) -> Any:
    request = reservation_pb2.ReleaseReservationRequest(reservation_id=reservation_id)
    return ReservationService(world).ReleaseReservation(request, LocalCall())
