"""One private MariaDB for the whole run; each test finds it empty and migrated."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.async_api import expect as expect_soon
from playwright.sync_api import expect
from quart import Quart
from quart.typing import TestClientProtocol as Client
from werkzeug.routing import Rule
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from app import create_app, plugin_discovery
from app.accounts import passwords
from app.accounts import service as accounts
from app.accounts.models import User
from app.accounts.repository import set_undo_seconds
from app.database import Database
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.runtime import Runtime
from app.settings import Settings
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.web import log_in

PORTAL_URL = "http://portal.test"
SECRET_KEY = secrets.token_hex(32)
PASSWORD = secrets.token_urlsafe(16)
DEMO = "tests/browser/"
"""Tests that share one demo portal."""

# No test is judged by its speed: a busy machine must not fail one.
hypothesis_settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("portal")
for patient in (expect, expect_soon):
    patient.set_options(timeout=20_000)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long values after their argument: they may hold keys of this run, and several processes have to agree."""
    return argname if isinstance(val, str | bytes) and len(val) > 40 else None


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Parts the tests among processes: by file, those of the demo portal together, because it takes long to start."""

    def _split_scope(self, nodeid: str) -> str:
        return DEMO if nodeid.startswith(DEMO) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Our own way: xdist's groups do nothing with pytest 9.2."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of the demo portal: what is long must not begin last."""
    items.sort(key=lambda item: not item.nodeid.startswith(DEMO))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> None:
    """argon2 with the least work: its strength is the library's matter, and each test makes accounts."""
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._NOBODY = passwords._HASHER.hash("nobody")


@pytest.fixture(scope="session", autouse=True)
def cheap_applications() -> Iterator[None]:
    """What each application would find out anew, and most tests make two: installed plugins, code that builds URLs."""
    compile_builder = Rule._compile_builder
    known: dict[object, Callable[..., tuple[str, str]]] = {}

    def remembered(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = rule.rule, repr(rule.defaults), tuple(rule._trace), append_unknown
        if key not in known:
            known[key] = compile_builder(rule, append_unknown)
        return known[key]

    @cache
    def installed(path: tuple[str, ...], group: str) -> EntryPoints:
        return entry_points(group=group)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Rule, "_compile_builder", remembered)
        patched.setattr(plugin_discovery, "entry_points", lambda group: installed(tuple(sys.path), group))
        yield


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDatabase]:
    """A server of our own over a socket, without durability: nothing of it outlives the run."""
    server = LocalDatabase(tmp_path_factory.mktemp("db"), name="portal_test", fast=True)
    server.start()

    async def prepare() -> None:
        database = Database(server.url)
        await migrate(database, all_migrations())
        await database.close()

    asyncio.run(prepare())
    yield server
    server.stop()


@pytest.fixture
def settings(database_server: LocalDatabase, tmp_path: Path) -> Settings:
    """Settings of a portal at http://portal.test that has no mail server; the environment does not count."""
    return Settings(
        _env_file=None,
        database_url=database_server.url,
        portal_url=PORTAL_URL,
        secret_key=SECRET_KEY,
        mail_from="Support <support@portal.test>",
        var_dir=tmp_path / "var",
    )


@pytest.fixture
async def smtp() -> AsyncIterator[ScriptedSmtp]:
    """A mail server that takes everything; append to its `faults`, read its `accepted`."""
    async with ScriptedSmtp() as server:
        yield server


@pytest.fixture
async def empty_database(database_server: LocalDatabase) -> None:
    """Remove what the test before left; the schema stays."""
    database = Database(database_server.url)
    async with database.connection() as conn:
        tables = await conn.fetch_all(
            """
            SELECT table_name AS name FROM information_schema.tables
             WHERE table_schema = DATABASE() AND table_rows IS NOT NULL AND table_name <> 'schema_migrations'
            """
        )
        conn.later("SET SESSION foreign_key_checks = 0")
        for table in tables:
            conn.later(f"DELETE FROM `{table['name']}`")  # noqa: S608
        await conn.flush()
    await database.close()


@pytest.fixture
async def runtime(settings: Settings, empty_database: None) -> AsyncIterator[Runtime]:
    """The current runtime, with the built-in plugins registered and none enabled."""
    runtime = Runtime.build(settings)
    with runtime.entered():
        await runtime.register_modules()
        await runtime.open()
        yield runtime
    await runtime.close()


@pytest.fixture
async def db(runtime: Runtime) -> Database:
    """The database of the current runtime."""
    return runtime.database


@pytest.fixture
async def app(settings: Settings, runtime: Runtime) -> AsyncIterator[Quart]:
    """The web application over the same database, started."""
    application = create_app(settings)
    await application.startup()
    yield application
    await application.shutdown()


@pytest.fixture
async def client(app: Quart) -> Client:
    """A browser that is not logged in."""
    return app.test_client()


async def _user(runtime: Runtime, email: str, name: str, role: str) -> User:
    user_id = await accounts.create_user(email=email, name=name, role=role, password=PASSWORD)
    # Tests of mail do not wait for a reply that nobody takes back.
    async with runtime.database.transaction() as conn:
        await set_undo_seconds(conn, user_id=user_id, seconds=0)
    user = await accounts.user_by_id(user_id)
    assert user is not None
    return user


@pytest.fixture
async def admin(runtime: Runtime) -> User:
    """Ada, an admin."""
    return await _user(runtime, "ada@portal.test", "Ada Admin", "admin")


@pytest.fixture
async def agent(runtime: Runtime) -> User:
    """Gus, an agent."""
    return await _user(runtime, "gus@portal.test", "Gus Agent", "agent")


@pytest.fixture
async def agent_client(app: Quart, agent: User) -> Client:
    """A browser in which Gus is logged in."""
    return await log_in(app, agent)


@pytest.fixture
async def admin_client(app: Quart, admin: User) -> Client:
    """A browser in which Ada is logged in."""
    return await log_in(app, admin)
