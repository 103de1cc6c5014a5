"""What a promise needs in the next minute is worked out in this one."""

from __future__ import annotations

from unittest.mock import patch

from router import promise as promising
from router.snapshot import Snapshot
from server.api.sourcing.v1 import sourcing_pb2
from server.convert import delivery_to_proto
from server.promise_desk import PREPARED_AT_ONCE, PromiseDesk
from tests.engine import snapshot_of
from tests.unit.test_deliveries import NOW_SECONDS, shop
from tests.unit.test_promise_odds import HOME, MINUTE, PARIS, clocked


def ask(desk: PromiseDesk, snapshot: Snapshot, at: int) -> tuple[bytes, int]:
    """The answer, and for how many places it was worked out how they are reached."""
    request = sourcing_pb2.GetPromiseRequest(
        items=[sourcing_pb2.PromiseItem(sku_id="K", quantity=1)],
        deliveries=[delivery_to_proto(to) for to in (HOME, PARIS)],
    )
    with patch.object(promising, "_reach_place", wraps=promising._reach_place) as reach:
        return desk.answer(request, snapshot, at), reach.call_count


def test_the_next_minute_is_ready_when_it_begins() -> None:
    desk, snapshot = PromiseDesk(), snapshot_of(clocked(PARIS=1, WH=2))
    assert ask(desk, snapshot, NOW_SECONDS)[1] == 1
    assert ask(desk, snapshot, NOW_SECONDS)[1] == 0
    desk.prepare(snapshot, NOW_SECONDS)
    for later in range(1, 4):
        answer, worked_out = ask(desk, snapshot, NOW_SECONDS + later * MINUTE)
        assert worked_out == 0
        assert answer == ask(PromiseDesk(), snapshot, NOW_SECONDS + later * MINUTE)[0]
        desk.prepare(snapshot, NOW_SECONDS + later * MINUTE)


def test_what_nobody_asked_for_is_not_prepared_any_more() -> None:
    desk, snapshot = PromiseDesk(), snapshot_of(clocked(PARIS=1))
    ask(desk, snapshot, NOW_SECONDS)
    desk.prepare(snapshot, NOW_SECONDS)
    desk.prepare(snapshot, NOW_SECONDS + MINUTE)
    assert ask(desk, snapshot, NOW_SECONDS + 2 * MINUTE)[1] == 1


def test_as_much_at_once_as_nobody_notices() -> None:
    promiser, snapshot = promising.Promiser(), snapshot_of(clocked(PARIS=1))
    desk = PromiseDesk()
    desk._promiser = promiser
    ask(desk, snapshot, NOW_SECONDS)
    assert promiser.prepare(snapshot, NOW_SECONDS, 0) == 0
    assert promiser.prepare(snapshot, NOW_SECONDS, PREPARED_AT_ONCE) == 1
    assert promiser.prepare(snapshot, NOW_SECONDS, PREPARED_AT_ONCE) == 0


def test_where_times_never_change_there_is_nothing_to_prepare() -> None:
    promiser, snapshot = promising.Promiser(), snapshot_of(shop(PARIS=1))
    desk = PromiseDesk()
    desk._promiser = promiser
    ask(desk, snapshot, NOW_SECONDS)
    assert promiser.prepare(snapshot, NOW_SECONDS, PREPARED_AT_ONCE) == 0
    assert ask(desk, snapshot, NOW_SECONDS + MINUTE)[1] == 0
