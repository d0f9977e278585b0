"""What every measurement stands on: cores, a durable MariaDB, a portal in it, requests on disk, a loader."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.localdb import LocalDatabase
from app.settings import Settings
from bench.serving import dataset
from bench.serving.calm import T, until_calm
from bench.serving.loader import Loader
from bench.serving.machine import Cores, bind, free_port, serving, spent
from bench.serving.store import Store

FOLDER = Path(__file__).resolve().parents[2] / "var" / "bench-serve"
"""On the disk of the checkout: a temporary folder in memory would make every commit free."""
POOL = "512M"
"""All that is measured fits into it: what is compared is not how a pool of 128 MB, the default, turns over."""
WARM_UP = 1.0
"""Seconds of load that do not count."""
IDLE_TICKS = 2
"""Hundredths of a second that an idle database takes of half a second."""
HISTORY = ("email_tracking_arrivals", "email_tracking_events", "email_tracking_recipients")
"""What a run leaves of a copy: another one must not be slower for it."""
REST = 120.0
"""Seconds that the database may take to clean up after one competitor before the next one begins."""


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    rows: events that the table has when growth is measured. tries, patience: see `bench.serving.calm.until_calm`.
    """

    seconds: float = 8.0
    rounds: int = 3
    connections: int = 64
    copies: int = 10_000
    rows: int = 1_000_000
    wrk: bool = True
    tries: int = 3
    patience: float = 30.0


@dataclass
class Stage:
    """Built by `staged`."""

    plan: Plan
    work: Path
    cores: Cores
    database: LocalDatabase
    portal: dataset.Portal
    loader: Loader
    store: Store
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Where our own server listens."""
        return int((self.portal.settings.portal_url or "").rpartition(":")[2])

    def requests(self, kind: str) -> Path:
        """The file of requests of a kind: open, click, forged."""
        if kind not in self.files:
            made = dataset.requests(self.portal, kind)
            self.files[kind] = dataset.write_requests(self.work / f"{kind}.requests", made)
        return self.files[kind]

    def environment(self) -> dict[str, str]:
        """What our own server is started with. The loader is a trusted proxy, so that each reader has an address."""
        settings = self.portal.settings
        return {
            "DATABASE_URL": self.database.url,
            "PORTAL_URL": settings.portal_url or "",
            "SECRET_KEY": settings.key,
            "TRUSTED_PROXIES": "127.0.0.1",
            "VAR_DIR": str(self.work / "var"),
            "LOG_LEVEL": "error",
        }

    @contextmanager
    def ours(self, *, workers: int = 1, cores: Cores | None = None) -> Iterator[int]:
        """Our own server for the length of the block, its copies without a history; its process id."""
        for table in HISTORY:
            self.store.rows(f"TRUNCATE TABLE {table}")
        command = [sys.executable, "-m", "app", "serve", "--port", str(self.port), "--workers", str(workers)]
        where = (cores or self.cores).server
        log = self.work / "ours.log"
        with serving(command, self.port, cores=where, log=log, environment=self.environment()) as process:
            yield process.pid

    def start_database(self, cores: Cores | None = None) -> None:
        """Start the database on its core."""
        self.database.start()
        self.bind_database(cores or self.cores)

    def rest(self) -> None:
        """Wait until the database has nothing left to do: who comes next must not pay for who was there before."""
        deadline = time.monotonic() + REST
        while time.monotonic() < deadline:
            before = spent(self.database.pid or 0)
            time.sleep(0.5)
            if spent(self.database.pid or 0) - before <= IDLE_TICKS:
                return

    def until_calm(self, attempt: Callable[[], T], cores: Cores | None = None) -> list[T]:
        """Do a run until nobody disturbs it; all of them."""
        return until_calm(attempt, cores or self.cores, tries=self.plan.tries, patience=self.plan.patience)

    def bind_database(self, cores: Cores) -> None:
        """Move the running database."""
        if self.database.pid:
            bind(self.database.pid, cores.load)


@contextmanager
def staged(plan: Plan, folder: Path = FOLDER) -> Iterator[Stage]:
    """Make everything in a new folder below `folder`, and remove it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
        work = Path(name)
        cores = Cores.pick()
        database = LocalDatabase(work / "db", name="bench", options=[f"--innodb-buffer-pool-size={POOL}"])
        database.start()
        try:
            bind(database.pid or os.getpid(), cores.load)
            settings = Settings(
                _env_file=None,
                database_url=database.url,
                portal_url=f"http://127.0.0.1:{free_port()}",
                secret_key=secrets.token_hex(32),
                var_dir=work / "var",
            )
            portal = dataset.build(settings, count=plan.copies)
            loader = Loader.choose(work, connections=plan.connections, wrk=plan.wrk)
            yield Stage(plan, work, cores, database, portal, loader, Store.of(database.url))
        finally:
            database.stop()
