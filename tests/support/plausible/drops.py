"""Why Plausible drops an event that is valid, in its order."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from tests.support.plausible.agents import is_bot, is_verification
from tests.support.plausible.http import Request
from tests.support.plausible.model import CACHE, Instance, Site
from tests.support.plausible.payload import Payload
from tests.support.plausible.visitors import in_session, within

WINDOW = timedelta(seconds=60)


def find_site(instance: Instance, domain: str) -> Site | None:
    """The site of this exact name, or that had it before; None for a new one too."""
    site = instance.sites.get(domain) or next((one for one in instance.sites.values() if one.former == domain), None)
    if site is not None and site.created is not None and instance.clock() - site.created < CACHE:
        return None
    return site


def drop_reason(instance: Instance, site: Site | None, payload: Payload, request: Request, address: str) -> str | None:
    """The reason before there is a visitor, None to go on; counts the event for the site's limit."""
    if _is_spam(payload.referrer, instance.spam_referrers):
        return "spam_referrer"
    if site is None:
        return "not_found"
    return (
        _by_plan(instance, site)
        or _by_origin(instance, request, address)
        or _by_shields(instance, site, payload, address)
        or ("bot" if is_bot(request.header("user-agent") or "") else None)
    )


def late_drop_reason(instance: Instance, site: Site, payload: Payload, visitor: int) -> str | None:
    """The reason once the visitor is known."""
    if payload.name == "engagement" and not in_session(instance, visitor, instance.clock()):
        return "no_session_for_engagement"
    if site.persist_errors > 0:
        site.persist_errors -= 1
        return "persist_error"
    return None


def _is_spam(referrer: str | None, hosts: frozenset[str]) -> bool:
    if not referrer:
        return False
    try:
        host = urlsplit(referrer if "//" in referrer else f"//{referrer}").hostname or ""
    except ValueError:
        return False
    return any(host == one or host.endswith(f".{one}") for one in hosts)


def _by_plan(instance: Instance, site: Site) -> str | None:
    if site.locked:
        return "payment_required"
    if site.limit is None:
        return None
    if site.limit == 0:
        return "block"
    now = instance.clock()
    site.arrivals = [one for one in site.arrivals if now - one < WINDOW]
    if len(site.arrivals) >= site.limit:
        return "throttle"
    site.arrivals.append(now)
    return None


def _by_origin(instance: Instance, request: Request, address: str) -> str | None:
    if is_verification(request.header("user-agent") or ""):
        return "verification_agent"
    if instance.edition == "ce":
        injected = request.header("x-plausible-ip-type")
        return injected if injected in ("dc_ip", "threat_ip") else None
    if within(address, instance.data_centres):
        return "dc_ip"
    return "threat_ip" if within(address, instance.threats) else None


def _by_shields(instance: Instance, site: Site, payload: Payload, address: str) -> str | None:
    if site.hostnames and not any(fnmatchcase(payload.hostname, one) for one in site.hostnames):
        return "site_hostname_allowlist"
    if any(fnmatchcase(payload.pathname, one) for one in site.pages):
        return "site_page_blocklist"
    if address in site.addresses:
        return "site_ip_blocklist"
    country = next((name for network, name in instance.countries_of.items() if within(address, (network,))), None)
    return "site_country_blocklist" if country in site.countries else None
