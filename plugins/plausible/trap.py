"""The page behind the hidden link: harmless, for the scanners that follow it and for whoever finds it."""

from __future__ import annotations

from quart import Blueprint, Response
from quart.typing import ResponseReturnValue
from quart_schema import hide

from app.services.web import open_to_all
from plugins.plausible.links import TRAP
from plugins.plausible.lone_page import LonePage

HEADERS = {
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'",
}


def trap_routes() -> Blueprint:
    """The page; for everybody, with the module on or off: mails last."""
    routes = Blueprint("plausible_trap", __name__)
    page = LonePage("plausible/nothing_here.html")
    routes.record_once(lambda state: page.take_from(state.app.jinja_env))

    @routes.get(TRAP)
    @open_to_all
    @hide
    async def nothing_here() -> ResponseReturnValue:
        """Say what the link is."""
        return Response(await page(), headers=HEADERS, content_type="text/html; charset=utf-8")

    return routes
