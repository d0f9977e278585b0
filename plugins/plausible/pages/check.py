"""The step of the self-test about visits to pages: whether there is a script, and whether it is this site's."""

from __future__ import annotations

import httpx

from app.hookspecs import CheckResult
from plugins.plausible.pages import rules
from plugins.plausible.pages.script_copy import NoScript, fetched
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.settings_pages import SITE_SCRIPT

SCRIPT = "Script for pages"


async def script_steps(settings: PlausibleSettings, portal_url: str | None) -> list[CheckResult]:
    """Fetch the script from Plausible, past the portal's own copy; no step where visits are not counted."""
    if settings.page_analytics == "off":
        return []
    url = f"{settings.base_url}/js/{settings.page_script}"
    try:
        body = await fetched(url)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, NoScript) as error:
        words = (
            f"{url} cannot be used: {str(error) or type(error).__name__}. Are Base URL and Name of the script right?"
        )
        return [CheckResult(SCRIPT, False, words)]
    # Plausible writes the site into the script that it makes for it.
    if SITE_SCRIPT.fullmatch(settings.page_script) and settings.site_domain.encode() not in body.lower():
        words = (
            f"{settings.page_script} is not made for {settings.site_domain}, so its visits are refused: take the name "
            "from that site's settings, General → Site installation"
        )
        return [CheckResult(SCRIPT, False, words)]
    if rules.is_mixed(settings, rules.origin_of(portal_url, settings)):
        words = f"no browser loads {url} into a page that came by https://: turn Through this portal on"
        return [CheckResult(SCRIPT, False, words)]
    if settings.page_analytics == "customers" and not settings.page_proxy:
        words = (
            "is there, but no page of the portal for customers carries it while Through this portal is off: they ask "
            "for a password, or their address is a secret"
        )
        return [CheckResult(SCRIPT, False, words)]
    return [CheckResult(SCRIPT, True, f"{url} is there")]
