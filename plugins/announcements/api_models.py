"""What /api/announcements takes and gives, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from app.services.api import Answer, Given
from app.services.files import MailingFile
from plugins.announcements import drafts
from plugins.announcements.models import Announcement, Progress
from plugins.announcements.statistics import Counted

MAX_BODY = 600_000
Kind = Literal["all", "tag", "domain"]


FileId = Annotated[int, Field(ge=1, le=2**31 - 1)]
ATTACHMENTS = (
    "Ids of files from POST /api/attachments, 10 MB together with the pictures of the text. A picture is put into the "
    'text as <img src="/attachments/12/inline">, and need not be named here.'
)


class AudienceBody(Given):
    """Who gets it: all contacts, those with a ticket that has a tag, or those of some domains."""

    kind: Kind = "all"
    value: str = Field("", max_length=2000, description="The tag, or the domains with commas between them.")


class NewAnnouncement(Given):
    """A draft. Nothing is sent before `send`."""

    subject: str = Field("", max_length=2000, description="May hold placeholders: {{contact.first_name|there}}.")
    html_body: str = Field("", max_length=MAX_BODY)
    audience: AudienceBody = AudienceBody()
    mails_per_minute: int = Field(0, ge=0, le=100_000, description="0: as fast as the module is set.")
    tracked: bool = Field(True, description="Whether opens and links are tracked, as far as each contact allows.")
    attachments: list[FileId] = Field([], max_length=20, description=ATTACHMENTS)


class AnnouncementChange(Given):
    """What to change of a draft; what is left out stays."""

    subject: str | None = Field(None, max_length=2000)
    html_body: str | None = Field(None, max_length=MAX_BODY)
    audience: AudienceBody | None = None
    mails_per_minute: int | None = Field(None, ge=0, le=100_000)
    tracked: bool | None = None
    attachments: list[FileId] | None = Field(None, max_length=20, description=ATTACHMENTS)


class NewSending(Given):
    """When to send it."""

    at: str | None = Field(None, max_length=40, description="ISO 8601 with an offset, in the future; null: now.")


class AudienceShown(Answer):
    """Who gets it."""

    kind: str
    value: str = Field(description="The tag, the domains, or the id of the import.")


class AnnouncementProgress(Answer):
    """How far it has come."""

    total: int = Field(description="Recipients, without those left out; grows while they are looked up.")
    waiting: int = Field(description="Not handed to the outbox yet.")
    in_outbox: int
    sent: int
    failed: int
    unknown: int = Field(description="Nobody knows whether it arrived; never sent again by itself.")
    left_out: int


class EnclosedFile(Answer):
    """A file that each mail carries."""

    id: int = Field(description="Of GET /api/attachments/{id}.")
    filename: str
    content_type: str
    size: int = Field(description="Bytes.")


class AnnouncementShown(Answer):
    """One announcement."""

    id: int
    subject: str
    html_body: str
    state: str = Field(description="draft, scheduled, sending, paused, sent or stopped.")
    audience: AudienceShown
    mails_per_minute: int
    tracked: bool
    send_at: AwareDatetime | None
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    author: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    attachments: list[EnclosedFile] | None = Field(None, description="Without pictures of the text; null in lists.")
    progress: AnnouncementProgress | None = Field(None, description="Null in lists, and before it goes out.")


class AnnouncementList(Answer):
    """A page of announcements, newest first, without their bodies."""

    announcements: list[AnnouncementShown]
    next: int = Field(description="Give it as `before` for the next page; 0 where this is the last.")


class ListQuery(Given):
    """Which announcements."""

    state: str = Field("", max_length=20)
    q: str = Field("", max_length=200, description="Words of the subject.")
    before: str = Field("0", pattern=r"^[0-9]{1,9}$", description="`next` of the page before.")


class StatisticsQuery(Given):
    """Whether to count anew."""

    refresh: Literal["true", "false"] = "false"


class LinkCount(Answer):
    """A link of the mail that people followed."""

    url: str
    clicks: int
    people: int


class OpensAt(Answer):
    """Opens of an hour or a day."""

    start: AwareDatetime
    opens: int
    machine_opens: int


class AnnouncementStatistics(Answer):
    """Figures as of `counted_at`. Rates are percent, and 0 of nothing."""

    total_recipients: int
    sent_count: int
    delivered_count: int
    bounced_count: int
    complained_count: int
    failed_count: int
    unknown_count: int
    opened_count: int = Field(description="Unique opens: copies that a person opened.")
    total_opens: int
    clicked_count: int = Field(description="Unique clicks: copies of which a person followed a link.")
    total_clicks: int
    machine_opens: int
    machine_clicks: int
    only_machines_count: int
    unknown_opens: int = Field(description="Of which the mail provider does not say whether people made them.")
    unknown_clicks: int = Field(description="The same of clicks. Both are in no other figure.")
    replied_count: int
    unsubscribed_count: int
    delivery_rate: float = Field(description="delivered / sent")
    open_rate: float = Field(description="unique opens / delivered, or / sent: see `rates_from`.")
    click_rate: float = Field(description="unique clicks / delivered, or / sent.")
    bounce_rate: float = Field(description="bounced / sent")
    rates_from: str = Field(description="delivered, or sent where nobody tells of deliveries.")
    is_tracked: bool
    counted_at: AwareDatetime
    top_links: list[LinkCount]
    opens_over_time: list[OpensAt]


def shown(
    known: Announcement, progress: Progress | None = None, attached: Sequence[MailingFile] | None = None
) -> AnnouncementShown:
    """One of them as JSON shows it."""
    return AnnouncementShown(
        id=known.id,
        subject=known.subject,
        html_body=known.body_html,
        state=known.state,
        audience=AudienceShown(kind=known.audience.kind, value=known.audience.value),
        mails_per_minute=known.per_minute,
        tracked=known.is_tracked,
        send_at=known.send_at,
        started_at=known.started_at,
        finished_at=known.finished_at,
        author=known.author,
        created_at=known.created_at,
        updated_at=known.updated_at,
        attachments=None if attached is None else [_file(one) for one in attached],
        progress=_progress(progress) if progress and known.state not in {"draft", "scheduled"} else None,
    )


def _file(one: MailingFile) -> EnclosedFile:
    return EnclosedFile(id=one.id, filename=one.filename, content_type=one.content_type, size=one.size)


def _progress(now: Progress) -> AnnouncementProgress:
    return AnnouncementProgress(
        total=now.total,
        waiting=now.waiting,
        in_outbox=now.in_outbox,
        sent=now.sent,
        failed=now.failed,
        unknown=now.unknown,
        left_out=now.left_out,
    )


def counted(found: Counted) -> AnnouncementStatistics:
    """Figures as JSON shows them."""
    return AnnouncementStatistics.model_validate(found.as_dict())


def given_of(body: NewAnnouncement) -> drafts.Given:
    """A draft as the service takes it."""
    return drafts.Given(
        body.subject,
        body.html_body,
        body.audience.kind,
        body.audience.value,
        str(body.mails_per_minute or ""),
        body.tracked,
        tuple(body.attachments),
    )


def changed(known: Announcement, body: AnnouncementChange) -> drafts.Given:
    """The same of one that is there, with what is given in its place."""
    who = body.audience
    return drafts.Given(
        known.subject if body.subject is None else body.subject,
        known.body_html if body.html_body is None else body.html_body,
        who.kind if who else known.audience.kind,
        who.value if who else known.audience.value,
        str((known.per_minute if body.mails_per_minute is None else body.mails_per_minute) or ""),
        known.is_tracked if body.tracked is None else body.tracked,
        None if body.attachments is None else tuple(body.attachments),
    )
