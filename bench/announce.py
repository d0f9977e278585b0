"""An announcement to many contacts against a mail server on loopback: `python -m bench.announce`.

A private MariaDB that commits durably, a real worker process, and a mail server of our own in this process that takes
everything and remembers who got what. Without --kills: mails per second from the first to the last, and the worker's
memory. With --kills N: the worker is killed (SIGKILL) N times at random moments and started anew; at the end what the
mail server took is compared with the rows. Nobody may be missed, nobody may have it twice; those caught between DATA
and the answer are unknown, and counted.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.accounts import service as accounts
from app.database import Connection, Database, utcnow
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.modules import service as modules
from app.runtime import Runtime
from app.services import mailings
from app.services.files import Upload
from app.settings import Settings
from bench.smtp_sink import Sink
from plugins.announcements import drafts, flow
from plugins.announcements.drafts import Given
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement
from plugins.announcements.module import Announcements

ROOT = Path(__file__).resolve().parent.parent
BODY = (
    "<p>Hello {{contact.first_name|there}},</p><p>on Sunday from 8 to 10 our service is down. "
    '<a href="https://status.example.com/sunday">Follow the work</a> or write to us.</p>'
)
INSERTED = 2000
LOOK = 0.5


@dataclass
class Worker:
    """`myportal worker` in a process of its own."""

    environment: dict[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    peak: int = 0
    """Kilobytes of memory at most, of all that were started."""

    async def start(self) -> None:
        """Start one."""
        with self.log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app", "worker", cwd=ROOT, env=self.environment, stdout=out, stderr=out
            )

    async def end(self, number: int) -> None:
        """Send it a signal, and wait until it is gone."""
        if self.process is not None and self.process.returncode is None:
            self.look()
            self.process.send_signal(number)
            await self.process.wait()

    def look(self) -> None:
        """Note its memory."""
        assert self.process is not None  # noqa: S101
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists():
            lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            self.peak = max([self.peak, *(int(line.split()[1]) for line in lines)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--contacts", type=int, default=100_000, help="how many get it (default 100,000)")
    parser.add_argument("--kills", type=int, default=0, help="how often the worker is killed (default 0)")
    parser.add_argument("--connections", type=int, default=8, help="SMTP_CONNECTIONS of the worker (default 8)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes; those after the first live on")
    parser.add_argument("--untracked", action="store_true", help="without pixel and tracked links")
    parser.add_argument("--kilobytes", type=int, default=0, help="of a file that each mail carries (default 0: none)")
    parser.add_argument("--seed", type=int, default=None, help="of the moments of the kills")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return asyncio.run(measure(parser.parse_args()))


async def measure(options: argparse.Namespace) -> int:
    """Send one announcement; 0 where nobody was missed and nobody has it twice."""
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sink = Sink()
        async with sink.listening(), portal(folder, sink.port, options.connections) as (handles, environment):
            await make_contacts(handles.database, options.contacts)
            number = await begin(handles, tracked=not options.untracked, kilobytes=options.kilobytes)
            workers = [Worker(environment, folder / f"worker-{place}.log") for place in range(options.workers)]
            started = time.monotonic()
            for worker in workers:
                await worker.start()
            kills = await kill(workers[0], sink, options.kills, options.contacts, dice)
            known = await finished(handles, number, workers, sink, restarted=bool(kills))
            took = sink.last_at - (sink.first_at if not kills else started)
            for worker in workers:
                await worker.end(signal.SIGTERM)
            return await report(handles, known, sink, workers, took=took, kills=kills)


async def kill(worker: Worker, sink: Sink, times: int, contacts: int, dice: random.Random) -> int:
    """Kill the worker at random moments, each after it got on a little; how often."""
    done = 0
    while done < times and len(sink.taken) < contacts:
        before = sink.taken.total()
        deadline = time.monotonic() + 60
        while sink.taken.total() == before and len(sink.taken) < contacts and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if len(sink.taken) >= contacts:
            break
        await asyncio.sleep(dice.uniform(0, 1.5))
        await worker.end(signal.SIGKILL)
        done += 1
        await worker.start()
    return done


async def finished(
    handles: Handles, number: int, workers: Sequence[Worker], sink: Sink, *, restarted: bool
) -> Announcement:
    """Wait until nothing of it is on its way; leases of killed workers are ended at once, not waited for."""
    while True:
        await asyncio.sleep(LOOK)
        for worker in workers:
            worker.look()
        known = await announcement(handles, number)
        now = await flow.progress(handles, known)
        print(f"\r{now.sent:,} sent, {now.in_outbox:,} in the outbox, {now.unknown:,} unknown ", end="", flush=True)
        if known.state == "sent" and now.in_outbox == 0:
            print()
            return known
        quiet = time.monotonic() - sink.last_at > 3
        if restarted and quiet:
            async with handles.database.transaction() as conn:
                await conn.execute(
                    "UPDATE email_recipients SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND "
                    "WHERE state IN ('claimed', 'sending')"
                )


async def report(
    handles: Handles, known: Announcement, sink: Sink, workers: Sequence[Worker], *, took: float, kills: int
) -> int:
    """Compare what the mail server took with the rows, and print it."""
    async with handles.database.connection() as conn:
        counts = await mailings.counts(conn, known.mailing)
        rows = await conn.fetch_all("SELECT email, state FROM email_recipients")
        people = {row["email"] for row in await conn.fetch_all("SELECT email FROM contacts")}
    states = {row["email"]: row["state"] for row in rows}
    missed = sorted(one for one in people if one not in sink.taken and states.get(one) != "unknown")
    twice = sorted(one for one, times in sink.taken.items() if times > 1)
    untrue = sorted(one for one, state in states.items() if state == "sent" and one not in sink.taken)
    arrived = sum(1 for one, state in states.items() if state == "unknown" and one in sink.taken)
    print(f"contacts              {len(people):>10,}")
    print(f"rows in the outbox    {len(rows):>10,}")
    print(f"taken by the server   {sink.taken.total():>10,}")
    print(f"killed                {kills:>10,}")
    print(f"unknown               {counts.unknown:>10,}   ({arrived:,} of them arrived)")
    print(f"missed                {len(missed):>10,}   {' '.join(missed[:5])}")
    print(f"twice                 {len(twice):>10,}   {' '.join(twice[:5])}")
    print(f"sent, never arrived   {len(untrue):>10,}   {' '.join(untrue[:5])}")
    print(f"seconds               {took:>10.1f}")
    print(f"mails per second      {sink.taken.total() / took if took else 0:>10.1f}")
    print(f"worker, peak memory   {max(one.peak for one in workers) / 1024:>10.1f} MB")
    return 1 if missed or twice or untrue or len(rows) != len(people) else 0


async def make_contacts(database: Database, count: int) -> None:
    """Contacts with an address each."""
    now = utcnow()
    for start in range(0, count, INSERTED):
        part = range(start, min(count, start + INSERTED))

        async def work(conn: Connection, part: range = part) -> None:
            await conn.execute_many(
                "INSERT INTO contacts (id, name, email, notes, created_at, updated_at) VALUES (%s, %s, %s, '', %s, %s)",
                [(n + 1, f"Person {n}", f"p{n}@customer{n % 997}.example", now, now) for n in part],
            )
            await conn.execute_many(
                "INSERT INTO contact_addresses (email, contact_id, created_at) VALUES (%s, %s, %s)",
                [(f"p{n}@customer{n % 997}.example", n + 1, now) for n in part],
            )

        await database.run(work)


async def begin(handles: Handles, *, tracked: bool, kilobytes: int) -> int:
    """Write an announcement to all and let it go."""
    user_id = await accounts.create_user(
        email="ada@portal.example", name="Ada", role="admin", password=secrets.token_urlsafe(12)
    )
    user = await accounts.user_by_id(user_id)
    assert user is not None  # noqa: S101
    files = (Upload("plan.pdf", "application/pdf", os.urandom(kilobytes * 1000)),) if kilobytes else ()
    given = Given("Outage on Sunday, {{contact.first_name|all}}", BODY, is_tracked=tracked, uploads=files)
    number = await drafts.create(handles, given, by=user)
    await flow.send(handles, number, by=user)
    return number


@asynccontextmanager
async def portal(folder: Path, port: int, connections: int) -> AsyncIterator[tuple[Handles, dict[str, str]]]:
    """A portal over a database of its own, its modules on and without a limit; and what a worker needs to know."""
    server = LocalDatabase(folder / "db", name="bench")
    await asyncio.to_thread(server.start)
    key = secrets.token_hex(32)
    settings = Settings(
        _env_file=None,
        database_url=server.url,
        portal_url="https://portal.example",
        secret_key=key,
        smtp_host="127.0.0.1",
        smtp_port=port,
    )
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ},
        "DATABASE_URL": server.url,
        "PORTAL_URL": "https://portal.example",
        "SECRET_KEY": key,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_CONNECTIONS": str(connections),
        "VAR_DIR": str(folder / "var"),
    }
    runtime = Runtime.build(settings)
    try:
        await migrate(runtime.database, all_migrations(runtime.plugins.migration_folders()))
        await runtime.register_modules()
        await runtime.open()
        with runtime.entered():
            for slug in ("announcements", "plausible"):
                await modules.set_enabled(slug, enabled=True, user=None)
            await modules.save("announcements", {"mails_per_minute": 0}, user=None)
            plugin = runtime.plugins.plugins["announcements"]
            assert isinstance(plugin, Announcements)  # noqa: S101
            await runtime.modules.refresh()
            yield plugin.handles(), environment
    finally:
        await runtime.close()
        await asyncio.to_thread(server.stop)


if __name__ == "__main__":
    sys.exit(main())
