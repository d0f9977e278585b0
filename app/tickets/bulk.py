"""Changing many tickets at once, and taking that back.

Each ticket is a transaction of its own: one that cannot be changed costs itself only, and nobody waits for fifty locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.accounts.models import User
from app.database import Connection
from app.runtime import current
from app.tickets import bulk_repository, moments, rules, service, steps
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.models import Change, Ticket
from app.tickets.steps import UNCHANGED, Unchanged

MOST = 200
"""Tickets at once."""


@dataclass(frozen=True)
class Wanted:
    """What is to be set; what is left out stays."""

    status: str | None = None
    priority: str | None = None
    assignee_id: int | Unchanged | None = UNCHANGED
    department_id: int | Unchanged | None = UNCHANGED
    due_at: datetime | Unchanged | None = UNCHANGED
    snoozed_until: datetime | Unchanged | None = UNCHANGED
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is to be set."""
        return self == Wanted()


@dataclass(frozen=True)
class Done:
    """What became of it."""

    changed: int = 0
    same: int = 0
    """Tickets that were so already."""
    refused: dict[int, str] = field(default_factory=dict)
    """Why a ticket was not changed, by its number."""
    number: int | None = None
    """For `undo`; None where nothing was changed."""


async def change(ticket_ids: Sequence[int], wanted: Wanted, *, user: User) -> Done:
    """Set what is wanted on each of these tickets.

    Raises TicketRefused where none is chosen, too many are, or nothing is wanted.
    """
    ids = list(dict.fromkeys(ticket_ids))
    if not ids:
        raise TicketRefused({"ticket": "No ticket is selected; tick some first."})
    if len(ids) > MOST:
        raise TicketRefused({"ticket": f"{len(ids)} tickets are selected, at most {MOST} are changed at once."})
    if wanted.is_nothing:
        raise TicketRefused(
            {"": "Nothing is to be changed; choose a status, a priority, an assignee, a due date, a snooze or a tag."}
        )
    rules.retag(wanted.add_tags, wanted.remove_tags)
    undo: list[dict[str, Any]] = []
    refused: dict[int, str] = {}
    for ticket_id in ids:
        try:
            before = await service.ticket(ticket_id)
            changes = await service.change(
                ticket_id,
                user=user,
                status=wanted.status,
                priority=wanted.priority,
                assignee_id=wanted.assignee_id,
                department_id=wanted.department_id,
                due_at=wanted.due_at,
                snoozed_until=wanted.snoozed_until,
                add_tags=wanted.add_tags,
                remove_tags=wanted.remove_tags,
            )
        except (TicketRefused, TicketNotFound) as error:
            refused[ticket_id] = str(error)
            continue
        if changes:
            undo.append(_kept(before, changes, wanted))
    number = None
    if undo:
        async with current().database.transaction() as conn:
            number = await bulk_repository.keep(conn, user_id=user.id, changes=undo)
    return Done(len(undo), len(ids) - len(undo) - len(refused), refused, number)


async def can_undo(number: int, *, user: User) -> int:
    """Of how many tickets a change can be taken back; 0 where it cannot."""
    async with current().database.connection() as conn:
        return len(await bulk_repository.kept(conn, number, user_id=user.id) or ())


async def undo(number: int, *, user: User) -> Done:
    """Take a change back, on each ticket where nobody changed the same again. Raises TicketRefused where it is gone."""

    async def take(conn: Connection) -> Sequence[dict[str, Any]]:
        found = await bulk_repository.kept(conn, number, user_id=user.id, lock=True)
        if found is None:
            raise TicketRefused({"": "This was undone already, or it is too long ago."})
        await bulk_repository.mark_undone(conn, number)
        return found

    changed, refused = 0, {}
    for one in await current().database.run(take):
        try:
            changed += await _put_back(one, user)
        except (TicketRefused, TicketNotFound) as error:
            refused[int(one["ticket"])] = str(error)
    return Done(changed, 0, refused)


async def _put_back(one: dict[str, Any], user: User) -> bool:
    async def work(conn: Connection) -> bool:
        found = await steps.locked(conn, int(one["ticket"]))
        now = {
            "status": found.status,
            "priority": found.priority,
            "assignee": found.assignee_id,
            "department": found.department_id,
            "due": moments.stored(found.due_at),
            "snooze": moments.stored(found.snoozed_until),
        }
        # What somebody set to yet another value meanwhile is theirs.
        back = {name: old for name, (old, new) in one["values"].items() if now[name] == new}
        changes = await steps.apply(
            conn,
            found,
            user=user,
            status=back.get("status"),
            priority=back.get("priority"),
            assignee_id=back.get("assignee", UNCHANGED),
            department_id=back.get("department", UNCHANGED),
            due_at=moments.of_stored(back["due"]) if "due" in back else UNCHANGED,
            snoozed_until=moments.of_stored(back["snooze"]) if "snooze" in back else UNCHANGED,
            retag=steps.Retag(tuple(one["removed"]), tuple(one["added"])),
        )
        return bool(changes)

    return await current().database.run(work)


def _kept(before: Ticket, changes: Sequence[Change], wanted: Wanted) -> dict[str, Any]:
    new = {
        "status": (before.status, wanted.status),
        "priority": (before.priority, wanted.priority),
        "assignee": (before.assignee_id, wanted.assignee_id),
        "department": (before.department_id, wanted.department_id),
        "due": (moments.stored(before.due_at), _stored(wanted.due_at)),
        # Closing ends a snooze.
        "snooze": (moments.stored(before.snoozed_until), _stored(wanted.snoozed_until)),
    }
    values = {one.field: new[one.field] for one in changes if one.field in new}
    tags = next((one for one in changes if one.field == "tags"), None)
    return {
        "ticket": before.id,
        "values": values,
        "added": tags.new_value.split(", ") if tags and tags.new_value else [],
        "removed": tags.old_value.split(", ") if tags and tags.old_value else [],
    }


def _stored(at: datetime | Unchanged | None) -> str:
    return "" if isinstance(at, Unchanged) else moments.stored(at)
