"""What the HTTP API takes and gives, as JSON; /api/openapi.json is made from these models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

MAX_ID = 2**31 - 1
MAX_COPY_ID = 2**63 - 1
MAX_LIMIT = 100

Status = Literal["open", "pending", "closed"]
Priority = Literal["low", "normal", "high", "urgent"]
Verdict = Literal["read", "unread"]
Decision = Literal["unknown", "allowed", "refused"]


class Given(BaseModel):
    """A body or query string: unknown fields are refused, and JSON types are taken as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True)


class FileAnswer:
    """An answer that is no JSON but a file."""

    media_type: ClassVar[str]


# --- errors -----------------------------------------------------------------------------------------------------------


class ErrorDetail(Answer):
    """What was refused."""

    code: int = Field(description="The HTTP status.")
    message: str = Field(description="What is wrong, by which rule, and the way out.")
    fields: dict[str, str] | None = Field(None, description="Field of the request → what is wrong with it.")


class ErrorBody(Answer):
    """The request was refused; nothing was changed."""

    error: ErrorDetail


# --- what is asked ----------------------------------------------------------------------------------------------------


def _addresses(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        return value
    raise ValueError("must be a string or a list of strings")


Addresses = Annotated[
    str | list[str],
    BeforeValidator(_addresses),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            "description": 'Addresses, as "bob@example.org" or "Bob <bob@example.org>"; one string may hold several, '
            "separated by commas.",
        }
    ),
]


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


class NewView(Given):
    """A list of tickets to keep under a name."""

    name: str = Field(description="At most 60 characters.", examples=["VIPs who wait"])
    query: str = Field(
        max_length=2000,
        description="Arguments of the list, as /tickets has them in its address.",
        examples=["view=open&tag=vip&waiting=us"],
    )
    shared: bool = Field(False, description="true: all agents see it.")


class ViewChange(Given):
    """What to change of a saved view; what is not given stays as it is."""

    name: str | None = None
    shared: bool | None = None


class ListPage(Given):
    """Which page of a list."""

    model_config = ConfigDict(strict=False)

    limit: int = Field(50, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, max_length=100, description="`next` of the page before.")


class Tags(Answer):
    """Tags that there are."""

    tags: list[str]


class TagFilter(Given):
    """Which tags, in the alphabet's order."""

    model_config = ConfigDict(strict=False)

    q: str = Field("", max_length=100, description="How they begin.")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


class ContactChange(Given):
    """What to change of a contact."""

    tracking: Decision = Field(
        description="What the contact decided about being tracked: refused is final for every mail, allowed goes "
        "before department and module, unknown starts over."
    )
    tracking_source: Literal["api", "import"] = Field("api", description="Where you have it from; kept as its proof.")


class NewReply(Given):
    """A reply to a ticket, or an internal note."""

    html_body: str = Field(
        description="Cleaned before it is stored and sent; your signature is added below.",
        examples=["<p>Use <b>water</b>.</p>"],
    )
    to: Addresses | None = Field(None, description="The ticket's contact where it is not given.")
    cc: Addresses | None = None
    bcc: Addresses | None = None
    internal: bool = Field(False, description="true: a note that only agents see; nothing is sent.")
    attachments: list[Annotated[int, Field(ge=1, le=MAX_ID)]] = Field(
        [], max_length=20, description="Files that were stored by POST /api/attachments, in their order."
    )
    status: Status | None = Field(None, description="The ticket's status after it; left out: it stays.")
    enable_tracking: bool | None = Field(
        None,
        description="Whether the mail's copies are tracked; where it is not given, as contact, department and module "
        "are set. A contact who refused is never tracked.",
    )


class NewVerdict(Given):
    """What an agent says of a recipient's copy."""

    verdict: Verdict | None = Field(description="Counts in place of what a module says; null takes it back.")


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


# --- what is answered -------------------------------------------------------------------------------------------------


class Person(Answer):
    """An agent."""

    id: int
    name: str


class NamedDepartment(Answer):
    """The department that answers a ticket."""

    id: int
    name: str


class TrackingDecision(Answer):
    """What a contact decided about being tracked, once."""

    decision: Decision
    at: AwareDatetime
    source: str = Field(description="agent, page (the opt-out page), api or import.")
    by: str = Field(description="Who wrote it down; empty where the contact decided by themselves.")


class Contact(Answer):
    """Somebody who writes to us."""

    id: int
    name: str
    email: str = Field(description="The address that we write to first.")
    addresses: list[str]
    tracking: Decision
    tracking_decided_at: AwareDatetime | None
    tracking_source: str = Field(
        description="agent, page (the opt-out page), api or import; empty before any decision."
    )
    tracking_decisions: list[TrackingDecision] = Field(description="Newest first, at most 100.")


class Requester(Answer):
    """The contact whom a ticket belongs to."""

    contact_id: int
    name: str
    email: str


class Badge(Answer):
    """What is known of a reply's mail, in one word and as people read it."""

    state: str = Field(
        description="queued, sending, sent, delivered, machine, read, replied, bounced, failed, complained, unknown "
        "or untracked."
    )
    word: str
    at: AwareDatetime | None


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


class SavedView(Answer):
    """A name for a list of tickets."""

    id: int
    name: str
    query: str = Field(description="Arguments of the list; `me` in it is whoever asks.")
    shared: bool
    owner: Person


class SavedViews(Answer):
    """Your saved views, then the shared ones of others."""

    views: list[SavedView]


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


class ReplyRecipient(Answer):
    """One recipient of a reply."""

    email: str
    role: Literal["to", "cc", "bcc"]
    tracking_id: str
    state: str


class StoredReply(Answer):
    """A reply that is stored and waits to be sent, or a note."""

    id: int
    ticket_id: int
    kind: Literal["reply", "note"]
    enable_tracking: bool
    recipients: list[ReplyRecipient] = Field(description="Empty for a note.")


class ClickedLink(Answer):
    """A destination that people followed."""

    url: str
    clicks: int


class Judgement(Answer):
    """An agent's correction of what a module says of reading."""

    verdict: Verdict
    by: str = Field(description="The agent's name.")
    at: AwareDatetime


class TrackedRecipient(ReplyRecipient):
    """What is known of one recipient's copy."""

    id: int = Field(description="Names the copy where an agent judges it.")
    name: str
    word: str
    words: str = Field(description="Why we say that it was read, or opened by a machine, in a sentence.")
    detail: str = Field(description="The mail server's words where the copy failed, waits or has an unknown outcome.")
    sent_at: AwareDatetime | None
    first_opened_at: AwareDatetime | None = Field(description="By people, as far as is known.")
    last_opened_at: AwareDatetime | None
    first_read_at: AwareDatetime | None = Field(description="null while the copy does not count as read.")
    last_read_at: AwareDatetime | None
    opens: int = Field(description="By people.")
    machine_opens: int
    links: list[ClickedLink]
    machine_clicks: int
    replied_at: AwareDatetime | None = Field(description="When the recipient first answered.")
    judged: Judgement | None = Field(description="An agent's word; it counts in place of what a module says.")


class TimelineEntry(Answer):
    """One thing that happened to a reply's mail."""

    at: AwareDatetime
    kind: str
    words: str
    reason: str
    email: str = Field(description="Whose copy it was; empty for what all have in common.")
    machine: bool = Field(description="A machine did it, not a person.")


class ReplyTracking(Answer):
    """What is known of a reply's mail. "Read" means likely read."""

    id: int
    ticket_id: int
    badge: Badge
    recipients: list[TrackedRecipient]
    timeline: list[TimelineEntry] = Field(description="Newest first.")
