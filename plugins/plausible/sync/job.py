"""The worker's job: claim a few events, send them at once, write down what became of each; again while there are any.

An event counts as being sent from the commit before its request leaves until the commit of its outcome. A worker that
dies in between leaves it ambiguous, because Plausible counts an event that comes twice twice.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

from app.crypto import derive
from app.database import Connection, Database, utcnow
from app.services import outbound
from plugins.plausible.classify import Class
from plugins.plausible.classify.model import PERSONS
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync import account, outbox
from plugins.plausible.sync.clock import Clock
from plugins.plausible.sync.days import SiteDays
from plugins.plausible.sync.outbox import Claimed, Finished
from plugins.plausible.sync.outcome import Outcome, Result, of_answer, of_error
from plugins.plausible.sync.payload import Names, Outgoing, Told, build

INTERVAL = 0.2
"""Seconds between two runs; a run with nothing to do costs one query a second."""
RUN_FOR = 2.0
"""Seconds after which a run ends, so that the worker can end."""
IDLE = 1.0
"""Seconds between two looks while nothing is due."""
SWEEP_EVERY = 10.0
LANES = 3
"""Groups at the same time, each of half as many events as may be sent at once: two are sent while the third is written
down or waits for its turn. What a dying worker leaves ambiguous is at most three halves of that number.
"""
TIMEOUT = 10.0
"""Seconds for each step of one request."""
MAX_ANSWER = 64_000
"""Bytes; Plausible says "ok"."""
ANSWERED = frozenset({Outcome.ACCEPTED, Outcome.DROPPED, Outcome.REJECTED})
"""What only a Plausible that works says."""
CLOCK_PAUSE = 60.0
"""Seconds between two looks at a clock that is wrong."""
LONGEST_WAIT = 900.0
"""Seconds between two attempts at one event, at most."""
PATIENCE = timedelta(days=3)
"""How much longer what is too old waits while nothing tells whether this host's clock is right."""
HEALTH = "/api/system/health/live"
"""What an instance answers without a key and without counting anything."""
GONE = Result(Outcome.TOO_OLD, "the event was deleted before it could be sent")
NO_PERSON = Result(Outcome.NO_PERSON, outbox.NO_PERSON)
REFUSED = Result(Outcome.REFUSED, "the recipient wants no tracking, and said so after the event")
OLD = Result(Outcome.TOO_OLD, outbox.TOO_OLD)


@dataclass(frozen=True)
class Sending:
    """How events are sent now."""

    settings: PlausibleSettings

    @property
    def url(self) -> str:
        """Where events go."""
        return f"{self.settings.base_url}/api/event"

    @property
    def names(self) -> Names:
        """How events are called."""
        return Names(self.settings.open_event_name, self.settings.click_event_name)

    @property
    def _days(self) -> SiteDays:
        return SiteDays(ZoneInfo(self.settings.site_timezone))

    def day(self, now: datetime) -> date:
        """The day as the site counts it."""
        return self._days.day(now)

    def oldest(self, now: datetime) -> datetime:
        """Events before this moment are not sent: Plausible dates an event when it comes."""
        return max(self._days.begin(now), now - timedelta(hours=self.settings.too_old_hours))

    def kept_back(self, told: Told | None, now: datetime) -> Result | None:
        """Why an event is not sent; None where it is."""
        if told is None:
            return GONE
        is_wanted = told.kind_of_reader in PERSONS or (
            self.settings.send_machine_events and told.kind_of_reader is not Class.SELF
        )
        if not is_wanted:
            return NO_PERSON
        if told.refused:
            return REFUSED
        return OLD if told.occurred_at < self.oldest(now) else None

    def request(self, told: Told, *, key: bytes, now: datetime) -> Outgoing:
        """What Plausible is told of an event. key: of visitors."""
        return build(
            replace(
                told,
                department=told.department if self.settings.send_department else "",
                tags=told.tags if self.settings.send_tags else "",
            ),
            site=self.settings.site_domain,
            names=self.names,
            mode=self.settings.visitor_mode,
            whole_addresses=self.settings.ip_mode == "full",
            key=key,
            today=self.day(now),
        )


@dataclass(frozen=True)
class Line:
    """To the instance, for one run: `width` requests at once, by `turn`."""

    client: httpx.AsyncClient
    turn: asyncio.Semaphore
    width: int


