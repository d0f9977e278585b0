"""A customer at their ticket: proving who they are, reading, answering, closing and opening again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import structlog

from app.accounts import throttle
from app.consent import repository as consent
from app.crypto import sha256
from app.customer import repository, rules, switch
from app.customer.errors import LinkUnusable, NotShown, WrongAddress
from app.customer.links import TicketLinks
from app.customer.models import Place, Sight, Stretch
from app.database import Connection, utcnow
from app.email.addresses import make_address
from app.receipts import service as receipts
from app.runtime import current
from app.tickets import attachments_repository, steps
from app.tickets import repository as tickets
from app.tickets import service as ticket_service
from app.tickets.files import Upload
from app.tickets.models import AttachmentInfo, Message

log = structlog.get_logger(__name__)

TOUCH_AFTER = 60.0
"""Seconds after which a session's use is noted again."""


async def place_of(token: str) -> Place:
    """Where a link leads. Changes nothing. Raises LinkUnusable."""
    runtime = current()
    recipient_id = TicketLinks(runtime.settings.keys).read(token)
    if recipient_id is None:
        raise LinkUnusable("unknown")
    async with runtime.database.connection() as conn:
        found = await repository.place(conn, recipient_id)
        if found is None:
            raise LinkUnusable("unknown")
        if not await switch.is_on(conn):
            raise LinkUnusable("off")
    if rules.is_expired(found.last_activity_at, utcnow()):
        raise LinkUnusable("expired")
    return found


async def enter(place: Place, email: str, *, address: str, replaces: str = "") -> str:
    """Let in who knows the address that the link was mailed to; the session's token is for the cookie.

    address: the client's; it waits after wrong tries as at the login. replaces: the token of the browser's session
    before. Raises WrongAddress, or TooManyTries.
    """
    attempt = await throttle.begin(f"ticket-page/{place.recipient_id}", address)
    if not rules.is_same(email, place.email):
        # Not which link and from where: logs hold nothing of customers.
        log.warning("address refused at a ticket's page")
        raise WrongAddress
    await throttle.succeeded(attempt)
    token = secrets.token_urlsafe(32)

    async def work(conn: Connection) -> None:
        if replaces:
            await repository.delete_session(conn, sha256(replaces))
        await repository.insert_session(
            conn,
            token_hash=sha256(token),
            recipient_id=place.recipient_id,
            expires_at=utcnow() + rules.SESSION_LIFE,
        )

    await current().database.run(work)
    return token


async def is_in(place: Place, session: str) -> bool:
    """Whether this is a live session of this link's copy."""
    if not session:
        return False
    hashed, now = sha256(session), utcnow()
    async with current().database.connection() as conn:
        seen_at = await repository.last_seen(
            conn, hashed, recipient_id=place.recipient_id, idle_since=now - rules.SESSION_IDLE
        )
        if seen_at is None:
            return False
        if (now - seen_at).total_seconds() > TOUCH_AFTER:
            await repository.touch_session(conn, hashed)
    return True


async def leave(session: str) -> None:
    """End a session."""
    async with current().database.transaction() as conn:
        await repository.delete_session(conn, sha256(session))


async def sight_of(place: Place) -> Sight:
    """What of the ticket is theirs to see."""
    async with current().database.connection() as conn:
        person = await repository.person(conn, place.email)
        copies = await repository.copies(conn, place.ticket_id, person.emails)
    return Sight(place, person, tuple(copies))


async def conversation(sight: Sight, *, before: int | None = None) -> Stretch:
    """The newest messages that they may see, or the newest before message `before`, with their files."""
    async with current().database.connection() as conn:
        found = await repository.messages(
            conn,
            sight.place.ticket_id,
            contact_id=sight.person.contact_id,
            reply_ids=sight.reply_ids,
            before=before,
            limit=rules.PAGE + 1,
        )
        messages = tuple(found[: rules.PAGE][::-1])
        files = await attachments_repository.of_messages(conn, [one.id for one in messages])
    by_message = {one.id: tuple(file for file in files if file.reply_id == one.id) for one in messages}
    return Stretch(messages, by_message, earlier=len(found) > rules.PAGE)


async def is_recorded(sight: Sight) -> bool:
    """Whether reading may be kept: not where the reader refused tracking, nor where the department wants none."""
    if sight.place.department_tracking == "off":
        return False
    async with current().database.connection() as conn:
        decision = await consent.decision_of_address(conn, sight.place.email)
    return decision is None or decision.decision != "refused"


async def note_reading(sight: Sight, messages: Sequence[Message]) -> None:
    """Keep that they read these replies, but those of which their author said that nothing is to be tracked."""
    shown = {one.id for one in messages}
    read = [one.id for one in sight.copies if one.reply_id in shown and one.may_report]
    if read:
        await current().database.run(lambda conn: receipts.viewed(conn, read))


async def message(sight: Sight, message_id: int) -> Message:
    """One message. Raises NotShown where it is not theirs to see."""
    async with current().database.connection() as conn:
        found = await tickets.message(conn, sight.place.ticket_id, message_id)
    if found is None or not sight.shows(found):
        raise NotShown
    return found


async def file(sight: Sight, file_id: int) -> tuple[AttachmentInfo, bytes]:
    """A file with its content: of a message that they may see, or mailed to them. Raises NotShown."""
    async with current().database.connection() as conn:
        info = await attachments_repository.info(conn, file_id)
        if info is None or info.reply_id is None:
            raise NotShown
        carrier = await tickets.message(conn, sight.place.ticket_id, info.reply_id)
        is_shown = carrier is not None and sight.shows(carrier)
        # A reply may show an image of an older message that did not go to them; its mail brought them the image.
        if not is_shown and not await repository.was_mailed(conn, file_id, [one.id for one in sight.copies]):
            raise NotShown
        return info, await attachments_repository.content(conn, file_id)


async def answer(place: Place, text: str, uploads: Sequence[Upload], *, once: str) -> int:
    """Add what they wrote to the ticket, which is open again by it; the message's id.

    once: names the form, so that sending it twice answers once. Raises TicketRefused with the fields `body` and
    `files` that do not hold.
    """
    return await ticket_service.add_customer_message(
        place.ticket_id,
        email=str(make_address(place.name, place.email)),
        text_body=text,
        uploads=uploads,
        once=once,
    )


async def set_status(place: Place, status: str) -> bool:
    """Close the ticket ('closed') or open it again ('open'); whether that changed anything."""

    async def work(conn: Connection) -> bool:
        found = await steps.locked(conn, place.ticket_id)
        if (found.status == "closed") == (status == "closed"):
            return False
        await steps.apply(conn, found, user=None, status=status)
        return True

    return await current().database.run(work)
