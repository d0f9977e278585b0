"""What the portal and its integration modules give each other through the hooks of `app.hookspecs`: plain values.

Plugins import them from `app.hookspecs`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from app.database import Database
    from app.settings import Settings

Scope = Mapping[str, Any]
"""What a request says, as ASGI 3 has it: `method`, `path`, `query_string`, `headers`, `client`."""
Answer = Callable[[Mapping[str, Any], Mapping[str, Any]], None]
"""Sends a whole answer: the messages `http.response.start` and `http.response.body` of ASGI 3. Only the first call of
a request counts."""

LONGEST_NOTE = 16_000
"""Characters of a plugin's note on one copy."""
MOST_HEADERS = 20
"""Headers that one plugin may add to one copy."""
TRACKED_KINDS = frozenset({"opens", "clicks"})
"""What a copy may tell of its reader."""


class ModuleSettings(BaseModel):
    """Base of a plugin's settings model; the admin form is made from its fields.

    A field's `title` is its label, `description` its help. Write secrets as `SecretStr`: they are encrypted at rest
    and never shown. `json_schema_extra={"env": "NAME"}` names the environment variable that gives the first value,
    `json_schema_extra={"group": "..."}` the heading under which the field stands, `{"after": "FIELD"}` the field that
    it follows, which an inherited one needs: those would be first.
    """


@dataclass(frozen=True)
class ModuleInfo:
    """What Admin → Integration Modules shows of a plugin before it runs."""

    slug: str
    """Lower-case letters, digits and hyphens; names the module in URLs, tables and settings."""
    name: str
    description: str
    icon: str
    """One emoji."""
    settings_model: type[ModuleSettings] = ModuleSettings
    documentation: str = ""
    """Address of a page that explains the module; empty where there is none."""
    pages: tuple[NavItem, ...] = ()
    """The module's own pages that an admin wants at hand while setting it up."""


@dataclass(frozen=True)
class PluginContext:
    """What a plugin is given once per process: handles, never globals."""

    settings: Settings
    """The portal's own settings (PORTAL_URL, keys)."""
    database: Database
    is_enabled: Callable[[], bool]
    """Whether an admin has enabled this module; at most a second old."""
    module_settings: Callable[[], ModuleSettings]
    """The module's settings as its model; at most a second old. Environment values until an admin saves."""
    is_known: Callable[[], bool] = lambda: True
    """False in a process that started while the database was away, until it answers: whether the module is on, and
    what an admin saved, is not known then."""


@dataclass(frozen=True)
class NavItem:
    """An entry in the left rail."""

    label: str
    href: str
    icon: str = "plug"
    admin_only: bool = False
    covers: tuple[str, ...] = ()
    """What other paths of the module begin with while the entry counts as where one is."""
    unlimited_only: bool = False
    """Not for agents who work for some departments only."""


@dataclass(frozen=True)
class Recipient:
    """One recipient of one mail."""

    id: int
    role: str
    """'to', 'cc' or 'bcc'."""
    email: str
    tracking_id: str
    """256 random bits and a mark by which the portal knows its own, URL-safe base64 without padding; one per recipient
    and mail."""
    is_agent: bool = False
    """The address is that of a user of this portal, whatever its case."""


@dataclass(frozen=True)
class QueuedMail:
    """A mail that was just stored with its recipients, before any SMTP."""

    id: int
    reply_id: int | None
    subject: str
    enable_tracking: bool
    recipients: tuple[Recipient, ...]
    mailing: str | None = None
    """What it has in common with mails to others, in the words of whoever sends them; None for ordinary mails."""


@dataclass(frozen=True)
class Delivery:
    """One recipient's copy, about to be handed to the mail server."""

    mail_id: int
    reply_id: int | None
    recipient: Recipient
    html: str
    enable_tracking: bool
    sensitive: bool = False
    """The mail carries a login, reset or magic link: nothing in it may be rewritten."""
    list_unsubscribe: tuple[str, ...] = ()
    """The exact URLs of the mail's List-Unsubscribe header."""
    text: str = ""
    """The plain-text part; made from the HTML as it is stored, whatever becomes of `html`."""
    permits: frozenset[str] = TRACKED_KINDS
    """What of 'opens' and 'clicks' this recipient's copy may report, after contact, department and message had their
    say. Where it is empty, `enable_tracking` is False."""
    mailing: str | None = None
    """As in `QueuedMail`: such a mail belongs to no reply, and may be tracked all the same."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that the mail itself, and plugins asked before, add to those that the portal writes."""
    message_id: str = ""
    """With angle brackets; all copies of a mail have the same."""


@dataclass(frozen=True)
class TrackingPolicy:
    """What a module's settings say about tracking; the sets hold 'opens' and 'clicks'."""

    able: frozenset[str]
    """What the module records now; nothing else can be wanted."""
    by_default: frozenset[str]
    """What of it is tracked where neither message nor contact nor department say otherwise."""
    unknown: bool = True
    """Whether contacts who decided nothing are tracked like all others."""
    opt_out_link: bool = False
    """Whether tracked copies end with a link to the page on which their recipient refuses tracking."""


