"""A whole portal of a test's own, made to be broken: database, web processes, spool folder, mailed copies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pymysql
from prometheus_client.parser import text_string_to_metric_families
from pymysql.cursors import DictCursor

from app.database import Database
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.processes import die_with_parent
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.plausible.events import Kind
from plugins.plausible.links import Links
from plugins.plausible.tokens import Signer
from tests.conftest import SECRET_KEY
from tests.receipts.builders import mailed_reply, set_copy
from tests.support.load import HOST, Hit, Key, Tally, click_hit, eventually, open_hit

ROOT = Path(__file__).resolve().parents[2]
NAME = "portal_faults"
USER, PASSWORD = "portal", secrets.token_hex(8)
SMALL = ["--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M", "--innodb-autoextend-increment=1"]
COPIES_OF_A_REPLY = 50
SETTLE_DEADLINE = 20.0
"""Seconds without a new event after which what is missing counts as lost."""


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def make_template(folder: Path) -> Path:
    """The folder of a stopped server with a migrated portal whose tracking is on; to be copied."""
    server = LocalDatabase(folder, name=NAME, options=SMALL)
    server.start()
    try:
        asyncio.run(_prepare(server.url))
        # An administrator may write to a read-only server and has a connection in reserve; the portal may not.
        server.execute(f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'")
        server.execute(f"GRANT ALL ON {NAME}.* TO {USER}@'%'")
    finally:
        server.stop()
    return folder


async def _prepare(url: str) -> None:
    settings = Settings(_env_file=None, database_url=url, portal_url="http://portal.test", secret_key=SECRET_KEY)
    runtime = Runtime.build(settings)
    try:
        await migrate(runtime.database, all_migrations())
        with runtime.entered():
            await runtime.register_modules()
            await runtime.open(watch=False)
            await modules.set_enabled("plausible", enabled=True, user=None)
    finally:
        await runtime.close()


def copied(template: Path, folder: Path, *, port: int | None = None, options: Sequence[str] = ()) -> LocalDatabase:
    """A server over its own copy of the template, not yet started. It loses nothing that it acknowledged."""
    shutil.copytree(template / "data", folder / "data", dirs_exist_ok=True)
    folder.chmod(0o700)
    return LocalDatabase(folder, name=NAME, options=[*SMALL, *options], port=port)


class Portal:
    """`myportal serve` over `database`; several of them may share a spool folder.

    database_port: where the portal finds the database instead of its socket, for example a proxy.
    """

    def __init__(
        self,
        folder: Path,
        database: LocalDatabase,
        *,
        workers: int = 1,
        spool: Path | None = None,
        database_port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.database = database
        self.workers = workers
        self.spool = spool or folder / "spool"
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.links = Links(self.url, Signer([SECRET_KEY]))
        self.process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(
            base_url=self.url, trust_env=False, timeout=20, limits=httpx.Limits(max_keepalive_connections=0)
        )
        server = f"{USER}:{PASSWORD}@{HOST}:{database_port}" if database_port else f"{USER}:{PASSWORD}@localhost"
        where = "" if database_port else f"?unix_socket={database.socket}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS")},
            "DATABASE_URL": f"mysql://{server}/{NAME}{where}",
            "PORTAL_URL": self.url,
            "SECRET_KEY": SECRET_KEY,
            "VAR_DIR": str(folder / "var"),
            "SPOOL_DIR": str(self.spool),
            "TRUSTED_PROXIES": HOST,
            **(environment or {}),
        }

    def start(self) -> None:
        """Start and wait until it answers."""
        # Its words go where the test's go, so that pytest shows them beside a failure.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(self.port), "--workers", str(self.workers)],
            cwd=ROOT,
            env=self._environment,
            preexec_fn=die_with_parent,
        )
        eventually(self._has_started, seconds=60, what="the web process to answer")

    def _has_started(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the web process ended; its words stand above"
        return self.is_alive() and len(self.worker_pids()) >= self.workers

    def stop(self) -> int:
        """SIGTERM, and the exit code; a process that does not end within 30 s fails the test."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.terminate()
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the web process did not end within 30 s of SIGTERM") from None

    def kill(self) -> None:
        """SIGKILL to all of it at once, as when the machine loses its power."""
        process, self.process = self.process, None
        if process is None:
            return
        pids = self._children(process.pid)
        for pid in (process.pid, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        eventually(lambda: not any(_is_alive(pid) for pid in pids), seconds=10, what=f"the end of {pids}")

    def worker_pids(self) -> list[int]:
        """The processes that answer requests."""
        assert self.process is not None
        return self._children(self.process.pid) or [self.process.pid]

    @staticmethod
    def _children(pid: int) -> list[int]:
        """Its children, without the helper that Python's multiprocessing runs beside them."""
        found = []
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            # It may end while we look.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(child)
        return found

    def get(self, path: str) -> httpx.Response:
        """One request of its own."""
        return self._client.get(path)

    def is_alive(self) -> bool:
        """Whether /healthz says so."""
        try:
            return self.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels; 0 where there are none."""
        samples = [
            sample
            for family in text_string_to_metric_families(self.get("/metrics").text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(sample.value for sample in samples)

    def copies(self, count: int, *, marked: bool = True) -> list[str]:
        """Tracking ids of so many mailed copies; without the mark they are as they were made before there was one."""
        return asyncio.run(self._copies(count, marked=marked))

    async def _copies(self, count: int, *, marked: bool) -> list[str]:
        database = Database(self.database.url)
        found: list[str] = []
        try:
            while len(found) < count:
                size = min(COPIES_OF_A_REPLY, count - len(found))
                reply = await mailed_reply(database, *(f"reader{n}@example.org" for n in range(size)))
                if marked:
                    found += [recipient.tracking_id for recipient in reply.recipients]
                    continue
                for recipient in reply.recipients:
                    found.append(secrets.token_urlsafe(32))
                    await set_copy(database, recipient.id, tracking_id=found[-1])
        finally:
            await database.close()
        return found

    def hits(self, ids: Sequence[str]) -> list[Hit]:
        """Opens and clicks of all these copies."""
        return [hit for each in ids for hit in (open_hit(self.links, each), click_hit(self.links, each))]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What the database answers to its administrator."""
        connection = pymysql.connect(
            unix_socket=str(self.database.socket), user="root", database=NAME, cursorclass=DictCursor, read_timeout=60
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def stored(self) -> Counter[Key]:
        """Recorded events of each id and kind."""
        rows = self.rows(
            "SELECT tracking_id, event_type, SUM(repeats) AS events FROM email_tracking_events "
            "GROUP BY tracking_id, event_type"
        )
        return Counter({(row["tracking_id"], row["event_type"]): int(row["events"]) for row in rows})

    def summed(self) -> Counter[Key]:
        """Opens and clicks of each id as the sums beside the events say it."""
        rows = self.rows(
            "SELECT tracking_id, open_count, click_count FROM email_tracking_recipients "
            "JOIN email_recipients ON email_recipients.id = recipient_id"
        )
        kinds: tuple[tuple[Kind, str], ...] = (("open", "open_count"), ("click", "click_count"))
        return Counter(
            {(row["tracking_id"], kind): int(row[name]) for row in rows for kind, name in kinds if row[name]}
        )

    def deferred(self) -> int:
        """Recorded events that are not judged yet."""
        [row] = self.rows("SELECT COALESCE(SUM(events), 0) AS events FROM email_tracking_arrivals")
        return int(row["events"])

    def spooled(self) -> float:
        """Records that wait in the spools of this portal."""
        return self.metric("myportal_tracking_spool_records")

    def assert_even(self, *tallies: Tally, lost: int = 0) -> None:
        """Wait until all is in the database, then count both sides.

        Every whole answer has its event, every event its request, none is there twice, and the sums say the same.
        lost: so many answered events are known to be gone.
        """
        sent = sum((tally.sent for tally in tallies), Counter[Key]())
        answered = sum((tally.answered for tally in tallies), Counter[Key]())
        words = "; ".join(map(str, tallies))
        stored = self._settled(sent, answered, lost)
        missing = answered - stored
        assert missing.total() <= lost, f"answered and not stored: {missing.total()} ({words})"
        extra = stored - sent
        assert not extra, f"stored and not sent: {extra.total()} ({words})"
        if sent == answered:
            assert missing.total() == lost
        [keys] = self.rows("SELECT COUNT(*) - COUNT(DISTINCT event_key) AS doubles FROM email_tracking_events")
        assert keys["doubles"] == 0
        [refused] = self.rows("SELECT COUNT(*) AS records, MIN(error) AS first FROM email_tracking_quarantine")
        assert refused["records"] == 0, refused
        # What came in a rush is judged, and counted, when it is over.
        eventually(lambda: not self.deferred(), seconds=60, what="the judging of what came in a rush")
        summed = self._of(self.summed(), sent)
        assert summed == stored, f"counted and not stored: {summed - stored}; stored and not counted: {stored - summed}"
        # A process that ended late leaves what it spooled at the end, and the next one finds that it is there already.
        eventually(lambda: not self.spooled(), seconds=SETTLE_DEADLINE, what="the end of the replay")

    def _settled(self, sent: Counter[Key], answered: Counter[Key], lost: int) -> Counter[Key]:
        """What is stored of these once nothing more can come, or once nothing has come for long."""
        best, since = -1, time.monotonic()
        while True:
            stored = self._of(self.stored(), sent)
            if stored.total() > best:
                best, since = stored.total(), time.monotonic()
            if not self.spooled() and (answered - stored).total() <= lost:
                return self._of(self.stored(), sent)
            if time.monotonic() - since > SETTLE_DEADLINE:
                return stored
            time.sleep(0.1)

    @staticmethod
    def _of(counts: Counter[Key], keys: Counter[Key]) -> Counter[Key]:
        return Counter({key: count for key, count in counts.items() if key in keys})


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
