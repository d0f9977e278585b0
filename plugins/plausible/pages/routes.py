"""Our own script for all, and, where the admin wants it, Plausible's script and its events by way of the portal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from quart import Blueprint, Response, abort, request
from quart.typing import ResponseReturnValue
from quart_schema import hide

from app.crypto import derive
from app.database import utcnow
from app.services.web import all_pages, open_to_all, opted_out, request_address
from plugins.plausible.handles import Handles
from plugins.plausible.pages import metrics, rules
from plugins.plausible.pages.forwarder import Forwarder
from plugins.plausible.pages.script_copy import ScriptCopy
from plugins.plausible.recording.limits import Limit
from plugins.plausible.settings import PlausibleSettings

MOST_PER_ADDRESS = 600
"""Events a minute; an office of agents has one address."""
SCRIPT_KIND = "text/javascript; charset=utf-8"


@cache
def setup_script() -> bytes:
    """Our own script."""
    return (Path(__file__).parent / "setup.js").read_bytes()


@cache
def setup_version() -> str:
    """What tells its content from another one's."""
    return hashlib.sha256(setup_script()).hexdigest()[:12]


def page_routes(handles: Handles, *, now: Callable[[], datetime] = utcnow) -> Blueprint:
    """The three addresses; open to all, as the pages are."""
    routes = Blueprint("plausible_pages", __name__)
    copy, forwarder = ScriptCopy(), Forwarder()
    limit = Limit(MOST_PER_ADDRESS)
    key = derive(handles.context.settings.key, "plausible-page-visitors")

    @routes.before_app_serving
    async def start() -> None:
        forwarder.start()

    @routes.after_app_serving
    async def close() -> None:
        await copy.close()
        await forwarder.close()

    def settings_if_proxied() -> PlausibleSettings:
        settings = handles.settings
        if not (settings.passes_visits and settings.site_domain and handles.context.is_enabled()):
            abort(404)
        return settings

    @routes.get(rules.SETUP)
    @open_to_all
    @hide
    async def setup() -> ResponseReturnValue:
        """Give our own script."""
        may_keep = request.args.get("v") == setup_version()
        keep = "public, max-age=31536000, immutable" if may_keep else "no-cache"
        return Response(setup_script(), headers={"Cache-Control": keep}, content_type=SCRIPT_KIND)

    @routes.get(rules.SCRIPT)
    @open_to_all
    @hide
    async def script() -> ResponseReturnValue:
        """Give Plausible's script."""
        settings = settings_if_proxied()
        found = await copy.get(f"{settings.base_url}/js/{settings.page_script}")
        if found is None:
            return Response("", 503, {"Retry-After": "60", "Cache-Control": "no-store"}, content_type=SCRIPT_KIND)
        response = Response(found.body, headers={"Cache-Control": "public, max-age=3600"}, content_type=SCRIPT_KIND)
        response.set_etag(found.etag)
        return await response.make_conditional(request)

    @routes.post(rules.EVENT)
    @open_to_all
    @hide
    async def take_event() -> ResponseReturnValue:
        """Take an event to be passed on, at once."""
        settings = settings_if_proxied()
        if limit.over(request_address()):
            metrics.count("limited")
            abort(429, "Too many events from one address; wait a minute.")
        if opted_out():
            metrics.count("opted_out")
            return _taken()
        body = await _body()
        try:
            event = rules.read_event(
                body,
                site=settings.site_domain,
                origin=rules.origin_of(handles.context.settings.portal_url, settings),
                paths={page.path for page in pages() if rules.carries(page, settings)},
            )
        except rules.BadEvent as error:
            metrics.count("refused")
            abort(400, f"The event cannot be passed on: {error}.")
        today = now().astimezone(ZoneInfo(settings.site_timezone)).date()
        visitor = rules.Visitor(request_address(), request.headers.get("User-Agent", ""))
        headers = rules.visitor_headers(visitor, settings, key=key, today=today)
        forwarder.take(f"{settings.base_url}{rules.EVENT}", event, headers)
        return _taken()

    # Routes are all there before the first request.
    pages = cache(all_pages)
    return routes


def _taken() -> Response:
    return Response("ok", 202, content_type="text/plain; charset=utf-8")


async def _body() -> bytes:
    """The request's body. Refuses what no browser on one of our pages sends."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        metrics.count("refused")
        abort(403, "Only pages of this portal may send events here.")
    if request.mimetype not in {"text/plain", "application/json"}:
        metrics.count("refused")
        abort(415, "An event must be application/json or text/plain.")
    body = bytearray()
    async for piece in request.body:
        body += piece
        if len(body) > rules.LONGEST_BODY:
            metrics.count("refused")
            abort(413, f"An event has at most {rules.LONGEST_BODY:,} bytes.")
    return bytes(body)
