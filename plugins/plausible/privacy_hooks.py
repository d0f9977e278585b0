"""The module's hooks about people's data."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from app.database import utcnow
from app.hookspecs import ContactData, Paragraph, WorkDone, hookimpl
from plugins.plausible import disclosure, personal, retention
from plugins.plausible.handles import Handles
from plugins.plausible.sync.days import SiteDays


class PrivacyHooks:
    """Part of the plugin's object."""

    @abstractmethod
    def _handles(self) -> Handles:
        """What this process gives the module."""

    @hookimpl
    async def export_contact(self, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Opens and clicks of a person."""
        return await personal.export(self._handles().context.database, contact)

    @hookimpl
    async def erase_contact(self, contact: ContactData) -> WorkDone:
        """Delete opens and clicks of a person; counts stay."""
        handles = self._handles()
        return await personal.erase(
            handles.context.database,
            contact,
            machines=handles.settings.send_machine_events,
            day=SiteDays(ZoneInfo(handles.settings.site_timezone)).day(utcnow()),
        )

    @hookimpl
    async def purge_old(self) -> WorkDone:
        """Delete old events, reduce old user agents."""
        handles = self._handles()
        return await retention.purge(
            handles.context.database,
            keep_days=handles.settings.keep_days,
            keep_agents_days=handles.settings.keep_agents_days,
            now=utcnow(),
        )

    @hookimpl
    async def apply_privacy(self) -> WorkDone:
        """Reduce stored addresses to what is kept now."""
        handles = self._handles()
        return await retention.apply(handles.context.database, handles.addresses)

    @hookimpl
    def privacy_disclosure(self) -> Sequence[Paragraph]:
        """What people should know of it."""
        handles = self._handles()
        return disclosure.paragraphs(handles.settings, enabled=handles.context.is_enabled())
