"""Hand due copies to the mail server, each once.

A copy is claimed (committed), prepared by the modules, and noted as *sending* (committed) right before DATA. Whoever
dies between that and the server's answer leaves a copy of which nobody can know whether it arrived (RFC 1047): it
becomes *unknown*, is shown as such, and is never sent again by itself.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pymysql
import structlog

from app.database import Connection, DatabaseUnavailable, utcnow
from app.email import building, repository
from app.email import queue_repository as queue
from app.email.errors import EmailRefused
from app.email.models import DueCopy, StoredMail
from app.email.smtp import Outcome, SmtpSettings, SmtpTransport
from app.hookspecs import DeliveryReport
from app.receipts import service as receipts
from app.runtime import Runtime, current
from app.settings import Settings

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=3)
"""For claimed copies: how long those of a process that died wait for another. One that is slower tries in vain."""
SENDING_LEASE = timedelta(minutes=20)
"""From DATA on, longer than a mail server may take: after it nobody can know whether the mail arrived."""
BACKOFF = (10, 60, 300, 900, 1800, 3600, 7200, 14400)
"""Seconds after the first, second, ... failed try; the last one repeats."""
GIVE_UP = timedelta(days=2)
LANES = 4
"""Connections to the mail server at once, per process."""
OTHERS = 20.0
"""Seconds for which `deliver_now` waits for copies that a worker happened to take first."""
NO_SERVER_PAUSE = 60
"""Seconds between looks while no mail server is configured."""
INTERRUPTED = "The process that sent it ended in between; whether it arrived is not known."


class LeaseLost(Exception):
    """Our claim on a copy ran out before DATA; somebody else has it."""


def new_owner() -> str:
    """A name for this process in lease columns."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(6)}"


async def claim(runtime: Runtime, *, owner: str, limit: int, mail_id: int | None = None) -> list[DueCopy]:
    """Take due copies for this process, committed."""
    return await runtime.database.run(
        lambda conn: queue.claim(conn, owner=owner, lease=LEASE, limit=limit, mail_id=mail_id)
    )


async def deliver(
    runtime: Runtime, transport: SmtpTransport | None, mail: StoredMail, copy: DueCopy, owner: str
) -> None:
    """Try one claimed copy and store how it ended.

    transport: None where no mail server is configured. Raises DatabaseUnavailable only before anything was sent.
    """
    if transport is None:
        outcome = Outcome("temporary", None, "SMTP_HOST is not set: the mail waits until a mail server is configured.")
        await _settle(runtime, copy, owner, outcome, pause=NO_SERVER_PAUSE)
        return
    try:
        built = await building.prepare(runtime, mail, copy)
    except EmailRefused as error:
        await _settle(runtime, copy, owner, Outcome("permanent", None, str(error)))
        return
    except DatabaseUnavailable:
        raise
    except Exception as error:
        # A fault of ours, perhaps mended by the next release: the mail waits, and the others go on.
        log.exception("a mail could not be built", mail=mail.id, copy=copy.id)
        words = f"The mail could not be built ({type(error).__name__}); see the log of the worker."
        await _settle(runtime, copy, owner, Outcome("temporary", None, words))
        return

    async def before_data() -> None:
        async def work(conn: Connection) -> bool:
            return await queue.mark_sending(
                conn,
                copy_id=copy.id,
                owner=owner,
                reports=",".join(sorted(built.reports)),
                untracked_words=built.untracked_words,
                notes=built.notes,
                lease=SENDING_LEASE,
            )

        if not await runtime.database.run(work):
            raise LeaseLost(f"copy {copy.id} was claimed by somebody else")

    try:
        sender = built.envelope_sender or mail.sender.email
        outcome = await transport.deliver(sender, copy.email, built.data, before_data)
    except LeaseLost:
        log.warning("a copy was left to another process", copy=copy.id)
        return
    await _settle(runtime, copy, owner, outcome, sensitive=mail.sensitive)


