"""The contract between the portal and its integration modules (plugins).

A plugin is one object with methods marked `@hookimpl` (from this module) whose names and annotations are those below.
All hooks are optional but `module_info`. Only `app.plugin_host.PluginHost` calls them. `docs/plugins.md` explains each;
a test fails when one is missing there.

Two kinds of hook: a plain `def` runs in a thread of its own and may compute but not wait; an `async def` runs on the
portal's event loop and may use the database and the network through `await`. Every call has a deadline. A plugin that
raises, exceeds it or returns something else than promised costs its own contribution, never the mail or the page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy
from click import Command
from pydantic import BaseModel
from quart import Blueprint

if TYPE_CHECKING:
    from app.database import Database
    from app.settings import Settings

PROJECT = "myportal"

AsgiApp = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

LONGEST_NOTE = 16_000
"""Characters of a plugin's note on one copy."""
TRACKED_KINDS = frozenset({"opens", "clicks"})
"""What a copy may tell of its reader."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class ModuleSettings(BaseModel):
    """Base of a plugin's settings model; the admin form is made from its fields.

    A field's `title` is its label, `description` its help. Write secrets as `SecretStr`: they are encrypted at rest
    and never shown. `json_schema_extra={"env": "NAME"}` names the environment variable that gives the first value,
    `json_schema_extra={"group": "..."}` the heading under which the field stands.
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
class CheckResult:
    """One step of a module's self-test."""

    name: str
    ok: bool
    message: str
    """What was found and, where it is wrong, what to do."""


@dataclass(frozen=True)
class AsgiRoute:
    """Addresses that a plugin answers itself, before the portal's own request handling."""

    prefixes: tuple[str, ...]
    """What the path starts with, each from '/' on; longer than '/'."""
    app: AsgiApp
    """An ASGI 3 application for HTTP requests: `await app(scope, receive, send)`. It sets every header of its answers,
    and it checks itself who may call it: no session, no Host check, no CSRF check comes before it."""


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


