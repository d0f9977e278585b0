"""The worker's part: claims stored mails, reads each off the event loop, settles it. One never stops the next."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pymysql
import structlog

from app.database import Connection, DatabaseUnavailable
from app.inbound import offering, parsing, repository, store, ticketing
from app.inbound.errors import Unreadable
from app.inbound.models import DueMail, ParsedMail
from app.runtime import Runtime
from app.tickets.errors import TicketRefused

log = structlog.get_logger(__name__)

INTERVAL = 1.0
"""Seconds between looks for new mail."""
BATCH = 10
LEASE = timedelta(minutes=5)
DEADLINE = 60.0
"""Seconds that reading one mail may take; the caps keep it far below."""
TRIES = 5
"""How often a mail is tried whose reading ends in a fault of ours, or ends the worker."""
PAUSE = 30.0

_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="inbound")


async def run_due(runtime: Runtime, *, stop: asyncio.Event | None = None) -> int:
    """Read mails until none is due, or `stop` is set; how many."""
    owner = secrets.token_hex(16)
    count = 0
    while not (stop and stop.is_set()):
        claimed = await runtime.database.run(lambda conn: repository.claim(conn, owner=owner, lease=LEASE, limit=BATCH))
        if not claimed:
            break
        for position, due in enumerate(claimed):
            try:
                await _process(runtime, due, owner)
            except DatabaseUnavailable:
                raise
            except Exception as error:
                await _failed(runtime, due, owner, error)
            count += 1
            if stop and stop.is_set():
                for left in claimed[position + 1 :]:
                    await _put_back(runtime, left, owner, seconds=0, counts=False)
                break
    return count


async def _process(runtime: Runtime, due: DueMail, owner: str) -> None:
    if due.attempts > TRIES:
        reason = f"The worker ended {TRIES} times while it read this mail."
        await _quarantine(runtime, due, owner, reason, b"")
        return
    raw = await store.load(runtime, due.id)
    try:
        mail = await read(raw, trusted_hosts=runtime.settings.inbound_trusted_hosts)
        taken = await offering.offer(runtime, due, mail, raw)
        if taken is not None:
            await ticketing.note_taken(runtime, due, mail, taken, owner=owner)
            return
        await ticketing.take(runtime, due, mail, owner=owner)
    except (Unreadable, TicketRefused) as error:
        await _quarantine(runtime, due, owner, str(error), raw)


async def read(raw: bytes, *, trusted_hosts: list[str], deadline: float = DEADLINE) -> ParsedMail:
    """Read a mail in a thread. Raises Unreadable with the reason, also where it takes more than `deadline` seconds."""
    work = partial(parsing.parse, raw, trusted_hosts=trusted_hosts)
    future = asyncio.get_running_loop().run_in_executor(_THREADS, work)
    try:
        return await asyncio.wait_for(future, deadline)
    except TimeoutError:
        raise Unreadable(f"Reading the mail took longer than {deadline:g} s.") from None


async def _quarantine(runtime: Runtime, due: DueMail, owner: str, reason: str, raw: bytes) -> None:
    sender, subject = await asyncio.to_thread(parsing.glimpse, raw)

    async def work(conn: Connection) -> None:
        if await repository.lock_claimed(conn, due.id, owner):
            await repository.finish(
                conn, due.id, state="quarantined", reason=reason[:500], sender=sender[:320], subject=subject[:500]
            )

    await runtime.database.run(work)
    log.warning("a mail is in quarantine", mail=due.id, reason=reason)


async def _failed(runtime: Runtime, due: DueMail, owner: str, error: Exception) -> None:
    """A fault of ours: the mail is tried again later, and held after some tries."""
    # Two ways of the same mail at once: the next try finds the first.
    is_race = isinstance(error, pymysql.err.IntegrityError)
    log.error("a mail could not be processed", mail=due.id, attempt=due.attempts, exc_info=not is_race)
    if due.attempts < TRIES:
        await _put_back(runtime, due, owner, seconds=0 if is_race else PAUSE * due.attempts, counts=True)
    else:
        reason = f"Processing failed {TRIES} times, last with {type(error).__name__}: {error}"
        await _quarantine(runtime, due, owner, reason, await store.load(runtime, due.id))


async def _put_back(runtime: Runtime, due: DueMail, owner: str, *, seconds: float, counts: bool) -> None:
    await runtime.database.run(
        lambda conn: repository.put_back(conn, due.id, owner=owner, seconds=seconds, counts=counts)
    )