class Sync:
    """One worker's part of the sync. Any number of workers may run it at once."""

    def __init__(
        self,
        database: Database,
        key: str,
        settings: Callable[[], PlausibleSettings],
        *,
        now: Callable[[], datetime] = utcnow,
    ) -> None:
        self._database = database
        self._key = derive(key, "plausible-visitors")
        self._settings = settings
        self._now = now
        self._clock = Clock(lambda: self._now())
        self._client: httpx.AsyncClient | None = None
        self._client_for = 0
        self._owner = secrets.token_hex(8)
        self._swept_at = self._rests_until = 0.0

    async def run(self) -> None:
        """Send what is due, for at most RUN_FOR seconds."""
        settings = self._settings()
        clock = time.monotonic
        if clock() - self._swept_at >= SWEEP_EVERY or not self._swept_at:
            await self.sweep()
            self._swept_at = clock()
        if not settings.send_to_plausible or not settings.site_domain or clock() < self._rests_until:
            return
        client = await self._connected(settings.sync_concurrency)
        if not await self._is_ready(client, settings.base_url):
            self._rests_until = clock() + IDLE
            return
        until = clock() + RUN_FOR
        line = Line(client, asyncio.Semaphore(settings.sync_concurrency), settings.sync_concurrency)
        sent = sum(await asyncio.gather(*(self._lane(line, until, lane) for lane in range(LANES))))
        if not sent:
            self._rests_until = clock() + IDLE

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def sweep(self) -> None:
        """Take out what is too old, and what somebody never told the end of. Done too while sending is off."""
        sending = Sending(self._settings())
        for take_out in (self._too_old, self._lost):
            while await self._database.run(lambda conn, take_out=take_out: take_out(conn, sending)) == outbox.SWEEP:  # type: ignore[misc]
                pass

    async def _too_old(self, conn: Connection, sending: Sending) -> int:
        now = self._now()
        before = sending.oldest(now)
        if not self._clock.is_right:
            before -= PATIENCE
        machines = sending.settings.send_machine_events
        return await outbox.take_out_old(conn, before=before, machines=machines, day=sending.day(now), now=now)

    async def _lost(self, conn: Connection, sending: Sending) -> int:
        now = self._now()
        return await outbox.take_out_lost(conn, day=sending.day(now), now=now)

    async def _is_ready(self, client: httpx.AsyncClient, base_url: str) -> bool:
        """Whether anything may be sent: this host's clock is right. Where nobody knows that and something is due,
        Plausible is asked.
        """
        if self._clock.is_right:
            return True
        async with self._database.connection() as conn:
            if not await outbox.is_due(conn):
                return False
        paused, _ = await account.look(self._database)
        if paused:
            return False
        if not self._clock.is_known:
            try:
                response = await client.get(f"{base_url}{HEALTH}")
            except (httpx.HTTPError, ValueError) as error:
                await self._pause(of_error(error).words)
                return False
            self._clock.hear(response.headers)
        if self._clock.problem:
            await self._pause(self._clock.problem, seconds=CLOCK_PAUSE)
        else:
            # What is too old was kept because nobody knew the time; now somebody does.
            await self.sweep()
        return self._clock.is_right

    async def _pause(self, words: str, *, seconds: float | None = None) -> None:
        async def work(conn: Connection) -> None:
            account.note(conn, done=0, accepted=False, works=False)
            await _rest(conn, words, seconds)

        await self._database.run(work)

    async def _lane(self, line: Line, until: float, lane: int) -> int:
        total = 0
        while time.monotonic() < until:
            paused, failures = await account.look(self._database)
            if not self._clock.is_right:
                return total
            # After a failure one event finds out whether the instance works again.
            if paused or (failures and lane):
                return total
            count = await self._group(line, 1 if failures else max(1, line.width // 2))
            total += count
            if not count:
                return total
        return total

    async def _group(self, line: Line, limit: int) -> int:
        """Claim, send and write down one group; how many it were."""
        sending = Sending(self._settings())
        claimed = await self._database.run(lambda conn: outbox.claim(conn, owner=self._owner, limit=limit))
        if not claimed:
            return 0
        results = await asyncio.gather(*(self._one(line, sending, one) for one in claimed))
        await self._write(sending, results)
        return len(claimed)

    async def _one(self, line: Line, sending: Sending, claimed: Claimed) -> tuple[Finished, Result]:
        now = self._now()
        told = claimed.told
        kept_back = sending.kept_back(told, now)
        if told is None or kept_back is not None:
            result = kept_back or GONE
            return Finished(claimed, result.outcome, "", result.words), result
        request = sending.request(told, key=self._key, now=now)
        try:
            async with line.turn:
                response = await line.client.post(sending.url, content=request.body, headers=request.headers)
            self._clock.hear(response.headers)
            result = of_answer(response.status_code, response.headers, response.content, now=self._now())
        except (httpx.HTTPError, ValueError) as error:
            result = of_error(error)
        finished = Finished(claimed, result.outcome, request.name, result.words)
        if result.outcome is Outcome.WAITING:
            finished = replace(finished, wait=result.wait or backoff(claimed.attempts, LONGEST_WAIT))
        return finished, result

    async def _write(self, sending: Sending, results: Sequence[tuple[Finished, Result]]) -> None:
        faults = [result for _, result in results if result.is_fault]
        outcomes = {one.outcome for one, _ in results}
        works = bool(outcomes & ANSWERED)

        async def work(conn: Connection) -> None:
            now = self._now()
            finished = [one for one, _ in results]
            done = await outbox.finish(conn, finished, owner=self._owner, day=sending.day(now), now=now)
            account.note(conn, done=done, accepted=Outcome.ACCEPTED in outcomes, works=works)
            asked = max((result.wait or 0.0 for result in faults), default=0.0)
            if faults and (asked or not works):
                await _rest(conn, faults[-1].words, asked or None)

        await self._database.run(work)

    async def _connected(self, connections: int) -> httpx.AsyncClient:
        """The client; only asked for while nothing is on its way, because it may be another one than before."""
        if self._client is not None and self._client_for != connections:
            await self.close()
        if self._client is None:
            self._client = outbound.client(timeout=TIMEOUT, max_bytes=MAX_ANSWER, connections=connections)
            self._client_for = connections
        return self._client


async def _rest(conn: Connection, words: str, seconds: float | None) -> None:
    """Leave the instance alone: for so many seconds, or by how often it failed in a row."""
    if seconds is None:
        failures = int(await conn.fetch_value("SELECT failures FROM email_tracking_sync_state WHERE id = 1") or 0)
        seconds = backoff(failures + 1, account.LONGEST_PAUSE)
    await account.pause(conn, words, seconds=seconds)


def backoff(attempts: int, longest: float) -> float:
    """Seconds until the next attempt: twice as long each time, less a random part, so that not all come at once."""
    most = min(account.FIRST_PAUSE * 2 ** min(attempts - 1, 12), longest)
    return random.uniform(most / 2, most)  # noqa: S311
