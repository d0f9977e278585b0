"""Who may be tracked: asked before each copy goes out, told by contacts, agents and programs."""

from __future__ import annotations

from collections.abc import Sequence

from app.consent import repository, rules
from app.consent.models import Decision, Outlook, Tracking
from app.contacts.errors import ContactNotFound, ContactRefused
from app.database import Connection, utcnow
from app.email.tracking import tracking_now
from app.hookspecs import TrackingPolicy
from app.runtime import Runtime, current

HISTORY = 100
"""Decisions of one contact that a page shows at most."""


async def of_copy(
    runtime: Runtime, policy: TrackingPolicy, *, email: str, reply_id: int | None, message: bool | None
) -> Tracking:
    """What the copy of a reply, or of a mailing, for one address may report now. Raises DatabaseUnavailable.

    policy: the modules'. message: what who sent it said.
    """
    async with runtime.database.connection() as conn:
        contact = await repository.decision_of_address(conn, email)
        department = await repository.department_of_reply(conn, reply_id) if reply_id is not None else None
    return rules.decide(policy, department, contact, message)


async def outlook(emails: Sequence[str], *, department_id: int | None) -> Outlook:
    """What tracking a reply to these addresses would come to, for the composer."""
    runtime = current()
    now = await tracking_now(runtime)
    if not now.notice:
        return Outlook(is_default=False, can_switch=False, on="", off=now.why_not, is_possible=False)
    policy = await runtime.plugins.tracking_policy()
    async with runtime.database.connection() as conn:
        department = await repository.department(conn, department_id) if department_id else None
        found = await repository.decisions_of(conn, emails) if emails else {}
    readers = [(email, found.get(email.lower())) for email in emails]
    return rules.outlook(policy, department, readers, now.notice)


async def decisions(contact_id: int) -> tuple[Decision, ...]:
    """All that a contact decided, newest first; nothing where they never did."""
    async with current().database.connection() as conn:
        return tuple(await repository.history(conn, contact_id, limit=HISTORY))


async def decide(contact_id: int, decision: str, *, source: str, user_id: int | None) -> None:
    """Keep what a contact decided: 'allowed', 'refused', or 'unknown' to start over. The same again changes nothing.

    source: one of `rules.SOURCES`; user_id: who wrote it down, None for the contact themselves. Raises
    ContactNotFound, or ContactRefused for words that are none of those.
    """
    for field, value, known in (("tracking", decision, rules.DECISIONS), ("tracking_source", source, rules.SOURCES)):
        if value not in known:
            raise ContactRefused({field: f"{field} must be one of {', '.join(known)}, got {value[:40]!r}."})
    await current().database.run(lambda conn: keep(conn, contact_id, decision, source=source, user_id=user_id))


async def keep(conn: Connection, contact_id: int, decision: str, *, source: str, user_id: int | None) -> None:
    """The same in the caller's transaction, with words that hold."""
    known = await repository.decision_of(conn, contact_id)
    if known is None:
        raise ContactNotFound(f"There is no contact {contact_id}.")
    if known.decision != decision:
        await repository.set_decision(conn, contact_id, decision, at=utcnow(), source=source, user_id=user_id)