@dataclass(frozen=True)
class Prepared:
    """A plugin's answer to `prepare_delivery`."""

    html: str
    """The whole new HTML of the copy."""
    reports: frozenset[str] = frozenset()
    """What this copy will be able to tell: 'opens', 'clicks'. Empty: the copy stays "Not tracked". An answer with more
    than `Delivery.permits` is thrown away."""
    text: str | None = None
    """The whole new plain-text part; None leaves it."""
    note: str = ""
    """What the plugin wants to know of this copy later, at most LONGEST_NOTE characters; a longer one is dropped. It
    is stored in `email_copy_notes` just before the copy goes out, and replaced when it is tried again. Of a sensitive
    mail, note nothing that its reader alone may know."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers for this copy, at most MOST_HEADERS: X-…, List-…, Feedback-ID, Precedence or Organization, their values
    ASCII on one line of at most 4,000 characters. One that the mail has already, whatever its case, or that breaks a
    rule is left out and reported; the mail goes out without it."""
    envelope_sender: str | None = None
    """The address that this copy's bounces go to, in place of the sender's; None leaves it. The first plugin that gives
    one has its say. One that is no address is left out and reported."""


@dataclass(frozen=True)
class DeliveryReport:
    """How handing one copy to the mail server ended."""

    mail_id: int
    reply_id: int | None
    recipient: Recipient
    happened_at: datetime
    state: str
    """'sent', 'failed' or 'unknown'."""
    detail: str = ""
    """The mail server's words."""
    mailing: str | None = None


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a recipient's timeline: when, what, and why we say so."""

    happened_at: datetime
    recipient_id: int
    kind: str
    """'open', 'click' or another word of the plugin's; decides the icon."""
    words: str
    detail: str = ""
    machine: bool = False
    """A machine did it; shown more quietly than what people do."""


@dataclass(frozen=True)
class RecipientActivity:
    """What a plugin knows of one recipient's copy."""

    recipient_id: int
    first_opened_at: datetime | None = None
    last_opened_at: datetime | None = None
    opens: int = 0
    """By people, like the two times before it."""
    links: Mapping[str, int] = field(default_factory=dict)
    """Destination → number of clicks by people."""
    machine_opens: int = 0
    clicks_by_machines: int = 0
    words: str = ""
    """Why the plugin says what it says of this copy, in a sentence."""


@dataclass(frozen=True)
class ReplyActivity:
    """What a plugin adds to the popover of one reply's badge."""

    recipients: tuple[RecipientActivity, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True)
class MailingActivity:
    """What a plugin knows of all copies of one mailing together."""

    unique_opens: int = 0
    """Copies that a person opened."""
    opens: int = 0
    """By people."""
    unique_clicks: int = 0
    clicks: int = 0
    machine_opens: int = 0
    machine_clicks: int = 0
    only_machines: int = 0
    """Copies that machines opened, and no person."""
    unknown_opens: int = 0
    """Of which nobody says whether a person made them; in none of the figures above. Likewise the next."""
    unknown_clicks: int = 0
    links: tuple[tuple[str, int, int], ...] = ()
    """Destination, clicks by people, and people who followed it; most clicked first, a few dozen at most."""
    opens_by_time: tuple[tuple[datetime, int, int], ...] = ()
    """Start of an hour or day in UTC, opens by people, opens by machines; ascending, without the empty ones."""
    by_hour: bool = False
    """Whether `opens_by_time` counts hours; otherwise days."""
    events: tuple[TimelineEntry, ...] = ()
    """The newest, newest first."""


@dataclass(frozen=True)
class CopySums:
    """What a plugin knows of one copy of a mailing."""

    recipient_id: int
    opens: int = 0
    """By people, like `clicks`."""
    clicks: int = 0
    machine_opens: int = 0
    machine_clicks: int = 0
    first_opened_at: datetime | None = None
    last_opened_at: datetime | None = None


@dataclass(frozen=True)
class CheckResult:
    """One step of a module's self-test."""

    name: str
    ok: bool
    message: str
    """What was found and, where it is wrong, what to do."""


@dataclass(frozen=True)
class DirectRoute:
    """Addresses that a plugin answers itself, before the portal's own request handling."""

    prefixes: tuple[str, ...]
    """What the path starts with, each from '/' on; longer than '/'."""
    handler: Callable[[Scope, Answer], Awaitable[None] | None]
    """`handler(scope, answer)` for each HTTP request. It calls `answer` once, at once or later from the event loop;
    where it has to wait for something itself, it returns what is to be awaited. It sets every header of its answers,
    and it checks itself who may call it: no session, no Host check, no CSRF check comes before it, and nobody reads the
    request's body."""


@dataclass(frozen=True)
class Job:
    """Work that the worker repeats while the module is enabled."""

    name: str
    interval: float
    """Seconds between the end of one run and the start of the next."""
    run: Callable[[], Awaitable[None]]


MOST_EXPORTED = 100_000
"""Rows of one table that an export of one contact holds at most."""


@dataclass(frozen=True)
class ContactData:
    """The person whose data is exported or erased."""

    id: int
    name: str
    addresses: tuple[str, ...]
    """All they wrote from or were written to at, as far as it is known."""
    recipient_ids: tuple[int, ...] = ()
    """Their copies of outgoing mails (`email_recipients`), ascending; also those whose address was erased before."""


@dataclass(frozen=True)
class WorkDone:
    """What one bounded piece of a longer work did."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """What in words for people, "opens and clicks", and how many."""
    done: bool = True
    """False: call again, more is left."""


@dataclass(frozen=True)
class Paragraph:
    """A piece of the text for a privacy policy."""

    title: str
    text: str
    """Plain text for the people whose data it is."""
