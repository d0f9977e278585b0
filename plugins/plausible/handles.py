"""What one process of the portal gives the module, and what is built on it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from app.database import utcnow
from app.hookspecs import PluginContext
from app.services.email import CopyIds
from plugins.plausible.addresses import Addresses, AddressMode
from plugins.plausible.events import OPEN, Kind, TrackingEvent
from plugins.plausible.links import Links
from plugins.plausible.networks_file import NetworksFile, own_path
from plugins.plausible.recording.reading import Surroundings
from plugins.plausible.restoring import Restoring
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync.days import SiteDays
from plugins.plausible.tokens import Signer


@dataclass(frozen=True)
class Handles:
    """What one process of the portal gives the module, and what is built on it."""

    context: PluginContext
    signer: Signer
    links: Links | None
    """None without PORTAL_URL: nothing can be tracked then."""
    networks: NetworksFile
    restoring: Restoring
    addresses: Addresses

    @classmethod
    def build(cls, context: PluginContext) -> Handles:
        """From the portal's settings."""
        signer = Signer(context.settings.keys)

        def mode() -> AddressMode:
            found = context.module_settings()
            return found.ip_mode if isinstance(found, PlausibleSettings) else "none"

        portal_url, tracking_url = context.settings.portal_url, context.settings.tracking_url
        return cls(
            context,
            signer,
            Links(portal_url, signer, tracking_url=tracking_url) if portal_url else None,
            NetworksFile(own_path(context.settings)),
            Restoring(signer, CopyIds(context.settings.keys), [url for url in (portal_url, tracking_url) if url]),
            Addresses(context.settings.keys, mode),
        )

    @property
    def settings(self) -> PlausibleSettings:
        """The module's settings now."""
        found = self.context.module_settings()
        if not isinstance(found, PlausibleSettings):
            raise TypeError(f"the module's settings are PlausibleSettings, got {type(found).__name__}")
        return found

    def wants(self, kind: Kind) -> bool | None:
        """Whether events of a kind are recorded now; None while that is not known."""
        if not self.context.is_known():
            return None
        return self.context.is_enabled() and (self.settings.track_opens if kind == OPEN else self.settings.track_clicks)

    def reduce(self, event: TrackingEvent) -> None:
        """Keep no more of an event's address than the settings say now: it waited, and they may have changed."""
        event.ip_address = self.addresses.reduced(event.ip_address, event.tracking_id)

    @property
    def around(self) -> Surroundings:
        """What classification needs to know of the portal."""
        return Surroundings(
            urlsplit(self.context.settings.portal_url or "").hostname,
            is_stale=lambda: self.networks.is_stale(utcnow().date()),
            sent_on=self._sent_on,
        )

    def _sent_on(self) -> SiteDays | None:
        settings = self.settings
        if not self.context.is_enabled() or not settings.send_to_plausible:
            return None
        return SiteDays(ZoneInfo(settings.site_timezone))
