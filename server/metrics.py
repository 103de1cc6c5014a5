"""What a process counts and times, in a registry of its own. docs/operations.md has the table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Thread
from wsgiref.simple_server import WSGIServer

import grpc
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server

from router.domain import CertificateKind, Decision, Method, Status
from router.errors import InvalidConfig
from server.calls import Stage
from server.ledger.group_commit import Group

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
RATIOS = (0.0, 0.000_1, 0.001, 0.01, 0.05, 0.1, 0.5)
ATTEMPTS = (1, 2, 3, 4, 6, 10)


class Metrics:
    """Recorded as things happen; what can be looked up is read when somebody asks (``server.gauges``)."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._calls = Histogram(
            "sourcier_call_seconds",
            "Time of a call in its handler by method and status code, without the wait for a thread.",
            ("method", "code"),
            buckets=SECONDS,
            registry=registry,
        )
        stages = Histogram(
            "sourcier_stage_seconds",
            "Time of a stage: decode, snapshot, decide, encode, reserve; not of the short ways.",
            ("stage",),
            buckets=SECONDS,
            registry=registry,
        )
        self._decisions = Counter(
            "sourcier_decisions",
            "Decisions by outcome, by what found the plan (subset_dp: the kernels, mip: the solver, greedy: "
            "the fallback) and by path (quote, batch: the short ways; general).",
            ("status", "method", "path"),
            registry=registry,
        )
        certified = Counter(
            "sourcier_certified_decisions",
            "Decisions of the general path by what is proven: exact, bounded.",
            ("certificate",),
            registry=registry,
        )
        self._gap = Histogram(
            "sourcier_solver_gap_ratio",
            "Gap between cost and bound of decisions that were not proven optimal.",
            buckets=RATIOS,
            registry=registry,
        )
        self._attempts = Histogram(
            "sourcier_reserve_attempts",
            "Rounds of deciding and reserving that a call needed.",
            buckets=ATTEMPTS,
            registry=registry,
        )
        self._conflicts = Counter(
            "sourcier_conflicts",
            "Orders whose stock or room others had taken between the decision and the ledger.",
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "sourcier_commit_seconds", "Time of a ledger transaction.", buckets=SECONDS, registry=registry
        )
        self._commit_size = Histogram(
            "sourcier_commit_size_commands",
            "Commands that shared a ledger transaction.",
            buckets=SIZES,
            registry=registry,
        )
        self._stages = {stage: stages.labels(stage) for stage in Stage}
        self._certified = {kind: certified.labels(kind.name.lower()) for kind in CertificateKind}
        self._call_of: dict[tuple[str, grpc.StatusCode], Histogram] = {}
        self._decided_of: dict[tuple[int, Method, str], Counter] = {}

    def call(self, method: str, code: grpc.StatusCode, seconds: float) -> None:
        """A call is answered. method: its full name."""
        found = self._call_of.get((method, code))
        if found is None:
            name = method.rpartition(".")[2]
            found = self._call_of[method, code] = self._calls.labels(name, code.name)
        found.observe(seconds)

    def stage(self, stage: Stage, seconds: float) -> None:
        self._stages[stage].observe(seconds)

    def decision(self, decision: Decision) -> None:
        """One of the general path."""
        certificate = decision.certificate
        self._decided(decision.status, certificate.method, "general").inc()
        self._certified[certificate.kind].inc()
        if certificate.kind is CertificateKind.BOUNDED and decision.plan.shipments:
            self._gap.observe(certificate.gap_ppm / 1_000_000)

    def decisions_of(self, path: str, statuses: Iterable[int]) -> None:
        """Of a short way, whose plans are all the kernels'."""
        counts: dict[int, int] = {}
        for status in statuses:
            counts[status] = counts.get(status, 0) + 1
        for status, count in counts.items():
            self._decided(status, Method.SUBSET_DP, path).inc(count)

    def held(self, attempts: int, conflicts: int) -> None:
        self._attempts.observe(attempts)
        if conflicts:
            self._conflicts.inc(conflicts)

    def group(self, group: Group) -> None:
        """A transaction of the ledger ended."""
        self._commit_seconds.observe(group.ended - group.began)
        self._commit_size.observe(group.size)

    def _decided(self, status: int, method: Method, path: str) -> Counter:
        found = self._decided_of.get((status, method, path))
        if found is None:
            labels = Status(status).name.lower(), method.name.lower(), path
            found = self._decided_of[status, method, path] = self._decisions.labels(*labels)
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """The page that Prometheus reads. port: where it is."""

    port: int
    close: Callable[[], None]


def serve_page(registry: CollectorRegistry, address: str, worker: int = 0) -> Page:
    """Serves ``http://address/metrics``. address: ``host:port``, port 0 for any free one; worker (from 1, 0
    for none): of several that each have a page of their own, on the ports from there on.

    Raises InvalidConfig when the address cannot be used.
    """
    host, _, number = address.rpartition(":")
    port = int(number) + max(0, worker - 1) if int(number) else 0
    try:
        server, thread = start_http_server(port, host.strip("[]"), registry)
    except (OSError, OverflowError) as error:
        raise InvalidConfig.at("metrics.address", f"cannot listen on {host}:{port}: {error}") from error
    return Page(server.server_port, lambda: _close(server, thread))


def _close(server: WSGIServer, thread: Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()
