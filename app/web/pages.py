"""What every template finds: the user, the left rail, the CSRF token, addresses of static files."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from quart import Quart, Response, g, request

from app.hookspecs import NavItem
from app.notifications import rules as notification_rules
from app.notifications import service as notifications
from app.runtime import current
from app.web import nonce
from app.web.access import csrf_token, visitor_cookie
from app.web.formats import FILTERS

STATIC = Path(__file__).resolve().parent.parent / "static"


def install(app: Quart) -> None:
    """Give `app` the filters and the context."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["static"] = static
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    nonce.install(app)
    app.context_processor(_context)
    app.after_request(_keep_visitor)


@cache
def static(path: str) -> str:
    """The address of a file in app/static, with a piece of its hash so that browsers may keep it for ever."""
    content = (STATIC / path).read_bytes()
    return f"/static/{path}?v={hashlib.sha256(content).hexdigest()[:12]}"


async def _context() -> dict[str, Any]:
    user = g.get("user")
    return {
        "user": user,
        "csrf_token": _form_token(),
        "nav_items": await _navigation() if user else [],
        "unseen_notifications": _unseen,
    }


async def _unseen() -> str:
    """The count on the bell, '' for none; asked for by the shell alone: pieces of pages have no bell."""
    count = await notifications.unseen(g.user)
    return notification_rules.shown(count) if count else ""


def _form_token() -> str:
    if not g.get("csrf_source") and g.get("user") is None:
        g.new_visitor = g.csrf_source = secrets.token_urlsafe(24)
    return csrf_token()


async def _keep_visitor(response: Response) -> Response:
    fresh = g.get("new_visitor")
    if fresh and response.mimetype == "text/html":
        settings = current().settings
        response.set_cookie(
            visitor_cookie(settings), fresh, httponly=True, secure=settings.is_https, samesite="Lax", path="/"
        )
    return response


async def _navigation() -> list[dict[str, Any]]:
    entries = [
        NavItem("Tickets", "/tickets", "inbox"),
        NavItem("Contacts", "/contacts", "contacts"),
        NavItem("Dashboard", "/dashboard", "chart"),
        NavItem("Reports", "/reports", "list"),
        *await current().plugins.navigation(),
        NavItem("Admin", "/admin", "settings", admin_only=True),
    ]
    return [
        {"label": item.label, "href": item.href, "icon": item.icon, "active": _is_here(item), "count": None}
        for item in entries
        if (not item.admin_only or g.user.is_admin) and not (item.unlimited_only and g.user.is_limited)
    ]


def _is_here(item: NavItem) -> bool:
    return request.path == item.href or request.path.startswith((f"{item.href}/", *item.covers))
