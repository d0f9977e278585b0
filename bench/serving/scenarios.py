"""Our own server alone: latency at half its top rate, memory under load, two workers, a flood of forged ids."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from bench.serving.machine import Cores, family, memory_of
from bench.serving.sample import Runs, Sample, counted
from bench.serving.stage import WARM_UP, Stage

SAMPLED_EVERY = 0.2
"""Seconds between two looks at a process's memory, or at what is left."""
PATIENCE = 180.0
"""Seconds that judging may take."""


@dataclass(frozen=True)
class Latency:
    """Runs at a fixed rate. asked: requests a second."""

    asked: float
    runs: Runs = field(default_factory=Runs)


@dataclass(frozen=True)
class Memory:
    """Resident bytes of the process that grew most."""

    idle: int
    loaded: int

    @property
    def added(self) -> float:
        """Megabytes."""
        return (self.loaded - self.idle) / 1e6


@dataclass(frozen=True)
class Judging:
    """What the top rate left to be judged, and how long that took afterwards, in seconds."""

    events: int
    seconds: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


@dataclass(frozen=True)
class Flood:
    """Real opens at a third of the top rate, alone and beside as many forged ones; forged ones at the top rate."""

    alone: Latency
    beside: Latency
    forged_top: float
    forged_stored: int


def _paced(stage: Stage, kind: str, rate: float) -> Sample:
    """Ask our running server at a fixed rate, and count what it stored."""
    load = partial(stage.loader.paced, stage.port, stage.requests(kind), stage.plan.seconds, stage.cores, rate=rate)
    return counted(stage.cores, stage.store, load)


def _beside_forged(stage: Stage, rate: float) -> Sample:
    """Real opens at a fixed rate while as many forged ones come."""
    forged = stage.requests("forged")
    noise = stage.loader.start(stage.port, forged, stage.plan.seconds + 1, stage.cores, rate=rate, tag="forged")
    sample = _paced(stage, "open", rate)
    noise.answers()
    return sample


def latency(stage: Stage, rates: Mapping[str, float]) -> Mapping[str, Latency]:
    """By kind. rates: requests a second to ask for, by kind."""
    found = {kind: Latency(rate) for kind, rate in rates.items()}
    with stage.ours():
        for kind, rate in rates.items():
            stage.loader.paced(stage.port, stage.requests(kind), WARM_UP, stage.cores, rate=rate)
        for _ in range(stage.plan.rounds):
            for kind, rate in rates.items():
                stage.rest()
                found[kind].runs.samples += stage.until_calm(partial(_paced, stage, kind, rate))
    return found


def judging(stage: Stage) -> Judging:
    """How fast the server itself judges what it only stored at the top rate, once that is over."""
    with stage.ours():
        return judged(stage)


def judged(stage: Stage) -> Judging:
    """The same for a server that runs."""
    stage.loader.top(stage.port, stage.requests("open"), stage.plan.seconds, stage.cores)
    left, started = stage.store.deferred(), time.monotonic()
    while stage.store.deferred() and time.monotonic() - started < PATIENCE:
        time.sleep(SAMPLED_EVERY)
    return Judging(left - stage.store.deferred(), time.monotonic() - started)


def memory(stage: Stage) -> Memory:
    """What a fresh server holds after its first requests, and at most under the top rate of opens and clicks."""
    with stage.ours() as pid:
        stage.loader.paced(stage.port, stage.requests("open"), WARM_UP, stage.cores, rate=50)
        idle = _by_process(pid)
        most, done = dict(idle), threading.Event()

        def watch() -> None:
            while not done.wait(SAMPLED_EVERY):
                for one, held in _by_process(pid).items():
                    most[one] = max(most.get(one, 0), held)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for kind in ("open", "click"):
                stage.loader.top(stage.port, stage.requests(kind), stage.plan.seconds, stage.cores)
        finally:
            done.set()
            watcher.join()
    grown = max(idle, key=lambda one: most[one] - idle[one])
    return Memory(idle[grown], most[grown])


def _by_process(pid: int) -> dict[int, int]:
    found = {}
    for one in family(pid):
        try:
            found[one] = memory_of(one)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def workers(stage: Stage) -> Mapping[int, Runs]:
    """Top rate of opens with one and with two workers, nothing bound to a core."""
    cores = Cores.unpinned()
    load = partial(stage.loader.top, stage.port, stage.requests("open"), stage.plan.seconds, cores)
    found = {count: Runs(uncounted=stage.loader.uncounted) for count in (1, 2)}
    stage.bind_database(cores)
    try:
        for _ in range(stage.plan.rounds):
            for count, runs in found.items():
                with stage.ours(workers=count, cores=cores):
                    stage.loader.top(stage.port, stage.requests("open"), WARM_UP, cores)
                    runs.samples += stage.until_calm(partial(counted, cores, stage.store, load), cores)
    finally:
        stage.bind_database(stage.cores)
    return found


def flood(stage: Stage, rate: float) -> Flood:
    """Whether forged ids slow real ones. rate: real opens a second, and forged ones beside them."""
    alone, beside = Latency(rate), Latency(rate)
    with stage.ours():
        stage.loader.paced(stage.port, stage.requests("open"), WARM_UP, stage.cores, rate=rate)
        for _ in range(stage.plan.rounds):
            stage.rest()
            alone.runs.samples += stage.until_calm(partial(_paced, stage, "open", rate))
            stage.rest()
            beside.runs.samples += stage.until_calm(partial(_beside_forged, stage, rate))
        mark = stage.store.mark()
        top = stage.loader.top(stage.port, stage.requests("forged"), stage.plan.seconds, stage.cores)
        return Flood(alone, beside, top.rate, stage.store.settled(mark))
