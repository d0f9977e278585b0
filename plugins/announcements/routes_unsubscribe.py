"""/announcements/unsubscribe/…: no more announcements, without a login, also while the module is off.

Mail scanners follow links, and some press buttons: looking changes nothing. A mail program that unsubscribes by one
click posts `List-Unsubscribe=One-Click` (RFC 8058) to the same address; the page's own form carries what it gave.
"""

from __future__ import annotations

import hmac

import structlog
from quart import Blueprint, Response, redirect, request
from quart.typing import ResponseReturnValue

from app.database import DatabaseUnavailable
from app.services.web import lone_page, masked, open_to_all, private
from plugins.announcements import unsubscribe
from plugins.announcements.handles import UNSUBSCRIBE, Handles

TEST = "test"
log = structlog.get_logger(__name__)


def unsubscribe_routes(handles: Handles) -> Blueprint:
    """For everybody who has a link."""
    routes = Blueprint("announcements_unsubscribe", __name__)

    @routes.get(f"{UNSUBSCRIBE}/<token>")
    @open_to_all
    async def show(token: str) -> ResponseReturnValue:
        """Say what it is about, with one button."""
        return await page(token)

    @routes.post(f"{UNSUBSCRIBE}/<token>")
    @open_to_all
    async def decide(token: str) -> ResponseReturnValue:
        """Keep what the recipient decided."""
        if token == TEST:
            return await page(token)
        row_id = handles.links.read(token)
        if row_id is None:
            return await lone_page("announcements/unknown.html", 404)
        form = await request.form
        is_one_click = form.get("List-Unsubscribe") == "One-Click"
        decision = "unsubscribe" if is_one_click else form.get("decision", "")
        from_page = hmac.compare_digest(handles.forms.token(row_id).encode(), form.get("form", "").encode())
        if decision not in {"unsubscribe", "subscribe"} or not (is_one_click or from_page):
            return await page(token, wrong=True)
        source = "one-click" if is_one_click else "page"
        try:
            found = await unsubscribe.change(handles.database, row_id, wants=decision == "subscribe", source=source)
        except DatabaseUnavailable as error:
            return await away(error)
        if found is None:
            return await lone_page("announcements/unknown.html", 404)
        if is_one_click:
            return private(Response("Unsubscribed.\n", 200, mimetype="text/plain"))
        response = redirect(request.path, 303)
        return private(response) if isinstance(response, Response) else response

    async def page(token: str, *, wrong: bool = False) -> Response:
        if token == TEST:
            return await lone_page("announcements/test_link.html")
        row_id = handles.links.read(token)
        if row_id is None:
            return await lone_page("announcements/unknown.html", 404)
        try:
            found = await unsubscribe.reader(handles.database, row_id)
        except DatabaseUnavailable as error:
            return await away(error)
        if found is None:
            return await lone_page("announcements/unknown.html", 404)
        return await lone_page(
            "announcements/unsubscribe.html",
            400 if wrong else 200,
            email=masked(found.email),
            is_out=found.is_unsubscribed,
            form=handles.forms.token(row_id),
            wrong=wrong,
        )

    async def away(error: DatabaseUnavailable) -> Response:
        log.error("database unavailable", endpoint=request.endpoint, error=str(error))
        response = await lone_page("announcements/away.html", 503)
        response.headers["Retry-After"] = "60"
        return response

    return routes
