"""The steps that the transactions of `service` are made of; each works on the caller's connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.accounts import repository as accounts
from app.accounts.models import User
from app.accounts.viewer import viewer
from app.database import Connection, utcnow
from app.departments import repository as departments
from app.email.addresses import Recipients
from app.live import service as live
from app.notifications import service as notifications
from app.tags import repository as tagging
from app.tags.rules import MOST as MOST_TAGS
from app.tickets import (
    access,
    attachments,
    drafts_repository,
    holding_repository,
    mentions,
    moments,
    outgoing,
    repository,
    search_index,
)
from app.tickets.bodies import Body
from app.tickets.errors import AuthorRefused, ReplyCrossed, TicketNotFound, TicketRefused
from app.tickets.files import Upload
from app.tickets.models import Change, SentReply, Ticket
from app.tickets.rules import listed


class Unchanged:
    """Says "leave the assignee", the department or a moment, because None says "nobody" or "never"."""


UNCHANGED: Final = Unchanged()


@dataclass(frozen=True)
class Retag:
    """Tags to put on a ticket and to take from it, as `app.tags.rules` writes them."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hold:
    """That a reply waits before it is sent, so that it can be taken back."""

    seconds: int
    form: Mapping[str, Any]
    """What the composer gets back then."""


@dataclass(frozen=True)
class Reply:
    """What is stored when an agent writes: a reply to `recipients`, or a note where there are none."""

    author: User
    body: Body
    recipients: Recipients | None
    enable_tracking: bool = False
    tracking_said: bool = True
    attachment_ids: Sequence[int] = ()
    uploads: Sequence[Upload] = ()
    first: bool = False
    once: str | None = None
    """Names the form it came by."""
    seen: int | None = None
    """The newest message that its author had before them; None where nobody says."""
    hold: Hold | None = None
    then_status: str | None = None
    """The ticket's status after it; None leaves it."""


async def ticket(conn: Connection, ticket_id: int) -> Ticket:
    """One ticket. Raises TicketNotFound, also for one that is not whoever looks's to see."""
    found = await repository.ticket(conn, ticket_id)
    by = viewer()
    if found is None or (
        by is not None and not access.sees(by, department_id=found.department_id, assignee_id=found.assignee_id)
    ):
        raise TicketNotFound(f"There is no ticket #{ticket_id}.")
    return found


async def locked(conn: Connection, ticket_id: int) -> Ticket:
    """The ticket as it is now, held until the end of the transaction.

    Locked before new rows are added to the outbox and the conversation, against the usual order: nobody else can
    know, and so hold, those rows yet.
    """
    await repository.lock_ticket(conn, ticket_id)
    return await ticket(conn, ticket_id)


