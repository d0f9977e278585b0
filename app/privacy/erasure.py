"""Erase a contact: a job with a state for each part, shown until all of it is done.

The portal erases its own part first, so that nothing new is recorded; then each module erases what it holds. What
fails is tried again by the worker, with growing pauses, and whenever somebody asks for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from datetime import timedelta

import structlog

from app import audit
from app.accounts.models import User
from app.crypto import SecretBox
from app.database import DatabaseUnavailable, utcnow
from app.hookspecs import ContactData
from app.plugin_privacy import PluginFailed
from app.privacy import erasure_steps as steps
from app.privacy import inbound_steps, people, repository
from app.privacy.erasure_steps import NotYet
from app.privacy.models import Erasure
from app.runtime import Runtime, current

log = structlog.get_logger(__name__)

PORTAL = "portal"
LEASE = timedelta(minutes=5)
"""Others leave a part alone for so long after its last sign of life."""
INTERVAL = 5.0
"""Seconds between two looks of the worker."""
LOOK_AGAIN = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
PAUSE = 0.05
"""Seconds between two pieces of a module's work."""


async def request(contact_id: int, *, by: User | None, keeps_ours: bool) -> Erasure:
    """Ask for a contact's erasure; the worker begins at once. Raises ContactNotFound.

    One that is not finished is given back as it is. keeps_ours: our replies and notes, and the subjects, stay.
    """
    runtime = current()
    async with runtime.database.connection() as conn:
        known = await repository.last_of(conn, contact_id)
        if known is not None and known.finished_at is None:
            return known
        person = await people.person(conn, contact_id)
    async with runtime.database.transaction() as conn:
        erasure_id = await repository.insert_erasure(
            conn,
            contact_id=contact_id,
            requested_by=by.id if by else None,
            keeps_ours=keeps_ours,
            person=_box(runtime).seal(json.dumps({"name": person.name, "addresses": person.addresses})),
            names=[PORTAL, *runtime.plugins.answering("erase_contact")],
        )
        await audit.record(
            conn,
            user_id=by.id if by else None,
            action="contact.erase",
            subject=f"contact:{contact_id}",
            detail={"our_texts_stay": keeps_ours},
        )
    return await _erasure(erasure_id)


async def run_due(runtime: Runtime, *, erasure_id: int | None = None) -> int:
    """Do every part that is due, of all requests or of one; how many. Any number of workers may do it at once."""
    count = 0
    while True:
        found = await runtime.database.run(lambda conn: repository.claim(conn, lease=LEASE, erasure_id=erasure_id))
        if found is None:
            return count
        await _do(runtime, *found)
        count += 1


async def try_again(erasure_id: int) -> None:
    """Let the worker try now what is not done."""
    async with current().database.transaction() as conn:
        await repository.make_due(conn, erasure_id)


async def last_of(contact_id: int) -> Erasure | None:
    """The latest request about a contact."""
    async with current().database.connection() as conn:
        return await repository.last_of(conn, contact_id)


async def unfinished(*, most: int = 100) -> list[Erasure]:
    """Requests that are not done, oldest first."""
    async with current().database.connection() as conn:
        return await repository.unfinished(conn, most=most)


async def _do(runtime: Runtime, erasure_id: int, part: str) -> None:
    """Run one part, and write down how it ended."""
    state, words, pause = "done", "", LOOK_AGAIN
    counts: dict[str, int] = {}

    def told(name: str, count: int) -> None:
        if count:
            counts[name] = counts.get(name, 0) + count

    try:
        person, keeps_ours = await _person(runtime, erasure_id)
        if part == PORTAL:
            await inbound_steps.erase(runtime.database, person, told)
            await steps.identity(runtime.database, person, told)
            await steps.copies(runtime.database, person, told)
            await steps.suppressed(runtime.database, person, told)
            await steps.tickets(runtime.database, person, told, keeps_ours=keeps_ours)
            await steps.elsewhere(runtime.database, person, told)
            await steps.mails(runtime.database, person, told, keeps_ours=keeps_ours)
        else:
            with contextlib.suppress(NotYet):
                # Whatever keeps the portal's part waiting: nothing is recorded of them while the module deletes.
                await steps.copies(runtime.database, person, lambda name, count: None)
            await _module(runtime, erasure_id, part, person)
    except NotYet as error:
        state, words = "waiting", str(error)
    except DatabaseUnavailable:
        raise
    except PluginFailed as error:
        state, words = "failed", str(error)
    except Exception as error:
        # The words of an error may hold what is being erased.
        log.error("a part of an erasure failed", part=part, erasure=erasure_id, error=type(error).__name__)
        state, words = "failed", f"a fault of the portal ({type(error).__name__}); the log has the time"
    async with runtime.database.transaction() as conn:
        if state == "failed":
            found = await repository.erasure(conn, erasure_id)
            tries = next((one.attempts for one in found.parts if one.name == part), 1) if found else 1
            pause = min(LONGEST_PAUSE, LOOK_AGAIN * 2 ** min(tries - 1, 10))
        await repository.note(conn, erasure_id, part, state=state, counts=counts, words=words, next_at=utcnow() + pause)
        if await repository.finish_if_done(conn, erasure_id):
            contact_id, _, _ = await repository.person_of(conn, erasure_id)
            await audit.record(conn, user_id=None, action="contact.erased", subject=f"contact:{contact_id}", detail={})


async def _module(runtime: Runtime, erasure_id: int, slug: str, person: ContactData) -> None:
    """Call a module until it is done; what it did so far is written down after each call."""
    while True:
        work = await runtime.plugins.erase_contact(slug, person)
        async with runtime.database.transaction() as conn:
            await repository.note(
                conn, erasure_id, slug, state="waiting", counts=_clean(work.counts), words="", next_at=utcnow() + LEASE
            )
        if work.done:
            return
        await asyncio.sleep(PAUSE)


async def _person(runtime: Runtime, erasure_id: int) -> tuple[ContactData, bool]:
    async with runtime.database.connection() as conn:
        contact_id, keeps_ours, sealed = await repository.person_of(conn, erasure_id)
        known = json.loads(_box(runtime).open(sealed))
        addresses = tuple(known["addresses"])
        ids = await people.copies(conn, contact_id, addresses)
    return ContactData(contact_id, known["name"], addresses, tuple(ids)), keeps_ours


async def _erasure(erasure_id: int) -> Erasure:
    async with current().database.connection() as conn:
        found = await repository.erasure(conn, erasure_id)
    if found is None:
        raise LookupError(f"there is no erasure {erasure_id}")
    return found


def _box(runtime: Runtime) -> SecretBox:
    return SecretBox(runtime.settings.keys)


def _clean(counts: Mapping[str, int]) -> dict[str, int]:
    """A module's counts as they can be stored."""
    return {str(name)[:100]: int(count) for name, count in counts.items() if isinstance(count, int)}
