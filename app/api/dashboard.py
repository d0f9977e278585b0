"""/api/dashboard: what is open now, and how the last days were."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field
from quart import Blueprint, Response
from quart_schema import document_response

from app.api.answers import answer
from app.api.models import Answer, Given
from app.api.requests import asks
from app.dashboard import service
from app.dashboard.rules import Times
from app.web.formats import zone

dashboard = Blueprint("api_dashboard", __name__, url_prefix="/dashboard")


class Period(Given):
    """Which days."""

    model_config = ConfigDict(strict=False)

    days: Literal["7", "30"] = Field("7", description="Days of your time zone that end today.")


class DeskNow(Answer):
    """Tickets at this moment that you may see."""

    open: int = Field(description="Neither closed nor snoozed.")
    waiting: int = Field(description="Of those, where the customer wrote last.")
    unassigned: int = Field(description="Of those, without an assignee.")
    overdue: int = Field(description="Not closed and late, also while snoozed.")


class DeskDay(Answer):
    """Tickets of one day."""

    date: date
    opened: int
    closed: int


class DeskTimes(Answer):
    """How long something took, in seconds; null of nothing."""

    tickets: int
    median: int | None
    nine_in_ten_within: int | None


class DeskReplies(Answer):
    """Replies of the period."""

    sent: int
    tracked: int
    read: int = Field(description="Of the tracked ones, those that were read or answered, as far as that is known.")


class DeskAgent(DeskReplies):
    """What one agent did."""

    id: int | None = Field(description="null: agents who are gone, together.")
    name: str
    open: int
    closed: int


class Desk(Answer):
    """The figures of the page /dashboard."""

    now: DeskNow
    days: list[DeskDay]
    first_answer: DeskTimes = Field(description="From a customer's opening of a ticket to our first reply by mail.")
    unanswered: int = Field(description="Tickets opened in the period that have no answer yet.")
    closing: DeskTimes = Field(description="From a ticket's opening to its last closing.")
    replies: DeskReplies
    agents: list[DeskAgent]


@dashboard.get("")
@document_response(Desk)
@asks(Period)
async def show_dashboard(*, query: Period) -> Response:
    """Count what is open now, and what the last days brought."""
    found = await service.dashboard(int(query.days), zone=zone())
    now = found.now
    return answer(
        Desk(
            now=DeskNow(open=now.open, waiting=now.waiting, unassigned=now.unassigned, overdue=now.overdue),
            days=[DeskDay(date=one.date, opened=one.opened, closed=one.closed) for one in found.days],
            first_answer=_times(found.first_response),
            unanswered=found.unanswered,
            closing=_times(found.resolution),
            replies=DeskReplies(sent=found.sent, tracked=found.tracked, read=found.read),
            agents=[
                DeskAgent(
                    id=one.id,
                    name=one.name,
                    open=one.open,
                    closed=one.closed,
                    sent=one.sent,
                    tracked=one.tracked,
                    read=one.read,
                )
                for one in found.agents
            ],
        )
    )


def _times(found: Times) -> DeskTimes:
    median, ninth = (None if one is None else round(one.total_seconds()) for one in (found.median, found.ninth))
    return DeskTimes(tickets=found.count, median=median, nine_in_ten_within=ninth)
