"""A server that answers the scripts as the portal does, and remembers what they asked."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvicorn
from quart import Quart, Response, request
from werkzeug.datastructures import FileStorage, MultiDict

from app.web.headers import CSP

STATIC = Path(__file__).parents[2] / "app" / "static"
TOKEN = "csrf-token-of-the-page"


def _png() -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\x2f\x6f\x4f")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


PNG = _png()
"""A picture of one pixel."""

EDITOR = """
<label for="text">Message</label>
<textarea id="text" name="body_text" data-editor data-html-name="body_html" data-upload-url="/tickets/1/images"
          placeholder="Write to Bob">{text}</textarea>
"""


@dataclass
class Upload:
    """One picture as it arrived."""

    filename: str
    content: bytes
    token: str


@dataclass
class Site:
    """What the pages look like, what the server answers next, and what it was asked."""

    url: str = ""
    body: str = ""
    body_attributes: str = ""
    uploads: list[Upload] = field(default_factory=list)
    upload_refusal: tuple[int, str] | None = None
    upload_waits: asyncio.Event | None = None
    drafts: list[MultiDict[str, str]] = field(default_factory=list)
    draft_tokens: list[str] = field(default_factory=list)
    draft_status: int = 204
    submissions: list[MultiDict[str, str]] = field(default_factory=list)
    attached: list[list[str]] = field(default_factory=list)
    submit_status: int = 303
    badges: dict[str, str] = field(default_factory=dict)
    badge_requests: list[str] = field(default_factory=list)
    badge_status: int = 200
    live_status: int = 200
    live_requests: list[str] = field(default_factory=list)
    listeners: list[asyncio.Queue[str | None]] = field(default_factory=list)
    poll_requests: list[str] = field(default_factory=list)
    poll_status: int = 200
    poll_events: list[dict[str, Any]] = field(default_factory=list)
    page_loads: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def told(self) -> None:
        """Wake whoever waits for something to have happened here."""
        async with self.news:
            self.news.notify_all()

    async def until(self, condition: Any) -> None:
        """Wait until `condition()` is true of what was asked; the test's own time-out ends a vain wait."""
        async with self.news:
            await self.news.wait_for(condition)

    def push(self, **data: Any) -> None:
        """Send a change to every open stream."""
        for listener in self.listeners:
            listener.put_nowait(f"event: change\ndata: {json.dumps(data)}\n\n")

    def hang_up(self) -> None:
        """End every open stream, as a proxy or a restart would."""
        for listener in self.listeners:
            listener.put_nowait(None)
        self.listeners.clear()

    def page(self) -> str:
        """The page every test looks at, with all scripts."""
        scripts = "".join(
            f'<script type="module" src="/static/{name}.js"></script>' for name in ("editor", "composer", "live")
        )
        styles = "".join(
            f'<link rel="stylesheet" href="/static/{name}.css">'
            for name in ("base", "components", "forms", "ticket", "editor")
        )
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ticket</title>'
            f'<meta name="csrf-token" content="{TOKEN}">'
            f"{styles}{scripts}</head>"
            f'<body {self.body_attributes}><header class="topbar">Portal</header><main>{self.body}</main></body></html>'
        )


def make_app(site: Site) -> Quart:
    """The server, answering as `site` says."""
    app = Quart(__name__, static_folder=str(STATIC), static_url_path="/static")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0
    app.config["MAX_CONTENT_LENGTH"] = 64_000_000

    @app.after_request
    async def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CSP
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.get("/tickets/<int:ticket_id>")
    async def show(ticket_id: int) -> str:
        site.page_loads += 1
        return site.page()

    @app.get("/favicon.ico")
    async def favicon() -> Response:
        return Response(PNG, mimetype="image/png")

    _writing(app, site)
    _live(app, site)
    return app


def _writing(app: Quart, site: Site) -> None:
    @app.post("/tickets/<int:ticket_id>/images")
    async def upload(ticket_id: int) -> tuple[dict[str, Any], int]:
        image = cast(FileStorage, (await request.files)["image"])
        site.uploads.append(Upload(image.filename or "", image.read(), request.headers.get("X-CSRF-Token", "")))
        await site.told()
        if site.upload_waits is not None:
            await site.upload_waits.wait()
        if site.upload_refusal is not None:
            status, words = site.upload_refusal
            return {"error": words}, status
        number = 10 + len(site.uploads)
        return {"id": number, "url": f"/attachments/{number}/inline"}, 201

    @app.get("/attachments/<int:number>/inline")
    async def inline(number: int) -> Response:
        return Response(PNG, mimetype="image/png")

    @app.post("/tickets/<int:ticket_id>/draft")
    async def draft(ticket_id: int) -> Response:
        site.drafts.append(await request.form)
        site.draft_tokens.append(request.headers.get("X-CSRF-Token", ""))
        await site.told()
        return Response(status=site.draft_status)

    @app.post("/tickets/<int:ticket_id>/replies")
    async def send(ticket_id: int) -> Response:
        site.submissions.append(await request.form)
        files = (await request.files).getlist("attachments")
        site.attached.append([file.filename for file in files if file.filename])
        await site.told()
        return Response(status=site.submit_status, headers={"Location": f"/tickets/{ticket_id}#reply-7"})


def _live(app: Quart, site: Site) -> None:
    @app.get("/live")
    async def live() -> Response:
        site.live_requests.append(request.query_string.decode())
        queue: asyncio.Queue[str | None] = asyncio.Queue()

        async def events() -> AsyncIterator[str]:
            yield ": hello\n\n"
            while (event := await queue.get()) is not None:
                yield event

        if site.live_status != 200:
            await site.told()
            return Response(status=site.live_status)
        site.listeners.append(queue)
        await site.told()
        response = Response(events(), mimetype="text/event-stream")
        response.timeout = None
        return response

    @app.get("/live/poll")
    async def poll() -> Response:
        site.poll_requests.append(request.query_string.decode())
        events, site.poll_events = site.poll_events, []
        await site.told()
        answer = {"cursor": f"c{len(site.poll_requests)}", "events": events}
        return Response(json.dumps(answer), status=site.poll_status, mimetype="application/json")

    @app.get("/tickets/<int:ticket_id>/replies/<int:reply_id>/badge")
    async def badge(ticket_id: int, reply_id: int) -> Response:
        site.badge_requests.append(f"reply {reply_id}")
        await site.told()
        return Response(site.badges[f"reply {reply_id}"], status=site.badge_status, mimetype="text/html")

    @app.get("/tickets/<int:ticket_id>/badge")
    async def ticket_badge(ticket_id: int) -> Response:
        site.badge_requests.append(f"ticket {ticket_id}")
        await site.told()
        return Response(site.badges[f"ticket {ticket_id}"], status=site.badge_status, mimetype="text/html")


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The test run keeps its own."""


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[Site]:
    """Serve `site` on a free port of loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    site.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(make_app(site), log_level="error", lifespan="off", timeout_graceful_shutdown=2, ws="none")
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield site
    finally:
        site.hang_up()
        server.should_exit = True
        await task
        listener.close()
