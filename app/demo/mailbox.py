"""A mail server and a mail client on loopback: shows mails as a client would, and answers as the customer."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from pathlib import Path
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from quart import Quart, Response, abort, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app import ROOT
from app.demo.customer import Customer
from app.demo.store import MailStore
from app.runtime import Runtime
from app.server import claim_port
from app.server.worker import serve
from app.services import tickets
from app.settings import LOOPBACK_HOSTS
from app.web.formats import FILTERS
from app.web.pages import static

log = structlog.get_logger(__name__)

LIMIT = 40_000_000
FRAME_CSP = "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; font-src *"
CID = re.compile(r"(\bsrc\s*=\s*[\"']?)cid:([^\"'\s>]+)", re.IGNORECASE)
_HEAD = '<base target="_blank"><meta name="referrer" content="no-referrer">'


class Handler:
    """Takes every mail for every recipient."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one copy per recipient of the envelope."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        for recipient in envelope.rcpt_tos:
            await asyncio.to_thread(self._store.add, recipient, content)
        return "250 Kept in the demo mailbox"


def create_mailbox(runtime: Runtime, store: MailStore, customer: Customer | None = None) -> Quart:
    """The mail client's pages.

    customer: who asks the portal for images and links; made from PORTAL_URL where it is None.
    """
    customer = customer or Customer(runtime.settings.portal_url or "http://127.0.0.1")
    app = Quart(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "app" / "static"))
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["static"] = static
    # One for the process is enough: there are no sessions, and no other site can read our pages to learn it.
    token = secrets.token_urlsafe(32)

    @app.before_request
    async def only_loopback() -> None:
        # A page elsewhere could otherwise reach us under a name of its own that points here (DNS rebinding).
        if request.host.rsplit(":", 1)[0].strip("[]") not in LOOPBACK_HOSTS:
            abort(400)

    @app.after_request
    async def harden(response: Response) -> Response:
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' data:; frame-src 'self'; object-src 'none'; base-uri 'none'",
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/")
    async def inbox() -> ResponseReturnValue:
        mails = await asyncio.to_thread(store.list)
        return await render_template("demo/inbox.html", mails=mails, portal_url=runtime.settings.portal_url)

    @app.get("/mail/<mail_id>")
    async def show(mail_id: str) -> ResponseReturnValue:
        mail = store.get(mail_id) or abort(404)
        return await render_template(
            "demo/mail.html",
            mail=mail,
            has_html=mail.body("html") is not None,
            text=mail.body("plain") or "",
            is_young=mail.seconds_too_young() > 0,
            view=request.args.get("view", "html"),
            source=store.source(mail_id),
            sent=request.args.get("sent"),
            problem=request.args.get("problem"),
            portal_url=runtime.settings.portal_url,
            csrf_token=token,
        )

    @app.get("/mail/<mail_id>/body")
    async def body(mail_id: str) -> ResponseReturnValue:
        mail = store.get(mail_id) or abort(404)
        html = CID.sub(lambda found: f"{found[1]}/mail/{mail_id}/part/{found[2]}", mail.body("html") or "")
        html = customer.through_mailbox(html, f"/mail/{mail_id}")
        return Response(
            _HEAD + html, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": FRAME_CSP}
        )

    @app.get("/mail/<mail_id>/part/<content_id>")
    async def part(mail_id: str, content_id: str) -> ResponseReturnValue:
        mail = store.get(mail_id) or abort(404)
        kind, content = mail.part(content_id) or abort(404)
        if not kind.startswith("image/") or kind == "image/svg+xml":
            abort(404)
        return Response(content, content_type=kind)

    @app.get("/mail/<mail_id>/image")
    async def image(mail_id: str) -> ResponseReturnValue:
        mail = store.get(mail_id) or abort(404)
        await asyncio.sleep(mail.seconds_too_young())
        found = await customer.image(request.args.get("url", ""))
        if found is None:
            abort(404)
        return Response(found[1], content_type=found[0])

    @app.get("/mail/<mail_id>/follow")
    async def follow(mail_id: str) -> ResponseReturnValue:
        if store.get(mail_id) is None:
            abort(404)
        target = await customer.follow(request.args.get("url", ""))
        if target is None:
            abort(502, "The portal does not answer; is it still running?")
        return redirect(target)

    @app.post("/mail/<mail_id>/reply")
    async def reply(mail_id: str) -> ResponseReturnValue:
        form = await request.form
        # Not by Origin: a sandboxed frame on any site sends "null", and so may our own form.
        if not hmac.compare_digest(form.get("csrf_token", "").encode(), token.encode()):
            abort(
                403, "The form is out of date or did not come from this mailbox. Go back, reload the page, try again."
            )
        mail = store.get(mail_id) or abort(404)
        text = form.get("text", "").strip()
        if not text:
            return redirect(url_for("show", mail_id=mail_id, problem="Write something first."), 303)
        message_id = str(mail.message.get("Message-ID", "")).strip()
        try:
            await tickets.answer_by_mail(email=mail.recipient, in_reply_to=message_id, text_body=text)
        except ValueError as error:
            return redirect(url_for("show", mail_id=mail_id, problem=str(error)), 303)
        return redirect(url_for("show", mail_id=mail_id, sent="1"), 303)

    inner: Any = app.asgi_app

    async def with_runtime(scope: Any, receive: Any, send: Any) -> None:
        with runtime.entered():
            await inner(scope, receive, send)

    app.asgi_app = with_runtime  # type: ignore[method-assign]
    return app


async def run(runtime: Runtime, *, smtp_port: int, port: int) -> None:
    """Serve mail and pages on loopback until SIGINT or SIGTERM."""
    store = MailStore(Path(runtime.settings.var_dir) / "mailbox")
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(Handler(store), hostname="mailbox.demo", data_size_limit=LIMIT, enable_SMTPUTF8=True, loop=loop),
        sock=claim_port("127.0.0.1", smtp_port, option="--smtp-port"),
    )
    try:
        await serve(create_mailbox(runtime, store), claim_port("127.0.0.1", port, option="--mailbox-port"))
    finally:
        smtp.close()
        await smtp.wait_closed()
