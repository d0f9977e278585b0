"""The worker's part: begin what is due, find out who gets it, hand mails to the outbox at the pace that was set.

A mail is stored in the outbox in the very transaction that notes it at its recipient, and one contact has one row: a
process that dies at whatever moment leaves either both or none. From the outbox on, the core takes care that each mail
goes out once. Any number of workers may do it at once: the announcement's row lets one of them through at a time.
"""

from __future__ import annotations

import functools

import structlog

from app.database import Connection, DatabaseUnavailable, utcnow
from app.hookspecs import QueuedMail
from app.services import contacts, mailings
from app.services.email import EmailRefused, NewMail, announce, check_mail, enqueue_many
from plugins.announcements import audience, recipients, repository, rules
from plugins.announcements.content import Template
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement, Person

log = structlog.get_logger(__name__)

INTERVAL = 0.5
"""Seconds between two looks."""
BATCH = 200
"""Mails that one transaction hands over."""
MOST_DUE = 400
"""Mails that may wait in the outbox to be sent now before no more are handed over: replies go through the same one, and
must not wait behind thousands.
"""
LISTED = 1000
LISTED_WITH_CONTACTS = 200
"""People whom one transaction makes recipients; fewer where contacts are made for them."""
ROUNDS = 50
"""Transactions for one announcement before the others have their turn."""


async def run(handles: Handles) -> None:
    """Do what can be done now."""
    async with handles.database.connection() as conn:
        due = await repository.due(conn)
    for number in due:
        await handles.database.run(lambda conn, number=number: _begin(conn, number))  # type: ignore[misc]
    async with handles.database.connection() as conn:
        moving = await repository.in_state(conn, ["sending"])
    for number in moving:
        try:
            await _advance(handles, number)
        except DatabaseUnavailable:
            raise
        except Exception:
            # One that cannot go on must not hold up the others; it is tried again at the next look.
            log.exception("an announcement could not go on", announcement=number)


async def _begin(conn: Connection, number: int) -> None:
    if not await repository.lock(conn, number):
        return
    found = await repository.one(conn, number)
    if found is not None and found.state == "scheduled" and found.send_at is not None and found.send_at <= utcnow():
        await repository.change(conn, number, state="sending", started_at=utcnow())


async def _advance(handles: Handles, number: int) -> None:
    template: Template | None = None
    for _ in range(ROUNDS):
        async with handles.database.connection() as conn:
            found = await repository.one(conn, number)
        if found is None or found.state != "sending":
            return
        if found.listed_at is None:
            if not await handles.database.run(lambda conn: _list(conn, number)):
                return
            continue
        if template is None:
            template = await Template.of(found, handles)
        queued = await handles.database.run(
            functools.partial(_hand_over, number=number, template=template, handles=handles)
        )
        if queued is None:
            return
        for mail in queued:
            await announce(mail)


async def _locked(conn: Connection, number: int) -> Announcement | None:
    """The announcement, held, where it is still being sent and nobody else is at it."""
    if not await repository.lock_idle(conn, number):
        return None
    found = await repository.one(conn, number)
    return found if found is not None and found.state == "sending" else None


async def _list(conn: Connection, number: int) -> bool:
    """Make the next people of its audience recipients; False where somebody else does."""
    found = await _locked(conn, number)
    if found is None:
        return False
    if found.listed_at is not None:
        return True
    is_import = found.audience.kind == "import"
    limit = LISTED_WITH_CONTACTS if is_import else LISTED
    people = await audience.page(conn, found.audience, after=found.listed_to, limit=limit)
    await recipients.insert(conn, number, [await _as_contact(conn, person) for _, person in people])
    if people:
        await repository.change(conn, number, touch=False, listed_to=people[-1][0])
    if len(people) < limit:
        await repository.change(conn, number, touch=False, listed_at=utcnow())
    return True


async def _as_contact(conn: Connection, person: Person) -> Person:
    if person.contact_id:
        return person
    contact_id = await contacts.find_or_create_contact(conn, name=person.name, email=person.email)
    return Person(contact_id, person.name, person.email, person.reason)


async def _hand_over(conn: Connection, *, number: int, template: Template, handles: Handles) -> list[QueuedMail] | None:
    """Put the next mails into the outbox, as many as may go now; None where it has to wait, or is through."""
    found = await _locked(conn, number)
    if found is None:
        return None
    room = MOST_DUE - await mailings.due_now(conn, most=MOST_DUE)
    # Locked in one order everywhere: the announcement, then the pace of all.
    all_paced_at = (await conn.fetch_one("SELECT paced_at FROM announcement_pace WHERE id = 1 FOR UPDATE") or {}).get(
        "paced_at"
    )
    now = await conn.fetch_value("SELECT UTC_TIMESTAMP(6)")
    module = handles.settings.mails_per_minute
    own = rules.effective_rate(found.per_minute, module)
    most = max(0, min(BATCH, room))
    may, _ = rules.allowance(now, all_paced_at, module, most)
    may, _ = rules.allowance(now, found.paced_at, own, may)
    taken = await recipients.take(conn, number, limit=max(1, may))
    if not taken and not await recipients.is_waiting(conn, number):
        await repository.change(conn, number, touch=False, state="sent", finished_at=utcnow())
        log.info("an announcement is through", announcement=number)
        return None
    if not may or not taken:
        return None
    people = await audience.sift(conn, [person for _, person in taken])
    left_out = {row: person.reason for (row, _), person in zip(taken, people, strict=True) if person.reason}
    mails: dict[int, NewMail] = {}
    for (row, _), person in zip(taken, people, strict=True):
        if row not in left_out:
            try:
                mails[row] = check_mail(template.mail(person, unsubscribe=handles.unsubscribe_url(row)))
            except EmailRefused as error:
                log.warning("a mail of an announcement could not be made", announcement=number, error=str(error))
                left_out[row] = "refused"
    queued = await enqueue_many(conn, list(mails.values()))
    copies = {row: mail.recipients[0].id for row, mail in zip(mails, queued, strict=True)}
    await recipients.set_queued(conn, copies)
    await recipients.leave_out(conn, left_out)
    _, all_until = rules.allowance(now, all_paced_at, module, len(mails))
    _, own_until = rules.allowance(now, found.paced_at, own, len(mails))
    await conn.execute("UPDATE announcement_pace SET paced_at = %(at)s WHERE id = 1", {"at": all_until})
    await repository.change(conn, number, touch=False, paced_at=own_until)
    return queued
