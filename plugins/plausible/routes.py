"""What mail clients call (pixel, click) and what agents ask (status).

Pixel and click answer in any case: with the module off, the database down, the event long gone.
"""

from __future__ import annotations

import structlog
from quart import Blueprint, Response, abort, current_app, request
from quart.blueprints import BlueprintSetupState
from quart.typing import ResponseReturnValue
from quart_schema import document_response
from werkzeug.routing import BaseConverter

from app.database import Database, utcnow
from app.services.web import open_to_all, request_address
from plugins.plausible.events import (
    CLICK,
    LONGEST_REFERRER,
    LONGEST_USER_AGENT,
    OPEN,
    Kind,
    TrackingEvent,
    clean_header,
    cut_address,
)
from plugins.plausible.links import PREFIX, is_allowed, is_tracking_id, location
from plugins.plausible.recorder import Recorder
from plugins.plausible.status import CopyStatus, copy_status
from plugins.plausible.tokens import Signer

log = structlog.get_logger(__name__)

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""One transparent pixel, 43 bytes."""
# A cached pixel hides every later open, so nothing may keep it, and nothing can be asked again (no ETag).
PIXEL_HEADERS = {
    "Cache-Control": "no-store, no-cache, max-age=0, private",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
CLICK_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
REFUSED_HEADERS = {**CLICK_HEADERS, "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'"}


class Anything(BaseConverter):
    """The whole rest of a path, slashes and line breaks too: a pixel has to answer under every name."""

    part_isolating = False
    regex = r"(?s:.*)"


def tracking_routes(recorder: Recorder, signer: Signer, database: Database) -> Blueprint:
    """The module's endpoints, the first two open to the world."""
    routes = Blueprint("plausible", __name__)

    @routes.record_once
    def allow_any_name(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["anything"] = Anything

    @routes.get(f"{PREFIX}pixel")
    @routes.get(f"{PREFIX}pixel/<anything:name>", strict_slashes=False, merge_slashes=False)
    @open_to_all
    async def pixel(name: str = "") -> ResponseReturnValue:
        """The same picture for every address; an open where the address is that of a tracked copy."""
        # Nobody reads a mail by HEAD.
        if request.method == "GET":
            await _record(recorder, OPEN, name.removesuffix(".gif"))
        return Response(GIF, content_type="image/gif", headers=PIXEL_HEADERS)

    @routes.get(f"{PREFIX}click")
    @open_to_all
    async def click() -> ResponseReturnValue:
        """Send the reader on where the signature holds; a page that leads nowhere otherwise."""
        tracking_id, url, signature = (_single(name) for name in ("tid", "url", "sig"))
        if not signer.verify(tracking_id, url, signature) or not is_allowed(url):
            return await _refused()
        if request.method == "GET":
            await _record(recorder, CLICK, tracking_id, url)
        headers = {**CLICK_HEADERS, "Location": location(url)}
        return Response(b"", status=302, content_type="text/plain; charset=utf-8", headers=headers)

    @routes.get(f"{PREFIX}status/<tracking_id>")
    @document_response(CopyStatus)
    async def read_tracking_status(tracking_id: str) -> ResponseReturnValue:
        """Tell what is known of one recipient's copy of a reply."""
        found = await copy_status(database, tracking_id) if is_tracking_id(tracking_id) else None
        if found is None:
            abort(404, "There is no reply with this tracking id.")
        return Response(found.model_dump_json(), mimetype="application/json")

    @routes.after_app_serving
    async def close() -> None:
        await recorder.close()

    return routes


def _single(name: str) -> str:
    """A parameter that stands there exactly once, else ''; of two, a proxy and we might each read another one."""
    values = request.args.getlist(name)
    return values[0] if len(values) == 1 else ""


async def _record(recorder: Recorder, kind: Kind, tracking_id: str, url: str | None = None) -> None:
    try:
        await recorder.record(
            TrackingEvent(
                kind=kind,
                tracking_id=tracking_id,
                occurred_at=utcnow(),
                url=url,
                user_agent=clean_header(request.headers.get("User-Agent"), LONGEST_USER_AGENT),
                ip_address=cut_address(request_address()),
                referrer=clean_header(request.headers.get("Referer"), LONGEST_REFERRER),
            )
        )
    except Exception:
        log.exception("event lost", kind=kind)


async def _refused() -> ResponseReturnValue:
    # Not by render_template: what the pages of the portal carry with them (cookie, form token) has no place here.
    page = await current_app.jinja_env.get_template("plausible/refused.html").render_async()
    return Response(page, status=400, content_type="text/html; charset=utf-8", headers=REFUSED_HEADERS)
