"""The module's hook about pages of the portal."""

from __future__ import annotations

from abc import abstractmethod

from app.hookspecs import PageScripts, PageView, hookimpl
from plugins.plausible.handles import Handles
from plugins.plausible.pages import rules
from plugins.plausible.pages.routes import setup_version


class PageHooks:
    """Part of the plugin's object."""

    @abstractmethod
    def _handles(self) -> Handles:
        """What this process gives the module."""

    @hookimpl
    def page_scripts(self, page: PageView) -> PageScripts | None:
        """Plausible's script, on the pages that the settings name."""
        handles = self._handles()
        settings = handles.settings
        origin = rules.origin_of(handles.context.settings.portal_url, settings)
        return rules.scripts(page, settings, origin=origin, version=setup_version())
