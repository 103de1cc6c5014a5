"""Lines of the log, for people and for machines."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from server.calls import about
from server.logs import LOG, LogFormat, LogLevel, event, set_up
from server.telemetry import Telemetry


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = LOG.handlers[:], LOG.level, LOG.propagate
    yield
    LOG.handlers[:], LOG.level, LOG.propagate = before


def test_json_has_a_line_for_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogLevel.INFO, LogFormat.JSON)
    event("started", port=7, file='a "b"')
    try:
        raise ValueError("broken")
    except ValueError as error:
        event("failed", level=logging.ERROR, error=error)
    event("unseen", level=logging.DEBUG)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {"level": "INFO", "event": "started", "port": 7, "file": 'a "b"'}
    assert second["level"] == "ERROR"
    assert second["trace"].endswith("ValueError: broken")


def test_what_is_said_during_a_call_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogLevel.DEBUG)
    with Telemetry().watch("/s/M", lambda: (("x-request-id", "r 1"),)):
        about(decision_id="d1", order_id="o1")
        event("noted")
    during, after = capsys.readouterr().err.splitlines()
    ids = 'method=/s/M request_id="r 1" decision_id=d1 order_id=o1'
    assert during.endswith(f"level=INFO event=noted {ids}")
    assert "level=DEBUG event=call status=OK duration_micros=" in after
    assert after.endswith(ids)


@pytest.mark.parametrize(
    ("level", "said"), [(LogLevel.DEBUG, 1), (LogLevel.INFO, 0), (LogLevel.ERROR, 0)], ids=str
)
def test_calls_that_end_well_are_for_debugging(
    level: LogLevel, said: int, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(level)
    with Telemetry().watch("/s/M", lambda: ()):
        pass
    assert len(capsys.readouterr().err.splitlines()) == said
