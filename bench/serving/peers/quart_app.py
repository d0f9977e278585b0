"""The usual way in Quart, for an ASGI server: `app`."""

from __future__ import annotations

from quart import Quart, Response, redirect, request
from quart.typing import ResponseReturnValue

from bench.serving.peers import writes
from bench.serving.peers.usual import Pool

app = Quart(__name__)
pool = Pool()
signer = writes.signer()
app.before_serving(pool.open)
app.after_serving(pool.close)


@app.get("/api/email-tracking/pixel/<name>")
async def pixel(name: str) -> ResponseReturnValue:
    """Store an open, answer with the picture."""
    await store("open", name.removesuffix(".gif"), None)
    return Response(writes.GIF, mimetype="image/gif", headers=writes.HEADERS)


@app.get("/api/email-tracking/click")
async def click() -> ResponseReturnValue:
    """Store a click, send the reader on."""
    tracking_id, url = request.args["tid"], request.args["url"]
    if not signer.verify(tracking_id, url, request.args["sig"]):
        return "", 400
    await store("click", tracking_id, url)
    return redirect(url)


async def store(kind: str, tracking_id: str, url: str | None) -> None:
    """Write one hit with what the request tells."""
    headers = request.headers
    await pool.store(
        kind, tracking_id, url, headers.get("User-Agent"), headers.get("X-Forwarded-For"), headers.get("Referer")
    )
