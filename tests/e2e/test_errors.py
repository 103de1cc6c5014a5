"""Every row of the error table, over the wire; and that docs/errors.md has the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from router.errors import (
    BrokenInvariant,
    InvalidConfig,
    InvalidInput,
    LedgerUnusable,
    NotFound,
    RequestIdReused,
    StaleSnapshot,
    StateConflict,
    StockConflict,
)
from router.ledger import Hold, StockUpdate
from server.admission import Lane, Overloaded
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2
from server.security.callers import Unauthenticated
from server.security.permissions import PermissionDenied, QuotaExceeded
from server.status import TABLE, CallExpired, CannotExplain, Row, SoldOut, TooManyExplanations
from tests.e2e.service import Service, failure, new_id, nodes_of, order

SAMPLES: dict[type[Exception], Exception] = {
    InvalidConfig: InvalidConfig.at("rules.yaml:3:1 profiles", "is missing"),
    InvalidInput: InvalidInput.at("order.lines", "is missing"),
    NotFound: NotFound("no such thing", metadata={"id": "x"}),
    RequestIdReused: RequestIdReused("came before", metadata={"request_id": "x"}),
    StateConflict: StateConflict("is RELEASED", metadata={"state": "RELEASED"}),
    SoldOut: SoldOut([Hold(sku_id="a", node_id="b", quantity=3)]),
    CannotExplain: CannotExplain("too long ago"),
    StockConflict: StockConflict("kept changing", metadata={"attempts": "3"}),
    CallExpired: CallExpired("too late"),
    TooManyExplanations: TooManyExplanations(4),
    StaleSnapshot: StaleSnapshot(31.0),
    Unauthenticated: Unauthenticated("who is it"),
    PermissionDenied: PermissionDenied("not you", metadata={"group": "stock"}),
    QuotaExceeded: QuotaExceeded(0.5),
    Overloaded: Overloaded(Lane.SOURCE, 0.5),
    LedgerUnusable: LedgerUnusable("disk full", metadata={"path": "ledger.db"}),
    BrokenInvariant: BrokenInvariant("cost differs"),
    Exception: ZeroDivisionError("secret words"),
}


@pytest.fixture
def fail_with(service: Service) -> Iterator[Callable[[Exception], None]]:
    """Makes the ledger's next ``find`` raise."""

    def set_error(error: Exception) -> None:
        def fail() -> None:
            raise error

        service.ledger.before["find"] = fail

    yield set_error
    service.ledger.before.pop("find", None)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.error.__name__)
def test_every_row_of_the_table(
    service: Service,
    fail_with: Callable[[Exception], None],
    nothing_held: Callable[[], None],
    row: Row,
) -> None:
    sample = SAMPLES[row.error]
    fail_with(sample)
    request = reservation_pb2.GetReservationRequest(reservation_id="r-000000000001")
    found = failure(lambda: service.reservations.GetReservation(request))
    assert found.code is row.code
    assert found.reason == row.reason
    assert getattr(sample, "metadata", {}).items() <= found.metadata.items()
    assert found.violations == getattr(sample, "violations", ())
    internal = row.code is grpc.StatusCode.INTERNAL
    assert ("incident" in found.metadata) == internal
    assert "secret" not in found.message


def test_the_documentation_has_every_row() -> None:
    text = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    stated = [tuple(cell.strip(" `") for cell in line.strip("|").split("|")[:2]) for line in rows]
    assert stated[: len(TABLE)] == [(row.code.name, row.reason) for row in TABLE]
    assert all(row.retry in line for row, line in zip(TABLE, rows, strict=False))


def test_the_documentation_has_every_key_of_the_metadata() -> None:
    root = Path(__file__).parents[2]
    code = [path.read_text("utf-8") for name in ("server", "router") for path in (root / name).rglob("*.py")]
    stated = "".join(found for text in code for found in re.findall(r"metadata=\{(\"[^}]*)\}", text))
    keys = set(re.findall(r'"(\w+)":', stated))
    keys |= {key for text in code for key in re.findall(r'metadata\["(\w+)"\]', text)}
    assert {"change_count", "incident", "request_id", "state"} <= keys
    text = (root / "docs" / "errors.md").read_text(encoding="utf-8")
    assert {key for key in keys if f"`{key}`" not in text} == set()


