"""Sending, as people steer it: now or later, pause, resume, stop; and how far it has come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from app.database import Connection, utcnow
from app.services import audit, mailings
from app.services.web import User
from plugins.announcements import drafts, finding, recipients, repository
from plugins.announcements.errors import AnnouncementRefused, NotAllowed, NotNow
from plugins.announcements.handles import Handles
from plugins.announcements.models import STATES, Announcement, Progress

NO_ADDRESS = (
    "PORTAL_URL is not set, so the link to unsubscribe would lead nowhere, and nothing may be sent without it. Ask the "
    "operator to set it."
)


def may_send(handles: Handles, user: User) -> bool:
    """Whether somebody may send to customers."""
    return user.is_admin or handles.settings.who_sends == "everybody"


def check_may_send(handles: Handles, user: User) -> None:
    """Raises NotAllowed."""
    if not may_send(handles, user):
        raise NotAllowed("Only admins may send, pause or stop announcements. Ask one of them; your draft is saved.")


async def send(handles: Handles, number: int, *, by: User, at: datetime | None = None) -> Announcement:
    """Let a draft go: now, or at a time. Raises AnnouncementNotFound, NotAllowed, NotNow, AnnouncementRefused."""
    check_may_send(handles, by)
    if handles.context.settings.portal_url is None:
        raise AnnouncementRefused({"": NO_ADDRESS})

    async def work(conn: Connection, known: Announcement) -> None:
        if known.state not in {"draft", "scheduled"}:
            raise NotNow(_words("sent", known))
        await drafts.check_ready(known)
        await repository.change(
            conn,
            number,
            sent_by=by.id,
            state="sending" if at is None else "scheduled",
            send_at=at,
            started_at=utcnow() if at is None else None,
        )

    return await _steered(handles, number, work, by=by, action="send" if at is None else "schedule")


async def unschedule(handles: Handles, number: int, *, by: User) -> Announcement:
    """Make a draft again of what was to be sent later. Raises like `send`."""
    check_may_send(handles, by)

    async def work(conn: Connection, known: Announcement) -> None:
        if known.state != "scheduled":
            raise NotNow(_words("taken back", known))
        await repository.change(conn, number, state="draft", send_at=None)

    return await _steered(handles, number, work, by=by, action="unschedule")


async def pause(handles: Handles, number: int, *, by: User) -> Announcement:
    """Send nothing more until `resume`, not even what waits in the outbox. Raises like `send`."""
    check_may_send(handles, by)

    async def work(conn: Connection, known: Announcement) -> None:
        if known.state == "paused":
            return
        if known.state != "sending":
            raise NotNow(_words("paused", known))
        await repository.change(conn, number, state="paused")
        await mailings.hold(conn, known.mailing)

    return await _steered(handles, number, work, by=by, action="pause")


async def resume(handles: Handles, number: int, *, by: User) -> Announcement:
    """Go on where it was paused. Raises like `send`."""
    check_may_send(handles, by)

    async def work(conn: Connection, known: Announcement) -> None:
        if known.state == "sending":
            return
        if known.state != "paused":
            raise NotNow(_words("resumed", known))
        await repository.change(conn, number, state="sending")
        await mailings.release(conn, known.mailing)

    return await _steered(handles, number, work, by=by, action="resume")


async def stop(handles: Handles, number: int, *, by: User) -> Announcement:
    """End it for good: who has no mail yet gets none; the outbox gives back what waits there. Raises like `send`."""
    check_may_send(handles, by)

    async def work(conn: Connection, known: Announcement) -> None:
        if known.state == "stopped":
            return
        if known.state not in {"sending", "paused", "scheduled", "sent"}:
            raise NotNow(_words("stopped", known))
        await repository.change(conn, number, state="stopped", finished_at=utcnow())
        await recipients.withdrawn(conn, await mailings.withdraw(conn, known.mailing))

    return await _steered(handles, number, work, by=by, action="stop")


async def progress(handles: Handles, known: Announcement) -> Progress:
    """How far it has come."""
    if known.state in {"draft", "scheduled"}:
        return Progress(known.state)
    async with handles.database.connection() as conn:
        rows = await recipients.counts(conn, known.id)
        copies = await mailings.counts(conn, known.mailing)
    return Progress(
        known.state,
        total=rows.get("waiting", 0) + copies.total,
        waiting=rows.get("waiting", 0),
        in_outbox=copies.waiting,
        sent=copies.sent,
        failed=copies.failed,
        unknown=copies.unknown,
        withdrawn=copies.withdrawn,
        left_out=rows.get("left_out", 0) - copies.withdrawn,
        is_listed=known.listed_at is not None or known.state == "stopped",
    )


async def _steered(
    handles: Handles,
    number: int,
    work: Callable[[Connection, Announcement], Awaitable[None]],
    *,
    by: User,
    action: str,
) -> Announcement:
    async def steer(conn: Connection) -> Announcement:
        known = await finding.found(conn, number, lock=True)
        await work(conn, known)
        now = await finding.found(conn, number)
        if now.state != known.state or now.send_at != known.send_at:
            detail = {"subject": known.subject, "audience": known.audience.kind}
            await audit.record(
                conn, user_id=by.id, action=f"announcement.{action}", subject=f"announcement:{number}", detail=detail
            )
        return now

    return await handles.database.run(steer)


def _words(verb: str, known: Announcement) -> str:
    return f"It cannot be {verb} now: its state is {STATES[known.state]}. Reload the page to see what can be done."
