"""The table."""

from __future__ import annotations

from collections.abc import Iterator

from bench.serving.aims import Results, usual, verdicts
from bench.serving.competitors import COMPETITORS, NGINX
from bench.serving.sample import Runs
from bench.serving.scenarios import Latency

BOTH_SIDES = f"{'answered':>11}{'stored':>11}{'difference':>16}"
COUNTS = f"{'server':>8}{'load':>6}{'others':>8}{BOTH_SIDES}{'failed':>8}"
"""server, load: how busy their cores were; others: what strangers to the benchmark took of the two."""
TIMES = f"{'asked':>10}{'p50 ms':>9}{'p99 ms':>9}{'p99.9 ms':>10}{'worst ms':>10}"


def print_report(results: Results) -> None:
    """Print everything."""
    for part in (_comparison, _latency, _outage, _others, _growth, _flood):
        for line in part(results):
            print(line)
    found = verdicts(results)
    if found:
        print("\nAims")
        for verdict in found:
            print(verdict)


def _comparison(results: Results) -> Iterator[str]:
    if results.comparison:
        yield f"\n{'top rate':<47}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'to usual':>10}{'to nginx':>10}{COUNTS}"
    names = {one.key: one.name for one in COMPETITORS}
    for (key, kind), runs in results.comparison.items():
        usual_runs, nginx = usual(results.comparison, kind), results.comparison.get((NGINX, "open"))
        yield (
            f"{names[key]:<40}{kind:<7}{runs.rate:>10,.0f}{_ms(runs.p50):>9}{_ms(runs.p99):>9}"
            f"{_ratio(runs, usual_runs):>10}{_ratio(runs, nginx):>10}{_counts(runs)}"
        )
    for name, why in results.skipped.items():
        yield f"{name:<40}left out: {why}"
    folded = sum(runs.folded for runs in results.comparison.values())
    if folded:
        yield f"{folded:,} events were only counted, because their ids came too often; ask with more --copies"


def _latency(results: Results) -> Iterator[str]:
    if results.latency:
        yield f"\n{'ours at half of the top rate':<47}{TIMES}{COUNTS}"
    for kind, found in results.latency.items():
        yield _times("", kind, found)


def _outage(results: Results) -> Iterator[str]:
    if results.outages:
        head = f"{'a second':>10}{'replayed a second':>19}{'others':>8}"
        yield f"\n{'database killed under load':<47}{head}{BOTH_SIDES}{'failed':>8}"
        for number, one in enumerate(results.outages.all, 1):
            yield (
                f"{f'outage {number}':<40}{'open':<7}{one.spooled:>10,.0f}{one.replayed:>19,.0f}{one.busy.others:>8.0%}"
                f"{_both_sides(one.answered, one.stored, one.adds_up)}{one.failed:>8,}"
            )


def _others(results: Results) -> Iterator[str]:
    if results.memory:
        idle, added = results.memory.idle / 1e6, results.memory.added
        yield f"\n{'memory of the worker':<47}{idle:.0f} MB idle, {added:+.1f} MB under load"
    if results.judging:
        found = results.judging
        yield (
            f"\n{'judged after the top rate':<47}{found.rate:,.0f} events a second, "
            f"{found.events:,} within {found.seconds:.1f} s"
        )
    if results.workers:
        yield f"\n{'workers, nothing bound to a core':<47}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{COUNTS}"
        for count, runs in results.workers.items():
            yield f"{count:<40}{'open':<7}{runs.rate:>10,.0f}{_ms(runs.p50):>9}{_ms(runs.p99):>9}{_counts(runs)}"


def _growth(results: Results) -> Iterator[str]:
    if results.growth:
        yield f"\n{'events in the table':<47}{'opens/s':>10}{'judged/s':>10}{'status ms':>11}{'ticket page ms':>16}"
        for size in results.growth:
            rates = f"{size.opens.rate:>10,.0f}{size.judging:>10,.0f}"
            yield f"{size.events:<47,}{rates}{size.status:>11.2f}{size.page:>16.2f}"


def _flood(results: Results) -> Iterator[str]:
    if results.flood:
        yield f"\n{'flood of forged ids':<47}{TIMES}{COUNTS}"
        yield _times("real ones alone", "open", results.flood.alone)
        yield _times("real ones beside as many forged", "open", results.flood.beside)
        top, stored = results.flood.forged_top, results.flood.forged_stored
        yield f"{'forged ones alone':<40}{'open':<7}{top:>10,.0f} a second at the top rate, {stored:,} stored"


def _times(name: str, kind: str, found: Latency) -> str:
    runs = found.runs
    return (
        f"{name:<40}{kind:<7}{found.asked:>10,.0f}{_ms(runs.p50):>9}{_ms(runs.p99):>9}{_ms(runs.p999):>10}"
        f"{_ms(runs.worst):>10}{_counts(runs)}"
    )


def _counts(runs: Runs) -> str:
    busy = f"{runs.busy.server:>8.0%}{runs.busy.load:>6.0%}{runs.busy.others:>8.0%}"
    if runs.stored is None:
        return f"{busy}{runs.answered:>11,}{'-':>11}{'-':>16}{runs.failed:>8,}"
    return f"{busy}{_both_sides(runs.answered, runs.stored, runs.adds_up)}{runs.failed:>8,}"


def _both_sides(answered: int, stored: int, adds_up: bool) -> str:
    difference = f"{stored - answered:+,}" + ("" if adds_up else " WRONG")
    return f"{answered:>11,}{stored:>11,}{difference:>16}"


def _ratio(runs: Runs, other: Runs | None) -> str:
    return f"{runs.rate / other.rate:.2f}" if other else "-"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}" if seconds else "-"