async def store_reply(conn: Connection, found: Ticket, reply: Reply) -> SentReply:
    """Add a reply or note with its files, queue its mail, forget the draft, tell open pages.

    Raises AuthorRefused where the author was disabled meanwhile, TicketRefused for files or a mail that do not hold.
    """
    author = await accounts.user_by_id(conn, reply.author.id)
    if author is None or author.disabled_at is not None:
        raise AuthorRefused({"": f"The account {reply.author.email} is disabled; nothing was sent. Ask an admin."})
    if reply.once is not None:
        known = await repository.message_of_form(
            conn, ticket_id=found.id, once=reply.once, author_user_id=author.id, body_html=reply.body.html
        )
        if known is not None:
            return SentReply(known, None)
    if reply.seen is not None and reply.recipients is not None:
        await _check_not_crossed(conn, found.id, reply.seen, author)
    if found.merged_into is not None:
        words = f"#{found.id} was merged into #{found.merged_into} meanwhile. Copy this text, and answer there."
        raise TicketRefused({"body": words})
    kind = "note" if reply.recipients is None else "reply"
    reply_id = await repository.insert_message(
        conn,
        ticket_id=found.id,
        kind=kind,
        author_user_id=author.id,
        contact_id=None,
        body_html=reply.body.html,
        body_text=reply.body.text,
        once=reply.once,
    )
    attached = await attachments.attach(
        conn,
        ticket_id=found.id,
        reply_id=reply_id,
        user=author,
        attachment_ids=reply.attachment_ids,
        uploads=reply.uploads,
        html=reply.body.html,
    )
    await search_index.add(conn, found.id, reply.body.text)
    mail = None
    mentioned: tuple[str, ...] = ()
    if reply.recipients is None:
        await repository.note_activity(conn, found.id)
        mentioned = await mentions.tell(conn, found.id, reply_id, author=author, text=reply.body.text)
    else:
        await repository.note_message(conn, ticket_id=found.id, last_from="agent", snippet=reply.body.snippet)
        await repository.note_reply(conn, ticket_id=found.id, reply_id=reply_id, opens=reply.first)
        mail = await outgoing.enqueue(
            conn,
            ticket=found,
            author=author,
            reply_id=reply_id,
            body=reply.body,
            recipients=reply.recipients,
            attachment_ids=attached,
            enable_tracking=reply.enable_tracking,
            tracking_said=reply.tracking_said,
            first=reply.first,
            wait=reply.hold.seconds if reply.hold else 0,
        )
        if reply.hold is not None:
            await _hold(conn, found, reply_id, reply, reply.hold)
    await drafts_repository.delete(conn, user_id=author.id, ticket_id=found.id)
    await live.publish(conn, ticket_id=found.id, kind="message", reply_id=reply_id)
    if reply.then_status is not None:
        await apply(conn, found, user=author, status=reply.then_status)
    return SentReply(reply_id, mail, mentioned)


async def _hold(conn: Connection, found: Ticket, reply_id: int, reply: Reply, hold: Hold) -> None:
    form = {
        **hold.form,
        "status_before": found.status,
        "status_after": reply.then_status,
        "snoozed_until": moments.stored(found.snoozed_until),
    }
    await holding_repository.insert(conn, reply_id=reply_id, user_id=reply.author.id, seconds=hold.seconds, form=form)


async def _check_not_crossed(conn: Connection, ticket_id: int, seen: int, author: User) -> None:
    """Raise ReplyCrossed where somebody else wrote since: an answer that does not know of it must not go out unread."""
    newer = await repository.written_since(conn, ticket_id=ticket_id, seen=seen, not_by=author.id)
    if not newer:
        return
    words = {"reply": "answered", "note": "added a note", "customer": "wrote again"}
    told = list(dict.fromkeys(f"{name} {words[kind]}" for kind, name in newer))
    what = f"Nothing was sent: {listed(told)} while you were writing"
    raise ReplyCrossed({"body": f"{what}. Read that above, then send this, or change it."})


