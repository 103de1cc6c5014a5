"""The table of metrics in docs/operations.md: ``python -m server.metrics_table``."""

from __future__ import annotations

import re
from pathlib import Path

from server.gauges import families
from server.metrics import Metrics

DOCUMENT = Path("docs/operations.md")
MARKED = re.compile(r"(<!-- metrics -->\n).*?(<!-- end of metrics -->)", re.DOTALL)


def metric_rows() -> list[tuple[str, str, str]]:
    """Name as in the page, kind and meaning of every metric of this program, by name."""
    recorded = [family for family in Metrics().registry.collect() if family.name.startswith("sourcier_")]
    return sorted(
        (
            f"{family.name}_total" if family.type == "counter" else family.name,
            family.type,
            family.documentation,
        )
        for family in (*recorded, *families())
    )


def with_table(text: str) -> str:
    """The document with the table that belongs into it."""
    lines = ["| metric | kind | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in metric_rows()]
    table = "\n".join(lines)
    return MARKED.sub(lambda match: f"{match[1]}{table}\n{match[2]}", text)


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
