"""Pages for strangers who come by a link in a mail: no login, no cookie, nothing kept by caches or search engines."""

from __future__ import annotations

from typing import Any

from quart import Response, current_app


async def lone_page(template: str, code: int = 200, **context: Any) -> Response:
    """A page from a template that extends lone.html, private as `private` makes it."""
    # Not by render_template: what the pages of the portal carry with them (cookie, form token) has no place here.
    page = await current_app.jinja_env.get_template(template).render_async(**context)
    return private(Response(page, code, mimetype="text/html"))


def private(response: Response) -> Response:
    """The answer with what keeps its address, which opens something, from going further."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response


def masked(email: str) -> str:
    """Enough of an address to know one's own by, should the link have been passed on."""
    name, _, domain = email.rpartition("@")
    return f"{name[:2]}…@{domain}" if len(name) > 3 else f"{name[:1]}…@{domain}"
