"""What the ticket page shows: cards, changes, composer, side panel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from app.accounts import repository as accounts
from app.accounts.models import User
from app.consent import service as consent
from app.consent.models import Outlook
from app.database import utcnow
from app.departments import service as departments
from app.inbound import repository as inbound
from app.inbound.models import KINDS, InboundLine
from app.live import service as live
from app.live.events import ticket_topic
from app.receipts import service as receipts
from app.receipts.models import ReceiptPanel, RecipientReceipt
from app.runtime import current
from app.tickets import (
    access,
    audience,
    display,
    drafts,
    followers,
    holding,
    moments,
    outgoing,
    row_words,
    rules,
    service,
    undelivered,
)
from app.tickets import composer as composers
from app.tickets.composer import Composer
from app.tickets.models import AttachmentInfo, Change, Conversation, Message, Ticket
from app.web.formats import absolute, size, zone

INLINE_WORK = 40_000
"""Characters of HTML that are cleaned on the event loop; more goes to a thread."""
SHOWN_ADDRESSES = 3
_OTHER_TICKET = re.compile(r"#([0-9]{1,10})(?: |$)")
SHOWN_PROBLEMS = 10
AT_ONCE = timedelta(seconds=1)


@dataclass(frozen=True)
class Problem:
    """A copy that did not arrive, or may not have."""

    recipient_id: int
    words: str
    can_send_again: bool


@dataclass(frozen=True)
class Card:
    """One message as the page shows it."""

    id: int
    at: datetime
    kind: str
    """'agent', 'customer' or 'note', as the macro `message` calls them."""
    name: str
    email: str
    facts: Sequence[tuple[str, str]]
    html: Markup | None
    """None where the message is shown in a frame of its own."""
    frame_height: int
    panel: ReceiptPanel | None
    files: Sequence[Mapping[str, str]]
    problems: Sequence[Problem]
    origin: InboundLine | None = None
    """The mail that brought it."""
    origin_word: str = ""
    """What that mail is, where no person wrote it."""


@dataclass(frozen=True)
class HistoryLine:
    """One change, in words."""

    at: datetime
    icon: str
    words: str
    ticket_id: int | None = None
    """Another ticket that it is about."""


async def context(
    ticket_id: int,
    *,
    user: User,
    before: int | None = None,
    form: Composer | None = None,
    errors: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What templates/tickets/show.html needs. Raises TicketNotFound.

    before: show the messages before this one. form, errors: the composer as it was sent, and what is wrong in it.
    """
    topic = ticket_topic(ticket_id)
    cursor = await live.cursor(topic)
    ticket = await service.ticket(ticket_id)
    conversation = await service.conversation(ticket_id, before=before)
    panels = await receipts.panels([one.id for one in conversation.messages if one.kind == "reply"])
    bodies = await _bodies(conversation.messages)
    async with current().database.connection() as conn:
        origins = await inbound.of_messages(conn, [one.id for one in conversation.messages if one.kind != "reply"])
        outside = await followers.of_ticket(conn, ticket_id)
        agents = await audience.following(conn, ticket_id)
        held = await holding.waiting(conn, [one.id for one in conversation.messages if one.kind == "reply"])
    cards = [
        _card(one, bodies[one.id], panels.get(one.id), conversation.attachments[one.id], origins.get(one.id))
        for one in conversation.messages
    ]
    draft = await drafts.load(ticket_id, user=user) if form is None else None
    composer = form or (await composers.from_draft(draft, user=user) if draft else await _fresh(ticket))
    return {
        "ticket": ticket,
        "entries": _entries(cards, conversation),
        "earlier": conversation.earlier,
        "first_id": conversation.messages[0].id if conversation.messages else None,
        "last_id": conversation.messages[-1].id if conversation.messages else None,
        "before": before,
        "history": _lines(conversation.history)[::-1],
        "summary": _summary(panels),
        "held": held,
        "followers": outside,
        "watchers": agents,
        "is_following": user.id in {number for number, _ in agents},
        "composer": composer,
        "composer_text": await composer.text(),
        "draft_at": draft.updated_at if draft else None,
        "errors": dict(errors or {}),
        "tracking": await outlook(ticket, composer.to, composer.cc),
        "suppressed": await outgoing.suppressed_in_lines({"to": composer.to, "cc": composer.cc, "bcc": composer.bcc}),
        "statuses": list(rules.STATUSES.items()),
        "priorities": list(rules.PRIORITIES.items()),
        "assignees": await assignees(ticket),
        "tags": ticket.tags,
        "departments": await department_choices(ticket),
        "due": (due := moments.field_value(ticket.due_at, zone())),
        "due_was": due,
        "due_sign": row_words.due_sign(ticket, utcnow()),
        "snoozed": ticket.snoozed_until if ticket.is_snoozed(utcnow()) else None,
        "snoozes": moments.snooze_choices(utcnow(), zone()) if ticket.status != "closed" else (),
        "zone_name": zone().key,
        "status_word": rules.STATUSES[ticket.status],
        "sandbox": display.SANDBOX,
        "live_topics": topic,
        "live_cursor": cursor,
    }