def test_sold_out_tells_what_is_left(service: Service, fail_with: Callable[[Exception], None]) -> None:
    fail_with(SAMPLES[SoldOut])
    request = reservation_pb2.GetReservationRequest(reservation_id="r-000000000001")
    with pytest.raises(grpc.RpcError) as caught:
        service.reservations.GetReservation(request)
    status = rpc_status.from_call(caught.value)
    precondition = error_details_pb2.PreconditionFailure()
    assert status.details[1].Unpack(precondition)
    [violation] = precondition.violations
    assert (violation.type, violation.subject, violation.description) == ("STOCK", "a@b", "3 left")


def test_stock_that_others_keep_taking_is_a_conflict(own_service: Service) -> None:
    """Somebody else always buys in between: after the configured attempts nothing is held."""
    sku = own_service.sku(paris=5, lille=5, lyon=5)
    rivals = own_service.world.ledger._ledger
    tries = []

    def steal() -> None:
        best = ("store-paris", "store-lille", "dc-lyon")[len(tries)]
        tries.append(best)
        rivals.update_stock("", [StockUpdate(sku_id=sku, node_id=best, on_hand=0)])

    own_service.ledger.before["reserve_many"] = steal
    found = failure(lambda: own_service.reserve(order((sku, 1))))
    assert (found.code, found.reason) == (grpc.StatusCode.ABORTED, "STOCK_CONFLICT")
    assert found.metadata["attempts"] == "3"
    assert len(tries) == 3
    del own_service.ledger.before["reserve_many"]
    assert own_service.reserved_units() == 0


def test_stock_taken_once_is_decided_again(own_service: Service) -> None:
    sku = own_service.sku()
    rivals = own_service.world.ledger._ledger

    def steal() -> None:
        rivals.update_stock("", [StockUpdate(sku_id=sku, node_id="store-paris", on_hand=0)])

    own_service.ledger.before["reserve_many"] = steal
    response = own_service.reserve(order((sku, 1)))
    assert nodes_of(response.decision) == ["store-lille"]
    assert response.reservation_id
    assert own_service.available(sku) == {"store-paris": 0, "store-lille": 7, "dc-lyon": 10}


def test_a_decision_whose_stock_is_forgotten_cannot_be_explained(own_service: Service) -> None:
    sku = own_service.sku()
    decision = own_service.quote(order((sku, 1))).decision
    own_service.reserve(order((sku, 1)))
    ledger = own_service.world.ledger._ledger
    request = sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
    assert own_service.sourcing.ExplainDecision(request).decision.decision_id == decision.decision_id
    changes = ledger.changes
    ledger.changes = lambda since, limit=100_000: changes(since, limit)[1:]
    found = failure(lambda: own_service.sourcing.ExplainDecision(request))
    assert (found.code, found.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "DECISION_NOT_REPRODUCIBLE",
    )
    del ledger.changes


def test_a_decision_after_which_too_much_has_changed_says_how_much(
    own_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.decision_log.MAX_CHANGES", 1)
    sku = own_service.sku()
    decision = own_service.quote(order((sku, 1))).decision
    for _ in range(2):
        own_service.reserve(order((sku, 1)))
    request = sourcing_pb2.ExplainDecisionRequest(decision_id=decision.decision_id)
    found = failure(lambda: own_service.sourcing.ExplainDecision(request))
    assert (found.reason, found.metadata) == ("DECISION_NOT_REPRODUCIBLE", {"change_count": "2"})
    assert "2 times" in found.message


def test_a_ledger_that_fails_loses_nothing(own_service: Service) -> None:
    sku, request_id = own_service.sku(), new_id()

    def fail() -> None:
        raise LedgerUnusable("disk full")

    own_service.ledger.before["reserve_many"] = fail
    asked = order((sku, 1))
    assert failure(lambda: own_service.reserve(asked, request_id)).code is grpc.StatusCode.UNAVAILABLE
    del own_service.ledger.before["reserve_many"]
    assert own_service.reserved_units() == 0
    assert own_service.reserve(asked, request_id).reservation_id
