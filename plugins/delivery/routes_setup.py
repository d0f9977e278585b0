"""The admins' pages: how each provider is set up, what it told, and what was not taken of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from quart import Blueprint, abort, redirect, render_template
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.hookspecs import CheckResult
from app.services.web import admin_required, ago
from plugins.delivery import overview, selftest
from plugins.delivery.activity import BOUNCES, WORDS
from plugins.delivery.handles import Handles
from plugins.delivery.providers import PROVIDERS, Provider
from plugins.delivery.routes import PATH as POSTS
from plugins.delivery.slots import headers_for

PATH = "/admin/modules/delivery/providers"
RECENT = timedelta(hours=24)
FIELDS = {"sendgrid": "sendgrid_key", "mailgun": "mailgun_key", "ses": "ses_topics"}
"""Of the settings, where it is not named after the provider."""
OTHER_WORDS = {"sent": "Taken by the provider", "unknown": "Something else"}


def setup_routes(handles: Handles) -> Blueprint:
    """For admins, with the module on or off."""
    routes = Blueprint("delivery_setup", __name__)
    database = handles.context.database

    @routes.get(PATH)
    @admin_required
    async def index() -> ResponseReturnValue:
        """All providers."""
        times, failed = await overview.last_times(database), await overview.failure_times(database)
        rows = [
            {
                "provider": one,
                "health": _health(handles, one, (times.get(one.slug) is not None and ago(times[one.slug])) or ""),
                "last_at": times.get(one.slug),
                "failed_at": failed.get(one.slug),
                "sends": handles.settings.sending_provider == one.slug,
            }
            for one in PROVIDERS.values()
        ]
        return await render_template(
            "delivery/providers.html", rows=rows, path=PATH, enabled=handles.context.is_enabled()
        )

    @routes.get(f"{PATH}/<slug>")
    @admin_required
    async def show(slug: str) -> ResponseReturnValue:
        """One provider."""
        return await page(_named(slug))

    @routes.get(f"{PATH}/<slug>/test")
    @admin_required
    async def tested(slug: str) -> ResponseReturnValue:
        """Where a reload of the test's answer may end."""
        return redirect(f"{PATH}/{_named(slug).slug}", 303)

    @routes.post(f"{PATH}/<slug>/test")
    @admin_required
    async def test(slug: str) -> ResponseReturnValue:
        """Send a signed sample through everything, and take it back."""
        provider = _named(slug)
        return await page(provider, await selftest.try_provider(handles, provider))

    async def page(provider: Provider, steps: Sequence[CheckResult] = ()) -> str:
        found = await overview.told(database, provider.slug)
        portal_url = handles.context.settings.portal_url
        url = f"{portal_url.rstrip('/')}{POSTS}{provider.slug}" if portal_url else ""
        return await render_template(
            "delivery/provider.html",
            provider=provider,
            path=PATH,
            url=url,
            steps=[step.split("{url}") for step in provider.steps],
            told=found,
            words={**WORDS, **OTHER_WORDS},
            bounces=BOUNCES,
            health=_health(handles, provider, ago(found.last_at) if found.last_at else ""),
            failing=any(utcnow() - row["last_at"] < RECENT for row in found.failures),
            is_open=handles.settings.is_open(provider.slug),
            field=FIELDS.get(provider.slug, f"{provider.slug}_secret"),
            sends=handles.settings.sending_provider == provider.slug,
            headers=list(headers_for(provider.slug, "…")),
            enabled=handles.context.is_enabled(),
            results=steps,
        )

    return routes


def _named(slug: str) -> Provider:
    found = PROVIDERS.get(slug)
    if found is None:
        abort(404, f"There is no provider {slug[:40]!r}; the list has them all.")
    return found


def _health(handles: Handles, provider: Provider, last: str) -> tuple[str, str]:
    """State and words, as the pages show them."""
    if not handles.settings.is_open(provider.slug):
        return "off", "Closed: no secret is set"
    if not handles.context.is_enabled():
        return "off", "The module is off"
    return ("working", f"Last event {last}") if last else ("idle", "Open, no event so far")
