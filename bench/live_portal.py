"""The portal that `bench.live` measures: its database, its one web process, and what that uses."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Connection, utcnow
from app.email.copy_ids import CopyIds
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.modules import repository as modules
from app.processes import die_with_parent
from app.runtime import Runtime
from app.settings import Settings
from app.web.access import session_cookie
from plugins.plausible.links import Links
from plugins.plausible.tokens import Signer

START_DEADLINE = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Portal:
    """A migrated database with a sent and tracked reply on each ticket, and an agent who is logged in."""

    settings: Settings
    cookie: str
    pixels: Sequence[tuple[int, str]]
    """Ticket and path."""

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int((self.settings.portal_url or "").rpartition(":")[2])


@dataclass(frozen=True)
class Server:
    """A running server: the process that was started and those that it started."""

    pid: int

    def used(self) -> float:
        """Seconds of processor time so far. Source: proc(5), fields utime and stime."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._family(self.pid)]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS

    def memory(self) -> int:
        """Resident bytes. Source: proc(5), smaps_rollup."""
        lines = [
            line
            for pid in self._family(self.pid)
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            if line.startswith("Rss:")
        ]
        return sum(int(line.split()[1]) for line in lines) * 1024

    def _family(self, pid: int) -> list[int]:
        children = [
            int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()
        ]
        return [pid, *(one for child in children for one in self._family(child))]


@contextmanager
def serving(made: Portal, work: Path, *, core: int) -> Iterator[Server]:
    """One web process on one core."""
    environment = {
        **os.environ,
        "DATABASE_URL": made.settings.database_url or "",
        "PORTAL_URL": made.settings.portal_url or "",
        "SECRET_KEY": made.settings.key,
        "VAR_DIR": str(work / "var"),
        "LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "app", "serve", "--port", str(made.port), "--workers", "1"]

    def prepare() -> None:
        die_with_parent()
        os.sched_setaffinity(0, {core})

    process = subprocess.Popen(command, env=environment, preexec_fn=prepare)
    try:
        wait_for(made.port)
        yield Server(process.pid)
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    """Until somebody listens there. Raises SystemExit where nobody does in time."""
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"the portal did not start within {START_DEADLINE:g} s")


@contextmanager
def portal(folder: Path, tickets: int) -> Iterator[Portal]:
    """A database of its own with so many tickets, in `folder`."""
    server = LocalDatabase(folder / "db", name="bench")
    server.start()
    try:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        settings = Settings(
            _env_file=None,
            database_url=server.url,
            portal_url=f"http://127.0.0.1:{port}",
            secret_key=secrets.token_hex(32),
            var_dir=folder / "var",
        )
        yield asyncio.run(_fill(settings, tickets))
    finally:
        server.stop()


async def _fill(settings: Settings, tickets: int) -> Portal:
    runtime = Runtime.build(settings, pool_size=2)
    ids = CopyIds(settings.keys)
    tracking_ids = [(number, ids.new()) for number in range(1, tickets + 1)]
    try:
        with runtime.entered():
            await migrate(runtime.database, all_migrations(runtime.plugins.migration_folders()))
            await runtime.register_modules()
            async with runtime.database.transaction() as conn:
                await modules.set_enabled(conn, slug="plausible", enabled=True, user_id=None)
                await _insert(conn, tracking_ids)
            user_id = await accounts.create_user(email="gus@example.org", role="agent", password=None)
            user = await accounts.user_by_id(user_id)
            assert isinstance(user, User)  # noqa: S101
            token = await accounts.start_session(user, address="127.0.0.1", user_agent="benchmark")
    finally:
        await runtime.close()
    links = Links(settings.portal_url or "", Signer(settings.keys))
    pixels = [(number, links.pixel(one).removeprefix(links.portal_url)) for number, one in tracking_ids]
    return Portal(settings, f"{session_cookie(settings)}={token}", pixels)


async def _insert(conn: Connection, tracking_ids: Sequence[tuple[int, str]]) -> None:
    """A ticket, a reply, its mail and the one copy of it for each, all with the same id."""
    now = utcnow()
    await conn.execute(
        """
        INSERT INTO contacts (id, name, email, notes, created_at, updated_at)
        VALUES (1, 'Bob', 'bob@example.org', '', %s, %s)
        """,
        [now, now],
    )
    numbers = [number for number, _ in tracking_ids]
    await conn.execute_many(
        "INSERT INTO tickets (id, subject, contact_id, created_at, last_activity_at) VALUES (%s, 'Printer', 1, %s, %s)",
        [(number, now, now) for number in numbers],
    )
    await conn.execute_many(
        """
        INSERT INTO ticket_replies (id, ticket_id, kind, body_html, body_text, created_at, email_sent_at)
        VALUES (%s, %s, 'reply', '<p>Hello</p>', 'Hello', %s, %s)
        """,
        [(number, number, now, now) for number in numbers],
    )
    await conn.execute_many(
        """
        INSERT INTO outgoing_emails (id, reply_id, message_id, subject, sender, html_body, text_body, reference_ids,
                                     headers, enable_tracking, metadata, created_at)
        VALUES (%s, %s, %s, 'Re: Printer', 'support@example.org', '<p>Hello</p>', 'Hello', '', '{}', 1, '{}', %s)
        """,
        [(number, number, f"<{number}@example.org>", now) for number in numbers],
    )
    await conn.execute_many(
        """
        INSERT INTO email_recipients (email_id, role, email, tracking_id, state, attempts, next_attempt_at, sent_at,
                                      reports, created_at)
        VALUES (%s, 'to', 'bob@example.org', %s, 'sent', 1, %s, %s, 'opens,clicks', %s)
        """,
        [(number, tracking_id, now, now, now) for number, tracking_id in tracking_ids],
    )
    await conn.execute("UPDATE tickets SET last_reply_id = id")
