"""Charts drawn by pygal, dressed by app/static/charts.css: pygal's own styles and scripts are left out. Pure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pygal
from markupsafe import Markup

# pygal puts a finder of its own plugins behind every import of the process, in a way that Python no longer knows.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

MOST_FIGURES = 16
"""Bars with a figure over each; of more, only the highest and the last have theirs."""
MOST_LABELS = 8
_SVG = "{http://www.w3.org/2000/svg}"
_DROPPED = frozenset({"defs", "desc", "title", "script", "style"})
_OVERLAYS = frozenset({"plot tooltip-overlay", "titles", "background"})


@dataclass(frozen=True)
class Plot:
    """One chart."""

    title: str
    unit: str
    """What the figures count, after the title."""
    summary: str
    """What it shows in a sentence, for who does not see it."""
    svg: Markup


def bars(
    title: str, labels: Sequence[str], values: Sequence[float], words: Sequence[str], *, unit: str, lying: bool = False
) -> Plot:
    """A bar for each value, with its words beside it and its label under it. lying: bars go to the right, one below the
    other, for names that need room.
    """
    shown = set(range(len(values)))
    if len(values) > MOST_FIGURES:
        shown = {len(values) - 1, max(shown, key=lambda place: values[place])}
    kind = pygal.HorizontalBar if lying else pygal.Bar
    chart = kind(
        width=960,
        height=48 + 30 * len(values) if lying else 200,
        css=(),
        js=(),
        no_prefix=True,
        show_legend=False,
        show_y_guides=False,
        show_x_guides=False,
        print_values=True,
        print_values_position="top",
        margin=4,
        margin_top=18,
        margin_right=56 if lying else 4,
        spacing=4,
        show_y_labels=True,
        show_x_labels=not lying,
        x_labels_major_count=MOST_LABELS if not lying and len(labels) > MOST_FIGURES else None,
        show_minor_x_labels=lying or len(labels) <= MOST_FIGURES,
        range=(0, max([*values, 0]) * 1.05 or 1),
        truncate_label=40,
    )
    order = list(range(len(values)))
    if lying:
        order.reverse()
    if not lying:
        chart.y_labels = [{"label": "", "value": 0}]
    chart.x_labels = [labels[place] for place in order]
    chart.add(
        title,
        [
            {"value": values[place], "formatter": (lambda _, told=words[place]: told) if place in shown else _silent}
            for place in order
        ],
    )
    told = "; ".join(f"{label}: {said}" for label, said in zip(labels, words, strict=True))
    return Plot(title, unit, f"{title}. {told}.", _markup(chart.render(is_unicode=True)))


def _silent(_: Any) -> str:
    return ""


def _markup(drawn: str) -> Markup:
    root = ElementTree.fromstring(drawn)  # noqa: S314
    _clean(root)
    root.attrib.pop("id", None)
    root.set("class", "plot")
    root.set("aria-hidden", "true")
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704


def _clean(element: ElementTree.Element) -> None:
    for child in list(element):
        if child.tag.removeprefix(_SVG) in _DROPPED or child.get("class") in _OVERLAYS:
            element.remove(child)
            continue
        child.attrib.pop("style", None)
        _clean(child)
