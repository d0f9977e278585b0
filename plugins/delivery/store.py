"""Puts events into the database with all that follows from them: one transaction, and each event counts once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

from app.database import DUPLICATE, Connection, Database
from plugins.delivery import consequences, provider_opens, readings, repository
from plugins.delivery.codec import Arrived, Entry, Failure
from plugins.delivery.follow_settings import FollowSettings
from plugins.delivery.matching import Copies, Copy, matched

TRIES = 5
READER = {"opened", "clicked"}
"""What the reader does, and not the mail."""
USED = "The token of the signature came with another event before: somebody may have recorded and replayed it."


@dataclass(frozen=True)
class Taken:
    """What became of some events."""

    stored: int = 0
    duplicates: int = 0
    matched: int = 0
    unmatched: int = 0
    failures: int = 0
    left_out: int = 0
    """Of people who were erased, or do not want to be tracked."""
    spooled: int = 0
    """Durable on disk; stored once the database is back."""
    replayed_tokens: int = 0
    """Refused, because their token had been used."""
    fresh: frozenset[bytes] = frozenset()
    """Keys of the events that told something new."""
    reused: frozenset[bytes] = frozenset()
    """Keys of those that were refused because of their token."""

    def __add__(self, other: Taken) -> Taken:
        """Both together."""
        return Taken(*(_both(getattr(self, name), getattr(other, name)) for name in Taken.__dataclass_fields__))

    def of(self, entries: Sequence[Entry]) -> Taken:
        """The part of some of the entries; only what their sender is told."""
        keys = [one.event.key for one in entries if isinstance(one, Arrived)]
        stored, replayed = sum(key in self.fresh for key in keys), sum(key in self.reused for key in keys)
        failures = len(entries) - len(keys)
        return Taken(stored, len(keys) - stored - replayed, failures=failures, replayed_tokens=replayed)


def _both(one: Any, other: Any) -> Any:
    return one | other if isinstance(one, frozenset) else one + other


class Rolledback(Exception):
    """Ends a trial; carries what it came to."""

    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


async def put(
    database: Database, entries: Sequence[Entry], *, trial: bool = False, rules: FollowSettings | None = None
) -> Taken:
    """Store entries. Raises DatabaseUnavailable, pymysql's errors. trial: do all of it, and take it back. rules: the
    settings of what follows."""
    for attempt in range(TRIES):
        try:
            return await database.run(lambda conn: _put(conn, entries, trial=trial, rules=rules))
        except pymysql.err.IntegrityError as error:
            # Somebody else stored one of them at the same time; now it can be seen.
            if error.args[0] != DUPLICATE or attempt == TRIES - 1:
                raise
        except Rolledback as done:
            return done.taken
    raise AssertionError("unreachable")


async def _put(conn: Connection, entries: Sequence[Entry], *, trial: bool, rules: FollowSettings | None) -> Taken:
    failures = [one for one in entries if isinstance(one, Failure)]
    arrived, replayed = await _unused(conn, [one for one in entries if isinstance(one, Arrived)])
    failures += replayed
    unique = {one.event.key: one for one in arrived}
    # In the order of their keys, so that two who store the same wait for each other and do not block.
    known = await repository.known_keys(conn, sorted(unique)) if unique else {}
    wanted = [one for key, one in sorted(unique.items()) if not known.get(key)]
    copies = await _copies(conn, wanted)
    rows: list[tuple[Arrived, int | None, str]] = []
    late: dict[bytes, int] = {}
    found: list[tuple[Arrived, Copy]] = []
    left_out = 0
    for one in wanted:
        copy = copies.of(one.event)
        if isinstance(copy, Copy):
            if copy.is_erased or (one.event.kind in READER and not copy.may_report):
                left_out += 1
                continue
            found.append((one, copy))
            if one.event.key in known:
                late[one.event.key] = copy.recipient_id
            else:
                rows.append((one, copy.recipient_id, ""))
        elif one.event.key not in known:
            rows.append((one, None, copy))
    await repository.insert_events(conn, rows)
    await repository.set_copies(conn, late)
    await repository.add_failures(conn, failures)
    if found:
        # By age, so that what happened last is told last.
        found.sort(key=lambda pair: pair[0].event.happened_at)
        news = [matched(one.event, copy) for one, copy in found]
        await consequences.apply(conn, news, rules)
        told = [(one, copy) for one, (_, copy) in zip(news, found, strict=True)]
        await provider_opens.report(conn, told)
        await readings.count(conn, told)
    taken = Taken(
        stored=len(rows),
        duplicates=len(arrived) - len(rows) - len(late) - left_out,
        matched=len(found),
        unmatched=sum(recipient_id is None for _, recipient_id, _ in rows),
        failures=len(failures),
        left_out=left_out,
        replayed_tokens=len(replayed),
        fresh=frozenset({one.event.key for one, _, _ in rows} | set(late)),
        reused=frozenset({one.event.key for one in entries if isinstance(one, Arrived)} - set(unique)),
    )
    if trial:
        raise Rolledback(taken)
    return taken


async def _unused(conn: Connection, arrived: Sequence[Arrived]) -> tuple[list[Arrived], list[Failure]]:
    """Events whose token is good, and failures for the others."""
    good: list[Arrived] = []
    bad: list[Failure] = []
    for one in arrived:
        if one.token and not await repository.use_token(
            conn, f"{one.event.provider}:{one.token}", one.event.key, one.at
        ):
            bad.append(Failure(one.event.provider, USED, one.at))
        else:
            good.append(one)
    return good, bad


async def _copies(conn: Connection, arrived: Sequence[Arrived]) -> Copies:
    tracking_ids = {one.event.tracking_id for one in arrived if one.event.tracking_id}
    message_ids = {one.event.message_id for one in arrived if one.event.message_id and one.event.recipient}
    return Copies(await repository.copies(conn, sorted(tracking_ids), sorted(message_ids)))
