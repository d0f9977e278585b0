"""/api/reports and /api/events: what became of replies, summed up and one by one."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field
from quart import Blueprint, Response
from quart_schema import document_response

from app.api.answers import answer
from app.api.errors import Refused
from app.api.models import MAX_ID, MAX_LIMIT, Answer, Given
from app.api.requests import asks
from app.database import utcnow
from app.events import asking as event_asking
from app.events import service as events_service
from app.events.exporting import as_json
from app.events.models import EventsRefused
from app.reports import exporting, service
from app.reports.asking import ReportRefused, parse
from app.reports.models import MEASURES
from app.web.access import admin_required
from app.web.formats import zone

reports = Blueprint("reports", __name__)

MAX_LINES = 1000
DAY = r"^\d{4}-\d{2}-\d{2}$"


class ReportFilter(Given):
    """Which report."""

    model_config = ConfigDict(strict=False)

    by: Literal["day", "week", "agent", "mailbox", "tag", "link", "client"] = Field(
        "day", description="What there is a line for each of."
    )
    period: Literal["7", "30", "90", "365"] | None = Field(
        None, description="Days that end today, 30 where neither this nor `first` nor `last` is given."
    )
    first: str | None = Field(None, pattern=DAY, description="The first day (UTC), such as 2026-11-01.")
    last: str | None = Field(None, pattern=DAY, description="The last day (UTC); today where it is left out.")
    agent: int | None = Field(None, ge=0, le=999_999_999, description="Only replies of this user; 0: of nobody.")
    mailbox: int | None = Field(None, ge=0, le=999_999_999, description="Only of this department; 0: of none.")
    tag: int | None = Field(None, ge=1, le=999_999_999, description="Only of tickets that had this tag.")
    limit: int = Field(200, ge=1, le=MAX_LINES)


class ReportRates(Answer):
    """Shares between 0 and 1; null of nothing."""

    delivery: float | None = Field(description="Delivered of sent.")
    open: float | None = Field(description="Unique opens of what `rates_are_of` says.")
    click: float | None = Field(description="Unique clicks of what `rates_are_of` says.")
    bounce: float | None = Field(description="Bounced of sent.")
    read: float | None = Field(description="Read or answered of tracked.")


class ReportLine(Answer):
    """One line."""

    key: str = Field(description="A day, the Monday of a week, an id, or the name; '' for all who are gone.")
    name: str
    figures: dict[str, int]
    rates: ReportRates | None = Field(description="Null in reports by link and by client.")


class ReportAnswer(Answer):
    """A report. Figures are of the day (UTC) on which a reply was written."""

    by: str
    first: date
    last: date
    rates_are_of: Literal["delivered", "sent"] = Field(
        description="What open and click rates are of: sent where nobody reported a delivery."
    )
    total: dict[str, int]
    rates: ReportRates
    total_before: dict[str, int] = Field(description="Of the period before, as long as this one.")
    rates_before: ReportRates
    lines: list[ReportLine]
    has_more: bool = Field(description="Whether lines were left out.")
    pending: bool = Field(description="Whether older mails are still to be counted.")


class EventFilter(Given):
    """Which events, newest first."""

    model_config = ConfigDict(strict=False)

    first: str | None = Field(None, pattern=DAY, description="The first day; seven days where it is left out.")
    last: str | None = Field(None, pattern=DAY, description="The last day; today where it is left out.")
    kind: str | None = Field(None, max_length=20, description="queued, sent, failed, open, click, delivered, ...")
    made_by: str | None = Field(None, max_length=20, description="human, human_proxy, privacy_prefetch, scanner, ...")
    recipient: str | None = Field(None, max_length=320, description="An address, or how it begins.")
    ticket: int | None = Field(None, ge=1, le=999_999_999)
    reply: int | None = Field(None, ge=1, le=999_999_999)
    source: str | None = Field(None, max_length=64, description="portal, or the name of a module.")
    cursor: str | None = Field(None, max_length=2000, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


class EventAnswer(Answer):
    """One thing that happened to one copy of a mail."""

    happened_at: AwareDatetime
    type: str
    made_by: str | None = Field(description="Who made a request; null where that is no question.")
    recipient: str
    recipient_id: int | None
    ticket_id: int | None
    reply_id: int | None = Field(description=f"At most {MAX_ID}; null for mails that are no replies.")
    reason: str
    detail: str
    client: str
    times: int = Field(description="Requests that this stands for.")
    source: str


class EventList(Answer):
    """One page of events."""

    events: list[EventAnswer]
    next: str | None = Field(description="`cursor` of the next page; null on the last.")
    silent: list[str] = Field(description="Modules that could not say what they know just now.")


@reports.get("/reports")
@document_response(ReportAnswer)
@asks(ReportFilter)
async def read_report(*, query: ReportFilter) -> Response:
    """Read a report: what became of ticket replies, summed up."""
    given = {
        "by": query.by,
        "period": query.period,
        "from": query.first,
        "to": query.last,
        "agent": query.agent,
        "mailbox": query.mailbox,
        "tag": query.tag,
    }
    try:
        asked = parse(_texts(given), today=utcnow().date())
    except ReportRefused as error:
        raise _refused(error.fields) from None
    found = await service.report(asked, most=query.limit)
    return answer(
        ReportAnswer(
            by=asked.by,
            first=asked.filter.first,
            last=asked.filter.last,
            rates_are_of="delivered" if found.base == "delivered" else "sent",
            total=exporting.figures_of(found.total, MEASURES),
            rates=ReportRates(**vars(found.rates)),
            total_before=exporting.figures_of(found.before, MEASURES),
            rates_before=ReportRates(**vars(found.rates_before)),
            lines=[
                ReportLine(
                    key=line.key,
                    name=line.name,
                    figures=exporting.figures_of(line.figures, exporting.measures_of(asked.by)),
                    rates=None if asked.by in ("link", "client") else ReportRates(**vars(line.rates)),
                )
                for line in found.lines
            ],
            has_more=found.has_more,
            pending=found.pending,
        )
    )


@reports.get("/events")
@admin_required
@document_response(EventList)
@asks(EventFilter)
async def list_events(*, query: EventFilter) -> Response:
    """List what happened to mails, one by one. For admins."""
    given = {
        "from": query.first,
        "to": query.last,
        "type": query.kind,
        "class": query.made_by,
        "recipient": query.recipient,
        "ticket": query.ticket,
        "reply": query.reply,
        "source": query.source,
        "after": query.cursor,
    }
    try:
        asked = event_asking.parse(_texts(given), today=utcnow().astimezone(zone()).date())
    except EventsRefused as error:
        raise _refused(error.fields) from None
    page = await events_service.page(asked, zone=zone(), limit=query.limit)
    listed = []
    for one in page.events:
        values = as_json(one)
        listed.append(EventAnswer(made_by=values.pop("class"), **values))
    return answer(EventList(events=listed, next=page.next or None, silent=list(page.silent)))


_NAMES = {"from": "first", "to": "last", "type": "kind", "class": "made_by", "after": "cursor"}


def _texts(given: dict[str, str | int | None]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items() if value is not None}


def _refused(fields: dict[str, str]) -> Refused:
    named = {_NAMES.get(name, name): words for name, words in fields.items()}
    return Refused(422, " ".join(f"`{name}` {words}" for name, words in named.items()), named)
