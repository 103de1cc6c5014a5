"""``sourcier.yaml``: where the inputs are, where the ledger lies, and how to serve.

Three settings may come from the environment instead, for containers: SOURCIER_ADDRESS, SOURCIER_LEDGER_PATH
and, as it may hold a password, SOURCIER_LEDGER_URL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.domain import MAX_HOLD_SECONDS
from router.errors import InvalidConfig, Violation
from router.rules.validate import validate
from router.rules.yaml_lines import Document, parse_yaml
from router.solver.limits import ALL_SEARCHES, SearchLimits
from server.config_ledger import Database, LedgerSection, ledger_mistakes, ledger_of
from server.config_telemetry import MetricsSection, TracingSection, is_host_port, telemetry_mistakes
from server.load.files import read_text
from server.security.reading import Security, read_security
from server.security.section import SecuritySection
from server.security.tls import TlsFiles

ADDRESS_VARIABLE = "SOURCIER_ADDRESS"

FileName = Annotated[str, Field(min_length=1, max_length=4_096)]
_SEARCH = SearchLimits()
_UNIX = re.compile(r"unix:\S+")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AuditSection(_Model):
    """What is noted of who changed stock, nodes and rules."""

    path: FileName = Field(description="A file of JSON lines, made when missing, only ever appended to.")


class ServerSection(_Model):
    """How to serve."""

    address: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        default="localhost:50051",
        description="host:port (port 0: any free one) or unix:path. "
        f"{ADDRESS_VARIABLE} in the environment comes before it.",
    )
    threads: int = Field(default=8, ge=1, le=256, description="Calls handled at the same time.")
    max_message_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=65_536,
        le=1 << 30,
        description="Greatest request; answers may be larger.",
    )
    max_orders_per_call: int = Field(
        default=10_000, ge=1, le=100_000, description="Most orders of one SourceOrders call."
    )
    hold_seconds: int = Field(
        default=900,
        ge=1,
        le=MAX_HOLD_SECONDS,
        description="How long stock is held when the call does not say.",
    )
    collect_hold_seconds: int = Field(
        default=86_400,
        ge=1,
        le=MAX_HOLD_SECONDS,
        description="Likewise for orders with a delivery by RESERVE_AND_COLLECT, which nobody has paid.",
    )
    reserve_attempts: int = Field(
        default=4, ge=1, le=100, description="Tries at an order whose stock others keep taking."
    )
    grace_seconds: int = Field(
        default=10, ge=0, le=3_600, description="Time for calls under way once the server is told to stop."
    )
    drain_seconds: int = Field(
        default=0,
        ge=0,
        le=3_600,
        description="How long a server that is told to stop goes on taking calls, reporting NOT_SERVING, so "
        "that whoever deals calls out can go elsewhere.",
    )
    max_calls_per_connection: int = Field(
        default=256,
        ge=1,
        le=1_000_000,
        description="Calls under way on one connection; what exceeds them is refused by the transport.",
    )
    max_waiting_calls: int = Field(
        default=1_000,
        ge=10,
        le=1_000_000,
        description="Calls that may wait for a thread; lower lanes use up a part of it only.",
    )
    max_wait_millis: int = Field(
        default=1_000,
        ge=1,
        le=3_600_000,
        description="How long a call may have to wait, as far as can be foreseen; one that would longer is "
        "told to come again.",
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes that share the port; --workers comes before it."
    )
    max_stale_seconds: int = Field(
        default=30,
        ge=1,
        le=86_400,
        description="Orders are refused when the ledger could not be followed for so long; reservations are "
        "still confirmed and released.",
    )


class SolverSection(_Model):
    """How long one search looks for the proven optimum of an order too large for the exact kernel."""

    node_limit: int = Field(
        default=_SEARCH.node_limit,
        ge=1,
        le=100_000_000,
        description="Most branch-and-bound nodes; stops at the same plan every time.",
    )
    time_limit_seconds: float = Field(
        default=_SEARCH.time_limit_seconds,
        gt=0,
        le=3_600,
        allow_inf_nan=False,
        description="The net below node_limit, in wall time; a plan cut by it may not repeat. Both hold for "
        "each search by itself: most orders need one or two, some more, each fallback and delivery its own; "
        f"all of a decision take little more than {ALL_SEARCHES} times this.",
    )


class ConfigDocument(_Model):
    """A config file. File names are relative to the folder it lies in."""

    version: Literal[1] = Field(description="Of this format.")
    network: FileName = Field(
        description="YAML: zones, tariffs, carrier services, paths, calendars, pick-ups."
    )
    nodes: FileName = Field(description="CSV or Parquet: one node a row.")
    closures: FileName | None = Field(
        default=None, description="CSV or Parquet: dates on which single nodes are closed; none: none."
    )
    trust: FileName | None = Field(
        default=None, description="CSV or Parquet: how far nodes are trusted with some goods; none: by node."
    )
    offers: FileName | None = Field(
        default=None, description="CSV or Parquet: what suppliers and sellers ask for goods; none: nothing."
    )
    pickup_points: FileName | None = Field(
        default=None, description="CSV or Parquet: one pick-up point a row; none: none."
    )
    skus: FileName = Field(description="CSV or Parquet: one SKU a row.")
    kits: FileName | None = Field(
        default=None, description="CSV or Parquet: what kits are made of; none: there are none."
    )
    rules: FileName = Field(description="YAML: the rules; watched while the server runs.")
    stock: FileName | None = Field(
        default=None, description="CSV or Parquet: what a new ledger starts with; none: it starts empty."
    )
    receipts: FileName | None = Field(
        default=None, description="CSV or Parquet: what nodes expect when a ledger is new; none: nothing."
    )
    ledger: LedgerSection = LedgerSection()
    server: ServerSection = ServerSection()
    solver: SolverSection = SolverSection()
    security: SecuritySection = SecuritySection()
    audit: AuditSection | None = Field(
        default=None, description="Who changed stock, nodes and rules; none: not noted."
    )
    metrics: MetricsSection = MetricsSection()
    tracing: TracingSection = TracingSection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A config ready for use: paths are absolute, the environment is in. ``ledger`` None: in memory."""

    network: Path
    nodes: Path
    closures: Path | None
    trust: Path | None
    offers: Path | None
    pickup_points: Path | None
    skus: Path
    kits: Path | None
    rules: Path
    stock: Path | None
    receipts: Path | None
    ledger: Path | Database | None
    stock_copy: Path | None
    address: str
    threads: int
    max_message_bytes: int
    max_orders_per_call: int
    hold_seconds: int
    collect_hold_seconds: int
    reserve_attempts: int
    grace_seconds: int
    drain_seconds: int
    max_calls_per_connection: int
    max_waiting_calls: int
    max_wait_millis: int
    workers: int
    max_stale_seconds: int
    search: SearchLimits
    security: Security
    audit: Path | None
    metrics_address: str | None
    tracing_endpoint: str | None
    sample_ratio: float

    @property
    def tls(self) -> TlsFiles | None:
        return self.security.tls


