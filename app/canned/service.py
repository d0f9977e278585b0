"""Canned replies: finding, writing, filling. Everybody writes their own, and may share them with all agents."""

from __future__ import annotations

from app import richtext
from app.accounts.models import User
from app.canned import repository, rules
from app.canned.errors import CannedNotFound, CannedRefused
from app.canned.models import Canned
from app.database import Connection
from app.email.errors import ContentTooLarge
from app.runtime import current
from app.tickets import service as tickets


async def canned_replies(user: User) -> list[Canned]:
    """Those that a user may use, by title."""
    async with current().database.connection() as conn:
        return await repository.seen_by(conn, user.id)


async def canned_reply(canned_id: int, *, user: User) -> Canned:
    """One that a user may use. Raises CannedNotFound."""
    async with current().database.connection() as conn:
        return await _found(conn, canned_id, user)


def may_change(found: Canned, user: User) -> bool:
    """Whether a user may change or delete it: its owner, and admins where it is shared."""
    return found.user_id == user.id or (found.is_shared and user.role == "admin")


async def filled(canned_id: int, ticket_id: int, *, user: User) -> str:
    """The HTML of a canned reply for a ticket, its placeholders filled; counted as used.

    Raises CannedNotFound and TicketNotFound.
    """
    ticket = await tickets.ticket(ticket_id)

    async def work(conn: Connection) -> Canned:
        found = await _found(conn, canned_id, user)
        await repository.count_use(conn, canned_id)
        return found

    found = await current().database.run(work)
    name = ticket.contact_name or ticket.contact_email
    values = {
        "contact.name": name,
        "contact.first_name": name.split()[0] if name.split() else name,
        "contact.email": ticket.contact_email,
        "ticket.number": str(ticket.id),
        "ticket.subject": ticket.subject,
        "agent.name": user.name,
        "agent.email": user.email,
    }
    return rules.fill(found.body_html, values)


async def add(*, by: User, title: str, body_html: str, is_shared: bool) -> int:
    """Add one, and return its id. Raises CannedRefused with each field that does not hold."""
    title, body_html = await _checked(title, body_html)

    async def work(conn: Connection) -> int:
        return await repository.insert(conn, user_id=by.id, is_shared=is_shared, title=title, body_html=body_html)

    return await current().database.run(work)


async def change(canned_id: int, *, by: User, title: str, body_html: str, is_shared: bool) -> None:
    """Replace what is set. Raises CannedNotFound, also where `by` may only use it; CannedRefused for a field."""
    title, body_html = await _checked(title, body_html)

    async def work(conn: Connection) -> None:
        await _changeable(conn, canned_id, by)
        await repository.update(conn, canned_id, is_shared=is_shared, title=title, body_html=body_html)

    await current().database.run(work)


async def delete(canned_id: int, *, by: User) -> str:
    """Remove one for good, and return its title. Raises CannedNotFound, also where `by` may only use it."""

    async def work(conn: Connection) -> str:
        found = await _changeable(conn, canned_id, by)
        await repository.delete(conn, canned_id)
        return found.title

    return await current().database.run(work)


async def _checked(title: str, body_html: str) -> tuple[str, str]:
    errors: dict[str, str] = {}
    try:
        title = rules.check_title(title)
    except ValueError as error:
        errors["title"] = str(error)
    try:
        body_html = await richtext.clean_reply_async(body_html)
        if not (await richtext.html_to_text_async(body_html)).strip() and "<img" not in body_html:
            errors["body"] = "The text is empty; write what to answer."
        rules.check_placeholders(body_html)
    except (ContentTooLarge, ValueError) as error:
        errors["body"] = str(error)
    if errors:
        raise CannedRefused(errors)
    return title, body_html


async def _found(conn: Connection, canned_id: int, user: User, *, lock: bool = False) -> Canned:
    found = await repository.one(conn, canned_id, user.id, lock=lock)
    if found is None:
        raise CannedNotFound(f"There is no saved reply {canned_id}; somebody may have deleted it.")
    return found


async def _changeable(conn: Connection, canned_id: int, user: User) -> Canned:
    found = await _found(conn, canned_id, user, lock=True)
    if not may_change(found, user):
        raise CannedNotFound(f"{found.title} is {found.user_name or 'somebody'}'s: you may use it, not change it.")
    return found
