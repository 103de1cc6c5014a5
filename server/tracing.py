"""Spans of calls for OpenTelemetry: a call, its stages, and the ledger transaction that it was part of.

Imported only where the config asks for it; OpenTelemetry is an extra of the package.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from time import perf_counter, time_ns

import grpc
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from router.sourcer import ENGINE_VERSION
from server.calls import Metadata, Watched
from server.ledger.group_commit import Group

NAME = "sourcier"


def open_tracer(endpoint: str, sample_ratio: float) -> SpanTracer:
    """Spans are sent to ``endpoint`` by OTLP over HTTP, in the background."""
    return SpanTracer(BatchSpanProcessor(OTLPSpanExporter(endpoint)), sample_ratio)


class SpanTracer:
    """Implements ``server.telemetry.Tracer``. A caller's ``traceparent`` decides whether its call has spans;
    of the calls without one ``sample_ratio`` do."""

    def __init__(self, processor: SpanProcessor, sample_ratio: float) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            resource=Resource.create({"service.name": NAME, "service.version": ENGINE_VERSION}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(NAME)
        self._carried = TraceContextTextMapPropagator()

    def call(self, watched: Watched, metadata: Metadata) -> _Call:
        carrier = {key: value for key, value in metadata if isinstance(value, str)}
        parent = self._carried.extract(carrier)
        name = watched.method.removeprefix("/")
        return _Call(watched, self._tracer.start_span(name, parent, trace.SpanKind.SERVER))

    def stage(self, name: str) -> AbstractContextManager[object]:
        return self._tracer.start_as_current_span(name)

    def group(self, group: Group) -> None:
        if not trace.get_current_span().is_recording():
            return
        start = time_ns() - perf_counter() * 1e9  # of the clock that groups are timed by, since the epoch
        attributes = {"sourcier.commands": group.size}
        span = self._tracer.start_span(
            "commit", attributes=attributes, start_time=int(start + group.began * 1e9)
        )
        span.end(int(start + group.ended * 1e9))

    def close(self) -> None:
        """Sends what was not sent yet."""
        self._provider.shutdown()


class _Call:
    """Implements ``server.telemetry.CallSpan``: the current span of its thread until it ends."""

    def __init__(self, watched: Watched, span: trace.Span) -> None:
        self._watched = watched
        self._span = span
        self._token = context.attach(trace.set_span_in_context(span))

    def end(self, code: grpc.StatusCode) -> None:
        context.detach(self._token)
        if self._span.is_recording():
            for name, text in self._watched.fields().items():
                self._span.set_attribute(f"sourcier.{name}", text)
            self._span.set_attribute("rpc.grpc.status_code", code.value[0])
            if code is not grpc.StatusCode.OK:
                self._span.set_status(trace.StatusCode.ERROR, code.name)
        self._span.end()
