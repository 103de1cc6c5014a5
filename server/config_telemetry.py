"""Sections of the config about what a server tells of itself: metrics and traces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_HOST_PORT = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})", re.ASCII)
_HTTP = re.compile(r"https?://[^\s/]+(?:/\S*)?")


class MetricsSection(BaseModel):
    """Figures for Prometheus."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None,
        description="host:port of the page /metrics (port 0: any free one); none: there is no page. Workers "
        "have one each, on this port and those after it.",
    )


class TracingSection(BaseModel):
    """Spans for OpenTelemetry; needs the extra sourcier[otel]."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Annotated[str, Field(min_length=1, max_length=4_096)] | None = Field(
        default=None,
        description="Where spans are sent by OTLP over HTTP, http://collector:4318/v1/traces; none: nowhere.",
    )
    sample_ratio: float = Field(
        default=0.01,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Of the calls whose caller has not decided, so many have spans.",
    )


def is_host_port(address: str) -> bool:
    """Is it ``host:port`` with a port that can be?"""
    match = _HOST_PORT.fullmatch(address)
    return match is not None and int(match[1]) <= 65_535


def telemetry_mistakes(
    metrics: MetricsSection, tracing: TracingSection
) -> Iterator[tuple[tuple[str, str], str]]:
    """Keys, and what is wrong with them."""
    if metrics.address is not None and not is_host_port(metrics.address):
        yield ("metrics", "address"), f"{metrics.address!r} is not host:port"
    if tracing.endpoint is not None and not _HTTP.fullmatch(tracing.endpoint):
        yield ("tracing", "endpoint"), "is no URL that begins with http:// or https://"