def load_config(path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Reads ``path``; ``environ`` defaults to the process environment.

    Raises InvalidConfig; a file that is missing is named by its key, as ``sourcier.yaml:3:1 nodes``.
    """
    return parse_config(read_text(path), path, os.environ if environ is None else environ)


def parse_config(text: str, path: Path, environ: Mapping[str, str]) -> Config:
    """``load_config`` of text that would stand in ``path``."""
    document = parse_yaml(text, str(path))
    file = validate(document, ConfigDocument)
    folder = Path(os.path.abspath(path)).parent
    address = environ.get(ADDRESS_VARIABLE) or file.server.address
    ledger = ledger_of(file.ledger, folder, environ)
    security, mistakes = read_security(document, file.security, folder, environ)
    found = [
        *mistakes,
        *_missing_files(document, file, folder),
        *ledger_mistakes(document, file.ledger, ledger, environ),
        *_address_mistakes(document, address, environ),
        *(document.violation(*mistake) for mistake in telemetry_mistakes(file.metrics, file.tracing)),
    ]
    if found:
        raise InvalidConfig(found)
    return Config(
        network=folder / file.network,
        nodes=folder / file.nodes,
        closures=None if file.closures is None else folder / file.closures,
        trust=None if file.trust is None else folder / file.trust,
        offers=None if file.offers is None else folder / file.offers,
        pickup_points=None if file.pickup_points is None else folder / file.pickup_points,
        skus=folder / file.skus,
        kits=None if file.kits is None else folder / file.kits,
        rules=folder / file.rules,
        stock=None if file.stock is None else folder / file.stock,
        receipts=None if file.receipts is None else folder / file.receipts,
        ledger=ledger,
        stock_copy=None if file.ledger.stock_copy is None else folder / file.ledger.stock_copy,
        address=address,
        threads=file.server.threads,
        max_message_bytes=file.server.max_message_bytes,
        max_orders_per_call=file.server.max_orders_per_call,
        hold_seconds=file.server.hold_seconds,
        collect_hold_seconds=file.server.collect_hold_seconds,
        reserve_attempts=file.server.reserve_attempts,
        grace_seconds=file.server.grace_seconds,
        drain_seconds=file.server.drain_seconds,
        max_calls_per_connection=file.server.max_calls_per_connection,
        max_waiting_calls=file.server.max_waiting_calls,
        max_wait_millis=file.server.max_wait_millis,
        workers=file.server.workers,
        max_stale_seconds=file.server.max_stale_seconds,
        search=SearchLimits(
            node_limit=file.solver.node_limit, time_limit_seconds=file.solver.time_limit_seconds
        ),
        security=security,
        audit=None if file.audit is None else folder / file.audit.path,
        metrics_address=file.metrics.address,
        tracing_endpoint=file.tracing.endpoint,
        sample_ratio=file.tracing.sample_ratio,
    )


def _missing_files(document: Document, file: ConfigDocument, folder: Path) -> Iterator[Violation]:
    inputs = (
        "network",
        "nodes",
        "closures",
        "trust",
        "offers",
        "pickup_points",
        "skus",
        "kits",
        "stock",
        "receipts",
        "rules",
    )
    for key in inputs:
        name: str | None = getattr(file, key)
        if name is not None and not _is_file(folder / name):
            yield document.violation((key,), f"no file {str(folder / name)!r}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _address_mistakes(document: Document, address: str, environ: Mapping[str, str]) -> Iterator[Violation]:
    if is_host_port(address) or _UNIX.fullmatch(address):
        return
    message = f"{address!r} is neither host:port nor unix:path"
    if environ.get(ADDRESS_VARIABLE):
        yield Violation(ADDRESS_VARIABLE, message)
    else:
        yield document.violation(("server", "address"), message)
