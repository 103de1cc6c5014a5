"""What the checker says: laws, what broke them, and a verdict to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rich.table import Table


class Law(Enum):
    """What must hold of every history; docs/history.md tells how each is checked."""

    OVERSELL = "no unit is promised twice"
    SOLD_OUT = "sold out only when units were lacking"
    CONSERVATION = "at rest, units on hand, reserved and in reservations agree"
    DURABLE = "what was acknowledged stays"
    ONE_EFFECT = "one request id, one effect; resolved once"
    ALL_OR_NOTHING = "all holds or none"
    EXPIRY = "over at the deadline of the ledger's clock, neither earlier nor later"
    VERSIONS = "versions without a gap, each row's changes add up"
    SERIAL = "one order explains all answers and respects real time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A law that is broken. calls: ids of the calls concerned; rows: ``SKU@PLACE``."""

    law: Law
    what: str
    calls: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Refuted by every finding; proven if there is none."""

    findings: Sequence[Finding]
    figures: Mapping[str, int]

    @property
    def clean(self) -> bool:
        return not self.findings

    @property
    def broken(self) -> set[Law]:
        """The laws that do not hold."""
        return {finding.law for finding in self.findings}

    def as_json(self) -> dict[str, Any]:
        """For machines: laws by name, findings in the order they were found."""
        counts = Counter(finding.law for finding in self.findings)
        return {
            "clean": self.clean,
            "figures": dict(self.figures),
            "laws": {law.name: counts[law] for law in Law},
            "findings": [
                {"law": f.law.name, "what": f.what, "calls": list(f.calls), "rows": list(f.rows)}
                for f in self.findings
            ],
        }


def row_name(key: tuple[str, str]) -> str:
    """A row as findings name it."""
    return f"{key[0]}@{key[1]}"


def laws_table(verdict: Verdict) -> Table:
    """A line for each law."""
    table = Table("law", "holds", title="Laws", title_justify="left")
    counts = Counter(finding.law for finding in verdict.findings)
    for law in Law:
        table.add_row(law.value, f"[red]broken, {counts[law]} times[/]" if counts[law] else "yes")
    return table


def findings_table(verdict: Verdict, most: int = 20) -> Table:
    """The first findings, one a line."""
    title = f"Findings: {len(verdict.findings)}"
    table = Table("law", "what", "calls", "rows", title=title, title_justify="left", show_lines=True)
    table.columns[0].no_wrap = True
    for finding in verdict.findings[:most]:
        table.add_row(finding.law.name, finding.what, " ".join(finding.calls[:6]), " ".join(finding.rows[:6]))
    return table


def figures_table(figures: Mapping[str, int | str], title: str) -> Table:
    """Names and numbers."""
    table = Table("figure", "", title=title, title_justify="left")
    table.columns[1].justify = "right"
    for name, value in figures.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else value)
    return table
