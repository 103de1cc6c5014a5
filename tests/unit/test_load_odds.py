"""How much longer things take, in the files of a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.errors import InvalidConfig
from tests.unit.test_load_calendars import NETWORK, NODES, load

TRANSIT = "transit_odds: [{late_days: 0, percent: 85}, {late_days: 2, percent: 15}], "


def with_transit(odds: str) -> str:
    return NETWORK.replace("id: air, ", f"id: air, {odds}")


def with_processing(odds: str) -> str:
    head, b, a = NODES.splitlines()
    return f"{head},processing_odds\n{b},{odds}\n{a},\n"


def test_odds_are_what_the_files_say(tmp_path: Path) -> None:
    network = load(tmp_path, with_transit(TRANSIT), with_processing("0=70; 90=30"))
    assert [s.transit_odds for s in network.services] == [(), ((0, 85), (2, 15))]
    assert [n.processing_odds for n in network.nodes] == [(), ((0, 70), (5_400, 30))]


@pytest.mark.parametrize(
    ("odds", "message"),
    [
        ("transit_odds: [{late_days: 1, percent: 99}], ", "services[1].transit_odds: percents must be 100"),
        (
            "transit_odds: [{late_days: 1, percent: 50}, {late_days: 1, percent: 50}], ",
            "services[1].transit_odds[1]: '1' is given twice",
        ),
        ("transit_odds: [{late_days: -1, percent: 100}], ", "services[1].transit_odds[0].late_days: must be"),
    ],
)
def test_mistakes_of_transit_are_named(tmp_path: Path, odds: str, message: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load(tmp_path, with_transit(odds))
    assert message in str(caught.value)


@pytest.mark.parametrize("odds", ["0=70;90=20", "90", "90=", "x=100", "1=50;1=50", "0=0;1=100", "-1=100"])
def test_mistakes_of_processing_are_named(tmp_path: Path, odds: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        load(tmp_path, nodes=with_processing(odds))
    assert "nodes.csv:2 processing_odds" in str(caught.value)
