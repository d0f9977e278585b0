"""What open ticket pages cost, and how soon they hear of an open: `python -m bench.live`.

One `myportal serve --workers 1` on a core of its own; the pages, the readers and a MariaDB that commits durably share
another one. Everything is on loopback. Each round starts a new server and measures it without pages and then with a
page on each of 1,000 tickets: idle, while pixels of half of these tickets are fetched at a given rate, and while those
of the other half are fetched as fast as one loader can. Figures are medians of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from bench.live_client import Pages, Told, fetch_all_the_time, fetch_at_rate, open_readers
from bench.live_portal import Portal, Server, portal, serving

FOLDER = Path(__file__).resolve().parent.parent / "var" / "bench-live"
"""On the disk of the checkout: a temporary folder in memory would make every commit free."""
WARM_UP = 2.0
SETTLE = 1.0
"""Seconds that do not count: of load at the start, and after the server did something else."""
READERS = 64
"""Connections of the loader."""
NONE = math.nan
"""A figure that there is only with pages."""
SOME = 50.0
"""Pixels a second that are fetched beside the loader, to see how soon pages hear of them."""


@dataclass(frozen=True)
class Plan:
    """How much is measured. seconds: of each measurement. rate: pixels a second."""

    pages: int = 1000
    rate: float = 200
    seconds: float = 5
    rounds: int = 3


@dataclass(frozen=True)
class Found:
    """One round, with pages or without. Shares of one core; seconds; bytes."""

    idle: float
    """Share of the web process while nothing happens."""
    busy: float
    """The same while pixels are fetched at the given rate."""
    answer_p99: float
    top: float
    """Pixels a second that one loader gets."""
    top_p99: float
    cost: float
    """Processor time of the web process for each of them; a busy machine changes it less than the rate."""
    told: float = NONE
    """From the pixel's answer to its event at the page, at the given rate; the median."""
    told_p99: float = NONE
    told_top: float = NONE
    """The same while the loader does what it can."""
    told_top_p99: float = NONE
    page: float = NONE
    """Memory of the web process for each page."""
    events: float = NONE
    """Events a second that pages get while the loader does what it can."""
    missing: int = 0
    """Opens that were answered and that their page never heard of, and pages that the server let go."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=Plan.pages, help="open pages (default %(default)s)")
    parser.add_argument("--rate", type=float, default=Plan.rate, help="pixels a second (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="per measurement (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=Plan.rounds, help="rounds (default %(default)s)")
    options = parser.parse_args()
    plan = Plan(options.pages, options.rate, options.seconds, options.rounds)
    print(
        f"{plan.pages:,} pages, {plan.rate:g} pixels a second, {plan.rounds} rounds of {plan.seconds:g} s; "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    without, with_pages = run(plan)
    print_table(plan, without, with_pages)
    return 1 if with_pages.missing else 0


def run(plan: Plan, folder: Path = FOLDER) -> tuple[Found, Found]:
    """Measure without pages and with them; the database lies below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    own = os.sched_getaffinity(0)
    first, *others = sorted(own)
    try:
        os.sched_setaffinity(0, others[:1] or [first])
        with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name, portal(Path(name), plan.pages) as made:
            rounds = [asyncio.run(one_round(plan, made, Path(name), core=first)) for _ in range(plan.rounds)]
    finally:
        os.sched_setaffinity(0, own)
    return median([without for without, _ in rounds]), median([with_pages for _, with_pages in rounds])


def median(found: Sequence[Found]) -> Found:
    """Of each figure; of what is missing the worst."""
    values = {field.name: [getattr(one, field.name) for one in found] for field in fields(Found)}
    missing = max(values.pop("missing"))
    return Found(**{name: statistics.median(taken) for name, taken in values.items()}, missing=missing)


async def one_round(plan: Plan, made: Portal, work: Path, *, core: int) -> tuple[Found, Found]:
    """A new server, without pages and with them."""
    with serving(made, work, core=core) as server:
        without = await measure(plan, made, server, None)
        before = server.memory()
        told = Told()
        pages = Pages(made.port, made.cookie, told)
        await pages.open([ticket_id for ticket_id, _ in made.pixels])
        await asyncio.sleep(SETTLE)
        page = (server.memory() - before) / plan.pages
        found = await measure(plan, made, server, told)
        closed = pages.closed
        pages.close()
    return without, replace(found, page=page, missing=found.missing + closed)


