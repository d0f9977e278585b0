"""Reports, read from the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from app.receipts import service as receipts
from app.reports import rates, rebuild
from app.reports import reading_repository as repository
from app.reports.asking import BY_ITEM, ReportQuery
from app.reports.models import Figures
from app.reports.rates import Rates
from app.runtime import current
from app.tickets import access, listing

MOST_LINES = 200
MOST_EXPORTED = 20_000
GONE = "Somebody who left"
NOBODY = "Nobody (the portal)"
NO_MAILBOX = "No mailbox"


@dataclass(frozen=True)
class Line:
    """One line of a report."""

    key: str
    """A day, an id, or the name again."""
    name: str
    figures: Figures
    rates: Rates

    @property
    def short(self) -> str:
        """The name of a day or a week under a bar: "26 Nov"."""
        return " ".join(self.name.split()[-2:])


@dataclass(frozen=True)
class Choices:
    """What can be filtered by: names by id."""

    agents: Mapping[int, str]
    mailboxes: Mapping[int, str]
    tags: Mapping[int, str]


@dataclass(frozen=True)
class Report:
    """What a page, an export or the API shows."""

    query: ReportQuery
    lines: Sequence[Line]
    has_more: bool
    """Whether lines were left out."""
    total: Figures
    rates: Rates
    before: Figures
    """The period before."""
    rates_before: Rates
    base: str
    """What open and click rates are of: 'delivered' or 'sent'."""
    first_day: date | None
    """Of all figures there are; None where nothing was ever counted."""
    pending: bool
    """Whether older mails are still to be counted."""
    shows_reading: bool
    """Whether a module that reports of reading is on."""
    choices: Choices


async def report(query: ReportQuery, *, most: int = MOST_LINES) -> Report:
    """One report of what whoever looks may see; at most `most` lines."""
    if (limits := access.departments()) is not None:
        query = replace(query, filter=replace(query.filter, departments=limits))
    known = await listing.agents() if limits is not None else None
    async with current().database.connection() as conn:
        agents, mailboxes, tags = await repository.names(conn)
        if known is not None:
            agents = {one: name for one, name in agents.items() if one in known}
        if query.filter.departments is not None:
            mailboxes = {one: name for one, name in mailboxes.items() if one in query.filter.departments}
        choices = Choices(agents, mailboxes, tags)
        total = await repository.total(conn, query.filter)
        before = await repository.total(conn, query.before)
        base = rates.base_of(total)
        found: list[tuple[str, str, Figures]] = []
        if query.by in BY_ITEM:
            items = await repository.by_item(conn, query.filter, query.by, most + 1)
            found = [(name, name, figures) for name, figures in items]
        elif query.by in ("day", "week"):
            days = await repository.by_column(conn, query.filter, "day")
            found = _days(query, days) if query.by == "day" else _weeks(query, days)
        elif query.by == "agent":
            by_id = await repository.by_column(conn, query.filter, "agent_id")
            found = _named(by_id, {0: NOBODY, **agents}, GONE)
        elif query.by == "mailbox":
            by_id = await repository.by_column(conn, query.filter, "department_id")
            found = _named(by_id, {0: NO_MAILBOX, **mailboxes}, "A department that was deleted")
        elif wanted := tuple(one for one in tags if query.filter.tag_id in (None, one)):
            by_id = await repository.by_column(conn, query.filter, "tag_id", wanted)
            found = _named(by_id, tags, "")
        first_day = await repository.first_day(conn)
        pending = await rebuild.is_pending(conn)
    lines = [Line(key, name, one, rates.rates(one, base)) for key, name, one in found]
    return Report(
        query=query,
        lines=lines[:most],
        has_more=len(lines) > most,
        total=total,
        rates=rates.rates(total, base),
        before=before,
        rates_before=rates.rates(before, rates.base_of(before)),
        base=base,
        first_day=first_day,
        pending=pending,
        shows_reading="read" in await receipts.visible_states(),
        choices=choices,
    )


def _days(query: ReportQuery, found: Mapping[date, Figures]) -> list[tuple[str, str, Figures]]:
    """Every day of the period, also those without a mail, in order."""
    days = [query.filter.first + timedelta(days=number) for number in range(query.days)]
    return [(str(day), f"{day:%a} {day.day} {day:%b}", found.get(day, Figures())) for day in days]


def _weeks(query: ReportQuery, found: Mapping[date, Figures]) -> list[tuple[str, str, Figures]]:
    weeks: dict[date, Figures] = {}
    for number in range(query.days):
        day = query.filter.first + timedelta(days=number)
        monday = day - timedelta(days=day.weekday())
        weeks[monday] = _plus(weeks.get(monday, Figures()), found.get(day, Figures()))
    return [(str(monday), f"Week of {monday.day} {monday:%b}", figures) for monday, figures in weeks.items()]


def _plus(one: Figures, other: Figures) -> Figures:
    return Figures(**{field.name: getattr(one, field.name) + getattr(other, field.name) for field in fields(Figures)})


def _named(found: Mapping[int, Figures], names: Mapping[int, str], gone: str) -> list[tuple[str, str, Figures]]:
    """With names, the one with most mails first; those that are gone together at the end."""
    known = [(str(one), names[one], figures) for one, figures in found.items() if one in names]
    rest = Figures()
    for one, figures in found.items():
        if one not in names:
            rest = _plus(rest, figures)
    known.sort(key=lambda line: (-line[2].recipients, line[1]))
    return [line for line in [*known, ("", gone, rest)] if line[2].recipients]