class MyPortalSpec:
    """Every hook, in the order in which a plugin meets them."""

    @hookspec
    def module_info(self) -> ModuleInfo:  # type: ignore[empty-body]
        """Say who this plugin is.

        Called: once per process, before anything else, enabled or not. Never: touch the network or a file.
        """

    @hookspec
    def migrations(self) -> Path:  # type: ignore[empty-body]
        """Name the folder with the plugin's numbered SQL files.

        Called: by `myportal migrate`, enabled or not. Tables start with the plugin's slug.
        """

    @hookspec
    def templates(self) -> Path:  # type: ignore[empty-body]
        """Name the folder with the plugin's templates; inside it they lie in a folder with the plugin's slug.

        Called: once per web process, enabled or not.
        """

    @hookspec
    def started(self, context: PluginContext) -> None:
        """Keep the handles that the plugin needs later.

        Called: once per process, before any request or job, enabled or not. Raise: the plugin stays off in this
        process and its module page shows the error.
        """

    @hookspec
    def commands(self) -> Sequence[Command]:  # type: ignore[empty-body]
        """Add commands to `myportal`.

        Called: for `myportal --help` and for a command that is not the portal's own; enabled or not, before `started`,
        also where nothing is set up yet. A command does its work in `app.services.cli.run`. One whose name is the
        portal's, or an earlier slug's, is refused. Never: touch the database or the network here.
        """

    @hookspec
    def blueprints(self) -> Sequence[Blueprint]:  # type: ignore[empty-body]
        """Add pages and endpoints.

        Called: once per web process, enabled or not, so that a route exists before an admin enables the module. A
        route that must be gone with the module asks `context.is_enabled()` itself and answers 404.
        """

    @hookspec
    def asgi_routes(self) -> Sequence[AsgiRoute]:  # type: ignore[empty-body]
        """Add addresses that strangers hit at any rate they like, answered without Quart's request handling.

        Called: once per web process, after `blueprints`, enabled or not. Where two plugins claim a prefix, the first
        slug has it. Raise (the application, before it began to answer): the request gets a plain 500, logged.
        """

    @hookspec
    def readiness(self) -> Sequence[CheckResult]:  # type: ignore[empty-body]
        """Say how the module's work stands in this process.

        Called: at each `/readyz`, in a thread, while enabled, which shows the messages; one that is not ok makes it
        503. Never: wait.
        """

    @hookspec
    def navigation(self) -> Sequence[NavItem]:  # type: ignore[empty-body]
        """Add entries to the left rail. Called: for each page while enabled. Never: wait."""

    @hookspec
    async def email_queued(self, mail: QueuedMail) -> None:
        """Hear that a mail was stored with its recipients, before any of it is sent.

        Called: once per mail, after the commit, while enabled. Raise: logged, the mail goes out.
        """

    @hookspec
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        """Change the HTML, and the plain-text part, of one recipient's copy just before it is sent.

        Called: once per copy and attempt, in a thread, while enabled; plugins in alphabetical order of their slugs,
        each given what the one before returned. Return: the whole new HTML with what the copy will report, or None
        to leave both; the text part changes only where one is given. The stored mail and what agents see stay
        untouched. The answer's note is kept for the plugin's own queries. Never: wait, use the database or the
        network.
        """

    @hookspec
    def restore_html(self, html: str) -> str | None:
        """Take out of a body what this plugin put into mails: they come back as quotes and forwards.

        Called: on the HTML of every message, note, draft and mail before it is stored, and on a customer's again when
        it is shown; in a thread, enabled or not, because mails last longer than a switch. Return: the whole new HTML,
        or None where nothing of it is the plugin's. Raise, hang, or return an empty text: the body is stored as it was,
        because a message that is lost is worse than a picture too many. Never: wait, use the database or the network.
        """

    @hookspec
    def restore_text(self, text: str) -> str | None:
        """The same for plain text. Called: like `restore_html`, on text bodies and on what is made of HTML."""

    @hookspec
    async def email_sent(self, report: DeliveryReport) -> None:
        """Hear that the mail server took one copy. Called: once per copy, after the commit, while enabled."""

    @hookspec
    async def email_failed(self, report: DeliveryReport) -> None:
        """Hear that one copy failed for good, or that its outcome is unknown.

        Called: once per copy, after the commit, while enabled.
        """

    @hookspec
    def receipt_states(self) -> frozenset[str]:  # type: ignore[empty-body]
        """Name the receipts this plugin reports ('read', 'delivered', ...).

        A receipt that no enabled plugin names is not shown: the badge says Sent. Called: often, while enabled.
        """

    @hookspec
    async def reply_activity(self, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:  # type: ignore[empty-body]
        """Tell what is known of these replies' copies, for the popover of the badge.

        Called: once per page with all its replies, while enabled. Return: by reply id; leave out what is unknown.
        """

    @hookspec
    def tracking_notice(self) -> str | None:
        """Say in a few words what a reply sent now would report: "opens and links". Called: for the composer."""

    @hookspec
    def tracking_policy(self) -> TrackingPolicy:  # type: ignore[empty-body]
        """Say what the module's settings want tracked; message, contact and department may want otherwise.

        Called: for the composer and once per copy and attempt, in a thread, while enabled. Without it the module may
        track whatever message, contact and department do not forbid. Raise: nothing is tracked. Never: wait.
        """

    @hookspec
    async def check(self) -> Sequence[CheckResult]:  # type: ignore[empty-body]
        """Test the module with its present settings, step by step.

        Called: on the module's page, by its Test button and by `myportal doctor`, enabled or not. Deadline 10 s.
        """

    @hookspec
    def jobs(self) -> Sequence[Job]:  # type: ignore[empty-body]
        """Name the background jobs. Called: once per worker process, enabled or not; they run only while enabled."""

    @hookspec
    async def settings_check(self, before: ModuleSettings, after: ModuleSettings) -> Mapping[str, str]:  # type: ignore[empty-body]
        """Look at settings before they are saved, where that takes more than the model's own rules: a host to look up.

        Called: before each save, enabled or not. Return: what is wrong, by field; nothing is saved then. Raise, or take
        longer than 6 s: nothing is saved either, and the page says that they could not be checked.
        """

    @hookspec
    async def export_contact(self, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:  # type: ignore[empty-body]
        """Give all that the plugin holds about a person.

        Called: when an admin exports a contact, enabled or not. Return: tables by name, each row by column; text,
        numbers, booleans, aware datetimes and None. At most MOST_EXPORTED rows of a table are taken, and the export
        says so. Deadline 30 s. Raise: the export goes on without, and says so.
        """

    @hookspec
    async def erase_contact(self, contact: ContactData) -> WorkDone:  # type: ignore[empty-body]
        """Delete what the plugin holds about a person, or take out of it what tells of them.

        Called: by the worker, enabled or not, after the portal erased its own part; again until it is `done`. Do one
        bounded piece, a few thousand rows, and be repeatable: a call may come twice. Deadline 30 s. Raise: the erasure
        shows the failure and calls again later.
        """

    @hookspec
    async def purge_old(self) -> WorkDone:  # type: ignore[empty-body]
        """Delete one bounded piece of what is past the time for which the plugin's settings keep it.

        Called: each night by one worker, enabled or not, and by `myportal privacy purge`, again until it is `done`.
        Deadline 30 s. Raise: shown on Admin → Privacy; the next night calls again.
        """

    @hookspec
    async def apply_privacy(self) -> WorkDone:  # type: ignore[empty-body]
        """Bring one bounded piece of what is stored down to what the plugin's settings say now.

        Called: by `myportal privacy apply`, enabled or not, again until it is `done`. Deadline 30 s.
        """

    @hookspec
    def privacy_disclosure(self) -> Sequence[Paragraph]:  # type: ignore[empty-body]
        """Tell in plain words what the plugin does with people's data under its present settings.

        Called: for the text on Admin → Privacy, enabled or not: a module that is off tells what it still holds. Never:
        wait.
        """

    @hookspec
    def settings_changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Hear that an admin saved the module's settings. Called: in the web process that saved. Never: wait."""
