"""Fetches the mail of every mailbox with an IMAP server; one worker at a time looks after each."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from app.database import DatabaseUnavailable
from app.inbound import imap, mailboxes, store
from app.inbound import mailbox_repository as boxes
from app.inbound.errors import MailRefused
from app.inbound.imap import Fetched, ImapFailed, Progress, Session
from app.inbound.mailbox_models import ImapPlace, Mailbox
from app.outbound.guard import NotResolved, Refused, checked_addresses, resolve
from app.outbound.rules import Allowed
from app.privacy.repository import hold, let_go
from app.runtime import Runtime

log = structlog.get_logger(__name__)

INTERVAL = 10.0
"""Seconds between looks for mailboxes that nobody looks after."""
POLL = 30.0
"""Seconds between looks into a folder whose server cannot tell us of news."""
IDLE = 240.0
"""Seconds of idling between two looks all the same: a network that forgot the connection tells nobody."""
PAUSE = 60.0
"""Seconds after a fault."""
LEASE = timedelta(minutes=15)


class Poller:
    """Keeps one task for each mailbox that fetches, and ends those whose mailbox changed or is gone."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._owner = secrets.token_hex(16)
        self._tasks: dict[int, tuple[ImapPlace, asyncio.Task[None], threading.Event]] = {}

    async def look(self) -> None:
        """Start and end tasks as the mailboxes are now."""
        async with self._runtime.database.connection() as conn:
            found = {box.id: box for box in await boxes.mailboxes(conn) if box.fetches}
        for box_id in list(self._tasks):
            place, task, stop = self._tasks[box_id]
            if task.done() or box_id not in found or _place(self._runtime, found[box_id]) != place:
                stop.set()
                del self._tasks[box_id]
        for box_id, box in found.items():
            place_now = _place(self._runtime, box)
            if box_id not in self._tasks and place_now is not None and await self._hold(box_id):
                stop = threading.Event()
                task = asyncio.create_task(self._attend(box_id, place_now, stop))
                self._tasks[box_id] = (place_now, task, stop)

    async def close(self) -> None:
        """End every task and give the leases back."""
        for _, _, stop in self._tasks.values():
            stop.set()
        await asyncio.gather(*(task for _, task, _ in self._tasks.values()), return_exceptions=True)

    async def _hold(self, box_id: int) -> bool:
        return await self._runtime.database.run(lambda conn: hold(conn, f"mailbox {box_id}", self._owner, LEASE))

    async def _attend(self, box_id: int, place: ImapPlace, stop: threading.Event) -> None:
        try:
            while not stop.is_set() and await self._hold(box_id):
                pause = POLL
                try:
                    await look_after(self._runtime, box_id, place, stop, go_on=lambda: self._hold(box_id))
                except ImapFailed as error:
                    words = str(error)
                    log.warning("a mailbox cannot be read", mailbox=box_id, error=words)
                    await self._runtime.database.run(lambda conn, words=words: boxes.note_error(conn, box_id, words))  # type: ignore[misc]
                    pause = PAUSE
                await asyncio.to_thread(stop.wait, pause)
        except DatabaseUnavailable as error:
            # What was not stored is still unread on the server; the next look begins again.
            log.error("a mailbox waits for the database", mailbox=box_id, error=str(error))
        except Exception:
            log.exception("a mailbox could not be looked after", mailbox=box_id)
        finally:
            with contextlib.suppress(DatabaseUnavailable):
                await self._runtime.database.run(lambda conn: let_go(conn, f"mailbox {box_id}", self._owner))


