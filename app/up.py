"""`myportal up`: everything on one machine. A private database, the web process, the worker, the demo mailbox."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import structlog

from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.processes import die_with_parent
from app.runtime import Runtime
from app.server import claim_port
from app.settings import LOOPBACK_HOSTS, ConfigurationError, Settings, load_settings, write_running

log = structlog.get_logger(__name__)

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104
READY_DEADLINE = 30.0
STOP_DEADLINE = 20.0
"""Seconds; more than the web process takes to finish what is in flight and to flush."""
MIN_LIFE = 5.0
"""A process that ends sooner than this many seconds after its start is broken and not started again."""


@dataclass(frozen=True)
class Ports:
    """Where the parts listen."""

    host: str
    web: int
    smtp: int
    mailbox: int


@dataclass
class Child:
    """One of our processes, started again when it dies."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    url: str = ""
    """Answers once the process can work; the next process starts then. Empty: nobody waits for it."""
    process: subprocess.Popen[bytes] | None = None
    started_at: float = field(default=0.0)

    def start(self) -> None:
        """Start the process in a session of its own: Ctrl-C reaches us alone, and we end things in order."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "app", *self.arguments],
            cwd=Path(__file__).resolve().parent.parent,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def make_stop(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic), then kill."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def up(
    *,
    demo: bool,
    ports: Ports,
    workers: int,
    seed: Callable[[Runtime], Awaitable[str]] | None,
    after_start: Callable[[Runtime], Awaitable[None]] | None,
) -> None:
    """Run everything until SIGINT or SIGTERM; raises ConfigurationError with words where something cannot start.

    seed: fills an empty portal and returns what to print about logins. after_start: run once the web process answers.
    """
    if demo and ports.host not in LOOPBACK_HOSTS:
        raise ConfigurationError(
            f"--demo has well-known passwords and only runs on loopback, not on {ports.host}; leave --host out"
        )
    _check_ports(ports, demo=demo)
    settings = _settings_with_key()
    database: LocalDatabase | None = None
    running: Path | None = None
    try:
        if settings.database_url is not None:
            say("Using the database in DATABASE_URL")
        else:
            say(f"Starting the private database in {settings.var_dir / 'mariadb'} ...")
            database = LocalDatabase(settings.var_dir / "mariadb")
            database.start()
            settings = settings.model_copy(update={"database_url": database.url})
        settings = _with_defaults(settings, ports, demo=demo)
        running = write_running(settings)
        asyncio.run(_run(settings, demo=demo, ports=ports, workers=workers, seed=seed, after_start=after_start))
    finally:
        if database is not None:
            say("Stopping the database ...")
            database.stop()
        # Where the start was refused, the file belongs to the portal that already runs here.
        if running is not None:
            running.unlink(missing_ok=True)


def _check_ports(ports: Ports, *, demo: bool) -> None:
    wanted = [(ports.web, "--port")]
    if demo:
        wanted += [(ports.smtp, "--smtp-port"), (ports.mailbox, "--mailbox-port")]
    for port, option in wanted:
        claim_port(ports.host, port, option=option).close()


def _settings_with_key() -> Settings:
    settings = load_settings(beside_running=False)
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    if settings.secret_key is None:
        key_file = settings.var_dir / "secret_key"
        descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        settings = load_settings(beside_running=False)
    return settings


def _with_defaults(settings: Settings, ports: Ports, *, demo: bool) -> Settings:
    found: dict[str, object] = {}
    if settings.portal_url is None:
        found["portal_url"] = f"http://{_name_of(ports.host)}:{ports.web}"
    if demo:
        found |= {"smtp_host": "127.0.0.1", "smtp_port": ports.smtp, "smtp_tls": "none", "smtp_username": None}
        found["mail_from"] = settings.mail_from or "Acme Support <support@acme.example>"
    return settings.model_copy(update=found)


def _name_of(host: str) -> str:
    """How a client on this machine writes the host in a URL."""
    if host in EVERYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that gives a child process the same settings."""
    values = {
        "DATABASE_URL": settings.database_url,
        "PORTAL_URL": settings.portal_url,
        "TRACKING_URL": settings.tracking_url,
        "SECRET_KEY": settings.key,
        "SMTP_HOST": settings.smtp_host,
        "SMTP_PORT": str(settings.smtp_port),
        "SMTP_TLS": settings.smtp_tls,
        "SMTP_USERNAME": settings.smtp_username,
        "MAIL_FROM": settings.mail_from,
        "VAR_DIR": str(settings.var_dir.absolute()),
    }
    # One terminal shows all our processes: only what matters.
    inherited = {"LOG_LEVEL": "warning"} | {name: value for name, value in os.environ.items() if name not in values}
    return inherited | {name: value for name, value in values.items() if value is not None}


