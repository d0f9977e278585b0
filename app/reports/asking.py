"""What a report is asked for: grouping, period, filters; from the arguments of an address and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.reports.models import Filter
from app.web.arguments import asked_day

GROUPINGS = {
    "day": "Day",
    "week": "Week",
    "agent": "Agent",
    "mailbox": "Mailbox",
    "tag": "Tag",
    "link": "Link",
    "client": "Mail program",
}
"""What a report has a line for each of."""
BY_TIME = ("day", "week")
BY_ITEM = ("link", "client")
PERIODS = {"7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days", "365": "Last 365 days"}
DEFAULT_PERIOD = "30"
OTHER = "other"
LONGEST = 731
"""Days of a report."""
NOBODY = 0
_IDS = {"agent": "agent_id", "mailbox": "department_id", "tag": "tag_id"}


class ReportRefused(ValueError):
    """An argument that will not do; `fields` says of each what is wrong, by which rule, and the way out."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {words}" for name, words in fields.items()))
        self.fields = dict(fields)


@dataclass(frozen=True)
class ReportQuery:
    """One report."""

    by: str
    period: str
    """One of PERIODS, or OTHER."""
    filter: Filter

    @property
    def days(self) -> int:
        """How long the period is."""
        return (self.filter.last - self.filter.first).days + 1

    @property
    def before(self) -> Filter:
        """The same for the period before, as long as this one."""
        return replace(
            self.filter,
            first=self.filter.first - timedelta(days=self.days),
            last=self.filter.first - timedelta(days=1),
        )

    def arguments(self, **other: str) -> dict[str, str]:
        """As an address carries it; `other` in place of what it says, '' leaves out."""
        found = {"by": self.by}
        if self.period == OTHER:
            found |= {"from": str(self.filter.first), "to": str(self.filter.last)}
        else:
            found["period"] = self.period
        for name, field in _IDS.items():
            value = getattr(self.filter, field)
            if value is not None:
                found[name] = str(value)
        if "period" in other:
            found = {name: value for name, value in found.items() if name not in {"from", "to"}}
        return {name: value for name, value in (found | other).items() if value}


def parse(arguments: Mapping[str, str], *, today: date, departments: frozenset[int] | None = None) -> ReportQuery:
    """The report that these arguments ask for: `by`, `period` or `from` and `to`, `agent`, `mailbox`, `tag`.

    today: of the reader. departments: those that the reader may see; None for all. Raises ReportRefused.
    """
    wrong: dict[str, str] = {}
    by = arguments.get("by", "") or "day"
    if by not in GROUPINGS:
        wrong["by"] = f"must be one of {', '.join(GROUPINGS)}, got {by[:40]!r}; leave it out for days."
    period = arguments.get("period", "")
    first, last = asked_day(arguments, "from", wrong), asked_day(arguments, "to", wrong)
    if period and period not in PERIODS and period != OTHER:
        wrong["period"] = f"must be one of {', '.join(PERIODS)} days, got {period[:40]!r}; or give `from` and `to`."
    if (first or last) and period in ("", OTHER) and not wrong:
        last = last or today
        first = first or last - timedelta(days=int(DEFAULT_PERIOD) - 1)
        length = str((last - first).days + 1)
        period = length if last == today and length in PERIODS else OTHER
        if first > last:
            wrong["to"] = f"must not be before the first day, {first}, got {last}; swap them."
        elif (last - first).days >= LONGEST:
            wrong["from"] = f"must be at most {LONGEST} days before the last one, {last}; choose a shorter period."
    elif not wrong:
        period = period if period in PERIODS else DEFAULT_PERIOD
        first, last = today - timedelta(days=int(period) - 1), today
    ids = {field: _id(arguments, name, wrong) for name, field in _IDS.items()}
    if wrong or first is None or last is None:
        raise ReportRefused(wrong)
    return ReportQuery(by, period, Filter(first, last, **ids, departments=departments))


def _id(arguments: Mapping[str, str], name: str, wrong: dict[str, str]) -> int | None:
    given = arguments.get(name, "").strip()
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        wrong[name] = f"must be the number of one of them, got {given[:40]!r}; choose one, or leave it empty for all."
        return None
    return int(given)