async def look_after(
    runtime: Runtime,
    box_id: int,
    place: ImapPlace,
    stop: threading.Event,
    *,
    go_on: Callable[[], Awaitable[bool]] | None = None,
) -> int:
    """Fetch what is new, then wait for more while `go_on` says so; how many mails were stored.

    Ends where `stop` is set and where the server cannot idle; without `go_on` after one look. Raises ImapFailed,
    DatabaseUnavailable; what was stored stays so, and what was not is still unread on the server.
    """
    session = await asyncio.to_thread(Session, place, await _addresses(runtime, place))
    stored = 0
    try:
        while True:
            stored += await _look(runtime, box_id, session, stop)
            if go_on is None or stop.is_set() or not session.can_idle:
                return stored
            await asyncio.to_thread(session.wait, stop.is_set, at_most=IDLE)
            if stop.is_set() or not await go_on():
                return stored
    finally:
        await asyncio.to_thread(session.close)


async def examine(runtime: Runtime, place: ImapPlace) -> str:
    """Log in and look, and say in a sentence what is there; changes nothing. Raises ImapFailed."""
    session = await asyncio.to_thread(Session, place, await _addresses(runtime, place), timeout=10.0)
    try:
        unread = len(await asyncio.to_thread(session.new_uids, Progress(0, 0)))
        news = "tells of new mail at once" if session.can_idle else f"is asked every {POLL:g} s"
        return f"It works: {session.messages} mails in {place.folder}, {unread} of them unread; the server {news}."
    finally:
        await asyncio.to_thread(session.close)


async def _look(runtime: Runtime, box_id: int, session: Session, stop: threading.Event) -> int:
    async with runtime.database.connection() as conn:
        box = await boxes.mailbox(conn, box_id)
    if box is None:
        stop.set()
        return 0
    known = Progress(box.uid_validity, box.last_uid)
    uids = await asyncio.to_thread(session.new_uids, known)
    is_first = known.uid_validity != session.uid_validity or not known.last_uid
    done: list[int] = []
    stored = 0
    for uid in uids:
        if stop.is_set():
            break
        fetched = await asyncio.to_thread(session.fetch, uid, most=runtime.settings.inbound_max_bytes)
        if fetched is not None:
            stored += await _keep(runtime, box, fetched)
            await asyncio.to_thread(session.mark_seen, uid)
        done.append(uid)
    if is_first:
        # Until every unread mail of the first look is here, there is no number to go on from.
        is_whole = len(done) == len(uids) < imap.MOST_AT_ONCE
        last = max([session.uid_next - 1, *done]) if is_whole else 0
    else:
        last = max([known.last_uid, *done])
    await runtime.database.run(
        lambda conn: boxes.note_read(conn, box_id, uid_validity=session.uid_validity, last_uid=last)
    )
    return stored


async def _keep(runtime: Runtime, box: Mailbox, fetched: Fetched) -> bool:
    """Store a mail; whether it is new."""
    held = ""
    if fetched.is_cut:
        size = f"{fetched.size / 1_048_576:.1f} MB"
        held = f"The mail has {size}, more than INBOUND_MAX_MB. Only its headers are here; it is still on the server."
    try:
        kept = await store.receive(
            runtime, fetched.raw, source="imap", mailbox_id=box.id, recipient=box.address, held=held
        )
    except MailRefused as error:
        log.warning("a mail of a mailbox is not taken", mailbox=box.id, error=str(error))
        return False
    if kept.new:
        await runtime.database.run(lambda conn: boxes.note_mail(conn, box.id))
    return kept.new


async def _addresses(runtime: Runtime, place: ImapPlace) -> list[str]:
    """The server's, all of which may be connected to. Raises ImapFailed."""
    allowed = Allowed.parse(runtime.settings.outbound_allowed)
    try:
        return await checked_addresses(place.host, place.port, allowed, resolve, plain=False)
    except (Refused, NotResolved) as error:
        raise ImapFailed(str(error)) from None


def _place(runtime: Runtime, box: Mailbox) -> ImapPlace | None:
    try:
        return mailboxes.place_of(runtime, box)
    except ValueError as error:
        log.error("the password of a mailbox cannot be read", mailbox=box.id, error=str(error))
        return None
