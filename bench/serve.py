"""How many opens and clicks a second are durable, next to what others reach: `python -m bench.serve`.

Ours and its competitors answer the same readers on the same machine: the server has one core, the loader and a MariaDB
that commits durably have another one, everything is on loopback. Rounds go A B A B, figures are medians. What each one
answered is compared with what its table holds afterwards. At most as many answers as there are connections can be
stored without being counted, because wrk hangs up on those that are still out when it ends.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.log import configure
from app.settings import Settings
from bench.serving import growth, outage, scenarios
from bench.serving.aims import Results
from bench.serving.compare import compare
from bench.serving.competitors import COMPETITORS, OURS, Competitor
from bench.serving.report import print_report
from bench.serving.stage import FOLDER, Plan, Stage, staged

STOPPED = "stopped"
PARTS = {
    "top": "everybody's top rate side by side",
    "latency": "ours at half of its top rate",
    STOPPED: "ours with the database killed, and the replay",
    "memory": "what load adds to a worker's memory",
    "judging": "how fast the events of a rush are judged afterwards",
    "workers": "two workers against one",
    "flood": "real opens beside forged ones",
    "growth": "pages and inserts with a long history",
}

FLOOD = 2 / 3
"""Of half of the top rate: with as many forged ones that is two thirds of a core, and on a full one everybody waits."""


def main() -> int:
    """Measure and print."""
    options = _parser().parse_args()
    if options.list:
        for key, name in {**{one.key: one.name for one in COMPETITORS}, **PARTS}.items():
            print(f"{key:<14}{name}")
        return 0
    chosen = {STOPPED} if options.database_stopped else set(filter(None, options.only.split(",")))
    unknown = chosen - PARTS.keys() - {one.key for one in COMPETITORS}
    if unknown:
        print(f"No such name: {', '.join(sorted(unknown))}; --list shows them.", file=sys.stderr)
        return 1
    plan = Plan(
        seconds=options.seconds,
        rounds=options.rounds,
        connections=options.connections,
        copies=options.copies,
        rows=options.rows,
        wrk=not options.no_wrk,
        patience=options.patience,
    )
    configure(Settings(_env_file=None, log_level="error"))
    print_report(run(plan, chosen))
    return 0


def run(plan: Plan, chosen: set[str], folder: Path = FOLDER) -> Results:
    """Measure the chosen parts and competitors, all of them where none is named; the database lies below `folder`."""
    competitors = [one for one in COMPETITORS if one.key in chosen] or list(COMPETITORS)
    parts = chosen & PARTS.keys() or ({"top"} if chosen else set(PARTS))
    if chosen & {one.key for one in COMPETITORS}:
        parts |= {"top"}
    with staged(plan, folder) as stage:
        print(
            f"{plan.copies:,} ids, {plan.connections} connections, {plan.rounds} rounds of {plan.seconds:g} s; "
            f"{stage.loader.name}; {stage.cores if stage.cores.separate else 'one core for all'}; "
            f"load {os.getloadavg()[0]:.1f}\n"
        )
        return _measure(stage, competitors, parts)


def _measure(stage: Stage, competitors: Sequence[Competitor], parts: set[str]) -> Results:
    results = Results()
    if "top" in parts:
        results.skipped = {one.name: why for one in competitors if (why := one.missing())}
        results.comparison = compare(stage, [one for one in competitors if one.name not in results.skipped], _say)
    half = _half_rates(stage, results) if parts & {"latency", "flood"} else {}
    if "latency" in parts:
        _say(PARTS["latency"])
        results.latency = scenarios.latency(stage, half)
    if "flood" in parts:
        _say(PARTS["flood"])
        results.flood = scenarios.flood(stage, half["open"] * FLOOD)
    if "memory" in parts:
        _say(PARTS["memory"])
        results.memory = scenarios.memory(stage)
    if "judging" in parts:
        _say(PARTS["judging"])
        results.judging = scenarios.judging(stage)
    if "workers" in parts:
        _say(PARTS["workers"])
        results.workers = scenarios.workers(stage)
    if STOPPED in parts:
        _say(PARTS[STOPPED])
        results.outages = outage.outages(stage)
    if "growth" in parts:
        _say(PARTS["growth"])
        results.growth = growth.growth(stage)
    return results


def _half_rates(stage: Stage, results: Results) -> Mapping[str, float]:
    """Half of our top rate by kind, measured now where the comparison left us out."""
    comparison = results.comparison
    if (OURS, "open") not in comparison:
        comparison = compare(stage, [one for one in COMPETITORS if one.key == OURS], _say)
    return {kind: runs.rate / 2 for (key, kind), runs in comparison.items() if key == OURS}


def _say(message: str) -> None:
    """Tell how far it is, beside the table."""
    print(message, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help=f"per run (default {Plan.seconds:g})")
    parser.add_argument("--rounds", type=int, default=Plan.rounds, help=f"default {Plan.rounds}")
    parser.add_argument("--connections", type=int, default=Plan.connections, help=f"default {Plan.connections}")
    parser.add_argument("--copies", type=int, default=Plan.copies, help=f"ids asked for (default {Plan.copies})")
    parser.add_argument("--rows", type=int, default=Plan.rows, help=f"events for growth (default {Plan.rows})")
    parser.add_argument("--only", default="", help="competitors and parts, separated by commas; see --list")
    parser.add_argument("--database-stopped", action="store_true", help=f"the same as --only {STOPPED}")
    parser.add_argument("--no-wrk", action="store_true", help="use our own loader at the top rate too")
    parser.add_argument(
        "--patience",
        type=float,
        default=Plan.patience,
        help=f"seconds to wait before each run for other processes to leave (default {Plan.patience:g})",
    )
    parser.add_argument("--list", action="store_true", help="print the names for --only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
