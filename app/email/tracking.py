"""Whether a reply sent now would be tracked, and if not, why: one answer for the composer and for `send_email`."""

from __future__ import annotations

from dataclasses import dataclass

from app.runtime import Runtime

NO_ADDRESS = "PORTAL_URL is not set"
SWITCHED_OFF = "tracking is switched off in the module's settings"
NO_MODULE = "no module that tracks mail is on"


@dataclass(frozen=True)
class Tracking:
    """What a reply sent now would report, in words ("opens and links"), or else why it reports nothing."""

    notice: str = ""
    why_not: str = ""


async def tracking_now(runtime: Runtime) -> Tracking:
    """Ask the enabled modules; one of them that reports 'read' and has nothing to say has its own switches off."""
    if runtime.settings.portal_url is None:
        # Pixel and links are built on it, whichever module makes them.
        return Tracking(why_not=NO_ADDRESS)
    notice = await runtime.plugins.tracking_notice()
    if notice:
        return Tracking(notice)
    return Tracking(why_not=SWITCHED_OFF if "read" in await runtime.plugins.receipt_states() else NO_MODULE)
