"""What the HTTP API takes and gives of tickets, their conversations and tags, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.api.models import MAX_ID, MAX_LIMIT, Answer, Badge, Given, NamedDepartment, Person, Status

Priority = Literal["low", "normal", "high", "urgent"]


def _moment(value: Any) -> Any:
    if value is None or value == "none" or isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > 10 else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError("must be a date and time with its zone, like 2026-11-27T09:00:00+01:00, or none")
    return found


Moment = Annotated[
    datetime | Literal["none"],
    BeforeValidator(_moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"const": "none"}]}),
]


Department = Annotated[
    int | str,
    Field(description="A department's name or id."),
]


class NewTicket(Given):
    """A ticket that somebody asks for."""

    subject: str = Field(description="At most 400 characters on one line.", examples=["The printer is on fire"])
    requester: str = Field(
        description='Who asks, as "bob@example.org" or "Bob <bob@example.org>".', examples=["Bob <bob@example.org>"]
    )
    html_body: str | None = Field(None, description="What they say, as HTML. This or text_body is needed.")
    text_body: str | None = Field(None, description="What they say, as plain text.", examples=["Please help."])
    priority: Priority = "normal"
    department: Department | None = None
    assignee: int | Literal["me"] | None = Field(
        None, description="The number of a user, or me; where it is not given, the assignment rules choose."
    )
    due_at: Moment | None = Field(None, description="When it is due, with a time zone.")
    tags: list[str] = Field([], max_length=20, description="At most 20, each at most 40 characters without a comma.")


class TicketChange(Given):
    """What to change of a ticket; what is not given stays as it is."""

    status: Status | None = None
    priority: Priority | None = None
    assignee: int | Literal["me", "none"] | None = Field(None, description="The number of a user, me, or none.")
    department: Department | None = Field(None, description="A department's name or id, or none.")
    tags: list[str] | None = Field(None, max_length=20, description="All tags that it has from then on.")
    due_at: Moment | None = Field(None, description="When it is due, with a time zone, or none.")
    snoozed_until: Moment | None = Field(
        None, description="Until when it sleeps, with a time zone, or none to end that."
    )


class NewSplit(Given):
    """Which messages become a ticket of their own."""

    subject: str = Field(description="Of the new ticket; at most 400 characters on one line.")
    messages: list[Annotated[int, Field(ge=1, le=MAX_ID)]] = Field(
        max_length=200, description="Their ids; at least one, and not all of the ticket."
    )


class TicketFilter(Given):
    """Which tickets, and in which order; what is not given does not narrow the list."""

    model_config = ConfigDict(strict=False)

    view: Literal["mine", "unassigned", "open", "overdue", "snoozed", "all", "closed"] = "all"
    status: Status | None = None
    priority: Priority | None = None
    assignee: str | None = Field(None, description="me, none, or the number of a user.")
    receipt: str | None = Field(
        None,
        max_length=20,
        description="What the last reply's badge says, as `badge.state`; none: nothing mailed.",
    )
    waiting: Literal["us"] | None = Field(None, description="us: the customer wrote last.")
    tag: str | None = Field(None, max_length=100)
    sort: Literal["activity", "created", "priority", "due", "read"] | None = Field(
        None, description="By the latest activity where it is not given; the view `overdue` by due date."
    )
    dir: Literal["asc", "desc"] | None = Field(
        None, description="Due dates start with the first, all else with the last."
    )
    q: str | None = Field(None, max_length=200, description="Words of the subject, the messages or the contact.")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, max_length=100, description="`next` of the page before.")


class ConversationPage(Given):
    """Which part of a conversation."""

    model_config = ConfigDict(strict=False)

    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="How many messages at most.")
    before: int | None = Field(None, ge=1, le=MAX_ID, description="Only messages before the one with this id.")


class Tags(Answer):
    """Tags that there are."""

    tags: list[str]


class TagFilter(Given):
    """Which tags, in the alphabet's order."""

    model_config = ConfigDict(strict=False)

    q: str = Field("", max_length=100, description="How they begin.")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


class Requester(Answer):
    """The contact whom a ticket belongs to."""

    contact_id: int
    name: str
    email: str


class Ticket(Answer):
    """A ticket."""

    id: int
    subject: str
    status: Status
    priority: Priority
    requester: Requester
    assignee: Person | None
    department: NamedDepartment | None
    tags: list[str]
    created_at: AwareDatetime
    last_activity_at: AwareDatetime
    due_at: AwareDatetime | None
    snoozed_until: AwareDatetime | None = Field(
        description="Until when it is not among the open ones; then it is null."
    )
    url: str | None = Field(description="The ticket's page; null where PORTAL_URL is not set.")


class ListedTicket(Ticket):
    """A ticket in a list."""

    snippet: str = Field(description="First words of the last message.")
    badge: Badge | None = Field(description="Of the last reply that was mailed.")
    last_read_at: AwareDatetime | None = Field(
        description="When the last reply that was mailed was last read, as far as is known."
    )


class TicketList(Answer):
    """One page of tickets."""

    tickets: list[ListedTicket]
    next: str | None = Field(description="`cursor` of the next page; null on the last.")


class Attachment(Answer):
    """A file of a message."""

    id: int
    filename: str
    content_type: str
    size: int = Field(description="Bytes.")
    url: str = Field(description="Where an agent who is logged in downloads it.")


class Message(Answer):
    """One entry of a conversation."""

    id: int
    kind: Literal["reply", "note", "customer"] = Field(
        description="reply: was mailed; note: only agents see it; customer: came in."
    )
    author: Person | None = Field(description="The agent who wrote it, or wrote it down for the customer.")
    sender: Requester | None = Field(description="The contact who wrote it.")
    html_body: str | None = Field(
        description="Cleaned: nothing active, and a customer's remote images left out. null where it is too large to "
        "clean; text_body has its words."
    )
    text_body: str
    created_at: AwareDatetime
    attachments: list[Attachment]
    badge: Badge | None = Field(description="Of a reply that was mailed.")


class TicketWithConversation(Ticket):
    """A ticket and the newest of its messages."""

    conversation: list[Message] = Field(description="Oldest first.")
    earlier: int = Field(description="How many messages come before these; ask with `before` for them.")
