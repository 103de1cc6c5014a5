"""Any sequence of commands gives the same answers, log and stock in every ledger as in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bench.postgres_server import drop_database, new_database
from router.errors import SourcierError
from router.ledger import Correction, DayHold, Hold, Ledger, ReserveRequest, StockUpdate
from router.ledger_load import updates_of
from router.node_rows import LOAD_SKUS, day_place
from server.ledger import MemoryLedger, SqliteLedger
from server.ledger.postgres import PostgresLedger
from tests.contract.ledger_tools import VirtualClock, all_changes, all_reservations, audit, load_of

SKUS = ["A", "B", "C"]
NODES = ["N1", "N2", "N3", "N4"]
RECEIPTS = ["N1@2026-12-01T08:00:00Z", "N1@2026-12-24T00:00:00Z", "N4@2026-12-01T08:00:00Z"]
places = st.sampled_from(NODES + RECEIPTS)

holds = st.lists(
    st.builds(Hold, sku_id=st.sampled_from(SKUS), node_id=places, quantity=st.integers(1, 6)),
    min_size=1,
    max_size=4,
).map(tuple)
DAYS = [day_place(node_id, day) for node_id in ("N1", "N2") for day in (739_785, 739_786)]
days = st.lists(
    st.builds(
        DayHold,
        hold=st.builds(
            Hold,
            sku_id=st.sampled_from(LOAD_SKUS[:2]),
            node_id=st.sampled_from(DAYS),
            quantity=st.integers(1, 4),
        ),
        capacity=st.sampled_from([3, 3, 5]),
        waiting=st.sampled_from([0, 0, 2]),
    ),
    max_size=2,
).map(tuple)
requests = st.builds(
    ReserveRequest,
    request_id=st.sampled_from(["", "q1", "q2", "q3"]),
    fingerprint=st.sampled_from(["x", "x", "x", "y"]),
    order_id=st.text(max_size=3),
    holds=holds,
    days=st.just(()) | days,
    ttl_seconds=st.sampled_from([1, 5, 5, 10, 50]),
    payload=st.binary(max_size=3),
)
replacements = st.builds(
    replace,
    requests,
    replaces=st.integers(0, 12).map("r-{:012d}".format),
    holds=st.just(()) | holds,
    corrections=st.lists(
        st.builds(
            Correction,
            sku_id=st.sampled_from([*SKUS, LOAD_SKUS[0]]),
            node_id=st.sampled_from([*NODES, *NODES, RECEIPTS[0]]),
            gone_units=st.none() | st.integers(-1, 9),
        ),
        max_size=2,
    ).map(tuple),
)
updates = st.lists(
    st.builds(
        StockUpdate,
        sku_id=st.sampled_from([*SKUS, *SKUS, LOAD_SKUS[0]]),
        node_id=places | st.sampled_from(DAYS),
        on_hand=st.integers(-3, 12),
        relative=st.booleans(),
        safety_stock=st.sampled_from([None, None, 0, 2, -1]),
        new_row_safety_stock=st.sampled_from([0, 0, 1]),
    ),
    max_size=6,
)
numbers = st.integers(0, 12)


class AsInMemory(RuleBasedStateMachine):
    """The same command to both; the same outcome or the same mistake from both."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.memory = MemoryLedger(self.clock)
        self.make()
        self.durable = self.opened()

    def make(self) -> None:
        """Somewhere to keep it."""

    def opened(self) -> Ledger:
        """The ledger that is kept there."""
        raise NotImplementedError

    def unmake(self) -> None:
        """Nothing is left of it."""

    def teardown(self) -> None:
        audit(self.durable, [*SKUS, *LOAD_SKUS])
        assert all_reservations(self.durable) == all_reservations(self.memory)
        self.durable.close()
        self.unmake()

    def both(self, call: Callable[[Ledger], object]) -> None:
        assert answer_of(call, self.durable) == answer_of(call, self.memory)

    @initialize(at_once=st.booleans())
    def some_stock(self, at_once: bool) -> None:
        load = load_of({(s, n): (8, 0) for s in SKUS[:2] for n in (*NODES[:3], *RECEIPTS)})
        if at_once:
            self.both(lambda ledger: ledger.load(load))
        else:
            [(_, rows)] = updates_of(load, 100)
            self.both(lambda ledger: ledger.update_stock("", rows))

    @rule()
    def load_too_late(self) -> None:
        self.both(lambda ledger: ledger.load(load_of({("A", "N1"): (1, 0)})))

    @rule(asked=requests)
    def reserve(self, asked: ReserveRequest) -> None:
        self.both(lambda ledger: ledger.reserve(asked))

    @rule(asked=st.lists(requests, max_size=5))
    def reserve_many(self, asked: list[ReserveRequest]) -> None:
        self.both(lambda ledger: ledger.reserve_many(asked))

    @rule(asked=st.lists(requests | replacements, max_size=3))
    def replace(self, asked: list[ReserveRequest]) -> None:
        self.both(lambda ledger: ledger.reserve_many(asked))

    @rule(
        asked=st.lists(requests, min_size=1, max_size=3), quantity=st.integers(-1, 1), ttl=st.integers(0, 1)
    )
    def reserve_badly(self, asked: list[ReserveRequest], quantity: int, ttl: int) -> None:
        asked[-1] = replace(
            asked[-1], holds=(replace(asked[-1].holds[0], quantity=quantity),), ttl_seconds=ttl
        )
        self.both(lambda ledger: ledger.reserve_many(asked))

    @rule(number=numbers)
    def confirm(self, number: int) -> None:
        self.both(lambda ledger: ledger.confirm(f"r-{number:012d}"))

    @rule(number=numbers, part=holds)
    def confirm_part(self, number: int, part: tuple[Hold, ...]) -> None:
        self.both(lambda ledger: ledger.confirm(f"r-{number:012d}", part))

    @rule(number=numbers, seconds=st.sampled_from([-1, 1, 6, 40]))
    def extend(self, number: int, seconds: int) -> None:
        self.both(lambda ledger: ledger.extend(f"r-{number:012d}", seconds))

    @rule(number=numbers)
    def release(self, number: int) -> None:
        self.both(lambda ledger: ledger.release(f"r-{number:012d}"))

    @rule(seconds=st.sampled_from([1, 4, 5, 30]))
    def time_passes(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def expire(self) -> None:
        self.both(lambda ledger: ledger.expire())

    @rule(request_id=st.sampled_from(["", "", "f1", "f2"]), changes=updates)
    def update_stock(self, request_id: str, changes: list[StockUpdate]) -> None:
        self.both(lambda ledger: ledger.update_stock(request_id, changes))

    @rule(
        feed_id=st.sampled_from(["wms", "tills"]), changes=updates, at=st.lists(st.integers(0, 9), min_size=6)
    )
    def feed(self, feed_id: str, changes: list[StockUpdate], at: list[int]) -> None:
        numbered = [replace(update, sequence=n) for update, n in zip(changes, at, strict=False)]
        self.both(lambda ledger: ledger.feed(feed_id, numbered))

    @rule()
    def reopen(self) -> None:
        self.durable.close()
        self.durable = self.opened()

    @rule(
        number=numbers, sku_id=st.sampled_from([*SKUS, LOAD_SKUS[0]]), node_ids=st.none() | st.lists(places)
    )
    def read(self, number: int, sku_id: str, node_ids: list[str] | None) -> None:
        self.both(lambda ledger: ledger.find(f"r-{number:012d}"))
        self.both(lambda ledger: ledger.stock(sku_id, node_ids))
        self.both(lambda ledger: ledger.stock_of([sku_id, SKUS[0], sku_id], node_ids))

    @invariant()
    def same_log(self) -> None:
        assert all_changes(self.durable) == all_changes(self.memory)

    @invariant()
    def same_columns(self) -> None:
        ours, theirs = self.durable.columns(), self.memory.columns()
        assert (ours.version, ours.sku_ids, ours.node_ids) == (
            theirs.version,
            theirs.sku_ids,
            theirs.node_ids,
        )
        for name in ("sku_ix", "node_ix", "available"):
            assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()


def answer_of(call: Callable[[Ledger], object], ledger: Ledger) -> object:
    try:
        return call(ledger)
    except SourcierError as mistake:
        return type(mistake), mistake.message


class InSqlite(AsInMemory):
    """In a file."""

    def make(self) -> None:
        self.folder = tempfile.TemporaryDirectory()

    def opened(self) -> Ledger:
        return SqliteLedger(Path(self.folder.name) / "ledger.db", self.clock)

    def unmake(self) -> None:
        self.folder.cleanup()


class InPostgres(AsInMemory):
    """In a database."""

    def make(self) -> None:
        self.uri = new_database()

    def opened(self) -> Ledger:
        return PostgresLedger(self.uri, self.clock)

    def unmake(self) -> None:
        drop_database(self.uri)


TestInSqlite, TestInPostgres = InSqlite.TestCase, InPostgres.TestCase
for case, examples in ((TestInSqlite, 40), (TestInPostgres, 20)):
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