async def measure(plan: Plan, made: Portal, server: Server, told: Told | None) -> Found:
    """Idle, at the rate, at the top. told: what the pages hear, where there are any."""
    half = len(made.pixels) // 2
    watched, others = made.pixels[:half], itertools.cycle([path for _, path in made.pixels[half:]])
    readers = await open_readers(made.port, READERS)
    # The first open of a copy turns its badge and costs more.
    await fetch_all_the_time(readers, itertools.cycle([path for _, path in made.pixels]), WARM_UP)
    await asyncio.sleep(SETTLE)
    used, start = server.used(), time.perf_counter()
    await asyncio.sleep(plan.seconds)
    idle = (server.used() - used) / (time.perf_counter() - start)

    used, start = server.used(), time.perf_counter()
    times = await fetch_at_rate(made.port, watched, rate=plan.rate, seconds=plan.seconds, told=told)
    busy = (server.used() - used) / (time.perf_counter() - start)
    at_rate = take(told)

    events = told.events if told else 0
    used = server.used()
    at_top, _ = await asyncio.gather(
        fetch_all_the_time(readers, others, plan.seconds),
        fetch_at_rate(made.port, watched, rate=SOME, seconds=plan.seconds, told=told),
    )
    used = server.used() - used
    told_top = take(told)
    for reader in readers:
        reader.close()
    return Found(
        idle=idle,
        busy=busy,
        answer_p99=percentile(times, 0.99),
        top=len(at_top) / plan.seconds,
        top_p99=percentile(at_top, 0.99),
        cost=used / len(at_top),
        told=percentile(at_rate, 0.5),
        told_p99=percentile(at_rate, 0.99),
        told_top=percentile(told_top, 0.5),
        told_top_p99=percentile(told_top, 0.99),
        events=(told.events - events) / plan.seconds if told else NONE,
        missing=told.missing if told else 0,
    )


def take(told: Told | None) -> list[float]:
    """The delays so far, shortest first; the next ones count anew."""
    if told is None:
        return []
    delays, told.delays = sorted(told.delays), []
    return delays


def percentile(ordered: Sequence[float], share: float) -> float:
    """NONE of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else NONE


def print_table(plan: Plan, without: Found, with_pages: Found) -> None:
    """Print both sides."""
    print(f"{'':52}{'no page':>12}{f'{plan.pages:,} pages':>16}")
    for label, unit, name in (
        ("web process while nothing happens", "%", "idle"),
        (f"web process at {plan.rate:g} opens a second", "%", "busy"),
        ("  p99 of the pixel's answer", "ms", "answer_p99"),
        ("  page hears after the answer, median", "ms", "told"),
        ("  p99", "ms", "told_p99"),
        ("most opens a second that one loader gets", "", "top"),
        ("  p99 of the pixel's answer", "ms", "top_p99"),
        ("  processor time of the web process for each", "us", "cost"),
        ("  page hears after the answer, median", "ms", "told_top"),
        ("  p99", "ms", "told_top_p99"),
        ("  events a second that pages get", "", "events"),
        ("memory of a page", "KiB", "page"),
    ):
        first, second = shown(without, name, unit), shown(with_pages, name, unit)
        print(f"{f'{label}, {unit}' if unit else label:52}{first:>12}{second:>16}")
    added = (with_pages.busy - without.busy - with_pages.idle + without.idle) * 100
    print(f"\nAdded by telling {plan.rate:g} opens a second: {added:.1f} % of a core.")
    print(
        f"The loader gets {with_pages.top / without.top:.0%} of the rate without pages, "
        f"at {with_pages.cost / without.cost:.0%} of the processor time."
    )
    print(f"Opens that no page heard of, and pages that the server let go: {with_pages.missing}.")


def shown(found: Found, name: str, unit: str) -> str:
    """One figure in its unit; nothing where there is none."""
    value: float = getattr(found, name)
    if math.isnan(value):
        return ""
    scaled = {"%": value * 100, "ms": value * 1000, "us": value * 1e6, "KiB": value / 1024}.get(unit, value)
    return f"{scaled:,.1f}" if unit else f"{scaled:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
