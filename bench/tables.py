"""Sheets as tables of a terminal."""

from __future__ import annotations

from rich.table import Table

from bench.spec import Sheet


def table_of(sheet: Sheet) -> Table:
    """First column to the left, figures to the right."""
    table = Table(title=sheet.title, title_justify="left", caption=sheet.note or None, caption_justify="left")
    for i, heading in enumerate(sheet.headings):
        table.add_column(heading, justify="right" if i else "left")
    for row in sheet.rows:
        table.add_row(*row)
    return table
