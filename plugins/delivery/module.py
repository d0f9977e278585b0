"""The module's hooks: what it hears of mails from outside, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quart import Blueprint

from app.database import Connection
from app.hookspecs import (
    Arrived,
    ArrivedMail,
    CheckResult,
    CopyCounts,
    CopySums,
    Delivery,
    Job,
    MailEvent,
    MailEventQuery,
    MailingActivity,
    ModuleInfo,
    NavItem,
    PluginContext,
    Prepared,
    ReplyActivity,
    hookimpl,
)
from plugins.delivery import activity, event_list, mailings, readings, selftest
from plugins.delivery.bounces import taking
from plugins.delivery.bounces.marks import HEADER, Marks
from plugins.delivery.handles import Handles
from plugins.delivery.privacy_hooks import PrivacyHooks
from plugins.delivery.routes import delivery_routes
from plugins.delivery.routes_setup import PATH as PROVIDERS
from plugins.delivery.routes_setup import setup_routes
from plugins.delivery.settings import DeliverySettings
from plugins.delivery.slots import headers_for

REPLAY_EVERY = 2.0
"""Seconds; web processes look by themselves."""


class DeliveryEvents(PrivacyHooks):
    """Delivered, bounced, complained: what providers tell."""

    def __init__(self) -> None:
        self._started: Handles | None = None

    def _handles(self) -> Handles:
        if self._started is None:
            raise RuntimeError("the module was not started; `started` comes before every other hook")
        return self._started

    @hookimpl
    def module_info(self) -> ModuleInfo:
        """Who this is."""
        return ModuleInfo(
            slug="delivery",
            name="Delivery events",
            description="Shows what became of each mail, as your mail provider tells it: delivered, bounced, spam.",
            icon="📬",
            settings_model=DeliverySettings,
            pages=(NavItem("Set up a provider", PROVIDERS),),
        )

    @hookimpl
    def started(self, context: PluginContext) -> None:
        """Keep the handles."""
        self._started = Handles.build(context)

    @hookimpl
    def blueprints(self) -> Sequence[Blueprint]:
        """Where providers post, and the pages that say how."""
        handles = self._handles()
        routes = delivery_routes(handles)

        @routes.before_app_serving
        async def start() -> None:
            handles.intake.start()

        @routes.after_app_serving
        async def close() -> None:
            await handles.refusals.close()
            await handles.intake.close()

        return [routes, setup_routes(handles)]

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Prepared | None:
        """Let the copy carry its tracking id in the provider's slot, and a mark for its bounces; its HTML stays as it
        is."""
        handles = self._handles()
        settings, copy = handles.settings, delivery.recipient
        marks = Marks(handles.context.settings.keys)
        headers = {**headers_for(settings.sending_provider, copy.tracking_id), HEADER: marks.mark(copy.id)}
        sender = marks.address(copy.id, settings.bounce_address) if settings.bounce_address else None
        return Prepared(delivery.html, headers=headers, envelope_sender=sender)

    @hookimpl
    async def mail_arrived(self, mail: ArrivedMail) -> Arrived | None:
        """Take in bounces and complaints."""
        return await taking.take(self._handles(), mail)

    @hookimpl
    async def check(self) -> Sequence[CheckResult]:
        """How the module does."""
        return await selftest.check(self._handles())

    @hookimpl
    async def test(self) -> Sequence[CheckResult]:
        """The same, and a sample of each provider that is open."""
        return await selftest.test(self._handles())

    @hookimpl
    def readiness(self) -> Sequence[CheckResult]:
        """Whether events can be kept while the database is away."""
        return [self._handles().intake.readiness()]

    @hookimpl
    def jobs(self) -> Sequence[Job]:
        """What the worker itself put aside while the database was away."""

        async def replay() -> None:
            await self._handles().intake.replay()

        return [Job("delivery events that wait", REPLAY_EVERY, replay)]

    @hookimpl
    def receipt_states(self) -> frozenset[str]:
        """Providers tell of a mail's fate; of reading too, where our own pixel is not in a copy."""
        return frozenset({"delivered", "bounced", "complained"})

    @hookimpl
    async def reply_activity(self, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:
        """Lines of the timeline."""
        return await activity.activity(self._handles().context.database, reply_ids)

    @hookimpl
    async def mailing_activity(self, mailing: str) -> MailingActivity | None:
        """What providers tell of a mailing's readers, where no module of the portal does."""
        return await mailings.activity(self._handles().context.database, mailing)

    @hookimpl
    async def mailing_copies(self, mailing: str, after: int, limit: int) -> Sequence[CopySums]:
        """The same by copy."""
        return await mailings.copies(self._handles().context.database, mailing, after=after, limit=limit)

    @hookimpl
    async def copy_counts(self, conn: Connection, recipient_ids: Sequence[int]) -> Sequence[CopyCounts]:
        """What of providers' opens and clicks is in the reports."""
        return await readings.copy_counts(conn, recipient_ids)

    @hookimpl
    async def mail_events(self, query: MailEventQuery) -> Sequence[MailEvent]:
        """Single events."""
        async with self._handles().context.database.connection() as conn:
            return await event_list.page(conn, query)
