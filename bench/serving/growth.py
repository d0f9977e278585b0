"""What a long history costs: status by id, ticket page and inserts with an empty table of events and a full one."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import statistics
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from app.accounts import service as accounts
from app.accounts.models import User
from app.database import utcnow
from app.runtime import Runtime
from app.settings import Settings
from app.sql import moment
from app.web.access import session_cookie
from bench.serving.dataset import USER_AGENTS
from bench.serving.sample import Runs, counted
from bench.serving.scenarios import Judging, judged
from bench.serving.stage import Stage
from bench.tickets import Client

EVENTS = "email_tracking_events"
ASIDE = "email_tracking_events_aside"
"""The table that is not measured now."""
PAGES = 200
"""Pages of each sort that are asked for, one after the other."""
CHUNK = 500_000
OLD_RECIPIENTS = 1_000_000_000
"""Ids of the recipients of old events start here: readers of mails whose tickets do not matter."""
EVENTS_PER_COPY = 2
YEARS = 2


@dataclass
class Size:
    """With so many events in the table at first: by round the median milliseconds of pages, runs of opens at the top
    rate, and how fast such are judged and put into the table.
    """

    events: int
    statuses: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    opens: Runs = field(default_factory=Runs)
    judged: list[Judging] = field(default_factory=list)

    @property
    def status(self) -> float:
        """Median of the rounds, in milliseconds; likewise the next one."""
        return statistics.median(self.statuses)

    @property
    def page(self) -> float:
        """Of a ticket."""
        return statistics.median(self.pages)

    @property
    def judging(self) -> float:
        """Median of events judged a second."""
        return statistics.median(one.rate for one in self.judged)


def growth(stage: Stage) -> tuple[Size, Size]:
    """Measure with an empty table and with one of the plan's rows in turn, each time when nothing is left to do."""
    with stage.ours():
        cookie = asyncio.run(_log_in(stage.portal.settings))
        _fill(stage)
        full = Size(_events(stage))
        stage.store.rows(f"CREATE TABLE {ASIDE} LIKE {EVENTS}")
        _swap(stage)
        empty = Size(_events(stage))
        # Does not count: a process is slow at first.
        _measure(stage, cookie, Size(0))
        for _ in range(stage.plan.rounds):
            _measure(stage, cookie, empty)
            _swap(stage)
            _measure(stage, cookie, full)
            _swap(stage)
    return empty, full


def _events(stage: Stage) -> int:
    return stage.store.value(f"SELECT COUNT(*) FROM {EVENTS}")  # noqa: S608


def _swap(stage: Stage) -> None:
    """Put the table aside and the other one in its place: while one is filled, the speed of a machine drifts."""
    stage.store.rows(f"RENAME TABLE {EVENTS} TO {EVENTS}_moving, {ASIDE} TO {EVENTS}, {EVENTS}_moving TO {ASIDE}")


def _measure(stage: Stage, cookie: str, size: Size) -> None:
    stage.rest()
    client, copies = Client(stage.port, cookie), stage.portal.kept
    size.statuses.append(_median(client, [f"/api/email-tracking/status/{one.tracking_id}" for one in copies]))
    size.pages.append(_median(client, [f"/tickets/{one.ticket_id}" for one in copies]))
    stage.rest()
    load = partial(stage.loader.top, stage.port, stage.requests("open"), stage.plan.seconds, stage.cores)
    size.opens.uncounted = stage.loader.uncounted
    size.opens.samples += stage.until_calm(partial(counted, stage.cores, stage.store, load))
    stage.rest()
    size.judged.append(judged(stage))


def _median(client: Client, paths: Sequence[str]) -> float:
    pick = random.Random(1)
    for path in paths[:20]:
        client.get(path)
    return statistics.median(client.get(pick.choice(paths)) for _ in range(PAGES)) * 1000


async def _log_in(settings: Settings) -> str:
    """The session cookie of a new agent."""
    runtime = Runtime.build(settings, pool_size=2)
    with runtime.entered():
        password = secrets.token_urlsafe(16)
        number = await accounts.create_user(email="gus@portal.test", name="Gus", role="agent", password=password)
        user = await accounts.user_by_id(number)
        assert isinstance(user, User)  # noqa: S101
        token = await accounts.start_session(user, address="127.0.0.1", user_agent="benchmark")
    await runtime.close()
    return f"{session_cookie(settings)}={token}"


def _fill(stage: Stage) -> None:
    """Load events of other copies, a few each, evenly over the last years; the next file is written meanwhile."""
    rows = stage.plan.rows
    parts = [range(start, min(start + CHUNK, rows)) for start in range(0, rows, CHUNK)]
    with ThreadPoolExecutor(max_workers=1) as pool:
        written = deque[Future[Path]]()
        for part in parts:
            written.append(pool.submit(_write, stage.work / f"events-{part.start}", part, rows))
            if len(written) > 1:
                _load(stage, written.popleft().result())
        for last in written:
            _load(stage, last.result())


def _load(stage: Stage, file: Path) -> None:
    # The recipients of old events are not there; the server runs on this machine under our name and can read files.
    stage.store.rows(
        f"""
        SET STATEMENT foreign_key_checks = 0, unique_checks = 0 FOR
        LOAD DATA INFILE '{file}' INTO TABLE {EVENTS} CHARACTER SET utf8mb4
        (@event_key, tracking_id, recipient_id, event_type, user_agent, ip_address, occurred_at)
        SET event_key = UNHEX(@event_key)
        """
    )
    file.unlink()


def _write(file: Path, numbers: range, total: int) -> Path:
    began, step = utcnow() - timedelta(days=365 * YEARS), timedelta(days=365 * YEARS) / total
    with file.open("w", encoding="ascii") as out:
        for number in numbers:
            copy, at = number // EVENTS_PER_COPY, began + step * number
            key = int(at.timestamp() * 1000).to_bytes(6, "big") + os.urandom(10)
            tracking_id = f"{copy:012x}{'old-copy' * 4}"[:43]
            out.write(
                f"{key.hex()}\t{tracking_id}\t{OLD_RECIPIENTS + copy}\topen\t{USER_AGENTS[number % len(USER_AGENTS)]}\t"
                f"10.{number % 256}.{number // 256 % 256}.0\t{moment(at)}\n"
            )
    return file
