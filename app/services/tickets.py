"""Open, answer, change and read tickets."""

from app.tickets.access import is_limited
from app.tickets.errors import AuthorRefused, BodyTooLarge, TicketError, TicketNotFound, TicketRefused
from app.tickets.files import Upload
from app.tickets.models import Change, Conversation, Message, SentReply, Ticket
from app.tickets.service import (
    add_customer_message,
    add_reply,
    answer_by_mail,
    change,
    conversation,
    create_ticket,
    open_ticket,
    ticket,
)
from app.tickets.steps import UNCHANGED
from app.tickets.undelivered import note as note_undelivered
from app.tickets.visibility import is_visible, who_sees

__all__ = [
    "UNCHANGED",
    "AuthorRefused",
    "BodyTooLarge",
    "Change",
    "Conversation",
    "Message",
    "SentReply",
    "Ticket",
    "TicketError",
    "TicketNotFound",
    "TicketRefused",
    "Upload",
    "add_customer_message",
    "add_reply",
    "answer_by_mail",
    "change",
    "conversation",
    "create_ticket",
    "is_limited",
    "is_visible",
    "note_undelivered",
    "open_ticket",
    "ticket",
    "who_sees",
]
