"""Plays: what clients do on a stage. Each is as short as the fault allows that it is to show."""

from __future__ import annotations

from tests.contract.ledger_tools import adjusted, at_once, stock_of, successes
from tests.history.stage import Stage, asked, held


def two_at_once(stage: Stage) -> None:
    stage.client().update_stock("", [stock_of("A", "N", 2)])
    clients = [stage.client(), stage.client()]
    successes(at_once(2, lambda ix: clients[ix].reserve(asked(("A", 1 + ix), request_id=f"q{ix}"))))


def one_too_many(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 2, safety_stock=1)])
    client.reserve(asked(("A", 1), request_id="q1"))
    client.reserve(asked(("A", 1), request_id="q2"))


def retried(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    for _ in range(2):
        client.reserve(asked(("A", 1), request_id="q"))


def id_with_other_content(stage: Stage) -> None:
    retried(stage)
    stage.client().reserve(asked(("A", 1), request_id="q", fingerprint="other"))


def feed_retried(stage: Stage) -> None:
    client = stage.client()
    for _ in range(2):
        client.update_stock("f", [adjusted("A", "N", 5)])


def crashed(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    client.reserve(asked(("A", 1), request_id="q"))
    stage.crash()


def confirmed_too_late(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    reservation = held(client.reserve(asked(("A", 1), ttl_seconds=20)))
    stage.clock.now += 20
    client.confirm(reservation.reservation_id)


def looked_at_just_before(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    reservation = held(client.reserve(asked(("A", 1), ttl_seconds=20)))
    stage.clock.now += 19
    client.confirm(reservation.reservation_id)


def abandoned(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    client.reserve(asked(("A", 1), ttl_seconds=20))
    stage.clock.now += 20
    client.version()


def extended(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    reservation = held(client.reserve(asked(("A", 1), ttl_seconds=20)))
    client.extend(reservation.reservation_id, 30)
    stage.clock.now += 25
    client.confirm(reservation.reservation_id)


def second_row_short(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5), stock_of("B", "N", 1)])
    client.reserve(asked(("A", 2), ("B", 2), request_id="q"))


def two_rows(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5), stock_of("B", "N", 5)])
    client.reserve(asked(("A", 2), ("B", 2), request_id="q"))


def released_twice(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    reservation = held(client.reserve(asked(("A", 1))))
    client.release(reservation.reservation_id)
    client.release(reservation.reservation_id)


def confirmed_then_released(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    reservation = held(client.reserve(asked(("A", 1))))
    client.confirm(reservation.reservation_id)
    client.release(reservation.reservation_id)


def sold_out_for_a_moment(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    client.reserve(asked(("A", 1)))


def read_after_write(stage: Stage) -> None:
    client, other = stage.client(), stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    client.reserve(asked(("A", 1)))
    other.stock_of(["A", "B"])


def two_in_a_row(stage: Stage) -> None:
    client, other = stage.client(), stage.client()
    client.update_stock("", [stock_of("A", "N", 5), stock_of("B", "N", 5)])
    client.reserve(asked(("A", 1), request_id="q1"))
    other.reserve(asked(("B", 1), request_id="q2"))


def adjusted_and_read(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    client.update_stock("", [adjusted("A", "N", 3)])


def found_again(stage: Stage) -> None:
    client = stage.client()
    client.update_stock("", [stock_of("A", "N", 5)])
    client.find(held(client.reserve(asked(("A", 1)))).reservation_id)
