"""Who is measured side by side, how each is started, and why one may be left out."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from cryptography.fernet import Fernet

from app.localdb import LocalDatabase
from bench.serving import dataset
from bench.serving.loader import Answers
from bench.serving.machine import free_port, serving, spawn
from bench.serving.peers import writes
from bench.serving.sample import Sample, counted
from bench.serving.stage import WARM_UP, Stage
from bench.serving.store import Store

PEERS = Path(__file__).with_name("peers")
ROWS_PER_STATEMENT = 100


class Running(Protocol):
    """A competitor that is ready."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """What can be asked of it: open, click."""

    def run(self, kind: str) -> list[Sample]:
        """Load it for the plan's seconds, after a warm-up, until nobody disturbs it."""


@dataclass(frozen=True)
class Served:
    """A server on a port, its requests by kind, and its table."""

    stage: Stage
    port: int
    requests: Mapping[str, Path]
    store: Store | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """As there are requests."""
        return tuple(self.requests)

    def run(self, kind: str) -> list[Sample]:
        """At the top rate, stored events counted before and after."""
        return self.stage.until_calm(partial(self._once, self.requests[kind]))

    def _once(self, file: Path) -> Sample:
        stage = self.stage
        stage.loader.top(self.port, file, WARM_UP, stage.cores)
        load = partial(stage.loader.top, self.port, file, stage.plan.seconds, stage.cores)
        return counted(stage.cores, self.store, load)


@dataclass(frozen=True)
class Rows:
    """The C client; a row is what an answer is elsewhere."""

    stage: Stage
    program: Path
    database: str
    kinds: tuple[str, ...] = ("open",)

    def run(self, kind: str) -> list[Sample]:
        """Write rows of opens."""
        stage = self.stage
        ids = stage.work / "ids"
        ids.write_text("".join(f"{copy.tracking_id}\n" for copy in stage.portal.copies))
        store = Store(LocalDatabase(stage.database.folder, name=self.database).url)
        return stage.until_calm(partial(counted, stage.cores, store, self._write))

    def _write(self) -> Answers:
        stage, seconds = self.stage, self.stage.plan.seconds
        output, ids = stage.work / "rows.txt", stage.work / "ids"
        output.write_text("")
        command = [self.program, stage.database.socket, self.database, seconds, ROWS_PER_STATEMENT, ids]
        process = spawn([str(part) for part in command], cores=stage.cores.server, log=output)
        if process.wait(seconds + 60) != 0:
            raise SystemExit(f"the C client failed:\n{output.read_text()}")
        found = json.loads(output.read_text())
        return Answers(found["seconds"], found["rows"], 0, 0, p50=0, p99=0, p999=0, worst=0)


@dataclass(frozen=True)
class Competitor:
    """One line of the table. missing: why it cannot run here, else ''."""

    key: str
    name: str
    missing: Callable[[], str]
    start: Callable[[Stage], AbstractContextManager[Running]]


def _nothing() -> str:
    return ""


def _packages(*names: str) -> Callable[[], str]:
    def missing() -> str:
        absent = [name for name in names if importlib.util.find_spec(name) is None]
        return f"not installed: {', '.join(absent)} (make bench)" if absent else ""

    return missing


def _programs(*names: str) -> Callable[[], str]:
    def missing() -> str:
        absent = [name for name in names if _program(name) is None]
        return f"not installed: {', '.join(absent)} (make bench)" if absent else ""

    return missing


def _program(name: str) -> str | None:
    # Debian keeps servers outside the usual PATH.
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))


@contextmanager
def _ours(stage: Stage) -> Iterator[Running]:
    with stage.ours():
        yield Served(stage, stage.port, {kind: stage.requests(kind) for kind in ("open", "click")}, stage.store)


def _asgi(module: str, loop: str, http: str) -> Callable[[Stage], AbstractContextManager[Running]]:
    @contextmanager
    def start(stage: Stage) -> Iterator[Running]:
        name = f"{module}_{loop}"
        store, port = _usual_tables(stage, name), free_port()
        command = [
            sys.executable, "-m", "uvicorn", f"bench.serving.peers.{module}:app", "--port", str(port),
            "--no-access-log", "--log-level=warning", f"--loop={loop}", f"--http={http}",
        ]  # fmt: skip
        environment = {"DATABASE_URL": store.url, "SECRET_KEY": stage.portal.settings.key}
        log = stage.work / f"{name}.log"
        with serving(command, port, cores=stage.cores.server, log=log, environment=environment):
            yield Served(stage, port, {kind: stage.requests(kind) for kind in ("open", "click")}, store)

    return start