async def assignees(ticket: Ticket | None = None) -> list[tuple[str, str]]:
    """Who can be given a ticket, for a select; who has it stays in the list, also when disabled."""
    async with current().database.connection() as conn:
        users = await accounts.list_users(conn, include_disabled=False)
    department_id = ticket.department_id if ticket else None
    able = [user for user in users if access.knows(user) and (ticket is None or access.can_have(user, department_id))]
    named = ((str(user.id), f"{user.name} (away)" if user.is_away else user.name) for user in able)
    options = [("", "Nobody"), *named]
    if ticket is not None and ticket.assignee_id is not None:
        is_active = any(user.id == ticket.assignee_id for user in users)
        why = "sees other departments only" if is_active else "disabled"
        present = (str(ticket.assignee_id), f"{ticket.assignee_name} ({why})")
        if present[0] not in {value for value, _ in options}:
            options.append(present)
    return options


async def department_choices(ticket: Ticket | None = None) -> list[tuple[str, str]]:
    """Departments for a select; nothing where there are none. A limited agent is offered theirs."""
    found = [(str(one.id), one.name) for one in await departments.departments() if access.may_use(one.id)]
    has_none = access.may_use(None) or (ticket is not None and ticket.department_id is None)
    return [*([("", "None")] if has_none else []), *found] if found else []


async def outlook(ticket: Ticket, to: str, cc: str) -> Outlook:
    """What the composer says of tracking, for what stands in To and Cc."""
    readers = outgoing.readers_of_lines(to, cc) or [ticket.contact_email]
    return await consent.outlook(readers, department_id=ticket.department_id)


async def _fresh(ticket: Ticket) -> Composer:
    async with current().database.connection() as conn:
        to, cc = await outgoing.answer_lines(conn, ticket)
    return Composer(to=to, cc=cc)


async def _bodies(messages: Sequence[Message]) -> dict[int, Markup | None]:
    def work() -> dict[int, Markup | None]:
        return {message.id: _body(message) for message in messages}

    large = sum(len(message.body_html) for message in messages if not _is_framed(message)) > INLINE_WORK
    return await asyncio.to_thread(work) if large else work()


def _is_framed(message: Message) -> bool:
    return message.kind == "customer" and message.is_html


def _body(message: Message) -> Markup | None:
    if _is_framed(message):
        return None
    return display.reply_html(message.body_html) if message.is_html else display.text_html(message.body_html)


def _card(
    message: Message,
    html: Markup | None,
    panel: ReceiptPanel | None,
    files: Sequence[AttachmentInfo],
    origin: InboundLine | None,
) -> Card:
    facts: list[tuple[str, str]] = []
    if panel is not None:
        facts = [
            (role, _addresses([row for row in panel.rows if row.role == role]))
            for role in ("To", "Cc", "Bcc")
            if any(row.role == role for row in panel.rows)
        ]
        panel = replace(panel, badge=row_words.with_time(panel.badge))
    is_customer = message.kind == "customer"
    if is_customer and message.author_name:
        facts.append(("Written down by", message.author_name))
    name = (message.contact_name if is_customer else message.author_name) or "Somebody who left"
    if origin is not None and not is_customer:
        name = origin.sender or KINDS[origin.kind]
    return Card(
        id=message.id,
        at=message.created_at,
        kind={"reply": "agent"}.get(message.kind, message.kind),
        name=name,
        email=(message.contact_email or "") if is_customer else "",
        facts=facts,
        html=html,
        frame_height=display.frame_height(message.body_text),
        panel=panel,
        files=[{"name": file.filename, "href": f"/attachments/{file.id}", "size": size(file.size)} for file in files],
        problems=[problem for row in panel.rows if (problem := _problem(row))] if panel else [],
        origin=origin,
        origin_word=KINDS.get(origin.kind, "") if origin is not None and origin.kind != "person" else "",
    )


