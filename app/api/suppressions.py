"""/api/suppressions: addresses that get no mail. For admins; any agent may take off what they see."""

from __future__ import annotations

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models
from app.api.answers import answer
from app.api.errors import refusal
from app.api.models import Answer, Given
from app.api.requests import asks, takes
from app.suppressions import rules, service
from app.suppressions.errors import SuppressionNotFound, SuppressionRefused
from app.suppressions.models import Query, Reason, Scope
from app.suppressions.models import Suppression as Line
from app.web.access import admin_required

NUMBER = f"<int(min=1, max={models.MAX_COPY_ID}):number>"

suppressions = Blueprint("api_suppressions", __name__, url_prefix="/suppressions")


class Suppression(Answer):
    """An address that gets no mail, or no announcements."""

    id: int
    email: str | None = Field(description="null once its person was erased.")
    scope: Scope = Field(description="What it does not get: all mail, or announcements only.")
    reason: Reason
    source: str = Field(
        description="Who told it: a provider's name, bounce_mail, agent, or link: its owner, by the link in a mail."
    )
    detail: str = Field(description="In the words of who told it.")
    since: AwareDatetime
    added_by: str | None = Field(description="The agent who added it by hand.")
    removed_at: AwareDatetime | None = Field(description="When it was taken off; null while it stands.")
    removed_by: str | None = Field(description="The agent who took it off; null where its owner did.")


class Suppressions(Answer):
    """A stretch of the list, newest first."""

    suppressions: list[Suppression]
    total: int = Field(description="How many the filter finds.")
    next: int | None = Field(description="`before` of the next page; null on the last.")


class SuppressionFilter(Given):
    """Which lines."""

    model_config = Given.model_config | {"strict": False}

    q: str = Field("", max_length=254, description="In the address.")
    reason: Reason | None = None
    scope: Scope | None = None
    removed: bool = Field(False, description="Lines that were taken off, instead of those that stand.")
    before: int | None = Field(None, ge=1, le=models.MAX_COPY_ID, description="Only lines before the one with this id.")


class NewSuppression(Given):
    """An address to put on the list by hand."""

    email: str
    scope: Scope = "all"
    detail: str = Field("", max_length=rules.LONGEST_DETAIL, description="Why, for who looks at it later.")


@suppressions.errorhandler(SuppressionNotFound)
async def not_found(error: SuppressionNotFound) -> Response:
    """A line that is gone, or never was."""
    return refusal(404, str(error))


@suppressions.errorhandler(SuppressionRefused)
async def refused(error: SuppressionRefused) -> Response:
    """What does not hold, by field."""
    return refusal(422, str(error), {error.field: str(error)} if error.field else None)


@suppressions.get("")
@admin_required
@document_response(Suppressions)
@asks(SuppressionFilter)
async def list_suppressions(*, query: SuppressionFilter) -> Response:
    """List the addresses that get no mail, 50 at a time."""
    asked = Query(query.q.strip(), query.reason or "", query.scope or "", is_removed=query.removed)
    page = await service.page(asked, before=query.before or 0)
    return answer(
        Suppressions(suppressions=[_shown(one) for one in page.rows], total=page.total, next=page.older or None)
    )


@suppressions.post("")
@admin_required
@document_response(Suppression, 201)
@takes(NewSuppression)
async def add_suppression(*, body: NewSuppression) -> Response:
    """Put an address on the list; nothing more is sent there."""
    stored = await service.add_by_hand(body.email, scope=body.scope, detail=body.detail, by=g.user)
    return answer(_shown(stored), 201)


@suppressions.delete(f"/{NUMBER}")
@document_response(Suppression)
async def remove_suppression(*, number: int) -> Response:
    """Take a line off: its address gets mail again, until another bounce or complaint, or unsubscribes again."""
    await service.remove(number, by=g.user)
    return answer(_shown(await service.line(number)))


def _shown(one: Line) -> Suppression:
    return Suppression(
        id=one.id,
        email=one.email or None,
        scope=one.scope,
        reason=one.reason,
        source=one.source,
        detail=one.detail,
        since=one.since,
        added_by=one.added_by or None,
        removed_at=one.removed_at,
        removed_by=one.removed_by or None,
    )
