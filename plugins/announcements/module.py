"""The module's hooks."""

from __future__ import annotations

from collections.abc import Sequence

from quart import Blueprint

from app.hookspecs import CheckResult, Job, ModuleInfo, NavItem, PluginContext, hookimpl
from app.services.links import without_tokens
from plugins.announcements import demo, sending, statistics
from plugins.announcements.handles import UNSUBSCRIBE, Handles
from plugins.announcements.privacy_hooks import PrivacyHooks
from plugins.announcements.routes import PATH, draft_routes
from plugins.announcements.routes_api import api_routes
from plugins.announcements.routes_flow import flow_routes
from plugins.announcements.routes_import import import_routes
from plugins.announcements.routes_statistics import statistics_routes
from plugins.announcements.routes_unsubscribe import unsubscribe_routes
from plugins.announcements.settings import AnnouncementSettings

STATISTICS_INTERVAL = 15.0
"""Seconds between two looks at whether figures are old."""


class Announcements(PrivacyHooks):
    """One text for many customers."""

    def __init__(self) -> None:
        self._started: Handles | None = None

    def handles(self) -> Handles:
        """What this process gives the module."""
        if self._started is None:
            raise RuntimeError("the module was not started; `started` comes before every other hook")
        return self._started

    @hookimpl
    def module_info(self) -> ModuleInfo:
        """Who this is."""
        return ModuleInfo(
            slug="announcements",
            name="Announcements",
            description="Tells many customers something at once, each in a mail of their own.",
            icon="📣",
            settings_model=AnnouncementSettings,
            pages=(NavItem("Announcements", PATH),),
        )

    @hookimpl
    def started(self, context: PluginContext) -> None:
        """Keep the handles."""
        self._started = Handles.build(context)

    @hookimpl
    def blueprints(self) -> Sequence[Blueprint]:
        """Pages and the API."""
        handles = self.handles()
        makers = (
            draft_routes,
            flow_routes,
            import_routes,
            statistics_routes,
            unsubscribe_routes,
            api_routes,
        )
        return [make(handles) for make in makers]

    @hookimpl
    def navigation(self) -> Sequence[NavItem]:
        """The list of announcements, for who gets in."""
        return [NavItem("Announcements", PATH, "announce", covers=("/campaigns/",), unlimited_only=True)]

    @hookimpl
    def jobs(self) -> Sequence[Job]:
        """Sending and counting."""
        handles = self.handles()

        async def send() -> None:
            await sending.run(handles)

        async def count() -> None:
            await statistics.count_due(handles)

        return [Job("sending", sending.INTERVAL, send), Job("statistics", STATISTICS_INTERVAL, count)]

    @hookimpl
    def restore_html(self, html: str) -> str | None:
        """Make links to unsubscribe void that come back: who reads the quote is somebody else."""
        return self._without_links(html)

    @hookimpl
    def restore_text(self, text: str) -> str | None:
        """The same for plain text."""
        return self._without_links(text)

    def _without_links(self, body: str) -> str | None:
        links = self.handles().links
        found = without_tokens(body, [UNSUBSCRIBE], lambda token: links.read(token) is not None)
        return found if found != body else None

    @hookimpl
    async def demo_data(self) -> None:
        """One that was sent, and a draft."""
        await demo.fill(self.handles())

    @hookimpl
    async def check(self) -> Sequence[CheckResult]:
        """Whether announcements can go out."""
        settings = self.handles().context.settings
        url = settings.portal_url
        address = CheckResult("Link to unsubscribe", True, "It leads to the portal by https, as one-click needs.")
        if url is None:
            address = CheckResult("Link to unsubscribe", False, "PORTAL_URL is not set: nothing can be sent.")
        elif not url.startswith("https:"):
            words = "PORTAL_URL has no https: mail programs show no button to unsubscribe by one click (RFC 8058)."
            address = CheckResult("Link to unsubscribe", True, words)
        server = CheckResult("Mail server", True, f"{settings.smtp_host} takes the mails.")
        if settings.smtp_host is None:
            server = CheckResult("Mail server", False, "SMTP_HOST is not set: mails wait in the outbox.")
        return [address, server]
