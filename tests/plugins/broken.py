"""Plugins that misbehave in every way we could think of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from click import Command
from quart import Blueprint

from app.database import Connection
from app.hookspecs import (
    Arrived,
    ArrivedMail,
    CheckResult,
    ContactData,
    CopyCounts,
    CopySums,
    Delivery,
    DeliveryReport,
    DirectRoute,
    Job,
    MailEvent,
    MailEventQuery,
    MailingActivity,
    ModuleInfo,
    ModuleSettings,
    NavItem,
    PageScripts,
    PageView,
    Paragraph,
    PluginContext,
    Prepared,
    QueuedMail,
    ReplyActivity,
    TrackingPolicy,
    WorkDone,
    hookimpl,
)


class Raises:
    """Raises in every hook but the one that says who it is."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("raises", "Raises", "Raises in every hook.", "💥")

    @hookimpl
    def migrations(self) -> Path:
        raise RuntimeError("migrations")

    @hookimpl
    def templates(self) -> Path:
        raise RuntimeError("templates")

    @hookimpl
    def commands(self) -> Sequence[Command]:
        raise RuntimeError("commands")

    @hookimpl
    def blueprints(self) -> Sequence[Blueprint]:
        raise RuntimeError("blueprints")

    @hookimpl
    def direct_routes(self) -> Sequence[DirectRoute]:
        raise RuntimeError("direct_routes")

    @hookimpl
    def readiness(self) -> Sequence[CheckResult]:
        raise RuntimeError("readiness")

    @hookimpl
    def navigation(self) -> Sequence[NavItem]:
        raise RuntimeError("navigation")

    @hookimpl
    def page_scripts(self, page: PageView) -> PageScripts | None:
        raise RuntimeError("page_scripts")

    @hookimpl
    async def email_queued(self, mail: QueuedMail) -> None:
        raise RuntimeError("email_queued")

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        raise RuntimeError("prepare_delivery")

    @hookimpl
    def restore_html(self, html: str) -> str | None:
        raise RuntimeError("restore_html")

    @hookimpl
    def restore_text(self, text: str) -> str | None:
        raise RuntimeError("restore_text")

    @hookimpl
    async def email_sent(self, report: DeliveryReport) -> None:
        raise RuntimeError("email_sent")

    @hookimpl
    async def email_failed(self, report: DeliveryReport) -> None:
        raise RuntimeError("email_failed")

    @hookimpl
    async def mail_arrived(self, mail: ArrivedMail) -> Arrived | None:
        raise RuntimeError("mail_arrived")

    @hookimpl
    async def export_contact(self, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        raise RuntimeError("export_contact")

    @hookimpl
    async def erase_contact(self, contact: ContactData) -> WorkDone:
        raise RuntimeError("erase_contact")

    @hookimpl
    async def purge_old(self) -> WorkDone:
        raise RuntimeError("purge_old")

    @hookimpl
    async def apply_privacy(self) -> WorkDone:
        raise RuntimeError("apply_privacy")

    @hookimpl
    def privacy_disclosure(self) -> Sequence[Paragraph]:
        raise RuntimeError("privacy_disclosure")

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        raise RuntimeError("receipt_states")

    @hookimpl
    async def reply_activity(self, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:
        raise RuntimeError("reply_activity")

    @hookimpl
    async def demo_data(self) -> None:
        raise RuntimeError("demo_data")

    @hookimpl
    async def mailing_activity(self, mailing: str) -> MailingActivity:
        raise RuntimeError("mailing_activity")

    @hookimpl
    async def mailing_copies(self, mailing: str, after: int, limit: int) -> Sequence[CopySums]:
        raise RuntimeError("mailing_copies")

    @hookimpl
    def tracking_policy(self) -> TrackingPolicy:
        raise RuntimeError("tracking_policy")

    @hookimpl
    async def copy_counts(self, conn: Connection, recipient_ids: Sequence[int]) -> Sequence[CopyCounts]:
        raise RuntimeError("copy_counts")

    @hookimpl
    async def mail_events(self, query: MailEventQuery) -> Sequence[MailEvent]:
        raise RuntimeError("mail_events")

    @hookimpl
    def tracking_notice(self) -> str | None:
        raise RuntimeError("tracking_notice")

    @hookimpl
    async def check(self) -> Sequence[CheckResult]:
        raise RuntimeError("check")

    @hookimpl
    async def test(self) -> Sequence[CheckResult]:
        raise RuntimeError("test")

    @hookimpl
    def jobs(self) -> Sequence[Job]:
        raise RuntimeError("jobs")

    @hookimpl
    async def settings_check(self, before: ModuleSettings, after: ModuleSettings) -> Mapping[str, str]:
        raise RuntimeError("settings_check")

    @hookimpl
    def settings_changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        raise RuntimeError("settings_changed")


class FailsToStart(Raises):
    """Raises already when it is given its handles."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("no-start", "No start", "Raises at start.", "🧨")

    @hookimpl
    def started(self, context: PluginContext) -> None:
        raise RuntimeError("no licence")


class Hangs:
    """Never returns: in a thread, and on the event loop without heeding its cancellation."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("hangs", "Hangs", "Never returns.", "🐌")

    @hookimpl
    def navigation(self) -> Sequence[NavItem]:
        time.sleep(30)
        return []

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        time.sleep(30)
        return Prepared("too late")

    @hookimpl
    def restore_html(self, html: str) -> str | None:
        time.sleep(30)
        return "too late"

    @hookimpl
    async def email_sent(self, report: DeliveryReport) -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                continue


class Nonsense:
    """Returns what nobody asked for."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("nonsense", "Nonsense", "Returns anything.", "🤪")

    @hookimpl
    def navigation(self) -> Sequence[NavItem]:
        return "Tickets"  # type: ignore[return-value]

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        return Prepared("")

    @hookimpl
    def restore_html(self, html: str) -> str | None:
        return " "

    @hookimpl
    def restore_text(self, text: str) -> str | None:
        return b"bytes"  # type: ignore[return-value]

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        return 42  # type: ignore[return-value]

    @hookimpl
    async def reply_activity(self, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:
        return {7: "read"}  # type: ignore[dict-item]

    @hookimpl
    def commands(self) -> Sequence[Command]:
        return ["serve"]  # type: ignore[list-item]

    @hookimpl
    def blueprints(self) -> Sequence[Blueprint]:
        return ["a page"]  # type: ignore[list-item]

    @hookimpl
    async def settings_check(self, before: ModuleSettings, after: ModuleSettings) -> Mapping[str, str]:
        return ["base_url"]  # type: ignore[return-value]


class Shouts:
    """Works: makes each mail upper case."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("shouts", "Shouts", "Upper case.", "📢")

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        return Prepared(delivery.html.upper(), frozenset({"opens"}))

    @hookimpl
    def restore_html(self, html: str) -> str | None:
        return html.lower() if html != html.lower() else None

    @hookimpl
    def restore_text(self, text: str) -> str | None:
        return text.lower()

    @hookimpl
    def navigation(self) -> Sequence[NavItem]:
        return [NavItem("Shouts", "/shouts")]

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        return frozenset({"read"})


class SyncWhereAsyncIsMeant:
    """Registers in silence with pluggy; we refuse it."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("sync", "Sync", "def for async def.", "🧷")

    @hookimpl
    def email_sent(self, report: DeliveryReport) -> None:
        return None


class Misspelt:
    """Has a hook that does not exist."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("misspelt", "Misspelt", "A hook that is none.", "✏️")

    @hookimpl
    async def email_snet(self, report: DeliveryReport) -> None:
        return None
