"""A line chart as one self-contained SVG; both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 50, 60
COLOURS = ("#b2182b", "#ef8a62", "#1a7f5a", "#2166ac", "#67a9cf", "#7b3294", "#8c6d31", "#333333")


def line_chart(
    title: str,
    x_name: str,
    y_name: str,
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    y_ticks: Sequence[float],
) -> str:
    """The chart. ``lines``: a positive figure for each x. Values outside the ticks stretch no axis: give
    ticks around them."""
    low, high = math.log(min(y_ticks)), math.log(max(y_ticks))
    first, last = math.log(min(x)), math.log(max(x))

    def across(value: float) -> float:
        return LEFT + (math.log(value) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (math.log(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 24, title, size=15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, x_name, anchor="middle"),
        _text(LEFT, TOP - 10, y_name),
    ]
    for tick in y_ticks:
        parts.append(_rule(LEFT, up(tick), WIDTH - RIGHT, up(tick)))
        parts.append(_text(LEFT - 8, up(tick) + 4, f"{tick:g}", anchor="end"))
    for tick in x:
        parts.append(_rule(across(tick), TOP, across(tick), HEIGHT - BOTTOM))
        parts.append(_text(across(tick), HEIGHT - BOTTOM + 18, f"{tick:,.0f}", anchor="middle"))
    for values, colour in zip(lines.values(), COLOURS, strict=False):
        points = [(across(a), up(b)) for a, b in zip(x, values, strict=True)]
        drawn = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.extend(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points)
    parts.extend(_legend(lines))
    return "\n".join([*parts, "</svg>", ""])


def _legend(lines: Mapping[str, Sequence[float]]) -> list[str]:
    """Names beside the chart, in the order of the last values, so that they lie as the lines end."""
    colours = dict(zip(lines, COLOURS, strict=False))
    names = sorted(lines, key=lambda name: -lines[name][-1])
    x = WIDTH - RIGHT + 18
    return [
        part
        for row, name in enumerate(names)
        for part in (
            f'<rect x="{x}" y="{TOP + 22 * row}" width="14" height="4" fill="{colours[name]}"/>',
            _text(x + 22, TOP + 22 * row + 7, name),
        )
    ]


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'
