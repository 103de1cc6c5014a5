"""What a server tells of itself while it works: its page of metrics, its log, its spans."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from router.errors import InvalidConfig, LedgerUnusable
from server.api.sourcing.v1 import reservation_pb2, sourcing_pb2
from server.config import load_config
from server.logs import LOG, LogFormat, LogLevel, set_up
from server.metrics import Page, serve_page
from server.telemetry import Telemetry
from server.tracing import SpanTracer
from tests.e2e.files import BAD_RULES, write_shop
from tests.e2e.service import Service, failure, new_id, order, running
from tests.unit.test_deploy import queries

PARENT = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(tmp_path: Path, spans: InMemorySpanExporter) -> Iterator[Service]:
    """Only calls whose caller wants it have spans."""
    tracer = SpanTracer(SimpleSpanProcessor(spans), 0.0)
    with running(tmp_path / "shop", Telemetry(tracer=tracer)) as service:
        yield service


@pytest.fixture
def page(service: Service) -> Iterator[Page]:
    found = serve_page(service.app.telemetry.metrics.registry, "127.0.0.1:0")
    yield found
    found.close()


def samples(page: Page) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{page.port}/metrics") as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((name, frozenset(labels.items())), 0.0)


def grown(before: Samples, after: Samples, name: str, **labels: str) -> float:
    return value(after, name, **labels) - value(before, name, **labels)


def test_the_page_counts_what_happened(service: Service, page: Page) -> None:
    before, sku = samples(page), service.sku()
    service.quote(order((sku, 1)))
    service.quote(order((sku, 1)), explain=True)
    held = service.reserve(order((sku, 1)))
    service.reservations.ConfirmReservation(
        reservation_pb2.ConfirmReservationRequest(reservation_id=held.reservation_id)
    )
    orders = [order((sku, 1)), order(("nowhere-1", 9_000))]
    service.sourcing.SourceOrders(sourcing_pb2.SourceOrdersRequest(orders=orders, validate_only=True))
    failure(lambda: service.quote(order(("unknown", 1))))
    after = samples(page)
    calls = {"method": "SourcingService/SourceOrder"}
    assert grown(before, after, "sourcier_call_seconds_count", **calls, code="OK") == 3
    assert grown(before, after, "sourcier_call_seconds_count", **calls, code="INVALID_ARGUMENT") == 1
    kernels = {"method": "subset_dp"}
    for status, path, count in (
        ("sourced", "quote", 1),
        ("sourced", "general", 2),
        ("sourced", "batch", 1),
        ("unsourceable", "batch", 1),
    ):
        decided = grown(before, after, "sourcier_decisions_total", **kernels, status=status, path=path)
        assert decided == count, (status, path)
    assert grown(before, after, "sourcier_certified_decisions_total", certificate="exact") == 2
    for stage in ("decode", "snapshot", "decide", "encode", "reserve"):
        assert grown(before, after, "sourcier_stage_seconds_count", stage=stage) >= 1, stage
    assert grown(before, after, "sourcier_reserve_attempts_count") == 1
    assert grown(before, after, "sourcier_reserve_attempts_sum") == 1
    assert grown(before, after, "sourcier_commit_size_commands_sum") >= 3
    assert value(after, "sourcier_serving") == 1
    assert value(after, "sourcier_snapshot_behind_versions") == 0
    assert value(after, "sourcier_stock_version") == service.world.snapshot.stock.version
    assert value(after, "sourcier_stock_rows") == len(service.world.snapshot.stock)


def test_queries_use_labels_that_there_are(service: Service, page: Page) -> None:
    """Of the dashboard and the alerts; the instance is Prometheus' own."""
    service.reserve(order((service.sku(), 1)))
    labels: dict[str, set[str]] = {}
    for name, pairs in samples(page):
        labels.setdefault(name, {"instance", "job"}).update(key for key, _ in pairs)
    for query in queries():
        names = [name for name in re.findall(r"\b(?:sourcier|process)_[a-z_]+", query) if name in labels]
        used = {
            key
            for group in re.findall(r"by \(([^)]*)\)|\{([^}]*)\}", query)
            for key in re.findall(r"[a-z_]+(?=\s*(?:=|,|$))", re.sub(r'"[^"]*"', "", ",".join(group)))
        }
        known = set().union(*(labels[name] for name in names))
        assert not names or used <= known, query


def test_conflicts_expiries_and_refused_rules_are_counted(own_service: Service) -> None:
    value_of = own_service.app.telemetry.metrics.registry.get_sample_value
    sku = own_service.sku(paris=1, lille=3)

    def rival() -> None:
        own_service.ledger.before.clear()
        hold = reservation_pb2.ReservationHold(sku_id=sku, node_id="store-paris", quantity=1)
        own_service.reservations.CreateReservation(
            reservation_pb2.CreateReservationRequest(request_id=new_id(), order_id="rival", holds=[hold])
        )

    own_service.ledger.before["reserve_many"] = rival
    own_service.reserve(order((sku, 1)))
    assert value_of("sourcier_conflicts_total") == 1
    assert value_of("sourcier_reserve_attempts_sum") == 2
    own_service.clock.seconds += 601
    own_service.world.expire()
    assert value_of("sourcier_expired_reservations_total") == 2
    (own_service.folder / "rules.yaml").write_text(BAD_RULES)
    own_service.rules.check()
    assert value_of("sourcier_rules_rejected") == 1
    assert value_of("sourcier_rules_reloads_total", {"result": "rejected"}) == 1


