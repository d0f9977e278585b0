"""Server time of Reports and of Admin → Events over millions of events: `python -m bench.reports [--events 5000000]`.

One server process and one client, one request after the other, over loopback HTTP. The database is a private MariaDB
with its default settings under `var/bench-reports`, filled by SQL within minutes and used again on the same day: a
year of replies by 20 agents of 8 departments, tags on two tickets in three, two and a half events a mail. The summary
is made by what `myportal reports rebuild` runs, whose time is printed; a second run of it must find nothing to correct.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.database import Database, utcnow
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.plugin_discovery import discover
from app.plugin_host import PluginHost
from app.reports.rebuild import fold, rebuild
from bench import reports_rows
from bench.reports_rows import DAYS, statements
from bench.tickets import Client, portal
from plugins.plausible.growth import later, tend

FOLDER = Path(__file__).resolve().parent.parent / "var" / "bench-reports"
EVENTS = 5_000_000
WARM_UP = 5
SAID_EVERY = 20.0
"""Seconds between two lines that say how far counting is."""


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    path: Callable[[random.Random], str]


def ensure(events: int) -> LocalDatabase:
    """The started server over the data set, which is made where it is not of today."""
    mark = FOLDER / "mark"
    wanted = f"{events} {utcnow().date()} {_schema()}"
    if not mark.is_file() or mark.read_text() != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        server = LocalDatabase(FOLDER, name="bench", fast=True)
        server.start()
        try:
            asyncio.run(_fill(server.url, events))
        finally:
            server.stop()
        mark.write_text(wanted)
    server = LocalDatabase(FOLDER, name="bench", fast=False)
    server.start()
    return server


def _schema() -> str:
    parts = [one.checksum for one in all_migrations()]
    parts.append(Path(reports_rows.__file__).read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def _fill(url: str, events: int) -> None:
    started = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {words}", flush=True)

    database = Database(url, size=3, deadline=3600)
    try:
        await migrate(database, all_migrations())
        month = later(utcnow().date(), -DAYS // 30 - 1)
        while month <= utcnow().date():
            at = datetime(month.year, month.month, 1, tzinfo=UTC)
            await tend(database, keep=lambda: 0, now=lambda at=at: at)  # type: ignore[misc]
            month = later(month, 1)
        say("tables made")
        async with database.connection() as conn:
            await conn.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")
            for name, statement in statements(events, utcnow()):
                await conn.execute(statement)
                say(f"{name} filled")
        plugins = PluginHost(discover())
        for words in ("counted", "counted again"):
            days = copies = corrected = 0
            began = said = time.monotonic()
            async for one in rebuild(database, plugins):
                days, copies, corrected = days + 1, copies + one.copies, corrected + one.corrected
                if time.monotonic() - said > SAID_EVERY:
                    said = time.monotonic()
                    say(f"{one.day}: {copies:,} mails {words}")
            say(f"{days} days {words} in {time.monotonic() - began:.0f} s, {corrected:,} figures corrected")
        if corrected:
            raise SystemExit("the summary is not what its rows say; see app/reports/rebuild.py")
        began = time.monotonic()
        await fold(database)
        say(f"days that are over folded in {time.monotonic() - began:.0f} s, as the worker does")
        async with database.connection() as conn:
            for table in ("report_days", "report_items", "email_tracking_events", "email_recipients", "report_mails"):
                await conn.execute(f"ANALYZE TABLE {table}")
                say(f"{table}: {await conn.fetch_value(f'SELECT COUNT(*) FROM {table}'):,} rows")  # noqa: S608
    finally:
        await database.close()


def cases() -> list[Case]:
    """Every grouping over 30 and 365 days, filters, exports; events with the usual filters, and far back."""

    def fixed(path: str) -> Callable[[random.Random], str]:
        return lambda _: path

    groupings = ("day", "week", "agent", "mailbox", "tag", "link", "client")
    found = [
        Case(f"by {by}, {period} days", fixed(f"/reports?by={by}&period={period}"))
        for period in (30, 365)
        for by in groupings
    ]
    found += [
        Case("by day, an agent", lambda pick: f"/reports?by=day&agent={pick.randint(2, 20)}"),
        Case("by agent, a tag", lambda pick: f"/reports?by=agent&tag={pick.randint(1, 30)}"),
        Case("by link, a mailbox", lambda pick: f"/reports?by=link&mailbox={pick.randint(1, 8)}"),
        Case("CSV by tag", fixed("/reports.csv?by=tag&period=365")),
        Case("events", fixed("/admin/events")),
        Case("events, opens", fixed("/admin/events?type=open")),
        Case("events, scanners", fixed("/admin/events?class=scanner")),
        Case("events, a rare class", fixed("/admin/events?class=preview")),
        Case("events, failed", fixed("/admin/events?type=failed")),
        Case("events, an address", lambda pick: f"/admin/events?recipient=reader{pick.randint(1, 500)}@example.org"),
        Case("events, a ticket", lambda pick: f"/admin/events?ticket={pick.randint(1, 2000)}&from={_back(360)}"),
        Case("events, a day long ago", lambda pick: (lambda day: f"/admin/events?from={day}&to={day}")(
            _back(pick.randint(30, 340)))),
        Case("events, a year of clicks", fixed(f"/admin/events?type=click&from={_back(360)}")),
    ]  # fmt: skip
    return found


def _back(days: int) -> str:
    return str(utcnow().date() - timedelta(days=days))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"events in the data set (default: {EVENTS:,})")
    parser.add_argument("--requests", type=int, default=100, help="requests per row (default: 100)")
    parser.add_argument("--only", default="", help="only rows whose name holds this")
    options = parser.parse_args()
    server = ensure(options.events)
    try:
        with portal(server.url) as (port, cookie, _):
            client = Client(port, cookie)
            print(f"\n{options.events:,} events, {options.requests} requests each; load {os.getloadavg()[0]:.1f}\n")
            print(f"{'milliseconds':<30}{'median':>8}{'p95':>8}{'max':>8}")
            for case in cases():
                if options.only in case.name:
                    pick = random.Random(case.name)
                    for _ in range(WARM_UP):
                        client.get(case.path(pick))
                    times = sorted(1000 * client.get(case.path(pick)) for _ in range(options.requests))
                    high = times[min(len(times) - 1, int(len(times) * 0.95))]
                    print(f"{case.name:<30}{statistics.median(times):>8.1f}{high:>8.1f}{times[-1]:>8.1f}", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
