"""Watches calls: metrics always, one line of the log each, spans where a tracer is given."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from importlib import import_module
from time import perf_counter
from types import TracebackType
from typing import Protocol, cast

import grpc

from router.domain import Decision
from router.errors import InvalidConfig
from server.calls import CURRENT, Metadata, Stage, Watched
from server.config import Config
from server.gauges import Gauges, State
from server.ledger.group_commit import Group, Told
from server.logs import event, is_logged
from server.metrics import Metrics, Page, serve_page
from server.status import code_of

QUIET = frozenset({grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED})
"""Ends of calls that may be many in a second: told at the level debug only."""
OUR_FAULTS = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED}
)
"""Ends of calls that are no mistakes of the caller."""


class Tracer(Protocol):
    """Who makes spans; ``server.tracing`` has one."""

    def call(self, watched: Watched, metadata: Metadata) -> CallSpan: ...

    def stage(self, name: str) -> AbstractContextManager[object]: ...

    def group(self, group: Group) -> None:
        """A transaction that the call of this thread was part of."""
        ...

    def close(self) -> None: ...


class CallSpan(Protocol):
    """The span of a call, until ``end``."""

    def end(self, code: grpc.StatusCode) -> None: ...


class Telemetry:
    """What a process records of its calls. close: to be called at the end."""

    def __init__(self, metrics: Metrics | None = None, tracer: Tracer | None = None) -> None:
        self.metrics = Metrics() if metrics is None else metrics
        self.tracer = tracer
        self.page: Page | None = None

    @classmethod
    def of(cls, config: Config, worker: int = 0) -> Telemetry:
        """What a config asks for, its page served. worker: as in ``serve_page``. Raises InvalidConfig."""
        telemetry = cls(tracer=_tracer_of(config))
        if config.metrics_address is not None:
            telemetry.page = serve_page(telemetry.metrics.registry, config.metrics_address, worker)
            event("metrics_served", port=telemetry.page.port)
        return telemetry

    def watch_state(self, state: State) -> None:
        """From here on the metrics tell of it too, once in the life of this object."""
        self.metrics.registry.register(Gauges(state))
        ledger = state.world.ledger
        watch: Callable[[Told], None] | None = getattr(ledger, "watch", None)
        if watch is not None:  # the ledger in memory has no transactions to tell of
            watch(self.committed)

    def watch(self, method: str, metadata: Callable[[], Metadata]) -> Watch:
        """The block is the work on a call."""
        return Watch(self, method, metadata)

    def stage(self, stage: Stage) -> AbstractContextManager[object]:
        span = None if self.tracer is None else self.tracer.stage(stage.value)
        return _Timed(self.metrics, stage, span)

    def decided(self, decision: Decision) -> None:
        self.metrics.decision(decision)

    def decided_quickly(self, path: str, statuses: Iterable[int]) -> None:
        self.metrics.decisions_of(path, statuses)

    def held(self, attempts: int, conflicts: int) -> None:
        self.metrics.held(attempts, conflicts)

    def committed(self, group: Group, *, leads: bool) -> None:
        """Told by every caller of a transaction; one of them leads."""
        if leads:
            self.metrics.group(group)
        if self.tracer is not None:
            self.tracer.group(group)

    def close(self) -> None:
        if self.page is not None:
            self.page.close()
        if self.tracer is not None:
            self.tracer.close()


def _tracer_of(config: Config) -> Tracer | None:
    """None when nobody wants spans; then nothing of OpenTelemetry is imported. Raises InvalidConfig."""
    if config.tracing_endpoint is None:
        return None
    try:
        tracing = import_module("server.tracing")
    except ImportError as error:
        needed = "needs OpenTelemetry: pip install 'sourcier[otel]'"
        raise InvalidConfig.at("tracing.endpoint", needed) from error
    return cast("Tracer", tracing.open_tracer(config.tracing_endpoint, config.sample_ratio))


class Watch:
    """A call under way: the one its thread works on."""

    __slots__ = ("_began", "_code", "_span", "_telemetry", "_watched")

    def __init__(self, telemetry: Telemetry, method: str, metadata: Callable[[], Metadata]) -> None:
        self._telemetry = telemetry
        self._watched = Watched(method, metadata, telemetry)
        self._code = grpc.StatusCode.OK
        tracer = telemetry.tracer
        self._span = None if tracer is None else tracer.call(self._watched, metadata())
        self._began = 0.0

    def __enter__(self) -> Watch:
        CURRENT.call = self._watched
        self._began = perf_counter()
        return self

    def failed(self, error: Exception) -> None:
        """How the call will end."""
        self._code = code_of(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._began
        code = self._code
        self._telemetry.metrics.call(self._watched.method, code, seconds)
        level = _level_of(code)
        if is_logged(level):
            event("call", level=level, status=code.name, duration_micros=round(1e6 * seconds))
        if self._span is not None:
            self._span.end(code)
        CURRENT.call = None


def _level_of(code: grpc.StatusCode) -> int:
    if code in QUIET:
        return logging.DEBUG
    if code is grpc.StatusCode.INTERNAL:
        return logging.ERROR
    return logging.WARNING if code in OUR_FAULTS else logging.INFO


class _Timed:
    """A stage: timed, and a span if there is one."""

    __slots__ = ("_began", "_metrics", "_span", "_stage")

    def __init__(self, metrics: Metrics, stage: Stage, span: AbstractContextManager[object] | None) -> None:
        self._metrics = metrics
        self._stage = stage
        self._span = span
        self._began = 0.0

    def __enter__(self) -> None:
        if self._span is not None:
            self._span.__enter__()
        self._began = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._metrics.stage(self._stage, perf_counter() - self._began)
        if self._span is not None:
            self._span.__exit__(kind, error, trace)