async def _settle(
    runtime: Runtime,
    copy: DueCopy,
    owner: str,
    outcome: Outcome,
    *,
    pause: float | None = None,
    sensitive: bool = False,
) -> None:
    """Store an outcome, however long the database takes: it is the only one who knows that the mail went out."""
    state, wait = _next(copy, outcome, pause)
    delay, badge, said = 0.2, True, False

    async def work(conn: Connection) -> bool:
        if sensitive:
            # Two copies settled at once would each see the other as not sent yet, and the body would stay.
            await repository.lock_mail(conn, copy.mail_id)
        stored = await queue.settle(
            conn,
            copy_id=copy.id,
            owner=owner,
            state=state,
            code=outcome.code,
            text=outcome.text,
            wait=wait,
            counts=pause is None,
        )
        if stored and sensitive and state == "sent":
            await repository.forget_sensitive(conn, copy.mail_id)
        if stored and badge and copy.reply_id is not None:
            await receipts.refresh(conn, copy.reply_id)
        return stored

    while True:
        try:
            stored = await runtime.database.run(work)
            break
        except (DatabaseUnavailable, pymysql.err.OperationalError) as error:
            if not said:
                log.error(
                    "the outcome of a mail is not stored yet", copy=copy.id, outcome=outcome.kind, error=str(error)
                )
            said = True
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5)
        except Exception:
            # What is known of a mail must not be lost to a fault in how it is shown.
            if not badge:
                raise
            log.exception("the badge of a reply could not be refreshed", copy=copy.id)
            badge = False
    if said:
        log.info("the outcome of a mail is stored now", copy=copy.id, outcome=outcome.kind)
    if not stored:
        log.error("a copy was decided about elsewhere", copy=copy.id, outcome=outcome.kind, text=outcome.text)
        return
    await _tell(runtime, copy, state, outcome.text)


async def _tell(runtime: Runtime, copy: DueCopy, state: str, text: str) -> None:
    """Tell the modules how a copy ended."""
    report = DeliveryReport(
        mail_id=copy.mail_id,
        reply_id=copy.reply_id,
        recipient=copy.recipient,
        happened_at=utcnow(),
        state=state,
        detail=text,
        mailing=copy.mailing,
    )
    if state == "sent":
        await runtime.plugins.email_sent(report)
    elif state in {"failed", "unknown"}:
        await runtime.plugins.email_failed(report)


def _next(copy: DueCopy, outcome: Outcome, pause: float | None) -> tuple[str, float]:
    """The copy's next state, and in how many seconds it is due again."""
    if outcome.kind == "accepted":
        return "sent", 0
    if outcome.kind in {"permanent", "unknown"}:
        return ("failed" if outcome.kind == "permanent" else "unknown"), 0
    if pause is not None:
        return "retry", pause
    if utcnow() - copy.created_at > GIVE_UP:
        return "failed", 0
    base = BACKOFF[min(copy.attempts, len(BACKOFF)) - 1]
    return "retry", base * random.uniform(0.75, 1.25)  # noqa: S311


@asynccontextmanager
async def open_transport(runtime: Runtime) -> AsyncIterator[SmtpTransport | None]:
    """A connection to the mail server, opened when first used; None where none is configured."""
    settings = smtp_settings(runtime.settings)
    if settings is None:
        yield None
        return
    async with SmtpTransport(settings) as transport:
        yield transport


def smtp_settings(settings: Settings) -> SmtpSettings | None:
    """How to reach the mail server, from the environment; None where SMTP_HOST is not set."""
    if settings.smtp_host is None:
        return None
    return SmtpSettings(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        tls=settings.smtp_tls,
    )


async def deliver_now(mail_id: int) -> None:
    """Deliver what is due of one mail in this process; what fails for now stays for the worker.

    Copies are claimed one by one, so that a worker may help, and takes over at once should this process end. What
    another process is sending is waited for, up to OTHERS seconds.
    """
    runtime = current()
    owner = new_owner()
    end = asyncio.get_running_loop().time() + OTHERS
    while True:
        await _deliver_due(runtime, mail_id, owner)
        async with runtime.database.connection() as conn:
            if not await queue.in_progress(conn, mail_id) or asyncio.get_running_loop().time() > end:
                return
        await asyncio.sleep(0.1)


async def _deliver_due(runtime: Runtime, mail_id: int, owner: str) -> None:
    async def lane() -> None:
        mail: StoredMail | None = None
        async with open_transport(runtime) as transport:
            while copies := await claim(runtime, owner=owner, limit=1, mail_id=mail_id):
                mail = mail or await building.load(runtime, mail_id)
                await deliver(runtime, transport, mail, copies[0], owner)

    # A lane that fails does not cut off another in the middle of a mail.
    for end in await asyncio.gather(*(lane() for _ in range(LANES)), return_exceptions=True):
        if isinstance(end, BaseException):
            raise end


async def reap(runtime: Runtime) -> int:
    """Bring copies whose lease ran out to where they belong; how many there were."""

    async def work(conn: Connection) -> list[tuple[DueCopy, str]]:
        overdue = await queue.overdue(conn)
        for copy, state in overdue:
            after, text = ("unknown", INTERRUPTED) if state == "sending" else ("queued", "")
            await queue.reclaim(conn, copy_id=copy.id, state=after, text=text)
        for reply_id in sorted({copy.reply_id for copy, _ in overdue if copy.reply_id is not None}):
            await receipts.refresh(conn, reply_id)
        return overdue

    overdue = await runtime.database.run(work)
    for copy, state in overdue:
        if state == "sending":
            await _tell(runtime, copy, "unknown", INTERRUPTED)
    return len(overdue)
