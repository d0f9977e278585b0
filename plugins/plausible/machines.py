"""How much of what is recorded machines did, by week, kind and rule: what the page of machines shows. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.services.web import Chart, Column, bar_chart
from plugins.plausible.classify import RULES, Class
from plugins.plausible.events import OPEN

WEEKS = 12
PERIODS = (7, 30, 90)
"""Days for which the list of rules can count."""
PEOPLE, OURSELVES, UNKNOWN = "people", "self", "unknown"
KINDS = {
    "apple": "Apple Mail, loading ahead",
    "proxy": "Other mail proxies, loading ahead",
    "scanner": "Scanners",
    "bot": "Bots",
    "preview": "Link cards",
}
"""The kinds of machines, and how a chart calls them."""
CHARTS = {**KINDS, OURSELVES: "Ourselves"}
COLUMNS = {
    "apple": "Apple Mail",
    "proxy": "Mail proxies",
    "scanner": "Scanners",
    "bot": "Bots",
    "preview": "Link cards",
    OURSELVES: "Ourselves",
    UNKNOWN: "Not classified",
}
"""Heads of the table below."""
_APPLE = frozenset({"apple-relay", "apple-ahead"})
_KIND_OF_CLASS = {
    Class.HUMAN: PEOPLE,
    Class.HUMAN_PROXY: PEOPLE,
    Class.PRIVACY_PREFETCH: "proxy",
    Class.SCANNER: "scanner",
    Class.BOT: "bot",
    Class.PREVIEW: "preview",
    Class.SELF: OURSELVES,
}
CLASS_WORDS = {
    Class.HUMAN: "A person",
    Class.HUMAN_PROXY: "A person, through a mail proxy",
    Class.PRIVACY_PREFETCH: "Loaded ahead",
    Class.SCANNER: "A scanner",
    Class.BOT: "A bot",
    Class.PREVIEW: "A link card",
    Class.SELF: "Ourselves",
}


@dataclass(frozen=True, slots=True)
class Count:
    """What was recorded in one week under one rule."""

    week: int
    """0 for the oldest of `WEEKS`; below zero before it."""
    event_type: str
    kind: str
    """A class, '' for what was recorded before there were any."""
    rule: str
    events: int
    in_period: int
    """Of these, within the chosen days."""


@dataclass(frozen=True, slots=True)
class Week:
    """The opens of one week."""

    start: date
    """Its Monday, UTC."""
    so_far: bool
    """The week has not ended."""
    counts: Mapping[str, int]
    """Opens by a key of `KINDS`, PEOPLE, OURSELVES or UNKNOWN."""

    @property
    def opens(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def machines(self) -> int:
        """Those by machines; our own looks are none."""
        return sum(self.counts.get(kind, 0) for kind in KINDS)

    def share(self, kind: str = "") -> float | None:
        """The part that one kind of machine has, or all have, of the opens that were classified; None without any."""
        known = self.opens - self.counts.get(UNKNOWN, 0)
        part = self.counts.get(kind, 0) if kind else self.machines
        return part / known if known else None


@dataclass(frozen=True, slots=True)
class FiredRule:
    """One rule, and how often it decided."""

    place: int
    """Its turn, from 1; 0 for a rule that is no longer there."""
    name: str
    sentence: str
    words: str
    """What it makes of a request."""
    confidence: float | None
    opens: int
    clicks: int


def first_monday(today: date) -> date:
    """Where the oldest of the `WEEKS` begins."""
    return today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))


def kind_of(kind: str, rule: str) -> str:
    """The key under which the opens of a class and rule are shown."""
    if rule in _APPLE:
        return "apple"
    try:
        return _KIND_OF_CLASS[Class(kind)]
    except ValueError:
        return UNKNOWN


def weeks_of(counts: Iterable[Count], today: date) -> list[Week]:
    """The last `WEEKS` weeks, the oldest first. Counts below zero, which nothing should bring, count as none."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for one in counts:
        if one.event_type == OPEN and one.events > 0:
            found[one.week][kind_of(one.kind, one.rule)] += one.events
    start = first_monday(today)
    return [Week(start + timedelta(days=7 * week), week == WEEKS - 1, found[week]) for week in range(WEEKS)]


def fired(counts: Iterable[Count]) -> list[FiredRule]:
    """All rules in the order of asking, also those that never decided; then those of earlier releases that did."""
    sums: dict[str, dict[str, int]] = {}
    classes: dict[str, str] = {}
    for one in counts:
        if one.rule:
            classes[one.rule] = one.kind
            of_rule = sums.setdefault(one.rule, {})
            of_rule[one.event_type] = of_rule.get(one.event_type, 0) + one.in_period
    rows = []
    for place, rule in enumerate(RULES, start=1):
        opens, clicks = _pair(sums.pop(rule.name, {}))
        words = CLASS_WORDS[rule.kind]
        rows.append(FiredRule(place, rule.name, rule.sentence, words, rule.confidence, opens, clicks))
    for name, of_rule in sorted(sums.items()):
        opens, clicks = _pair(of_rule)
        if opens or clicks:
            words = CLASS_WORDS.get(Class(classes[name]), "") if classes[name] in set(Class) else ""
            rows.append(FiredRule(0, name, "A rule of another release.", words, None, opens, clicks))
    return rows


def _pair(of_rule: Mapping[str, int]) -> tuple[int, int]:
    return max(0, of_rule.get("open", 0)), max(0, of_rule.get("click", 0))


def percent(share: float | None) -> str:
    """A share as a bar's label: '37', '<1', '–' where there was nothing to share."""
    if share is None:
        return "–"
    return "<1" if 0 < share < 0.005 else f"{share * 100:.0f}"


def chart(title: str, weeks: Sequence[Week], kind: str = "", *, room: int, full: float = 1.0) -> Chart:
    """The share of one kind of machine, or of all, week by week.

    room: pixels of the highest bar. full: the share that is as high.
    """
    columns = []
    for week in weeks:
        share = week.share(kind)
        columns.append(Column(_day(week.start), share, percent(share), week.so_far))
    told = [f"{one.label}: {one.words}" for one in columns if one.words != "–"]
    summary = f"Percent of opens, by week from Monday. {'; '.join(told) or 'Nothing was opened'}."
    named = (0, 4, 8, len(columns) - 1)
    return bar_chart(title, columns, unit="in %", summary=summary, room=room, full=full, named=named)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
