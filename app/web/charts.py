"""Charts of bars, drawn by the server: shown by templates/macros/chart.html, dressed by app/static/charts.css. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_FIGURES = 16
"""Bars with a figure over each; of more, only the highest and the last have theirs."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one bar stands for."""

    label: str
    value: float | None
    words: str
    """The figure over the bar."""
    so_far: bool = False
    """Still growing: drawn with a dashed edge."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One column as it is drawn. Across in percent of the width, down in pixels."""

    left: float
    width: float
    middle: float
    top: float
    height: float
    words: str
    so_far: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """Words under the bars."""

    at: float
    anchor: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their figures over them, as wide as there is room."""

    title: str
    unit: str
    """What the figures count, after the title."""
    summary: str
    """What it shows in a sentence, for who does not see it."""
    height: int
    base: int
    """Where the bars stand."""
    bars: Sequence[Bar]
    ticks: Sequence[Tick]


def bar_chart(
    title: str,
    columns: Sequence[Column],
    *,
    unit: str,
    summary: str,
    room: int,
    full: float,
    named: Sequence[int] | None = None,
) -> Chart:
    """Draw one bar for each column (at least one).

    room: pixels of the highest bar. full: the value that is as high. named: which columns have their label under them,
    all where it is None; of some, the outer ones are written inwards.
    """
    head, foot = 18, 20
    step = 100 / len(columns)
    values = [column.value or 0.0 for column in columns]
    shown = {len(columns) - 1, values.index(max(values))} if len(columns) > MOST_FIGURES else set(range(len(columns)))
    bars = []
    for place, column in enumerate(columns):
        height = round(room * min(1.0, values[place] / full), 1) if full else 0.0
        left, top = round(place * step + step * 0.12, 2), round(head + room - height, 1)
        words = column.words if place in shown else ""
        bars.append(Bar(left, round(step * 0.76, 2), round((place + 0.5) * step, 2), top, height, words, column.so_far))
    ticks = [_tick(place, columns, bars, inwards=named is not None) for place in named or range(len(columns))]
    return Chart(title, unit, summary, head + room + foot, head + room, bars, ticks)


def _tick(place: int, columns: Sequence[Column], bars: Sequence[Bar], *, inwards: bool) -> Tick:
    label = columns[place].label
    if inwards and place == 0:
        return Tick(0, "start", label)
    if inwards and place == len(columns) - 1:
        return Tick(100, "end", label)
    return Tick(bars[place].middle, "middle", label)