async def _run(
    settings: Settings,
    *,
    demo: bool,
    ports: Ports,
    workers: int,
    seed: Callable[[Runtime], Awaitable[str]] | None,
    after_start: Callable[[Runtime], Awaitable[None]] | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    runtime = Runtime.build(settings, pool_size=4)
    children = _children(settings, ports, workers=workers, demo=demo)
    try:
        await migrate(runtime.database, all_migrations(runtime.plugins.migration_folders()))
        await runtime.register_modules()
        await runtime.open(watch=False)
        logins = ""
        if seed is not None:
            with runtime.entered():
                logins = await seed(runtime)
        for child in children:
            child.start()
            if child.url and not await _answers(child, stop):
                return
        _welcome(settings, ports, logins, demo=demo)
        if after_start is not None:
            with runtime.entered():
                await after_start(runtime)
        await _watch(children, stop)
    finally:
        say("Stopping ...")
        for child in children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_DEADLINE
        for child in children:
            child.make_stop(deadline)
        await runtime.close()


def _children(settings: Settings, ports: Ports, *, workers: int, demo: bool) -> list[Child]:
    """In the order of their start: the worker comes last, when everything that it calls answers."""
    environment = environment_of(settings)
    children = []
    if demo:
        mailbox = ["mailbox", "--smtp-port", str(ports.smtp), "--port", str(ports.mailbox)]
        children.append(Child("demo mailbox", mailbox, environment, f"http://127.0.0.1:{ports.mailbox}/"))
    web = ["serve", "--host", ports.host, "--port", str(ports.web), "--workers", str(workers)]
    host = _name_of(ports.host)
    children.append(Child("web process", web, environment, f"http://{host}:{ports.web}/healthz"))
    children.append(Child("worker", ["worker"], environment))
    return children


async def _answers(child: Child, stop: asyncio.Event) -> bool:
    """Wait until a process answers; False when we were told to stop meanwhile."""
    deadline = time.monotonic() + READY_DEADLINE
    async with httpx.AsyncClient(trust_env=False) as client:
        while not stop.is_set():
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(child.url, timeout=2)).status_code == 200:
                    return True
            if child.process is not None and child.process.poll() is not None:
                raise ConfigurationError(f"The {child.name} ended at once; what it said stands above.")
            if time.monotonic() > deadline:
                raise ConfigurationError(f"The {child.name} did not answer within {READY_DEADLINE:g} s.")
            await asyncio.sleep(0.05)
    return False


async def _watch(children: list[Child], stop: asyncio.Event) -> None:
    """Start again what dies; give up on what dies at once."""
    while not stop.is_set():
        for child in children:
            if child.process is None or child.process.poll() is None:
                continue
            log.error("a process ended and is started again", name=child.name, code=child.process.returncode)
            if time.monotonic() - child.started_at < MIN_LIFE:
                raise ConfigurationError(f"The {child.name} ends as soon as it starts; what it said stands above.")
            child.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await stop.wait()


def say(text: str) -> None:
    """A line for the person at the terminal."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _welcome(settings: Settings, ports: Ports, logins: str, *, demo: bool) -> None:
    lines = ["", f"  MyPortal    {settings.portal_url}"]
    if demo:
        lines.append(f"  Mailbox     http://127.0.0.1:{ports.mailbox}   (every mail the portal sends arrives here)")
    lines += ["", *([logins, ""] if logins else [])]
    lines.append("  Ctrl-C ends it; the data stay. ")
    say("\n".join(lines) + "\n")
