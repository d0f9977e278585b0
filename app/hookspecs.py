"""The contract between the portal and its integration modules (plugins).

A plugin is one object with methods marked `@hookimpl` (from this module) whose names and annotations are those below.
All hooks are optional but `module_info`. Only `app.plugin_host.PluginHost` calls them. `docs/plugins.md` explains each;
a test fails when one is missing there.

Two kinds of hook: a plain `def` runs in a thread of its own and may compute but not wait; an `async def` runs on the
portal's event loop and may use the database and the network through `await`. Every call has a deadline. A plugin that
raises, exceeds it or returns something else than promised costs its own contribution, never the mail or the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pluggy
from click import Command
from quart import Blueprint

from app.database import Connection
from app.hook_mail import MOST_RAW, Arrived, ArrivedMail, MailPart
from app.hook_pages import PageKind, PageScript, PageScripts, PageView
from app.hook_reports import EVENT_KINDS, MADE_BY, CopyCounts, ItemCounts, MailEvent, MailEventQuery
from app.hook_values import (
    LONGEST_NOTE,
    MOST_EXPORTED,
    MOST_HEADERS,
    TRACKED_KINDS,
    Answer,
    CheckResult,
    ContactData,
    CopySums,
    Delivery,
    DeliveryReport,
    DirectRoute,
    Job,
    MailingActivity,
    ModuleInfo,
    ModuleSettings,
    NavItem,
    Paragraph,
    PluginContext,
    Prepared,
    QueuedMail,
    Recipient,
    RecipientActivity,
    ReplyActivity,
    Scope,
    TimelineEntry,
    TrackingPolicy,
    WorkDone,
)

__all__ = [
    "EVENT_KINDS",
    "LONGEST_NOTE",
    "MADE_BY",
    "MOST_EXPORTED",
    "MOST_HEADERS",
    "MOST_RAW",
    "PROJECT",
    "TRACKED_KINDS",
    "Answer",
    "Arrived",
    "ArrivedMail",
    "CheckResult",
    "ContactData",
    "CopyCounts",
    "CopySums",
    "Delivery",
    "DeliveryReport",
    "DirectRoute",
    "ItemCounts",
    "Job",
    "MailEvent",
    "MailEventQuery",
    "MailPart",
    "MailingActivity",
    "ModuleInfo",
    "ModuleSettings",
    "MyPortalSpec",
    "NavItem",
    "PageKind",
    "PageScript",
    "PageScripts",
    "PageView",
    "Paragraph",
    "PluginContext",
    "Prepared",
    "QueuedMail",
    "Recipient",
    "RecipientActivity",
    "ReplyActivity",
    "Scope",
    "TimelineEntry",
    "TrackingPolicy",
    "WorkDone",
    "hookimpl",
    "hookspec",
]

PROJECT = "myportal"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


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
    def direct_routes(self) -> Sequence[DirectRoute]:  # type: ignore[empty-body]
        """Add addresses that strangers hit at any rate they like, answered without Quart's request handling.

        Called: once per web process, after `blueprints`, enabled or not. Where two plugins claim a prefix, the first
        slug has it. Raise (the handler, before it answered): the request gets a plain 500, logged.
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
    def page_scripts(self, page: PageView) -> PageScripts | None:
        """Add scripts to a page. Called: for each page view, in a thread, while enabled. Never: wait.

        Raise, or name what a page cannot carry: the page goes out without. None: no script of this plugin's here.
        """

    @hookspec
    async def email_queued(self, mail: QueuedMail) -> None:
        """Hear that a mail was stored with its recipients, before any of it is sent.

        Called: once per mail, after the commit, while enabled. Raise: logged, the mail goes out.
        """

    @hookspec
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        """Change the HTML, the plain-text part, headers and envelope sender of one recipient's copy just before it is
        sent.

        Called: once per copy and attempt, in a thread, while enabled; plugins in alphabetical order of their slugs,
        each given what the one before returned. Return: the whole new HTML with what the copy will report, or None
        to leave all; the text part changes only where one is given, and headers are added. The stored mail and what
        agents see stay untouched. The answer's note is kept for the plugin's own queries. Never: wait, use the
        database or the network.
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
    async def mail_arrived(self, mail: ArrivedMail) -> Arrived | None:
        """Look at a mail that came in, before it is added to a ticket, and take it where it is for this plugin alone.

        Called: by the worker, once per mail and attempt, in the order of the slugs until one takes it, while enabled;
        also for mails to addresses that the portal does not know. Return: what is shown of it, where nothing else may
        be made of it; None for all others. It may come again with the same id, and the same mail with another one.
        Deadline 10 s. Raise DatabaseUnavailable: the mail is offered again later. Raise another error, or exceed the
        deadline: the portal goes on as if there were no plugin.
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
    async def mailing_activity(self, mailing: str) -> MailingActivity | None:
        """Tell what is known of all copies of a mailing together, for its statistics.

        Called: when somebody has them counted, while enabled. Deadline 10 s. Return: what no other module tells, since
        all answers are added up; None to say nothing. Without an answer the page says that opens and links are not
        tracked.
        """

    @hookspec
    async def mailing_copies(self, mailing: str, after: int, limit: int) -> Sequence[CopySums]:  # type: ignore[empty-body]
        """Tell what is known of a mailing's copies, one page of them.

        Called: again and again when its statistics are counted, while enabled. Deadline 10 s. Return: those with ids
        greater than `after` of which something is known, ascending, at most `limit`.
        """

    @hookspec
    async def copy_counts(self, conn: Connection, recipient_ids: Sequence[int]) -> Sequence[CopyCounts]:  # type: ignore[empty-body]
        """Count anew what the plugin gave to `app.services.reports.add` for these copies.

        Called: while the reports are counted anew, enabled or not, in the portal's transaction, which sees the
        database as it was at one moment: read through `conn` only, change nothing. Raise: that day stays as it is.
        """

    @hookspec
    async def mail_events(self, query: MailEventQuery) -> Sequence[MailEvent]:  # type: ignore[empty-body]
        """Give one page of the plugin's events, newest first.

        Called: for Admin → Events, its export and `/api/events`, while enabled. Return: at most `query.limit`, those
        that come after `query.after` in the plugin's own order, in which none is younger than the one before it.
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
        """Say how the module does with its present settings, step by step, without asking other servers.

        Called: on the module's page and in the list of modules, enabled or not; where there is no `test`, also by the
        Test button and by `myportal doctor`. Deadline 10 s.
        """

    @hookspec
    async def test(self) -> Sequence[CheckResult]:  # type: ignore[empty-body]
        """Test the module thoroughly: the steps of `check`, and those that take long or call other servers.

        Called: by the Test button and by `myportal doctor`, enabled or not, and never because a page is looked at.
        Deadline 10 s for all steps: give each its own, and run them side by side.
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
    async def demo_data(self) -> None:
        """Fill the module's pages in the demo portal.

        Called: once by `myportal up --demo`, after the portal's own sample data, while enabled. Deadline 30 s. Raise:
        logged, the demo goes without.
        """

    @hookspec
    def settings_changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Hear that an admin saved the module's settings. Called: in the web process that saved. Never: wait."""
