"""The module's hooks about people's data."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from app.database import utcnow
from app.hookspecs import ContactData, Paragraph, WorkDone, hookimpl
from plugins.delivery import disclosure, personal
from plugins.delivery.handles import Handles


class PrivacyHooks:
    """Part of the plugin's object."""

    @abstractmethod
    def _handles(self) -> Handles:
        """What this process gives the module."""

    @hookimpl
    async def export_contact(self, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Events of a person's mails."""
        return await personal.export(self._handles().context.database, contact)

    @hookimpl
    async def erase_contact(self, contact: ContactData) -> WorkDone:
        """Delete them."""
        return await personal.erase(self._handles().context.database, contact)

    @hookimpl
    async def purge_old(self) -> WorkDone:
        """Delete old events, failures and tokens; of younger ones what is kept only for a while."""
        handles = self._handles()
        settings = handles.settings
        return await personal.purge(
            handles.context.database, keep_days=settings.keep_days, keep_raw_days=settings.keep_raw_days, now=utcnow()
        )

    @hookimpl
    def privacy_disclosure(self) -> Sequence[Paragraph]:
        """What people should know of it."""
        handles = self._handles()
        return disclosure.paragraphs(handles.settings, enabled=handles.context.is_enabled())
