"""Finds plugins, makes every hook call, and keeps a failing plugin from failing anything else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from click import Command
from quart import Blueprint

from app import prepared_checks
from app.hookspecs import (
    TRACKED_KINDS,
    CheckResult,
    Delivery,
    DeliveryReport,
    DirectRoute,
    Job,
    ModuleInfo,
    NavItem,
    PluginContext,
    Prepared,
    QueuedMail,
    ReplyActivity,
    TrackingPolicy,
)
from app.plugin_calls import DEADLINE, in_thread
from app.plugin_checks import CheckCalls
from app.plugin_mail import MailCalls
from app.plugin_mailings import MailingCalls
from app.plugin_pages import PageCalls
from app.plugin_privacy import PrivacyCalls
from app.plugin_reports import ReportCalls

DEMO_DEADLINE = 30.0


@dataclass(frozen=True)
class PreparedCopy:
    """One recipient's copy after all plugins had their say."""

    html: str
    reports: frozenset[str] = frozenset()
    text: str | None = None
    """The text part where a plugin changed it."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What each plugin wants to know of the copy later, by slug; those that want nothing are left out."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that plugins add to the mail's own."""
    envelope_sender: str | None = None


@dataclass
class PluginHost(CheckCalls, MailCalls, MailingCalls, PageCalls, PrivacyCalls, ReportCalls):
    """Calls hooks of plugins, one typed method per hook.

    restore_own: takes out of a body that comes back what the portal itself put into mails.
    """

    restore_own: Callable[[str], str] = lambda body: body

    # --- once per process -------------------------------------------------------------------------------------------

    def modules(self) -> dict[str, ModuleInfo]:
        """Who the plugins are, by slug, in alphabetical order."""
        return {slug: info for slug, info in self._each("module_info", ModuleInfo) if info is not None}

    def migration_folders(self) -> dict[str, Path]:
        """Folders with the plugins' own migrations, by slug."""
        return {slug: path for slug, path in self._each("migrations", Path) if path is not None}

    def template_folders(self) -> dict[str, Path]:
        """Folders with the plugins' own templates, by slug."""
        return {slug: path for slug, path in self._each("templates", Path) if path is not None}

    def start(self, contexts: Mapping[str, PluginContext]) -> None:
        """Give each plugin its context; one that raises stays off in this process."""
        for slug, call in list(self._implementations("started")):
            try:
                call(context=contexts[slug])
            except Exception as error:
                self._refuse(slug, "started", error)

    def commands(self, *, taken: Collection[str]) -> dict[str, Command]:
        """The commands that plugins add to `myportal`, by name.

        taken: names that no plugin gets.
        """
        found: dict[str, Command] = {}
        for slug, commands in self._each("commands", Sequence):
            for command in commands or ():
                if not self._is(slug, command, Command):
                    continue
                if not command.name or command.name in taken or command.name in found:
                    self._report(slug, "commands", f"refused a command: its name {command.name!r} is taken or empty")
                else:
                    found[command.name] = command
        return found

    def blueprints(self) -> list[tuple[str, Blueprint]]:
        """The plugins' pages and endpoints, with the slug each belongs to."""
        found = []
        for slug, blueprints in self._each("blueprints", Sequence):
            found += [(slug, blueprint) for blueprint in blueprints or () if self._is(slug, blueprint, Blueprint)]
        return found

    def direct_routes(self) -> list[tuple[str, DirectRoute]]:
        """What the plugins answer before the portal's own request handling, with the slug each belongs to."""
        found = []
        for slug, routes in self._each("direct_routes", Sequence):
            for route in routes or ():
                if not self._is(slug, route, DirectRoute):
                    continue
                if all(len(prefix) > 1 and prefix.startswith("/") for prefix in route.prefixes):
                    found.append((slug, route))
                else:
                    self._report(
                        slug, "direct_routes", f"prefixes must start with '/' and go on, got {route.prefixes!r}"
                    )
        return found

    def jobs(self) -> list[tuple[str, Job]]:
        """The plugins' background jobs, with the slug each belongs to."""
        found = []
        for slug, jobs in self._each("jobs", Sequence):
            found += [(slug, job) for job in jobs or () if self._is(slug, job, Job)]
        return found

    # --- while enabled ----------------------------------------------------------------------------------------------

    async def navigation(self) -> list[NavItem]:
        """Entries of the left rail."""
        return [
            item
            for slug, items in await self._ask("navigation", Sequence)
            for item in items
            if self._is(slug, item, NavItem)
        ]

    async def receipt_states(self) -> frozenset[str]:
        """The receipts that an enabled plugin reports."""
        states: frozenset[str] = frozenset()
        return states.union(*(found for _, found in await self._ask("receipt_states", frozenset)))

    async def readiness(self) -> list[CheckResult]:
        """How the modules' work stands in this process; what is not `ok` keeps it from being done."""
        return [
            result
            for slug, results in await self._ask("readiness", Sequence)
            for result in results
            if self._is(slug, result, CheckResult)
        ]

    async def tracking_notice(self) -> str | None:
        """What a reply sent now would report, in words; None where no plugin tracks."""
        return ", ".join(notice for _, notice in await self._ask("tracking_notice", str) if notice) or None

    async def tracking_policy(self) -> TrackingPolicy:
        """What the modules want tracked, taken together: everything where none of them says.

        Nothing where those that would say fail: what their settings forbid is not known then.
        """
        found = [policy for _, policy in await self._ask("tracking_policy", TrackingPolicy)]
        if not found:
            says = any(True for _ in self._implementations("tracking_policy", enabled=True))
            kinds = frozenset[str]() if says else TRACKED_KINDS
            return TrackingPolicy(kinds, kinds)
        return TrackingPolicy(
            frozenset[str]().union(*(policy.able for policy in found)),
            frozenset[str]().union(*(policy.by_default for policy in found)),
            unknown=all(policy.unknown for policy in found),
            opt_out_link=any(policy.opt_out_link for policy in found),
        )

    async def demo_data(self) -> None:
        """Let the plugins fill their pages in the demo portal."""
        for slug, call in self._implementations("demo_data", enabled=True):
            await self._await(slug, "demo_data", call(), DEMO_DEADLINE)

    async def email_queued(self, mail: QueuedMail) -> None:
        """Tell the plugins of a stored mail."""
        await self._tell("email_queued", mail=mail)

    async def email_sent(self, report: DeliveryReport) -> None:
        """Tell the plugins that a copy was taken by the mail server."""
        await self._tell("email_sent", report=report)

    async def email_failed(self, report: DeliveryReport) -> None:
        """Tell the plugins that a copy failed or that its outcome is unknown."""
        await self._tell("email_failed", report=report)

    async def prepare_delivery(self, delivery: Delivery) -> PreparedCopy:
        """The copy after all plugins, each given what the one before it made."""
        html, text, reports = delivery.html, None, frozenset[str]()
        notes: dict[str, str] = {}
        added: dict[str, str] = {}
        envelope_sender: str | None = None
        for slug, call in self._implementations("prepare_delivery", enabled=True):
            headers = {**delivery.headers, **added}
            given = replace(delivery, html=html, text=delivery.text if text is None else text, headers=headers)
            work = in_thread(functools.partial(call, delivery=given))
            answer = await self._await(slug, "prepare_delivery", work, DEADLINE)
            if answer is None or not self._is(slug, answer, Prepared):
                continue
            if not _keepswords(html, answer.html) or (
                answer.text is not None and not _keepswords(given.text, answer.text)
            ):
                self._report(
                    slug, "prepare_delivery", "returned an empty or non-text body; the copy was left as it was"
                )
                continue
            if not (frozenset(answer.reports) & TRACKED_KINDS) <= delivery.permits:
                self._report(slug, "prepare_delivery", "tracks what is not permitted; the copy was left as it was")
                continue
            html, reports = answer.html, reports | frozenset(answer.reports)
            text = text if answer.text is None else answer.text
            fault = prepared_checks.fault_of_note(answer.note)
            if fault:
                self._report(slug, "prepare_delivery", f"{fault}; the mail goes out without it")
            elif answer.note:
                notes[slug] = answer.note
            sound, faults = prepared_checks.headers_of(answer.headers, taken=headers)
            added.update(sound)
            sender, fault = prepared_checks.envelope_sender_of(answer.envelope_sender, taken=envelope_sender)
            envelope_sender = sender or envelope_sender
            for words in (*faults, fault):
                if words:
                    self._report(slug, "prepare_delivery", f"{words}; the mail goes out without it")
        return PreparedCopy(html, reports, text, notes, added, envelope_sender)

    async def reply_activity(self, reply_ids: Sequence[int]) -> dict[int, ReplyActivity]:
        """What all plugins know of these replies, merged."""
        merged: dict[int, ReplyActivity] = {}
        if not reply_ids:
            return merged
        for slug, call in self._implementations("reply_activity", enabled=True):
            found = await self._await(slug, "reply_activity", call(reply_ids=reply_ids), DEADLINE)
            if found is None or not self._is(slug, found, Mapping):
                continue
            for reply_id, activity in found.items():
                if not self._is(slug, activity, ReplyActivity):
                    continue
                known = merged.get(reply_id, ReplyActivity())
                merged[reply_id] = ReplyActivity(
                    known.recipients + tuple(activity.recipients), known.timeline + tuple(activity.timeline)
                )
        return merged

    # --- enabled or not ---------------------------------------------------------------------------------------------

    async def restore_html(self, html: str) -> str:
        """A body without what plugins put into mails; as it was where one of them fails."""
        return await self._restored("restore_html", "html", html)

    async def restore_text(self, text: str) -> str:
        """The same for plain text."""
        return await self._restored("restore_text", "text", text)

    async def _restored(self, hook: str, argument: str, body: str) -> str:
        if not body:
            return body
        body = self.restore_own(body)
        for slug, call in self._implementations(hook):
            if self._rests(slug):
                continue
            work = in_thread(functools.partial(call, **{argument: body}))
            answer = await self._await(slug, hook, work, DEADLINE)
            if answer is None or not self._is(slug, answer, str):
                continue
            if _keepswords(body, answer):
                body = answer
            else:
                self._report(slug, hook, "returned an empty body; it was left as it was")
        return body


def _keepswords(before: str, after: object) -> bool:
    """Whether this is a text, and not an empty one in the place of one that says something."""
    return isinstance(after, str) and bool(after.strip() or not before.strip())
