"""What the HTTP API takes and gives of replies and what became of them, as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from app.api.models import MAX_ID, Answer, Badge, Given, Status

Verdict = Literal["read", "unread"]


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
