"""The measurements: pace, cost and memory; latency of pages and pixels; the account after faults and kills."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx

from app.crypto import derive
from app.database import Connection
from bench.live_portal import Server
from bench.syncing.world import COPIES, SITE, World, noon
from plugins.plausible.sync.outcome import Outcome
from plugins.plausible.sync.payload import visitor_address

WARM_UP = 3.0
"""Seconds after the first event that do not count: the worker's other jobs have their first run then."""
STATES = ("off", "on", "hanging")
START = 20.0
"""Seconds that a worker has until it sends."""


@dataclass(frozen=True)
class Pace:
    """With one delay of the receiver's answers."""

    events: float
    """Accepted a second."""
    usual: float
    """One after the other, over one kept connection, as the known forwarders send."""
    bound: float
    """Requests at once by the time of one answer: more cannot be."""
    cpu: float
    """Seconds of the worker's processor time for 1,000 events."""
    memory: int
    """Resident bytes of the worker at the end."""


def pace(world: World, delay: float, *, seconds: float) -> Pace:
    """Let a worker send for so many seconds."""
    world.receive(delay=delay)
    usual = asyncio.run(_one_by_one(world, seconds=min(seconds, 5.0)))
    with world.worker() as process:
        _wait_until_it_sends(world)
        time.sleep(WARM_UP)
        server = Server(process.pid)
        before, used, start = _accepted(world), server.used(), time.monotonic()
        time.sleep(seconds)
        after, spent, taken = _accepted(world), server.used() - used, time.monotonic() - start
        held = server.memory()
    count = max(1, after - before)
    return Pace(count / taken, usual, 16 / delay, spent * 1000 / count, held)


def idle_memory(world: World) -> int:
    """Resident bytes of a worker with nothing to send."""
    with world.worker() as process:
        time.sleep(5)
        return Server(process.pid).memory()


async def _one_by_one(world: World, *, seconds: float) -> float:
    body = {"name": "email_open", "domain": SITE, "url": f"https://{SITE}/email/open"}
    count, start = 0, time.monotonic()
    async with httpx.AsyncClient() as client:
        while time.monotonic() - start < seconds:
            await client.post(f"http://127.0.0.1:{world.receiver_port}/api/event", json=body)
            count += 1
    return count / (time.monotonic() - start)


def _accepted(world: World) -> int:
    return world.account()[0].totals[Outcome.ACCEPTED]


def _wait_until_it_sends(world: World) -> None:
    deadline = time.monotonic() + START
    while not _accepted(world):
        if time.monotonic() > deadline:
            raise SystemExit(f"the worker sent nothing within {START:g} s: {world.account()[0].problem or 'no reason'}")
        time.sleep(0.2)


@dataclass
class Latency:
    """Seconds of each request, by state of the sync."""

    pixel: dict[str, list[float]] = field(default_factory=dict)
    page: dict[str, list[float]] = field(default_factory=dict)


def latency(world: World, *, rounds: int, requests: int) -> Latency:
    """Pixels and ticket pages with the sync off, with a quick receiver, and with one that hangs, in turns."""
    found = Latency()
    pixels = itertools.cycle(world.portal.pixels)
    with world.web(), world.worker(), _agent(world) as get:
        for name in STATES * rounds:
            world.set(send_to_plausible=name != "off")
            world.receive(delay=0.005, hangs=name == "hanging")
            # Settings are everywhere within a second.
            time.sleep(2.5)
            for number in range(requests):
                ticket, pixel = next(pixels)
                found.pixel.setdefault(name, []).append(get(pixel))
                if number % 4 == 0:
                    found.page.setdefault(name, []).append(get(f"/tickets/{ticket}"))
    return found


@contextmanager
def _agent(world: World) -> Iterator[Callable[[str], float]]:
    connection = http.client.HTTPConnection("127.0.0.1", world.portal.port, timeout=60)
    draws = random.Random(5)

    def get(path: str) -> float:
        reader = f"203.0.{draws.randrange(113, 256)}.{draws.randrange(1, 255)}"
        headers = {"X-Forwarded-For": reader}
        if path.startswith("/tickets"):
            headers["Cookie"] = world.portal.cookie
        start = time.perf_counter()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        taken = time.perf_counter() - start
        if response.status != 200:
            raise SystemExit(f"{path} was answered with {response.status}")
        return taken

    try:
        yield get
    finally:
        connection.close()


def middle(times: list[float]) -> float:
    """Median in milliseconds."""
    return statistics.median(times) * 1000


def worst_of_hundred(times: list[float]) -> float:
    """The 99th percentile in milliseconds."""
    return sorted(times)[int(len(times) * 0.99)] * 1000


@dataclass(frozen=True)
class Exactness:
    """After a run with faults and killed workers."""

    events: int
    totals: Mapping[Outcome, int]
    kills: int
    processed: int
    """Events that the receiver counted."""
    twice: int
    """Of those: a second one of the same event."""

    @property
    def sums_up(self) -> bool:
        """Whether every event has one outcome."""
        return sum(self.totals.values()) == self.events

    @property
    def is_honest(self) -> bool:
        """Whether what counts at the receiver lies between what is surely accepted and what may be, and nothing counts
        twice.
        """
        sure = self.totals[Outcome.ACCEPTED]
        return not self.twice and sure <= self.processed <= sure + self.totals[Outcome.AMBIGUOUS]


def exactness(world: World, *, kills: int, events: int = COPIES) -> Exactness:
    """Send with a third of the requests going wrong, and kill the worker again and again; then let it end in peace.

    events: at most COPIES, so that each has a visitor of its own.
    """
    world.refill(min(events, COPIES))
    world.counts()
    world.receive(delay=0.01, faulty=0.33)
    draws = random.Random(9)
    for _ in range(kills):
        with world.worker() as process:
            time.sleep(draws.uniform(2.0, 4.0))
            process.kill()
            process.wait()
        _hurry(world)
    world.receive(delay=0.002)
    with world.worker():
        deadline = time.monotonic() + 240
        while world.account()[0].totals[Outcome.WAITING] and time.monotonic() < deadline:
            _hurry(world)
            time.sleep(1)
    counts = world.counts()
    totals = world.account()[0].totals
    # Of so many recipients a pair may share an address by chance; that is no event sent twice.
    key, day = derive(world.portal.settings.key, "plausible-visitors"), datetime.now(ZoneInfo(noon())).date()
    expected = Counter(visitor_address(key, f"reader{number}@example.org", day) for number in range(1, COPIES + 1))
    twice = sum(max(0, count - expected[address]) for address, count in counts["again"].items())
    return Exactness(min(events, COPIES), totals, kills, counts["outcomes"].get("counted", 0), twice)


def _hurry(world: World) -> None:
    """End pauses and leases of the dead, which would take minutes."""

    async def work(conn: Connection) -> None:
        await conn.execute("UPDATE email_tracking_sync_state SET paused_until = NULL")
        await conn.execute("UPDATE email_tracking_outbox SET next_attempt_at = UTC_TIMESTAMP(6)")
        # A lease lasts two minutes; one that is older than any answer may take is a dead worker's.
        await conn.execute(
            "UPDATE email_tracking_outbox SET lease_until = UTC_TIMESTAMP(6) "
            "WHERE lease_until < UTC_TIMESTAMP(6) + INTERVAL 105 SECOND"
        )

    async def hurry() -> None:
        async with world.runtime() as runtime:
            await runtime.database.run(work)

    asyncio.run(hurry())
