"""The usual way in FastAPI, for an ASGI server: `app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from bench.serving.peers import writes
from bench.serving.peers.usual import Pool

pool = Pool()
signer = writes.signer()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """The pool lives as long as the server."""
    await pool.open()
    yield
    await pool.close()


async def pixel(name: str, request: Request) -> Response:
    """Store an open, answer with the picture."""
    await store(request, "open", name.removesuffix(".gif"), None)
    return Response(writes.GIF, media_type="image/gif", headers=writes.HEADERS)


async def click(tid: str, url: str, sig: str, request: Request) -> Response:
    """Store a click, send the reader on."""
    if not signer.verify(tid, url, sig):
        return Response(status_code=400)
    await store(request, "click", tid, url)
    return RedirectResponse(url, status_code=302)


async def store(request: Request, kind: str, tracking_id: str, url: str | None) -> None:
    """Write one hit with what the request tells."""
    headers = request.headers
    await pool.store(
        kind, tracking_id, url, headers.get("user-agent"), headers.get("x-forwarded-for"), headers.get("referer")
    )


app = FastAPI(lifespan=lifespan)
app.add_api_route("/api/email-tracking/pixel/{name}", pixel)
app.add_api_route("/api/email-tracking/click", click)