def test_a_ledger_that_cannot_be_asked_leaves_the_page_whole(own_service: Service) -> None:
    def gone() -> None:
        raise LedgerUnusable("gone")

    own_service.ledger.before["version"] = gone
    value_of = own_service.app.telemetry.metrics.registry.get_sample_value
    assert value_of("sourcier_snapshot_behind_versions") is None
    assert value_of("sourcier_serving") == 1


def test_lines_of_a_call_have_its_ids_and_nothing_of_its_content(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    before = LOG.handlers[:], LOG.level, LOG.propagate
    sku = service.sku()
    asked = order((sku, 1), order_id="o-17")
    mine = (("x-request-id", "checkout-1"),)
    set_up(LogLevel.DEBUG, LogFormat.JSON)
    try:
        quoted = sourcing_pb2.SourceOrderRequest(order=asked, validate_only=True)
        answer = service.sourcing.SourceOrder(quoted, metadata=mine)
        held = service.sourcing.SourceOrder(
            sourcing_pb2.SourceOrderRequest(order=asked, request_id=new_id()), metadata=mine
        )
        wrong = reservation_pb2.GetReservationRequest(reservation_id="r-none")
        with pytest.raises(grpc.RpcError):
            service.reservations.GetReservation(wrong, metadata=mine)
    finally:
        LOG.handlers[:], LOG.level, LOG.propagate = before
    text = capsys.readouterr().err
    lines = [line for line in map(json.loads, text.splitlines()) if line["event"] == "call"]
    lines = [line for line in lines if line["request_id"] == "checkout-1"]
    assert [(line["level"], line["status"]) for line in lines] == [
        ("DEBUG", "OK"),
        ("DEBUG", "OK"),
        ("INFO", "NOT_FOUND"),
    ]
    assert [line.get("decision_id") for line in lines[:2]] == [
        answer.decision.decision_id,
        held.decision.decision_id,
    ]
    assert [line.get("order_id") for line in lines] == ["o-17", "o-17", None]
    assert all(isinstance(line["duration_micros"], int) for line in lines)
    assert sku not in text


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def test_a_trace_goes_from_the_caller_to_the_commit(traced: Service, spans: InMemorySpanExporter) -> None:
    sku = traced.sku()
    request = sourcing_pb2.SourceOrderRequest(request_id=new_id(), order=order((sku, 1), order_id="o-9"))
    answer = traced.sourcing.SourceOrder(request, metadata=(PARENT, ("x-request-id", "checkout-2")))
    traced.app.stop()
    found = by_name(spans)
    call = found["sourcing.v1.SourcingService/SourceOrder"]
    assert set(found) == {call.name, "decode", "snapshot", "decide", "encode", "reserve", "commit"}
    for span in found.values():
        assert f"{span.context.trace_id:032x}" == PARENT[1].split("-")[1]
    parents = {name: span.parent.span_id for name, span in found.items() if span.parent is not None}
    assert f"{parents[call.name]:016x}" == PARENT[1].split("-")[2]
    assert {parents[name] for name in ("decide", "encode", "reserve")} == {call.context.span_id}
    assert parents["commit"] == found["reserve"].context.span_id
    assert dict(found["commit"].attributes or {}) == {"sourcier.commands": 1}
    attributes: dict[str, Any] = dict(call.attributes or {})
    assert attributes["sourcier.request_id"] == "checkout-2"
    assert attributes["sourcier.order_id"] == "o-9"
    assert attributes["sourcier.decision_id"] == answer.decision.decision_id
    assert attributes["rpc.grpc.status_code"] == 0


def test_who_is_not_sampled_has_no_spans(traced: Service, spans: InMemorySpanExporter) -> None:
    traced.quote(order((traced.sku(), 1)))
    assert spans.get_finished_spans() == ()
    wrong = sourcing_pb2.SourceOrderRequest(order=order(("unknown", 1)), validate_only=True)
    with pytest.raises(grpc.RpcError):
        traced.sourcing.SourceOrder(wrong, metadata=(PARENT,))
    traced.app.stop()
    [call] = [span for span in spans.get_finished_spans() if span.name.startswith("sourcing.")]
    assert (call.status.is_ok, call.status.description) == (False, "INVALID_ARGUMENT")


def test_a_config_opens_what_it_names_and_no_more(tmp_path: Path) -> None:
    config = load_config(write_shop(tmp_path), environ={})
    nothing = Telemetry.of(config)
    assert (nothing.tracer, nothing.page) == (None, None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "server.tracing", None)
        with pytest.raises(InvalidConfig, match=r"pip install 'sourcier\[otel\]'"):
            Telemetry.of(replace(config, tracing_endpoint="http://localhost:4318/v1/traces"))
    both = Telemetry.of(
        replace(
            config,
            metrics_address="127.0.0.1:0",
            tracing_endpoint="http://127.0.0.1:9/v1/traces",
            sample_ratio=0.0,
        )
    )
    assert isinstance(both.tracer, SpanTracer)
    assert both.page is not None
    assert ("sourcier_conflicts_total", frozenset()) in samples(both.page)
    both.close()
