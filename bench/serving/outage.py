"""The database killed under load: what is answered meanwhile, and how fast it is in the table afterwards."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from functools import partial

from bench.serving.calm import calm
from bench.serving.machine import Busy, Meter
from bench.serving.stage import WARM_UP, Stage

STUCK = 20.0
"""Seconds without a new row after which the rest counts as lost."""
PAUSE = 0.5
"""The same, after which it may be all: then they are counted."""
LOOK = 0.1


@dataclass(frozen=True)
class Outage:
    """One outage. spooled: answers a second without a database; replayed: events a second once it was back."""

    spooled: float
    replayed: float
    answered: int
    stored: int
    failed: int
    uncounted: int
    busy: Busy

    @property
    def adds_up(self) -> bool:
        """Whether all that was answered came into the table, once."""
        return 0 <= self.stored - self.answered <= self.uncounted


@dataclass(frozen=True)
class Outages:
    """One or more per round; the figures are those of the calm ones."""

    all: list[Outage]

    @property
    def spooled(self) -> float:
        """Median."""
        return statistics.median(one.spooled for one in calm(self.all))

    @property
    def replayed(self) -> float:
        """Median."""
        return statistics.median(one.replayed for one in calm(self.all))


def outages(stage: Stage) -> Outages:
    """Kill the database, load, start it again, wait for all; as often as the plan has rounds."""
    with stage.ours():
        stage.loader.top(stage.port, stage.requests("open"), WARM_UP, stage.cores)
        return Outages([one for _ in range(stage.plan.rounds) for one in stage.until_calm(partial(_outage, stage))])


def _outage(stage: Stage) -> Outage:
    stage.store.settled(0)
    mark = stage.store.mark()
    meter = Meter(stage.cores)
    stage.database.kill()
    opens = stage.requests("open")
    try:
        first = stage.loader.top(stage.port, opens, WARM_UP, stage.cores)
        answers = stage.loader.top(stage.port, opens, stage.plan.seconds, stage.cores)
    finally:
        stage.start_database()
    answered = first.answered + answers.answered
    stored, rate = _replay(stage, mark, answered)
    failed = sum(one.refused + one.broken for one in (first, answers))
    return Outage(answers.rate, rate, answered, stored, failed, uncounted=2 * stage.loader.uncounted, busy=meter.read())


def _replay(stage: Stage, mark: int, expected: int) -> tuple[int, float]:
    """Watch the database fill: events at the end, once they are judged, and events a second from the first that came
    back to the last.

    By the newest row that waits to be judged: to count all of them ten times a second would take a tenth of the
    database's core.
    """
    before = stage.store.events(mark)
    newest = stage.store.newest_deferred()
    seen = [(time.monotonic(), newest)]
    while True:
        time.sleep(LOOK)
        newest = max(newest, stage.store.newest_deferred())
        seen.append((time.monotonic(), newest))
        still = seen[-1][0] - min(at for at, one in seen if one == newest)
        if still >= (STUCK if newest == seen[0][1] else PAUSE):
            break
    began = max(at for at, one in seen if one == seen[0][1])
    ended = min(at for at, one in seen if one == newest)
    after = stage.store.settled(mark, expected=expected)
    return after, (after - before) / (ended - began) if ended > began else 0.0
