"""The module's hooks: what it does to a mail, what it hears of it, what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import structlog
from click import Command
from quart import Blueprint

from app.database import Database, utcnow
from app.hookspecs import (
    CheckResult,
    CopySums,
    Delivery,
    DeliveryReport,
    DirectRoute,
    Job,
    MailingActivity,
    ModuleInfo,
    ModuleSettings,
    NavItem,
    PluginContext,
    Prepared,
    QueuedMail,
    ReplyActivity,
    TrackingPolicy,
    hookimpl,
)
from app.services import cli, outbound
from app.services.email import CopyIds
from app.services.web import AgentSigns
from plugins.plausible import activity, mailings, repository
from plugins.plausible.commands import commands
from plugins.plausible.commands_quarantine import quarantine_command
from plugins.plausible.commands_reclassify import reclassify_command
from plugins.plausible.commands_sync import sync_command
from plugins.plausible.fast_path import FastPath
from plugins.plausible.handles import Handles
from plugins.plausible.jobs import jobs_of
from plugins.plausible.links import copy_note
from plugins.plausible.lone_page import LonePage
from plugins.plausible.page_hooks import PageHooks
from plugins.plausible.pages.routes import page_routes
from plugins.plausible.privacy_hooks import PrivacyHooks
from plugins.plausible.recording import rejudge
from plugins.plausible.recording.process import Recording
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.recording.watch import events_watch
from plugins.plausible.report_hooks import ReportHooks
from plugins.plausible.rewriter import PixelPlace
from plugins.plausible.routes import status_routes
from plugins.plausible.routes_machines import PATH as MACHINES
from plugins.plausible.routes_machines import machines_routes
from plugins.plausible.routes_preview import PATH as PREVIEW
from plugins.plausible.routes_preview import preview_routes
from plugins.plausible.routes_sync import PATH as SYNC
from plugins.plausible.routes_sync import sync_routes
from plugins.plausible.selftest import address_problem, is_loopback, notice
from plugins.plausible.selftest.hooks import SelfTestHooks
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.watch import sync_watch
from plugins.plausible.tracking import track_html, track_text
from plugins.plausible.trap import trap_routes

T = TypeVar("T")
SIGNS_PATIENCE = 0.5
"""Seconds that the start waits for the addresses of agents; later they are read beside the requests."""
log = structlog.get_logger(__name__)


class Plausible(PageHooks, SelfTestHooks, PrivacyHooks, ReportHooks):
    """Opens and clicks of ticket replies."""

    def __init__(self) -> None:
        self._started: Handles | None = None
        self._recording: Recording | None = None
        self._signs: AgentSigns | None = None
        self._refused_page = LonePage("plausible/refused.html")
        self._warned = False

    def _handles(self) -> Handles:
        if self._started is None:
            raise RuntimeError("the module was not started; `started` comes before every other hook")
        return self._started

    @hookimpl
    def module_info(self) -> ModuleInfo:
        """Who this is."""
        return ModuleInfo(
            slug="plausible",
            name="Plausible Analytics",
            description="Shows who has read a reply and which links were followed.",
            icon="📊",
            settings_model=PlausibleSettings,
            pages=(
                NavItem("Preview on a mail", PREVIEW),
                NavItem("Machines", MACHINES),
                NavItem("Sync to Plausible", SYNC),
            ),
        )

    @hookimpl
    def started(self, context: PluginContext) -> None:
        """Keep the handles."""
        self._started = Handles.build(context)

    @hookimpl
    def blueprints(self) -> Sequence[Blueprint]:
        """Status, preview and the pages of machines and of the sync."""
        handles = self._handles()
        routes = status_routes(handles.context.database)
        recording = self._recording = self._new_recording(handles)
        signs = self._signs = AgentSigns(handles.context)
        watches = [
            sync_watch(handles.context.database, handles.context.is_enabled),
            events_watch(handles.context.database),
        ]
        routes.record_once(lambda state: self._refused_page.take_from(state.app.jinja_env))

        @routes.before_app_serving
        async def start() -> None:
            recording.start()
            for watch in watches:
                watch.start()
            # A database that is silent must not keep the process from answering.
            with suppress(TimeoutError):
                async with asyncio.timeout(SIGNS_PATIENCE):
                    await signs.refresh()
            if handles.context.is_enabled():
                self._warn_about_address()

        @routes.after_app_serving
        async def close() -> None:
            for watch in watches:
                await watch.close()
            await recording.close()
            await signs.close()

        machines = machines_routes(handles.context, handles.networks)
        preview = preview_routes(handles.context, lambda: handles.settings)
        pages = page_routes(handles)
        return [routes, preview, trap_routes(), machines, sync_routes(handles), pages]

    @hookimpl
    def direct_routes(self) -> Sequence[DirectRoute]:
        """Pixel and click."""
        handles = self._handles()
        if self._recording is None or self._signs is None:
            return []
        trusted = handles.context.settings.trusted_proxies
        paths = FastPath(
            self._recording.intake,
            handles.signer,
            refused_page=self._refused_page,
            trusted=trusted,
            networks=handles.networks.current,
            signs=self._signs,
            addresses=handles.addresses,
        )
        return paths.routes()

    @hookimpl
    def readiness(self) -> Sequence[CheckResult]:
        """Whether opens and clicks can be kept."""
        return self._recording.readiness() if self._recording else []

    def _new_recording(self, handles: Handles) -> Recording:
        settings = handles.context.settings
        return Recording(
            handles.context.database,
            CopyIds(settings.keys),
            folder=settings.spool_folder / "plausible",
            cap_bytes=settings.spool_max_mb << 20,
            wanted=handles.wants,
            around=handles.around,
            reduce=handles.reduce,
        )

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        """Put pixel and links into a reply's copy."""
        handles = self._handles()
        if not delivery.enable_tracking or delivery.sensitive:
            return None
        if delivery.reply_id is None and delivery.mailing is None:
            return None
        # What an agent reads, or somebody who is not seen by the others, says nothing of the customer.
        if delivery.recipient.is_agent or delivery.recipient.role == "bcc":
            return None
        self._warn_about_address()
        links, settings = handles.links, handles.settings.within(delivery.permits)
        if links is None or not (settings.track_opens or settings.track_clicks):
            return None
        tracking_id = delivery.recipient.tracking_id
        done = track_html(
            delivery.html,
            tracking_id=tracking_id,
            links=links,
            settings=settings,
            untracked=delivery.list_unsubscribe,
            sensitive=delivery.sensitive,
        )
        text = track_text(
            delivery.text,
            tracking_id=tracking_id,
            links=links,
            settings=settings,
            untracked=delivery.list_unsubscribe,
            sensitive=delivery.sensitive,
        )
        reports = {"opens"} if done.pixel not in {PixelPlace.OFF, PixelPlace.EMPTY} else set()
        if done.links or (text and text.links):
            reports.add("clicks")
        if not reports:
            return None
        return Prepared(
            done.html,
            frozenset(reports),
            text.text if text and text.links else None,
            copy_note([*done.links, *(text.links if text else ())], trap=links.trap if done.trap else None),
        )

    @hookimpl
    def restore_html(self, html: str) -> str | None:
        """Take pixels and links of ours out of a body."""
        return self._handles().restoring.html(html)

    @hookimpl
    def restore_text(self, text: str) -> str | None:
        """Take links of ours out of a plain text."""
        return self._handles().restoring.text(text)

    @hookimpl
    async def email_queued(self, mail: QueuedMail) -> None:
        """Keep the first recipient's id with the reply."""
        if mail.reply_id is None or not mail.enable_tracking or not mail.recipients:
            return
        readers = [one for one in mail.recipients if one.role != "bcc" and not one.is_agent] or mail.recipients
        first = next((one for one in readers if one.role == "to"), readers[0])
        async with self._handles().context.database.transaction() as conn:
            await repository.set_tracking_id(conn, reply_id=mail.reply_id, tracking_id=first.tracking_id)

    @hookimpl
    async def email_sent(self, report: DeliveryReport) -> None:
        """Keep when the reply's first copy went out, and let requests that came before be judged by it."""
        if report.reply_id is None and report.mailing is None:
            return
        async with self._handles().context.database.transaction() as conn:
            await rejudge.mark_due(conn, report.recipient.id, now=utcnow())
            if report.reply_id is not None:
                await repository.set_sent_at(conn, reply_id=report.reply_id, at=report.happened_at)

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        """A pixel or a link tells of reading, or of a machine."""
        return frozenset({"read", "machine"})

    @hookimpl
    async def reply_activity(self, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:
        """Opens, followed links and the timeline."""
        return await activity.activity(self._handles().context.database, reply_ids)

    @hookimpl
    async def mailing_activity(self, mailing: str) -> MailingActivity | None:
        """Opens and followed links of a mailing."""
        return await mailings.activity(self._handles().context.database, mailing)

    @hookimpl
    async def mailing_copies(self, mailing: str, after: int, limit: int) -> Sequence[CopySums]:
        """The same by copy."""
        return await mailings.copies(self._handles().context.database, mailing, after=after, limit=limit)

    @hookimpl
    def jobs(self) -> Sequence[Job]:
        """Partitions of the table of events, second looks, the sync, and what Plausible counts of it."""
        return jobs_of(self._handles())

    @hookimpl
    def commands(self) -> Sequence[Command]:
        """What operators do by hand."""

        def handles() -> tuple[Database, Surroundings]:
            found = self._handles()
            return found.context.database, found.around

        def on_database(work: Callable[[Database], Awaitable[T]]) -> T:
            return cli.run(lambda: work(self._handles().context.database))

        by_hand = [quarantine_command(on_database), sync_command(on_database), reclassify_command(handles)]
        return [*commands(), *by_hand]

    @hookimpl
    def tracking_notice(self) -> str | None:
        """What a reply sent now would report."""
        found = notice(self._handles().settings) if self._handles().links else None
        return found and f"{found}; Bcc copies are not tracked"

    @hookimpl
    def tracking_policy(self) -> TrackingPolicy:
        """What the settings want."""
        return self._handles().settings.policy

    @hookimpl
    async def settings_check(self, before: ModuleSettings, after: ModuleSettings) -> Mapping[str, str]:
        """Whether the portal may call Plausible there. Not asked again while nothing of it changes: a save of other
        fields must not need a name server.
        """
        if not isinstance(before, PlausibleSettings) or not isinstance(after, PlausibleSettings):
            return {}
        if after.base_url == before.base_url and (before.send_to_plausible or not after.send_to_plausible):
            return {}
        try:
            await outbound.check_url(after.base_url)
        except (ValueError, outbound.Refused, outbound.NotResolved) as error:
            return {"base_url": str(error)}
        return {}

    def _warn_about_address(self) -> None:
        """Say once in each process's log why tracking does not work, or not well."""
        settings = self._handles().context.settings
        problem = address_problem(settings)
        if problem and not self._warned:
            self._warned = True
            # A loopback address is somebody trying the portal out, who has the module page for it.
            say = log.info if is_loopback(settings) else log.warning
            say("tracking does not work as it should", reason=problem)
