"""What was measured, and the aims it is held against."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bench.serving.compare import Comparison
from bench.serving.competitors import NATIVE, NGINX, OURS, TUNED, USUAL
from bench.serving.growth import Size
from bench.serving.outage import Outages
from bench.serving.sample import Runs
from bench.serving.scenarios import Flood, Judging, Latency, Memory

TIMES_USUAL, SHARE_OF_NGINX = 5.0, 0.12
P99, P999 = 10.0, 50.0
"""Milliseconds at half of the top rate."""
SPOOLED, REPLAYED = 10_000.0, 20_000.0
MEMORY = 30.0
"""Megabytes per worker."""
TWO_WORKERS, CORES_FOR_TWO = 1.7, 4
"""Two workers, the loader and the database want a core each before their ratio says anything."""
GROWN, FLOODED = 0.9, 0.95
"""What must be left of the rate of opens with a full table, and of real opens beside a flood; the rest is noise."""
SLOWER = 1.25
"""How much slower pages may look with a full table; the rest is noise."""


@dataclass
class Results:
    """What was measured; the rest stays empty."""

    comparison: Comparison = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    latency: Mapping[str, Latency] = field(default_factory=dict)
    outages: Outages | None = None
    memory: Memory | None = None
    judging: Judging | None = None
    workers: Mapping[int, Runs] = field(default_factory=dict)
    growth: tuple[Size, Size] | None = None
    flood: Flood | None = None


@dataclass(frozen=True)
class Verdict:
    """One aim and what was found; ok is None where this machine cannot judge it."""

    what: str
    found: str
    aim: str
    ok: bool | None

    def __str__(self) -> str:
        word = {True: "OK", False: "BELOW", None: ""}[self.ok]
        return f"{self.what:<62}{self.found:>18}   {self.aim:<18}{word}"


def verdicts(results: Results) -> list[Verdict]:
    """Each aim that was measured."""
    return [*_rates(results), *_times(results), *_others(results), *_counts(results)]


def _rates(results: Results) -> Iterator[Verdict]:
    comparison = results.comparison
    nginx = comparison.get((NGINX, "open"))
    for kind in ("open", "click"):
        ours, peer, tuned = comparison.get((OURS, kind)), usual(comparison, kind), comparison.get((TUNED, kind))
        if ours and peer:
            yield _least(f"{kind}s: times the faster usual way", TIMES_USUAL, ours.rate / peer.rate, "{:.2f}")
        if ours and tuned:
            yield Verdict(f"{kind}s: times FastAPI with uvloop", f"{ours.rate / tuned.rate:.2f}", "no aim", None)
        if ours and nginx:
            yield _least(f"{kind}s: share of nginx", SHARE_OF_NGINX, ours.rate / nginx.rate, "{:.3f}")
    ours, native = comparison.get((OURS, "open")), comparison.get((NATIVE, "open"))
    if ours and native:
        yield Verdict("opens: share of MariaDB alone", f"{ours.rate / native.rate:.2f}", "no aim", None)


def _times(results: Results) -> Iterator[Verdict]:
    for kind, found in results.latency.items():
        yield _most(f"{kind}s: p99 ms at half of the top rate", P99, found.runs.p99 * 1000, "{:.1f}")
        yield _most(f"{kind}s: p99.9 ms at half of the top rate", P999, found.runs.p999 * 1000, "{:.1f}")


def _others(results: Results) -> Iterator[Verdict]:
    if results.outages:
        yield _least("database stopped: spooled a second", SPOOLED, results.outages.spooled, "{:,.0f}")
        yield _least("replayed a second", REPLAYED, results.outages.replayed, "{:,.0f}")
    if results.memory:
        yield _most("MB that load adds to a worker", MEMORY, results.memory.added, "{:.1f}")
    if results.workers:
        judged = _least(
            "two workers: times one", TWO_WORKERS, results.workers[2].rate / results.workers[1].rate, "{:.2f}"
        )
        cores = len(os.sched_getaffinity(0))
        yield judged if cores >= CORES_FOR_TWO else replace(judged, ok=None, found=f"{judged.found} on {cores} cores")
    if results.growth:
        empty, full = results.growth
        rate, pages = full.opens.rate / empty.opens.rate, f"{full.events:,} events"
        yield _least(f"opens a second with {pages}: share of the empty table's", GROWN, rate, "{:.2f}")
        speed = f"{full.judging / empty.judging:.2f}"
        yield Verdict(f"events judged a second with {pages}: share of the empty table's", speed, "no aim", None)
        yield _most(f"status with {pages}: times the empty table's", SLOWER, full.status / empty.status, "{:.2f}")
        yield _most(f"ticket page with {pages}: times the empty table's", SLOWER, full.page / empty.page, "{:.2f}")
    if results.flood:
        alone, beside = results.flood.alone.runs, results.flood.beside.runs
        yield _least("real opens beside forged ones: share of alone", FLOODED, beside.rate / alone.rate, "{:.2f}")
        yield _most("real opens beside forged ones: p99 ms", P99, beside.p99 * 1000, "{:.1f}")


def _counts(results: Results) -> Iterator[Verdict]:
    ours = [runs for (key, _), runs in results.comparison.items() if key == OURS]
    ours += [found.runs for found in results.latency.values()]
    ours += results.workers.values()
    ours += [size.opens for size in results.growth or ()]
    if results.flood:
        ours += [results.flood.alone.runs, results.flood.beside.runs]
    right = [runs.adds_up for runs in ours] + [one.adds_up for one in (results.outages.all if results.outages else ())]
    if right:
        yield Verdict("ours: lines where answered = stored", f"{sum(right)}", f"all {len(right)}", all(right))


def _least(what: str, aim: float, found: float, form: str) -> Verdict:
    return Verdict(what, form.format(found), f"at least {aim:,g}", found >= aim)


def _most(what: str, aim: float, found: float, form: str) -> Verdict:
    return Verdict(what, form.format(found), f"at most {aim:,g}", found <= aim)


def usual(comparison: Comparison, kind: str) -> Runs | None:
    """The faster of the two usual ways."""
    found = [runs for key in USUAL if (runs := comparison.get((key, kind)))]
    return max(found, key=lambda runs: runs.rate, default=None)
