"""The one place where tickets are opened, however they come: its first step, and who gets them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.accounts.models import User
from app.assignment import service as assignment
from app.assignment.models import Opened
from app.database import Connection
from app.notifications import service as notifications
from app.tickets import repository, steps


async def insert_ticket(
    conn: Connection,
    subject: str,
    contact_id: int,
    priority: str,
    assignee_id: int | None,
    department_id: int | None,
    created_by: User | None,
    *,
    mailbox_id: int | None = None,
    tags: Sequence[str] = (),
    due_at: datetime | None = None,
) -> int:
    """Add a ticket without messages, however it comes; where nobody is named, the assignment rules choose.

    mailbox_id, tags: what the rules look at beside the department; the caller puts the tags on it. Raises TicketRefused
    for an assignee who cannot have tickets, or a department that is gone.
    """
    if assignee_id is not None:
        await steps.assignee_name(conn, assignee_id, department_id)
    if department_id is not None:
        await steps.department_name(conn, department_id)
    by = created_by.id if created_by else None
    ticket_id = await repository.insert_ticket(
        conn,
        subject=subject,
        contact_id=contact_id,
        priority=priority,
        assignee_id=assignee_id,
        department_id=department_id,
        created_by=by,
        due_at=due_at,
    )
    if assignee_id is not None:
        await notifications.add(conn, kind="assigned", user_ids=[assignee_id], ticket_id=ticket_id, by=by)
    else:
        await _assign(conn, ticket_id, Opened(mailbox_id, department_id, tuple(tags)))
    return ticket_id


async def _assign(conn: Connection, ticket_id: int, opened: Opened) -> None:
    chosen = await assignment.choose(conn, opened)
    if chosen is None:
        return
    await repository.set_assignee(conn, ticket_id, chosen.agent.id)
    await repository.insert_change(
        conn,
        ticket_id=ticket_id,
        user_id=None,
        field="rule",
        old_value=chosen.rule.name,
        new_value=chosen.agent.name,
    )
    words = f"By the rule “{chosen.rule.name}”"
    await notifications.add(conn, kind="assigned", user_ids=[chosen.agent.id], ticket_id=ticket_id, words=words)
