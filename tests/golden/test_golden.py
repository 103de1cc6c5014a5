"""Recorded decisions replay exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.cost import PART_COUNT, Part
from router.domain import CertificateKind, Method, Status
from tests.golden.questions import FOLDER, QUESTIONS, file_of, record_of

ADVICE = """
A decision differs from the recorded one. Is that meant? Then run `python -m tests.golden.record`, read the
difference, and add a line to CHANGELOG.md (under Unreleased) that says which decisions change and why."""


def recorded(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(file_of(name).read_text(encoding="utf-8"))
    return record


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_recorded_decision_replays(name: str) -> None:
    expected, found = recorded(name), record_of(QUESTIONS[name])
    for part in ("question", "lines", "available"):
        assert found[part] == expected[part], f"the recipe of worlds has changed, not the engine: {part}"
    assert found["decision"] == expected["decision"], ADVICE


def test_every_file_belongs_to_a_question() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {file_of(name).name for name in QUESTIONS}


def test_every_kind_of_answer_is_recorded() -> None:
    decisions = [recorded(name)["decision"] for name in QUESTIONS]
    certificates = [decision["certificate"] for decision in decisions]
    assert {decision["status"] for decision in decisions} == {status.name for status in Status}
    assert {certificate["method"] for certificate in certificates} == {method.name for method in Method}
    assert {certificate["kind"] for certificate in certificates} == {kind.name for kind in CertificateKind}
    paid = {part for decision in decisions for part, cents in decision["plan"]["cost"].items() if cents}
    assert paid == {f"{part.name.lower()}_cents" for part in Part if part < PART_COUNT}
    assert {len(decision["strategy_ids"]) for decision in decisions} == {0, 1, 2, 3}