def _addresses(rows: Sequence[RecipientReceipt]) -> str:
    shown = ", ".join(row.email for row in rows[:SHOWN_ADDRESSES])
    more = len(rows) - SHOWN_ADDRESSES
    return f"{shown} and {more} more" if more > 0 else shown


def _problem(row: RecipientReceipt) -> Problem | None:
    said = f": {row.detail.rstrip('.')}." if row.detail else "."
    if row.state in {"bounced", "complained"}:
        return Problem(
            row.id, f"{row.email}: {row.word}. {row.words}{f' They said: {row.detail}' if row.detail else ''}", False
        )
    if row.state == "failed":
        return Problem(row.id, f"{row.email} did not get this{said}", row.can_send_again)
    if row.state == "unknown":
        return Problem(row.id, f"{row.email} may or may not have got this{said}", row.can_send_again)
    if row.state == "queued" and row.detail:
        return Problem(row.id, f"{row.email} has not got this yet{said} We try again.", row.can_send_again)
    return None


def _entries(cards: Sequence[Card], conversation: Conversation) -> list[Card | HistoryLine]:
    """Cards and the changes between them; changes before or after this stretch belong to another."""
    lines = _lines(conversation.history)
    if conversation.earlier:
        lines = [line for line in lines if line.at >= cards[0].at]
    if conversation.later and cards:
        lines = [line for line in lines if line.at <= cards[-1].at]
    return sorted([*cards, *lines], key=lambda entry: entry.at)


def _lines(history: Sequence[Change]) -> list[HistoryLine]:
    """History in words, in its order. What nobody did right after a mail came back, the portal did for that."""
    bounced = [change.happened_at for change in history if change.field == undelivered.HISTORY]
    return [
        _line(change, by_portal=any(timedelta(0) <= change.happened_at - at < AT_ONCE for at in bounced))
        for change in history
    ]


def _line(change: Change, *, by_portal: bool = False) -> HistoryLine:
    icons = {
        "status": "check" if change.new_value == "closed" else "refresh",
        "priority": "flag",
        "assignee": "user",
        "department": "inbox",
        "verdict": "eye",
        "tags": "flag",
        "due": "clock",
        "snooze": "clock",
        "mailing": "announce",
        "split": "split",
    }
    if change.field == undelivered.HISTORY:
        return HistoryLine(change.happened_at, "bounce", change.new_value)
    who = change.user_name or ("The portal" if by_portal else "The customer")
    old, new = change.old_value, change.new_value
    if change.field in {"due", "snooze"}:
        before, after = moments.of_stored(old), moments.of_stored(new)
        if before and not after and change.user_name is None and change.happened_at >= before:
            return HistoryLine(change.happened_at, "clock", "Its snooze was over")
        old, new = [absolute(at) if at else "" for at in (before, after)]
    if change.field == "rule":
        return HistoryLine(change.happened_at, "user", f"The rule “{old}” assigned it to {new}")
    words = rules.history_words(who, change.field, old, new)
    other = _OTHER_TICKET.match(new or old) if change.field in {"merged", "split"} else None
    about = int(other[1]) if other else None
    return HistoryLine(change.happened_at, icons.get(change.field, "note"), f"{who} {words}", about)


def _summary(panels: Mapping[int, ReceiptPanel]) -> list[tuple[str, str]]:
    if not panels:
        return []
    states = [panel.badge.state for panel in panels.values()]
    read = sum(state in {"read", "replied"} for state in states)
    failed = sum(state in {"failed", "bounced", "complained", "unknown"} for state in states)
    waiting = states.count("queued")
    counts = {"sent": len(states) - waiting, "waiting": waiting, "read": read, "with a problem": failed}
    words = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    clicks = sum(count for panel in panels.values() for row in panel.rows for _, count in row.links)
    return [("Replies", words), *([("Links", f"{clicks} followed")] if clicks else [])]
