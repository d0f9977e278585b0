"""From what the services give to what the API answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from app.api import models, reply_models, ticket_models
from app.database import utcnow
from app.email.errors import ContentTooLarge
from app.hookspecs import QueuedMail
from app.receipts.models import Badge, ReceiptPanel, RecipientReceipt
from app.runtime import current
from app.tickets.display import clean_mail, reply_html
from app.tickets.listing_models import TicketRow
from app.tickets.models import AttachmentInfo, Conversation, Message, Ticket


def ticket(found: Ticket) -> ticket_models.Ticket:
    """A ticket."""
    return ticket_models.Ticket(**_ticket(found))


def listed(row: TicketRow) -> ticket_models.ListedTicket:
    """A ticket as a list has it."""
    return ticket_models.ListedTicket(
        **_ticket(row),
        snippet=row.snippet,
        badge=badge(row.badge) if row.badge is not None else None,
        last_read_at=row.last_read_at,
    )


async def with_conversation(
    found: Ticket, conversation: Conversation, badges: Mapping[int, Badge]
) -> ticket_models.TicketWithConversation:
    """A ticket with a stretch of its messages; their HTML is cleaned in a thread."""
    messages = await asyncio.to_thread(_messages, conversation, badges)
    return ticket_models.TicketWithConversation(**_ticket(found), conversation=messages, earlier=conversation.earlier)


def stored_reply(ticket_id: int, reply_id: int, mail: QueuedMail | None) -> reply_models.StoredReply:
    """A reply that was just stored."""
    recipients = [
        reply_models.ReplyRecipient(email=one.email, role=one.role, tracking_id=one.tracking_id, state="queued")
        for one in (mail.recipients if mail else ())
    ]
    return reply_models.StoredReply(
        id=reply_id,
        ticket_id=ticket_id,
        kind="reply" if mail else "note",
        enable_tracking=mail.enable_tracking if mail else False,
        recipients=recipients,
    )


def tracking(
    ticket_id: int, reply_id: int, panel: ReceiptPanel, tracking_ids: Mapping[int, str]
) -> reply_models.ReplyTracking:
    """What is known of a reply's mail."""
    recipients = [_recipient(row, tracking_ids[row.id]) for row in panel.rows if row.id in tracking_ids]
    timeline = [
        reply_models.TimelineEntry(
            at=line.at,
            kind=line.kind,
            words=line.words,
            reason=line.reason,
            email=line.email,
            machine=line.machine,
        )
        for line in panel.timeline
    ]
    shown = badge(panel.badge)
    return reply_models.ReplyTracking(
        id=reply_id, ticket_id=ticket_id, badge=shown, recipients=recipients, timeline=timeline
    )


def badge(found: Badge) -> models.Badge:
    """A badge without what only a page needs."""
    return models.Badge(state=found.state, word=found.word, at=found.at)


def ticket_url(ticket_id: int) -> str | None:
    """The ticket's page, on PORTAL_URL."""
    portal_url = current().settings.portal_url
    return f"{portal_url}/tickets/{ticket_id}" if portal_url else None


def _ticket(found: Ticket | TicketRow) -> dict[str, object]:
    assignee = models.Person(id=found.assignee_id, name=found.assignee_name or "") if found.assignee_id else None
    department = found.department_id and models.NamedDepartment(
        id=found.department_id, name=found.department_name or ""
    )
    return {
        "id": found.id,
        "subject": found.subject,
        "status": found.status,
        "priority": found.priority,
        "requester": _requester(found.contact_id, found.contact_name, found.contact_email),
        "assignee": assignee,
        "department": department or None,
        "tags": list(found.tags),
        "created_at": found.created_at,
        "last_activity_at": found.last_activity_at,
        "due_at": found.due_at,
        "snoozed_until": until if (until := found.snoozed_until) and until > utcnow() else None,
        "url": ticket_url(found.id),
    }


def _recipient(row: RecipientReceipt, tracking_id: str) -> reply_models.TrackedRecipient:
    is_read = row.state in {"read", "replied"}
    judged = row.judged
    return reply_models.TrackedRecipient(
        id=row.id,
        email=row.email,
        role=row.role.lower(),
        tracking_id=tracking_id,
        state=row.state,
        name=row.name,
        word=row.word,
        words=row.words,
        detail=row.detail,
        sent_at=row.sent_at,
        first_opened_at=row.first_opened,
        last_opened_at=row.last_opened,
        first_read_at=row.first_opened if is_read else None,
        last_read_at=row.last_opened if is_read else None,
        opens=row.opens,
        machine_opens=row.machine_opens,
        links=[reply_models.ClickedLink(url=url, clicks=clicks) for url, clicks in row.links],
        machine_clicks=row.machine_clicks,
        replied_at=row.replied_at,
        judged=reply_models.Judgement(verdict=judged.verdict, by=judged.by, at=judged.at) if judged else None,
    )


def _requester(contact_id: int, name: str | None, email: str | None) -> ticket_models.Requester:
    return ticket_models.Requester(contact_id=contact_id, name=name or "", email=email or "")


def _messages(conversation: Conversation, badges: Mapping[int, Badge]) -> list[ticket_models.Message]:
    return [
        _message(one, conversation.attachments.get(one.id, ()), badges.get(one.id)) for one in conversation.messages
    ]


def _message(found: Message, files: Sequence[AttachmentInfo], known: Badge | None) -> ticket_models.Message:
    author = models.Person(id=found.author_user_id, name=found.author_name or "") if found.author_user_id else None
    sender = _requester(found.contact_id, found.contact_name, found.contact_email) if found.contact_id else None
    return ticket_models.Message(
        id=found.id,
        kind=found.kind,
        author=author,
        sender=sender,
        html_body=_html(found),
        text_body=found.body_text,
        created_at=found.created_at,
        attachments=[_attachment(file) for file in files],
        badge=badge(known) if known else None,
    )


def _html(found: Message) -> str | None:
    if found.kind != "customer":
        return str(reply_html(found.body_html))
    try:
        return clean_mail(found.body_html).html
    except ContentTooLarge:
        return None


def _attachment(file: AttachmentInfo) -> ticket_models.Attachment:
    portal_url = current().settings.portal_url or ""
    return ticket_models.Attachment(
        id=file.id,
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        url=f"{portal_url}/attachments/{file.id}",
    )
