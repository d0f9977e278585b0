"""How fast events go to Plausible, what that costs, and whether every one is accounted for: `python -m bench.sync`.

A real worker sends a backlog of 1,000,000 events to a receiver on loopback that answers after 5, 50 and 500 ms; beside
it, what the usual way reaches, one event after the other. Then pixels and ticket pages are timed with the
sync off, on, and with a receiver that never answers; and the account is held against what the receiver counted after a
run in which a third of the requests goes wrong and the worker is killed again and again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from app.log import configure
from app.settings import Settings
from bench.syncing import measure
from bench.syncing.world import World, world
from plugins.plausible.sync.outcome import Outcome

FOLDER = Path(__file__).resolve().parent.parent / "var" / "bench-sync"
"""On the disk of the checkout: a temporary folder in memory would make every commit free."""
DELAYS = (0.005, 0.05, 0.5)
PARTS = ("pace", "latency", "account")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help=f"parts, with commas: {', '.join(PARTS)} (default all)")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="events that wait (default 1,000,000)")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement of pace (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="(default 3)")
    parser.add_argument("--kills", type=int, default=10, help="how often the worker is killed (default 10)")
    options = parser.parse_args()
    parts = set(filter(None, options.only.split(","))) or set(PARTS)
    if parts - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(parts - set(PARTS)))}; there are {', '.join(PARTS)}")
    configure(Settings(_env_file=None, log_level="error"))
    ok = True
    with world(FOLDER) as found:
        print(f"worker on core {min(found.cores.server)}; load {os.getloadavg()[0]:.1f}\n")
        if "pace" in parts:
            _pace(found, backlog=options.backlog, seconds=options.seconds, rounds=options.rounds)
        if "latency" in parts:
            _latency(found, rounds=options.rounds)
        if "account" in parts:
            ok = _account(found, kills=options.kills)
    return 0 if ok else 1


def _pace(found: World, *, backlog: int, seconds: float, rounds: int) -> None:
    found.refill(0)
    empty = measure.idle_memory(found)
    start = time.monotonic()
    found.refill(backlog)
    account, taken = found.account()
    print(f"{account.totals[Outcome.WAITING]:,} events wait (made in {time.monotonic() - start:.0f} s).")
    print(f"The account is read in {taken * 1000:.0f} ms.\n")
    print("answers after   events/s   one by one   times   of the bound   CPU s/1,000   worker MB")
    held = 0
    runs: dict[float, list[measure.Pace]] = {delay: [] for delay in DELAYS}
    for _ in range(rounds):
        for delay in DELAYS:
            runs[delay].append(measure.pace(found, delay, seconds=seconds))
    for delay, made in runs.items():
        events = statistics.median(one.events for one in made)
        usual = statistics.median(one.usual for one in made)
        held = max(held, *(one.memory for one in made))
        print(
            f"{delay * 1000:>10.0f} ms {events:>10,.0f} {usual:>12,.0f} {events / usual:>7.1f} "
            f"{events / made[0].bound:>14.0%} {statistics.median(one.cpu for one in made):>13.2f} {held / 1e6:>11.0f}"
        )
    print(f"\nThe worker with nothing to send: {empty / 1e6:.0f} MB; the backlog adds {(held - empty) / 1e6:.1f} MB.\n")


def _latency(found: World, *, rounds: int) -> None:
    found.refill(20_000)
    times = measure.latency(found, rounds=rounds, requests=300)
    print("milliseconds      pixel median      p99   page median      p99")
    for name in times.pixel:
        pixel, page = times.pixel[name], times.page[name]
        print(
            f"sync {name:<12} {measure.middle(pixel):>12.2f} {measure.worst_of_hundred(pixel):>8.1f} "
            f"{measure.middle(page):>13.1f} {measure.worst_of_hundred(page):>8.1f}"
        )
    changes = [measure.middle(of["hanging"]) / measure.middle(of["off"]) for of in (times.pixel, times.page)]
    print(f"A receiver that hangs against no sync: pixel {changes[0]:.2f} times, page {changes[1]:.2f} times.\n")


def _account(found: World, *, kills: int) -> bool:
    run = measure.exactness(found, kills=kills)
    words = ", ".join(f"{count:,} {outcome.value}" for outcome, count in run.totals.items() if count)
    print(f"{run.events:,} events, a third of the requests goes wrong, {run.kills} kills: {words}.")
    print(f"Together {sum(run.totals.values()):,}: {'exact' if run.sums_up else 'NOT EXACT'}.")
    print(
        f"The receiver counted {run.processed:,}, {run.twice} of them twice: "
        f"{'within accepted and ambiguous' if run.is_honest else 'NOT WITHIN accepted and ambiguous'}."
    )
    return run.sums_up and run.is_honest


if __name__ == "__main__":
    raise SystemExit(main())
