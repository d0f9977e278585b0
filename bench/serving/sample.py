"""One run seen from both sides, and what several of them come to."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter

from bench.serving.calm import calm
from bench.serving.loader import Answers
from bench.serving.machine import IDLE, Busy, Cores, Meter
from bench.serving.store import Store


@dataclass(frozen=True)
class Sample:
    """One measured run.

    stored: events found in the table afterwards, None for who stores nothing. folded: those of them that have no row
    of their own.
    """

    answers: Answers
    stored: int | None
    folded: int = 0
    busy: Busy = IDLE


def counted(cores: Cores, store: Store | None, load: Callable[[], Answers]) -> Sample:
    """Do one run, and count what came into the table through it."""
    mark = 0
    if store is not None:
        # What the run before left behind must not count for this one.
        store.settled(store.mark())
        mark = store.mark()
    meter = Meter(cores)
    answers = load()
    busy = meter.read()
    if store is None:
        return Sample(answers, None, busy=busy)
    return Sample(answers, store.settled(mark, expected=answers.answered), store.folded_events(mark), busy)


@dataclass
class Runs:
    """The measured runs of one competitor and one kind of request; speeds are those of the calm ones."""

    samples: list[Sample] = field(default_factory=list)
    uncounted: int = 0
    """Answers per run that the loader may have left out."""

    @property
    def rate(self) -> float:
        """Median of answers a second."""
        return self._median(lambda answers: answers.rate)

    @property
    def p50(self) -> float:
        """Median of the runs' medians, in seconds; likewise the next three."""
        return self._median(lambda answers: answers.p50)

    @property
    def p99(self) -> float:
        """99 of 100 were faster."""
        return self._median(lambda answers: answers.p99)

    @property
    def p999(self) -> float:
        """999 of 1,000 were faster."""
        return self._median(lambda answers: answers.p999)

    @property
    def worst(self) -> float:
        """The slowest."""
        return self._median(lambda answers: answers.worst)

    @property
    def busy(self) -> Busy:
        """Medians."""
        found = [sample.busy for sample in calm(self.samples)]
        return Busy(*(statistics.median(map(attrgetter(name), found)) for name in ("server", "load", "others")))

    @property
    def folded(self) -> int:
        """Events of all runs without a row of their own."""
        return sum(sample.folded for sample in self.samples)

    @property
    def answered(self) -> int:
        """Answers of all runs."""
        return sum(sample.answers.answered for sample in self.samples)

    @property
    def failed(self) -> int:
        """Requests of all runs that were refused or got no answer."""
        return sum(sample.answers.refused + sample.answers.broken for sample in self.samples)

    @property
    def stored(self) -> int | None:
        """Events of all runs that the table has, None where nothing is stored."""
        found = [sample.stored for sample in self.samples if sample.stored is not None]
        return sum(found) if len(found) == len(self.samples) else None

    @property
    def adds_up(self) -> bool:
        """Whether every run stored what it answered, and nothing was stored twice."""
        return all(
            sample.stored is None or 0 <= sample.stored - sample.answers.answered <= self.uncounted
            for sample in self.samples
        )

    def _median(self, value: Callable[[Answers], float]) -> float:
        return statistics.median(value(sample.answers) for sample in calm(self.samples))
