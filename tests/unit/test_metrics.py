"""What is counted and timed, and the table of it."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import grpc
import pytest

from router.errors import InvalidConfig
from server.calls import Stage, about, current_fields, decided_quickly, stage
from server.ledger.group_commit import Group, GroupCommit
from server.metrics import Metrics, serve_page
from server.metrics_table import DOCUMENT, with_table
from server.telemetry import Telemetry

ROOT = Path(__file__).parents[2]


def test_the_table_is_up_to_date() -> None:
    text = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    assert with_table(text) == text, "run `make metrics`"
    assert with_table(text.replace("| `sourcier_serving`", "| `gone`")) == text


def test_a_call_is_timed_by_method_and_code() -> None:
    telemetry = Telemetry()
    with telemetry.watch("/sourcing.v1.StockService/SetStock", lambda: ()) as watch:
        with stage(Stage.DECODE):
            pass
        decided_quickly("batch", (1, 1, 3))
        watch.failed(InvalidConfig.at("x", "y"))
    value = telemetry.metrics.registry.get_sample_value
    labels = {"method": "StockService/SetStock", "code": grpc.StatusCode.INVALID_ARGUMENT.name}
    assert value("sourcier_call_seconds_count", labels) == 1
    assert value("sourcier_stage_seconds_count", {"stage": "decode"}) == 1
    assert value("sourcier_stage_seconds_count", {"stage": "encode"}) == 0
    batch = {"method": "subset_dp", "path": "batch"}
    assert value("sourcier_decisions_total", {**batch, "status": "sourced"}) == 2
    assert value("sourcier_decisions_total", {**batch, "status": "unsourceable"}) == 1


def test_outside_of_a_call_nothing_is_recorded() -> None:
    with stage(Stage.DECIDE):
        about(decision_id="d", order_id="o")
        assert current_fields() == {}


@pytest.mark.parametrize("given", ["", "x" * 129, "line\nbreak"])
def test_a_request_id_is_the_callers_or_made(given: str) -> None:
    with Telemetry().watch("/m", lambda: (("x-request-id", given),)):
        made = current_fields()["request_id"]
        assert made not in ("", given)
        assert current_fields()["request_id"] == made
    with Telemetry().watch("/m", lambda: (("x-request-id", "mine"),)):
        about(order_id=lambda: "late")
        assert current_fields() == {"method": "/m", "request_id": "mine", "order_id": "late"}


def test_a_transaction_counts_once_however_many_share_it() -> None:
    metrics = Metrics()
    telemetry = Telemetry(metrics)
    group = Group(3, 1.0, 1.5)
    for leads in (True, False, False):
        telemetry.committed(group, leads=leads)
    assert metrics.registry.get_sample_value("sourcier_commit_size_commands_sum") == 3
    assert metrics.registry.get_sample_value("sourcier_commit_seconds_sum") == 0.5
    told: list[tuple[int, bool]] = []

    def tell(group: Group, *, leads: bool) -> None:
        told.append((group.size, leads))

    commit: GroupCommit[int, int] = GroupCommit(lambda items: [2 * item for item in items])
    commit.told = tell
    assert commit.submit(4) == 8
    assert told == [(1, True)]


def test_the_page_is_served_until_it_is_closed() -> None:
    metrics = Metrics()
    page = serve_page(metrics.registry, "127.0.0.1:0", worker=2)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{page.port}/metrics") as answer:
            assert "# TYPE sourcier_call_seconds histogram" in answer.read().decode()
        with pytest.raises(InvalidConfig, match=r"metrics\.address: cannot listen on 127\.0\.0\.1"):
            serve_page(metrics.registry, f"127.0.0.1:{page.port}")
        with pytest.raises(InvalidConfig, match=f"127.0.0.1:{page.port}"):  # the second of two workers
            serve_page(metrics.registry, f"127.0.0.1:{page.port - 1}", worker=2)
    finally:
        page.close()
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", page.port)) != 0
