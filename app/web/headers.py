"""Response headers that every page carries."""

from __future__ import annotations

from quart import Quart, Response, request

from app.runtime import current
from app.web import page_scripts

CSP = (
    # `page_scripts.policy` puts the nonce of the answer in the place of the 'self' of scripts.
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; frame-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def install(app: Quart) -> None:
    """Add the headers to each response; a response that set one itself keeps it."""
    app.after_request(_harden)


async def _harden(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", page_scripts.policy(CSP))
        headers.setdefault("X-Frame-Options", "DENY")
        page_scripts.mark(response)
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    elif "v" not in request.args:
        # A script that another one imports by its path: only `static()` puts the version into an address.
        headers["Cache-Control"] = "no-cache"
    if current().settings.is_https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
