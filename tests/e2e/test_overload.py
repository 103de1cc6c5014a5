"""More calls than a server can answer: some are told to come again, none is lost, deadlines are kept."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server.admission import Lane
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2
from server.guard import HASTY
from tests.e2e.files import CONFIG
from tests.e2e.service import all_at_once, hold, new_id, order, running

ROOM = 10


def test_who_cannot_be_served_soon_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CONFIG.replace("threads: 12", f"threads: 1\n  max_waiting_calls: {ROOM}")
    monkeypatch.setattr("tests.e2e.files.CONFIG", text)
    with running(tmp_path / "shop") as service:
        sku = service.sku()
        held = service.reserve(order((sku, 1))).reservation_id
        go_on, entered = threading.Event(), threading.Event()

        def slow() -> None:
            entered.set()
            assert go_on.wait(30)

        service.ledger.before["find"] = slow
        asked = reservation_pb2.GetReservationRequest(reservation_id=held)
        blocking = service.reservations.GetReservation.future(asked)
        assert entered.wait(30)
        quote = sourcing_pb2.SourceOrderRequest(order=order((sku, 1)), validate_only=True)
        waiting = [service.sourcing.SourceOrder.future(quote) for _ in range(3 * ROOM)]
        admission = service.app.admission
        while admission.waiting_count + admission.shed_count[Lane.SOURCE] < len(waiting):
            time.sleep(0.001)
        late = sourcing_pb2.SourceOrderRequest(order=order((sku, 1)), request_id=new_id())
        expiring = service.sourcing.SourceOrder.future(late, timeout=0.2)
        confirming = service.reservations.ConfirmReservation.future(
            reservation_pb2.ConfirmReservationRequest(reservation_id=held)
        )
        with pytest.raises(grpc.RpcError) as expired:
            expiring.result(30)
        assert expired.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]
        go_on.set()
        assert confirming.result(30).reservation_id == blocking.result(30).reservation_id
        refused = [error for call in waiting if (error := call.exception(30)) is not None]
        assert len(waiting) - len(refused) == round(0.6 * ROOM)
        hasty = [call for call in waiting if HASTY in [tuple(pair) for pair in call.trailing_metadata()]]
        assert len(hasty) == round(0.3 * ROOM)
        for error in refused:
            check_advice(error)
        # What expired while it waited held nothing, and neither did what was refused.
        assert service.available(sku)["store-paris"] == 9
        assert service.app.admission.waiting_count == 0


def check_advice(error: Any) -> None:
    status = rpc_status.from_call(error)
    assert status is not None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (error.code(), info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert info.metadata["lane"] == "SOURCE"
    assert retry.retry_delay.ToMilliseconds() == int(info.metadata["retry_millis"]) >= 100


def test_many_at_once_all_get_an_answer(tmp_path: Path) -> None:
    with running(tmp_path / "shop") as service:
        sku = service.sku()

        def buy(i: int) -> str:
            if i % 2:
                request = reservation_pb2.CreateReservationRequest(
                    request_id=new_id(), order_id="o", holds=[hold(sku, "dc-lyon", 1)]
                )
                try:
                    return str(service.reservations.CreateReservation(request).reservation_id)
                except grpc.RpcError as error:
                    return str(error.code())  # type: ignore[attr-defined]
            return str(service.quote(order((sku, 1))).decision.decision_id)

        answers = all_at_once([lambda i=i: buy(i) for i in range(200)])  # type: ignore[misc]
        assert sum(str(answer).startswith("r-") for answer in answers) == 10
        assert service.available(sku)["dc-lyon"] == 0
