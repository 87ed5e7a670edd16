"""Charts as SVG within a page: no script, nothing from the web."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH_PX, HEIGHT_PX = 640, 200
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 60, 10, 10, 24
COLOURS = ("#1f6fb2", "#e0a030", "#b3261e", "#3a8f4d", "#6b5bb5", "#a33c6e", "#2c8a8a", "#777777")  # told apart by most

Series = Mapping[str, Sequence[float | None]]


def line_chart(labels: Sequence[str], series: Series) -> str:
    """Values over labels, one line a series, on a scale from the least to the most of them; `None` for no value."""
    values = [value for line in series.values() for value in line if value is not None]
    if not values:
        return "<p>no value"
    low, high = min(values), max(values)
    if low == high:
        low, high = low - abs(low) * 0.05 - 1e-9, high + abs(high) * 0.05 + 1e-9
    lines = [
        _line(
            [(_x(at, len(labels)), _y(value, low, high), value) for at, value in enumerate(line) if value is not None],
            colour,
            name,
        )
        for (name, line), colour in zip(series.items(), _colours(len(series)), strict=True)
    ]
    return _svg(labels, low, high, "".join(lines)) + legend(list(series))


def bar_chart(labels: Sequence[str], series: Series) -> str:
    """Counts over labels, the series of each on top of one another, from 0."""
    columns = list(zip(*([value or 0.0 for value in line] for line in series.values()), strict=True))
    high = max((sum(column) for column in columns), default=0.0)
    if not high:
        return "<p>no value"
    wide = 0.7 * _inner() / len(labels)
    bars = []
    for at, column in enumerate(columns):
        below = 0.0
        for name, value, colour in zip(series, column, _colours(len(series)), strict=True):
            top, bottom = _y(below + value, 0, high), _y(below, 0, high)
            place = f'x="{_x(at, len(labels)) - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}"'
            title = f"<title>{escape(labels[at])}: {escape(name)} {value:g}</title>"
            bars.append(f'<rect {place} height="{bottom - top:.1f}" fill="{colour}">{title}</rect>')
            below += value
    return _svg(labels, 0, high, "".join(bars)) + legend(list(series))


def pair_chart(labels: Sequence[str], pair: Mapping[str, Sequence[float]]) -> str:
    """Two series of shares, 0 to 1, beside one another over each label."""
    high = max((value for line in pair.values() for value in line), default=0.0) or 1.0
    wide = 0.35 * _inner() / max(len(labels), 1)
    bars = [
        f'<rect x="{_x(at, len(labels)) + (side - 1) * wide:.1f}" y="{_y(value, 0, high):.1f}" width="{wide:.1f}" '
        f'height="{_y(0, 0, high) - _y(value, 0, high):.1f}" fill="{colour}">'
        f"<title>{escape(labels[at])}: {escape(name)} {value:.1%}</title></rect>"
        for side, (colour, (name, line)) in enumerate(zip(_colours(2), pair.items(), strict=True))
        for at, value in enumerate(line)
    ]
    return _svg(labels, 0, high, "".join(bars)) + legend(list(pair))


def legend(names: Sequence[str]) -> str:
    """Which colour is which."""
    keys = (
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in zip(names, _colours(len(names)), strict=True)
    )
    return f'<p class="legend">{" ".join(keys)}</p>'


def _colours(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _line(points: Sequence[tuple[float, float, float]], colour: str, name: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"><title>{escape(name)} {value:.4g}</title></circle>'
        for x, y, value in points
    )
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _svg(labels: Sequence[str], low: float, high: float, inside: str) -> str:
    marks = "".join(_mark(value, _y(value, low, high)) for value in (low, (low + high) / 2, high))
    shown = range(0, len(labels), max(1, -(-len(labels) // 7)))
    names = "".join(
        f'<text x="{_x(at, len(labels)):.1f}" y="{HEIGHT_PX - 6}" text-anchor="middle">{escape(labels[at])}</text>'
        for at in shown
    )
    return f'<svg viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" role="img">{marks}{inside}{names}</svg>'


def _mark(value: float, y: float) -> str:
    line = f'<line x1="{LEFT_PX}" x2="{WIDTH_PX - RIGHT_PX}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
    return f'{line}<text x="{LEFT_PX - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'


def _inner() -> int:
    return WIDTH_PX - LEFT_PX - RIGHT_PX


def _x(at: int, count: int) -> float:
    return LEFT_PX + _inner() * (at + 0.5) / count


def _y(value: float, low: float, high: float) -> float:
    return TOP_PX + (HEIGHT_PX - TOP_PX - BOTTOM_PX) * (1 - (value - low) / (high - low))
