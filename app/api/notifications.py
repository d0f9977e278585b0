"""/api/notifications: what the token's user was told, and marking it as seen."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api.answers import answer
from app.api.models import MAX_LIMIT, Answer, Given
from app.api.requests import asks, takes
from app.notifications import service
from app.notifications.models import Notification
from app.runtime import current

MAX_BIG_ID = 2**63 - 1

Kind = Literal["assigned", "customer", "mention", "due", "bounce", "read"]

notifications = Blueprint("notifications", __name__, url_prefix="/notifications")


class NotificationFilter(Given):
    """Which notifications, newest first."""

    limit: int = Field(50, ge=1, le=MAX_LIMIT, strict=False)
    before: int | None = Field(
        None, ge=1, le=MAX_BIG_ID, strict=False, description="Only those before this id; `next` of the page before."
    )
    kind: Kind | None = Field(None, description="Only these.")
    unseen: bool = Field(False, strict=False, description="Only those that are not seen.")


class SeenNotifications(Given):
    """Which notifications were seen."""

    ids: list[Annotated[int, Field(ge=1, le=MAX_BIG_ID)]] | None = Field(
        None, max_length=1000, description="Their ids; null or left out for all."
    )


class ToldNotification(Answer):
    """One piece of news about a ticket."""

    id: int
    kind: Kind
    ticket_id: int
    reply_id: int | None
    who: str = Field(description="Name or address of who did it; empty where the portal did.")
    words: str = Field(description="All in one sentence.")
    detail: str = Field(description="What the sentence leaves out; empty for nothing.")
    taken_back: bool = Field(description="Of `read`: whether the badge says meanwhile that nobody read it.")
    created_at: AwareDatetime
    seen_at: AwareDatetime | None
    url: str | None = Field(description="Where to look; null where PORTAL_URL is not set.")


class NotificationList(Answer):
    """One page of notifications."""

    notifications: list[ToldNotification]
    unseen: int = Field(description="Of all notifications of this user.")
    next: int | None = Field(description="`before` of the next page; null on the last.")


class Unseen(Answer):
    """What is left."""

    unseen: int


@notifications.get("")
@document_response(NotificationList)
@asks(NotificationFilter)
async def list_notifications(*, query: NotificationFilter) -> Response:
    """List what you were told, newest first.

    What you are told, and what by mail too, is chosen under *Profile*.
    """
    page = await service.page(
        g.user, before=query.before or 0, limit=query.limit, kind=query.kind or "", unseen_only=query.unseen
    )
    return answer(
        NotificationList(notifications=[_told(one) for one in page.rows], unseen=page.unseen, next=page.next or None)
    )


@notifications.post("/seen")
@document_response(Unseen)
@takes(SeenNotifications)
async def mark_notifications_seen(*, body: SeenNotifications) -> Response:
    """Mark notifications as seen; ids that are not yours are left out."""
    return answer(Unseen(unseen=await service.mark_seen(g.user, ids=body.ids)))


def _told(found: Notification) -> ToldNotification:
    portal_url = current().settings.portal_url
    return ToldNotification(
        id=found.id,
        kind=cast(Kind, found.kind),
        ticket_id=found.ticket_id,
        reply_id=found.reply_id,
        who=found.who,
        words=found.words,
        detail=found.detail,
        taken_back=found.is_taken_back,
        created_at=found.created_at,
        seen_at=found.seen_at,
        url=f"{portal_url}{found.path}" if portal_url else None,
    )
