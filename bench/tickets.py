"""Server time of the ticket list and the ticket page with 100,000 tickets: `python -m bench.tickets`.

One server process and one client, one request after the other, over loopback HTTP: what a lone agent waits for, without
the network. The database is a private MariaDB with its default settings, filled by `bench.dataset`. Processor time says
what a request costs where a busy machine makes it wait.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from app.accounts import service as accounts
from app.accounts.models import User
from app.runtime import Runtime
from app.settings import Settings
from app.tickets.listing_rules import Cursor
from app.web.access import session_cookie
from bench import dataset
from bench.texts import Writer

AGENT = 1
START_DEADLINE = 60.0
WARM_UP = 20
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    """One row of the table: what is asked for, again and again, each time for another page."""

    name: str
    path: Callable[[random.Random], str]
    group: str


@dataclass(frozen=True)
class Result:
    """Milliseconds of wall time, and of processor time per request in the web server and in the database."""

    median: float
    p99: float
    worst: float
    web: float
    database: float


def cases() -> list[Case]:
    """Views, filters, orders, deep pages, searches, contacts, ticket pages."""
    vocabulary = Writer(2).vocabulary

    def fixed(path: str) -> Callable[[random.Random], str]:
        return lambda _: path

    def somewhere(path: str, *, priority: bool = False, name: str = "after") -> Callable[[random.Random], str]:
        def make(pick: random.Random) -> str:
            at = dataset.NOW - dataset.SPAN * pick.random()
            cursor = Cursor(
                at, pick.randrange(dataset.TICKETS), pick.choice(["low", "normal", "high"]) if priority else None
            )
            return f"{path}{'&' if '?' in path else '?'}{name}={cursor}"

        return make

    def search(make: Callable[[random.Random], str], rest: str = "") -> Callable[[random.Random], str]:
        return lambda pick: f"/tickets?q={quote(make(pick))}{rest}"

    def ranked(low: int, high: int) -> Callable[[random.Random], str]:
        return lambda pick: pick.choice(vocabulary[low:high])

    def rarely_together(pick: random.Random) -> str:
        return " ".join(pick.sample(vocabulary[100:400], 3))

    rare_filters = "&priority=urgent&receipt=failed&assignee=7"
    return [
        *(Case(f"view {view}", fixed(f"/tickets?view={view}"), "list") for view in ("open", "mine", "unassigned")),
        *(Case(f"view {view}", fixed(f"/tickets?view={view}"), "list") for view in ("all", "closed")),
        *(Case(f"view {view}", fixed(f"/tickets?view={view}"), "list") for view in ("overdue", "snoozed")),
        Case("by due date", fixed("/tickets?view=all&sort=due"), "list"),
        Case("waiting for us, by due date", fixed("/tickets?view=open&waiting=us&sort=due"), "list"),
        Case("dashboard, 30 days", fixed("/dashboard?days=30"), "dashboard"),
        Case("filter priority", fixed("/tickets?view=all&priority=urgent"), "list"),
        Case("filter assignee", lambda pick: f"/tickets?view=all&assignee={pick.randint(1, 20)}", "list"),
        Case("filter read state", fixed("/tickets?view=all&receipt=read"), "list"),
        Case("filter read state, rare", fixed("/tickets?view=all&receipt=failed"), "list"),
        Case("three filters that few pass", fixed(f"/tickets?view=all{rare_filters}"), "list"),
        Case("filters that none passes", fixed(f"/tickets?view=all&status=pending&sort=created{rare_filters}"), "list"),
        Case("by priority", fixed("/tickets?view=all&sort=priority"), "list"),
        Case("by age, oldest first", fixed("/tickets?view=open&sort=created&dir=asc"), "list"),
        Case("deep page", somewhere("/tickets?view=all"), "list"),
        Case("deep page, back", somewhere("/tickets?view=all", name="before"), "list"),
        Case("deep page, filtered", somewhere("/tickets?view=closed&receipt=read&priority=high"), "list"),
        Case("deep page by priority", somewhere("/tickets?view=all&sort=priority", priority=True), "list"),
        Case("word in 4 of 5 tickets", search(fixed("message ")), "search"),
        Case("word in 1 of 5 tickets", search(ranked(5, 20)), "search"),
        Case("word in 1 of 50 tickets", search(ranked(150, 250)), "search"),
        Case("word in 1 of 500 tickets", search(ranked(1500, 2500)), "search"),
        Case("word in hardly any ticket", search(ranked(20_000, 40_000)), "search"),
        Case("word in no ticket", search(fixed("xylophone")), "search"),
        Case("unfinished word", search(lambda pick: pick.choice(vocabulary)[: pick.randint(3, 5)]), "search"),
        Case("reference number", search(lambda pick: f"R{pick.randrange(10**8):08d}"[:5]), "search"),
        Case("two words", search(lambda pick: f"{ranked(0, 50)(pick)} {ranked(300, 3000)(pick)} "), "search"),
        Case("three words, rare together", search(rarely_together), "search"),
        Case("common word among mine", search(fixed("message "), "&view=mine"), "search"),
        Case("rare word, deep page", somewhere("/tickets?q=invoice&view=all"), "search"),
        Case("contacts", fixed("/contacts"), "contacts"),
        Case("contacts, deep page", lambda pick: f"/contacts?after={pick.randint(1, dataset.CONTACTS)}", "contacts"),
        Case("find a contact", lambda pick: f"/contacts?q={pick.choice(vocabulary)[:5]}", "contacts"),
        Case("find nobody", fixed("/contacts?q=xylophone"), "contacts"),
        Case("a contact", lambda pick: f"/contacts/{pick.randint(1, dataset.CONTACTS)}", "contacts"),
        Case("any ticket", lambda pick: f"/tickets/{pick.randint(1, dataset.TICKETS)}", "ticket"),
        Case("a recent ticket", lambda pick: f"/tickets/{dataset.TICKETS - pick.randint(1, 2000)}", "ticket"),
        Case("ticket of 500 messages", fixed(f"/tickets/{dataset.LONG_TICKET}"), "ticket"),
        Case(
            "its earlier messages",
            lambda pick: f"/tickets/{dataset.LONG_TICKET}?before={dataset.MESSAGES - pick.randint(60, 400)}",
            "ticket",
        ),
    ]


def measure(case: Case, client: Client, pids: tuple[int, int], *, requests: int) -> Result:
    """Ask `requests` times, after a few that do not count."""
    pick = random.Random(case.name)
    for _ in range(WARM_UP):
        client.get(case.path(pick))
    before = [_processor_time(pid) for pid in pids]
    times = sorted(client.get(case.path(pick)) for _ in range(requests))
    used = [(_processor_time(pid) - start) * 1000 / requests for pid, start in zip(pids, before, strict=True)]
    return Result(
        statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000, times[-1] * 1000, used[0], used[1]
    )


def _processor_time(pid: int) -> float:
    """Seconds that a process has used. Source: proc(5), fields utime and stime."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Client:
    """An agent's browser on one connection."""

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": cookie, "Accept": "text/html"}

    def get(self, path: str) -> float:
        """Seconds until a page was there completely; a page that is no success ends the benchmark."""
        start = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        taken = time.perf_counter() - start
        if response.status not in {200, 422}:
            raise SystemExit(f"{path} was answered with {response.status}")
        return taken


