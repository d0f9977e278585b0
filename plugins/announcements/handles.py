"""What one process of the portal gives the module."""

from __future__ import annotations

from dataclasses import dataclass

from app.database import Database
from app.hookspecs import PluginContext
from app.services.links import CopyLinks
from plugins.announcements.settings import AnnouncementSettings

PURPOSE = "announcement-unsubscribe"
FORM_PURPOSE = "announcement-unsubscribe-form"
UNSUBSCRIBE = "/announcements/unsubscribe"


@dataclass(frozen=True)
class Handles:
    """Built once per process from the context."""

    context: PluginContext
    links: CopyLinks
    """Sign ids of `announcement_recipients`."""
    forms: CopyLinks

    @classmethod
    def build(cls, context: PluginContext) -> Handles:
        """From the portal's keys."""
        keys = context.settings.keys
        return cls(context, CopyLinks(keys, PURPOSE), CopyLinks(keys, FORM_PURPOSE))

    @property
    def database(self) -> Database:
        """The portal's."""
        return self.context.database

    @property
    def settings(self) -> AnnouncementSettings:
        """The module's settings now."""
        found = self.context.module_settings()
        if not isinstance(found, AnnouncementSettings):
            raise TypeError(f"the module's settings are AnnouncementSettings, got {type(found).__name__}")
        return found

    def unsubscribe_url(self, row_id: int) -> str | None:
        """The page on which one recipient unsubscribes; None without PORTAL_URL. row_id: 0 for a test mail."""
        portal = self.context.settings.portal_url
        if portal is None:
            return None
        return f"{portal}{UNSUBSCRIBE}/{self.links.token(row_id) if row_id else 'test'}"
