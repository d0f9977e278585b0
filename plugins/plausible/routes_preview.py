"""The page on which agents and admins see what would become of a mail. Nothing is stored, sent or recorded."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from quart import Blueprint, Response, render_template, request
from quart.typing import ResponseReturnValue

from app.hookspecs import PluginContext
from app.services.web import page_policy
from plugins.plausible.links import TRAP, Links
from plugins.plausible.preview import MOST_HTML, MOST_ROWS, Preview, preview
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.tokens import Signer

PATH = "/plausible/preview"
SAMPLE_URL = "https://portal.invalid"
"""Stands for the portal where PORTAL_URL is not set; RFC 2606 keeps the name free."""

# A srcdoc frame inherits the page's policy, and a mail without its inline styles is not what a customer sees. What the
# frame may do beyond that is cut down in its own document.
PAGE_CSP = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; frame-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def preview_routes(context: PluginContext, settings: Callable[[], PlausibleSettings]) -> Blueprint:
    """The page; for everybody who is logged in, with the module on or off."""
    routes = Blueprint("plausible_preview", __name__)
    portal_url = context.settings.portal_url
    # A key of its own: with the portal's, whoever pastes an address would get a link that leads there in our name.
    signer = Signer([secrets.token_hex(32)])
    links = Links(portal_url or SAMPLE_URL, signer, tracking_url=context.settings.tracking_url)

    @routes.get(PATH)
    async def show() -> ResponseReturnValue:
        """The empty form."""
        return await page()

    @routes.post(PATH)
    async def look() -> ResponseReturnValue:
        """The form with what would become of the pasted mail, or with what is wrong."""
        # Browsers send the line breaks of a textarea as CRLF, whatever was pasted.
        html = (await request.form).get("html", "").replace("\r\n", "\n")
        if not html.strip():
            return await page(error="Nothing was pasted. Paste the HTML source of a mail."), 422
        if len(html) > MOST_HTML:
            wrong = (
                f"{len(html):,} characters are too many, {MOST_HTML:,} are allowed. "
                "Paste a part of the mail, or leave out embedded images."
            )
            return await page(error=wrong), 422
        return await page(html, await asyncio.to_thread(preview, html, links=links, settings=settings()))

    async def page(html: str = "", found: Preview | None = None, *, error: str = "") -> Response:
        now = settings()
        text = await render_template(
            "plausible/preview.html",
            html=html,
            found=found,
            errors={"html": error} if error else {},
            enabled=context.is_enabled(),
            nothing_tracked=not (now.track_opens or now.track_clicks),
            has_address=portal_url is not None,
            most_html=MOST_HTML,
            most_rows=MOST_ROWS,
            trap=TRAP,
            trap_place="It stands right before the pixel." if now.track_opens else "It stands where the pixel would.",
        )
        return Response(text, headers={"Content-Security-Policy": page_policy(PAGE_CSP)} if found else None)

    return routes
