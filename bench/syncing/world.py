"""A portal with a backlog of events, its worker, and a receiver, each a process of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

from app.runtime import Runtime
from app.services import modules
from bench import live_portal
from bench.serving.machine import Cores, free_port, serving, spawn, stop
from plugins.plausible.sync.account import Account, account

COPIES = 5_000
SITE = "help.example.com"
PIECE = 50_000
"""Events that are made in one transaction."""


@dataclass
class World:
    """Built by `world`."""

    portal: live_portal.Portal
    work: Path
    cores: Cores
    receiver_port: int

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator[Runtime]:
        """The portal, to look into."""
        settings = self.portal.settings.model_copy(update={"outbound_allowed": ["127.0.0.1"]})
        runtime = Runtime.build(settings, pool_size=2)
        try:
            with runtime.entered():
                await runtime.register_modules()
                yield runtime
        finally:
            await runtime.close()

    def set(self, **values: Any) -> None:
        """Save settings of the module."""

        async def save() -> None:
            async with self.runtime():
                await modules.save("plausible", values, user=None)

        asyncio.run(save())

    def account(self) -> tuple[Account, float]:
        """The account, and the seconds that it took."""

        async def read() -> tuple[Account, float]:
            async with self.runtime() as runtime, runtime.database.connection() as conn:
                start = time.perf_counter()
                found = await account(conn, now=datetime.now(UTC))
                return found, time.perf_counter() - start

        return asyncio.run(read())

    def receive(self, **values: Any) -> None:
        """How the receiver answers from now on."""
        self._ask("POST", "/set", json.dumps({"delay": 0.0, "hangs": False, "faulty": 0.0} | values))

    def counts(self) -> dict[str, Any]:
        """What came since the last time."""
        return dict(json.loads(self._ask("GET", "/counts")))

    def _ask(self, method: str, path: str, body: str = "") -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.receiver_port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Length": str(len(body))})
            return connection.getresponse().read()
        finally:
            connection.close()

    @contextmanager
    def worker(self) -> Iterator[Popen[bytes]]:
        """`myportal worker`, on the core of the server."""
        command = [sys.executable, "-m", "app", "worker"]
        process = spawn(command, cores=self.cores.server, log=self.work / "worker.log", environment=self.environment())
        try:
            yield process
        finally:
            stop(process)

    @contextmanager
    def web(self) -> Iterator[int]:
        """`myportal serve`, on the core of the server."""
        command = [sys.executable, "-m", "app", "serve", "--port", str(self.portal.port), "--workers", "1"]
        log, environment = self.work / "web.log", self.environment()
        with serving(command, self.portal.port, cores=self.cores.server, log=log, environment=environment) as process:
            yield process.pid

    def environment(self) -> dict[str, str]:
        """What the portal's processes are started with."""
        settings = self.portal.settings
        return {
            "DATABASE_URL": settings.database_url or "",
            "PORTAL_URL": settings.portal_url or "",
            "SECRET_KEY": settings.key,
            "VAR_DIR": str(self.work / "var"),
            "OUTBOUND_ALLOWED": "127.0.0.1",
            "TRUSTED_PROXIES": "127.0.0.1",
            "LOG_LEVEL": "error",
        }

    def refill(self, count: int) -> None:
        """Let exactly so many events wait, and forget those before; each by a recipient of its own, as far as there are
        recipients.
        """

        async def fill() -> None:
            async with self.runtime() as runtime:
                async with runtime.database.transaction() as conn:
                    for table in ("email_tracking_outbox", "email_tracking_events", "email_tracking_sync_days"):
                        await conn.execute(f"TRUNCATE TABLE {table}")
                    await conn.execute("DELETE FROM email_tracking_sync_state")
                for first in range(0, count, PIECE):
                    async with runtime.database.transaction() as conn:
                        await conn.execute(EVENTS, {"first": first, "count": min(PIECE, count - first)})
                        await conn.execute(OUTBOX, {"first": first, "last": first + min(PIECE, count - first) - 1})

        asyncio.run(fill())


_TEN = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
_BELOW_PIECE = ", ".join(f"({_TEN}) AS d{place}" for place in range(5))
"""Five digits: more than PIECE."""
EVENTS = f"""
INSERT INTO email_tracking_events
       (event_key, tracking_id, recipient_id, event_type, user_agent, occurred_at, class, rule, confidence, reason)
SELECT UNHEX(LPAD(HEX(n), 32, '0')), r.tracking_id, r.id, 'open',
       'Mozilla/5.0 Gecko/20100101 Thunderbird/140.2.0', UTC_TIMESTAMP(6), 'human', 'plain', 0.9, 'opened by a person'
  FROM (SELECT %(first)s + d0.d + 10 * d1.d + 100 * d2.d + 1000 * d3.d + 10000 * d4.d AS n FROM {_BELOW_PIECE}) AS some
  JOIN email_recipients AS r ON r.id = 1 + n MOD {COPIES}
 WHERE n < %(first)s + %(count)s
"""  # noqa: S608
OUTBOX = """
INSERT INTO email_tracking_outbox (event_key, occurred_at, recipient_id, next_attempt_at)
SELECT event_key, occurred_at, recipient_id, UTC_TIMESTAMP(6) FROM email_tracking_events
 WHERE event_key BETWEEN UNHEX(LPAD(HEX(%(first)s), 32, '0')) AND UNHEX(LPAD(HEX(%(last)s), 32, '0'))
 ORDER BY event_key
"""


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Everything, in a new folder below `folder` on disk; removed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="sync-", dir=folder) as name,
        live_portal.portal(Path(name), COPIES) as made,
    ):
        work, port, cores = Path(name), free_port(), Cores.pick()
        command = [sys.executable, "-m", "bench.syncing.receiver", "--port", str(port)]
        with serving(command, port, cores=cores.load, log=work / "receiver.log"):
            found = World(made, work, cores, port)
            asyncio.run(_prepare(found))
            found.set(
                base_url=f"http://127.0.0.1:{port}",
                site_domain=SITE,
                send_to_plausible=True,
                site_timezone=noon(),
            )
            yield found


async def _prepare(found: World) -> None:
    async with found.runtime() as runtime, runtime.database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET email = CONCAT('reader', id, '@example.org')")


def noon() -> str:
    """A time zone in which it is about noon: nothing becomes too old."""
    hour = datetime.now(UTC).hour
    return f"Etc/GMT{hour - 12:+d}" if hour != 12 else "UTC"
