"""The hooks about figures and single events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.database import Connection
from app.hookspecs import CopyCounts, MailEvent, MailEventQuery
from app.plugin_calls import PluginCalls
from app.plugin_discovery import words
from app.plugin_privacy import PluginFailed

PATIENCE = 30.0
"""Seconds for counting a thousand copies."""
EVENTS_DEADLINE = 10.0
"""Seconds for one page of events: a rare class among millions takes longer than anything on other pages."""


class ReportCalls(PluginCalls):
    """Part of the plugin host."""

    async def copy_counts(self, conn: Connection, recipient_ids: Sequence[int]) -> list[CopyCounts]:
        """What all plugins count of these copies, enabled or not. Raises PluginFailed: a sum without one is wrong."""
        found: list[CopyCounts] = []
        for slug, call in self._implementations("copy_counts"):
            try:
                async with asyncio.timeout(PATIENCE):
                    answer = await call(conn=conn, recipient_ids=recipient_ids)
            except Exception as error:
                self._report(slug, "copy_counts", words(error))
                raise PluginFailed(f"{slug} could not count: {words(error)}") from error
            if not self._is(slug, answer, Sequence) or not all(isinstance(one, CopyCounts) for one in answer):
                raise PluginFailed(f"{slug} gave something else than CopyCounts")
            found += answer
        return found

    async def mail_events(self, slug: str, query: MailEventQuery) -> list[MailEvent] | None:
        """One plugin's page of events; None where it has none to give now, because it failed."""
        call = self._implementation("mail_events", slug)
        if call is None:
            return []
        answer = await self._await(slug, "mail_events", call(query=query), EVENTS_DEADLINE)
        if answer is None or not self._is(slug, answer, Sequence):
            return None
        return [one for one in answer if self._is(slug, one, MailEvent)][: query.limit]

    def event_sources(self) -> list[str]:
        """The enabled plugins that have events, by slug."""
        return [slug for slug, _ in self._implementations("mail_events", enabled=True)]