@contextmanager
def _pytracking(stage: Stage) -> Iterator[Running]:
    store, port, key = _usual_tables(stage, "pytracking_app"), free_port(), Fernet.generate_key()
    command = [
        sys.executable, "-m", "gunicorn", "bench.serving.peers.pytracking_app:app", f"--bind=127.0.0.1:{port}",
        "--workers=1", "--worker-class=gthread", "--threads=16", "--keep-alive=60", "--log-level=warning",
    ]  # fmt: skip
    environment = {
        "DATABASE_URL": store.url,
        "SECRET_KEY": stage.portal.settings.key,
        "PYTRACKING_KEY": key.decode(),
    }
    files = {kind: _pytracking_requests(stage, kind, key) for kind in ("open", "click")}
    log = stage.work / "pytracking.log"
    with serving(command, port, cores=stage.cores.server, log=log, environment=environment):
        yield Served(stage, port, files, store)


def _pytracking_requests(stage: Stage, kind: str, key: bytes) -> Path:
    """The same readers and destinations; the ids are inside pytracking's own encrypted addresses."""
    pytracking: Any = importlib.import_module("pytracking")
    configuration = pytracking.Configuration(
        base_open_tracking_url="/o/", base_click_tracking_url="/c/", encryption_bytestring_key=key
    )
    made = []
    for copy, one in zip(stage.portal.copies, dataset.requests(stage.portal, kind), strict=True):
        about = {"tracking_id": copy.tracking_id}
        if kind == "open":
            path = pytracking.get_open_tracking_url(about, configuration=configuration)
        else:
            path = pytracking.get_click_tracking_url(dataset.LINKS[0], about, configuration=configuration)
        made.append(dataset.Request(path, one.user_agent, one.address))
    return dataset.write_requests(stage.work / f"pytracking-{kind}.requests", made)


@contextmanager
def _nginx(stage: Stage) -> Iterator[Running]:
    port, folder = free_port(), stage.work / "nginx"
    folder.mkdir()
    # Debian compiles the error log's path in and opens it before it reads the configuration.
    configuration = f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 4096; }}
        http {{
            access_log {folder}/access.log combined buffer=64k flush=1s;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            keepalive_requests 100000000;
            server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; }} }}
        }}
    """
    (folder / "nginx.conf").write_text(configuration)
    command = [_program("nginx") or "nginx", "-e", f"{folder}/error.log", "-p", str(folder), "-c", "nginx.conf"]
    with serving(command, port, cores=stage.cores.server, log=stage.work / "nginx.log"):
        yield Served(stage, port, {"open": stage.requests("open")}, None)


@contextmanager
def _rows(stage: Stage) -> Iterator[Running]:
    flags = subprocess.run(
        ["mariadb_config", "--cflags", "--libs"], check=True, capture_output=True, text=True
    ).stdout.split()
    program = stage.work / "rows"
    subprocess.run(["gcc", "-O2", str(PEERS / "rows.c"), "-o", str(program), *flags], check=True)
    stage.store.rows("CREATE DATABASE native_rows CHARACTER SET utf8mb4")
    # LIKE leaves foreign keys out: this is the limit, so it checks nothing.
    stage.store.rows("CREATE TABLE native_rows.email_tracking_events LIKE email_tracking_events")
    yield Rows(stage, program, "native_rows")


def _usual_tables(stage: Stage, name: str) -> Store:
    """A database of a peer's own in the same server, with the usual two tables and the same replies."""
    stage.store.rows(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    server = LocalDatabase(stage.database.folder, name=name)
    store = Store(server.url)
    for statement in writes.TABLES:
        store.rows(statement)
    store.rows(
        f"""
        INSERT INTO ticket_replies (id, ticket_id, body_html, email_tracking_id, email_sent_at)
        SELECT id, ticket_id, body_html, email_tracking_id, email_sent_at FROM {stage.database.name}.ticket_replies
        """  # noqa: S608
    )
    return store


OURS, NGINX, NATIVE = "ours", "nginx", "mariadb"
USUAL, TUNED = ("quart", "fastapi"), "fastapi-tuned"
PLAIN = ("asyncio", "h11")
"""Event loop and HTTP parser of uvicorn as `pip install uvicorn` brings it."""
COMPETITORS = (
    Competitor(OURS, "ours (myportal serve)", _nothing, _ours),
    Competitor("quart", "usual: Quart, uvicorn, aiomysql", _packages("uvicorn"), _asgi("quart_app", *PLAIN)),
    Competitor(
        "fastapi", "usual: FastAPI, uvicorn, aiomysql", _packages("fastapi", "uvicorn"), _asgi("fastapi_app", *PLAIN)
    ),
    Competitor(
        TUNED, "FastAPI with uvloop and httptools", _packages("fastapi", "uvicorn", "uvloop", "httptools"),
        _asgi("fastapi_app", "uvloop", "httptools"),
    ),
    Competitor(
        "pytracking", "pytracking, Django, gunicorn gthread 16",
        _packages("pytracking", "ipware", "django", "gunicorn"), _pytracking,
    ),
    Competitor(NGINX, "nginx empty_gif, buffered log", _programs("nginx"), _nginx),
    Competitor(NATIVE, "MariaDB alone: C client, 100 rows", _programs("gcc", "mariadb_config"), _rows),
)  # fmt: skip