async def apply(
    conn: Connection,
    found: Ticket,
    *,
    user: User | None,
    status: str | None = None,
    priority: str | None = None,
    assignee_id: int | Unchanged | None = UNCHANGED,
    department_id: int | Unchanged | None = UNCHANGED,
    due_at: datetime | Unchanged | None = UNCHANGED,
    snoozed_until: datetime | Unchanged | None = UNCHANGED,
    retag: Retag | None = None,
) -> tuple[Change, ...]:
    """Set status, priority, assignee, department, due date, snooze and tags where they differ, and write that down.

    found: the ticket as `locked` gave it. user: None where the portal does it. A ticket that is closed sleeps no more.
    """
    new_status, new_priority = status or found.status, priority or found.priority
    new_assignee = found.assignee_id if isinstance(assignee_id, Unchanged) else assignee_id
    wanted = [("status", found.status, new_status), ("priority", found.priority, new_priority)]
    changed = [(field, old, new) for field, old, new in wanted if old != new]
    new_department = found.department_id if isinstance(department_id, Unchanged) else department_id
    if new_assignee != found.assignee_id:
        name = await assignee_name(conn, new_assignee, new_department) if new_assignee is not None else ""
        changed.append(("assignee", found.assignee_name or "", name))
    if new_department != found.department_id:
        await _check_move(conn, new_department, new_assignee, kept=new_assignee == found.assignee_id)
        name = await department_name(conn, new_department) if new_department is not None else ""
        changed.append(("department", found.department_name or "", name))
    new_due = found.due_at if isinstance(due_at, Unchanged) else due_at
    if new_due != found.due_at:
        changed.append(("due", moments.stored(found.due_at), moments.stored(new_due)))
    new_snooze = found.snoozed_until if isinstance(snoozed_until, Unchanged) else snoozed_until
    if new_status == "closed":
        new_snooze = None
    if new_snooze != found.snoozed_until:
        changed.append(("snooze", moments.stored(found.snoozed_until), moments.stored(new_snooze)))
    if changed:
        await repository.update_properties(
            conn,
            ticket_id=found.id,
            status=new_status,
            priority=new_priority,
            assignee_id=new_assignee,
            department_id=new_department,
            due_at=new_due,
            snoozed_until=new_snooze,
        )
    if retag is not None:
        changed += await _retag(conn, found.id, retag)
    if not changed:
        return ()
    for field, old, new in changed:
        await repository.insert_change(
            conn, ticket_id=found.id, user_id=user.id if user else None, field=field, old_value=old, new_value=new
        )
    if new_assignee is not None and new_assignee != found.assignee_id:
        by = user.id if user else None
        await notifications.add(conn, kind="assigned", user_ids=[new_assignee], ticket_id=found.id, by=by)
    await live.publish(conn, ticket_id=found.id, kind="ticket")
    now = utcnow()
    return tuple(Change(now, user.name if user else None, field, old, new) for field, old, new in changed)


async def _retag(conn: Connection, ticket_id: int, retag: Retag) -> list[tuple[str, str, str]]:
    had = (await tagging.of_tickets(conn, [ticket_id])).get(ticket_id, ())
    add = [name for name in retag.add if name not in had]
    remove = [name for name in retag.remove if name in had]
    if len(had) + len(add) - len(remove) > MOST_TAGS:
        words = f"Ticket #{ticket_id} would have more than {MOST_TAGS} tags; remove some first."
        raise TicketRefused({"tags": words})
    if remove:
        await tagging.take(conn, ticket_id, remove)
    if add:
        await tagging.put(conn, ticket_id, (await tagging.ensure(conn, add)).values())
    # A line of history holds 500 characters.
    return [("tags", ", ".join(remove)[:500], ", ".join(add)[:500])] if add or remove else []


async def assignee_name(conn: Connection, user_id: int, department_id: int | None) -> str:
    """The name of who shall have a ticket of this department. Raises TicketRefused with the field `assignee` where they
    cannot.
    """
    user = await accounts.user_by_id(conn, user_id)
    if user is None or user.disabled_at is not None or not access.knows(user):
        raise TicketRefused({"assignee": f"User {user_id} is disabled or does not exist; choose another."})
    if not access.can_have(user, department_id):
        words = f"{user.name} is limited to other departments and would not see it; choose another."
        raise TicketRefused({"assignee": words})
    return user.name


async def _check_move(conn: Connection, department_id: int | None, assignee_id: int | None, *, kept: bool) -> None:
    """Refuse a department that takes a ticket away from whoever moves it, or unseen from who has it and keeps it."""
    if not access.may_use(department_id):
        gone = f"There is no department {department_id} any more; choose another."
        words = "Choose one of your departments; a ticket without one would not be yours."
        raise TicketRefused({"department": words if department_id is None else gone})
    if kept and assignee_id is not None:
        user = await accounts.user_by_id(conn, assignee_id)
        if user is not None and not access.can_have(user, department_id):
            words = f"{user.name} has it, is limited to other departments and would not see it; assign it anew as well."
            raise TicketRefused({"department": words})


async def department_name(conn: Connection, department_id: int) -> str:
    """The name of a department. Raises TicketRefused with the field `department` where it is gone."""
    found = await departments.department(conn, department_id)
    if found is None or not access.may_use(department_id):
        raise TicketRefused({"department": f"There is no department {department_id} any more; choose another."})
    return found.name