@contextmanager
def portal(database_url: str) -> Iterator[tuple[int, str, int]]:
    """A server process over the data set: its port, the cookie of an agent, its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    url, key = f"http://127.0.0.1:{port}", secrets.token_hex(32)
    cookie = asyncio.run(_log_in(Settings(_env_file=None, database_url=database_url, portal_url=url, secret_key=key)))
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "PORTAL_URL": url,
        "SECRET_KEY": key,
        "LOG_LEVEL": "error",
    }
    process = subprocess.Popen([sys.executable, "-m", "app", "serve", "--port", str(port)], env=environment)
    try:
        _wait_for(port)
        yield port, cookie, process.pid
    finally:
        process.terminate()
        process.wait()


async def _log_in(settings: Settings) -> str:
    """A session of one of the agents, with every module switched on."""
    runtime = Runtime.build(settings, pool_size=2)
    with runtime.entered():
        await runtime.register_modules()
        async with runtime.database.transaction() as conn:
            await conn.execute("UPDATE integration_modules SET enabled = 1")
        user = await accounts.user_by_id(AGENT)
        assert isinstance(user, User)  # noqa: S101
        token = await accounts.start_session(user, address="127.0.0.1", user_agent="benchmark")
    await runtime.close()
    return f"{session_cookie(settings)}={token}"


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"the portal did not start within {START_DEADLINE:g} s")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300, help="requests per row (default: 300)")
    parser.add_argument("--only", default="", help="only rows whose name or group holds this")
    options = parser.parse_args()
    dataset.ensure()
    server = dataset.server()
    server.start()
    try:
        with portal(server.url) as (port, cookie, pid):
            client = Client(port, cookie)
            print(f"{options.requests} requests each, one at a time; milliseconds; load {os.getloadavg()[0]:.1f}\n")
            print(f"{'':<10}{'':<30}{'median':>8}{'p99':>8}{'max':>8}   processor: {'web':>6}{'database':>10}")
            for case in cases():
                if options.only in case.name or options.only in case.group:
                    found = measure(case, client, (pid, server.pid or 0), requests=options.requests)
                    print(
                        f"{case.group:<10}{case.name:<30}{found.median:>8.1f}{found.p99:>8.1f}{found.worst:>8.1f}"
                        f"{found.web:>20.1f}{found.database:>10.1f}",
                        flush=True,
                    )
            print(f"\nload at the end {os.getloadavg()[0]:.1f}")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
