"""A plugin from elsewhere, installed as its own package, needs no change in app/."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.database import utcnow
from app.hookspecs import Delivery, DeliveryReport, Recipient
from app.migrations import all_migrations, migrate
from app.modules import service
from app.plugin_discovery import discover
from app.runtime import Runtime
from app.settings import Settings
from tests.conftest import SECRET_KEY
from tests.support.web import get, post

SOURCE = Path(__file__).parents[1] / "sample_plugin"
BOB = Recipient(1, "to", "bob@customer.test", "t" * 43)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the sample with pip into a folder of its own, seen by this process only."""
    target = tmp_path_factory.mktemp("site")
    build = tmp_path_factory.mktemp("source") / "sample"
    subprocess.run(["cp", "-r", str(SOURCE), str(build)], check=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "--disable-pip-version-check",
            "--target",
            str(target),
            str(build),
        ],
        check=True,
    )
    sys.path.insert(0, str(target))
    importlib.invalidate_caches()
    yield target
    sys.path.remove(str(target))
    sys.modules.pop("myportal_weather", None)


@pytest.fixture
async def runtime(installed: Path, settings: Settings, empty_database: None) -> AsyncIterator[Runtime]:
    runtime = Runtime.build(settings, plugins={"weather": discover()["weather"]})
    with runtime.entered():
        await migrate(runtime.database, all_migrations(runtime.plugins.migration_folders()))
        await runtime.register_modules()
        await runtime.open(watch=False)
        yield runtime
    await runtime.close()


@pytest.fixture
async def app(runtime: Runtime, settings: Settings) -> AsyncIterator[Quart]:
    application = create_app(settings, plugins={"weather": discover()["weather"]})
    await application.startup()
    yield application
    await application.shutdown()


async def test_its_row_hook_table_page_and_setting_work(admin_client: Client, app: Quart, runtime: Runtime) -> None:
    assert (await get(admin_client, "/weather")).status_code == 404, "its page is gone while it is off"
    assert (await post(admin_client, "/admin/modules/weather/toggle", {"enabled": "1"})).status_code == 303
    form = {"sentence": "It <rains>.", "decimals": "2", "station_key": "station-secret-1"}
    assert (await post(admin_client, "/admin/modules/weather", form)).status_code == 303
    web: Runtime = app.extensions["runtime"]

    prepared = await web.plugins.prepare_delivery(Delivery(1, None, BOB, "<p>Hi</p>", False))
    assert prepared.html == "<p>Hi</p><p>It <rains>.</p>"

    await web.plugins.email_sent(DeliveryReport(1, None, BOB, utcnow(), "sent"))
    page = await (await get(admin_client, "/weather")).get_data(as_text=True)
    assert "It &lt;rains&gt;. 1 mails were told." in page
    assert 'href="/weather"' in page, "its entry is in the left rail"


async def test_its_form_checks_values(admin_client: Client) -> None:
    response = await post(admin_client, "/admin/modules/weather", {"sentence": "x" * 101, "decimals": "9"})
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert "at most 100 characters" in page
    assert "less than or equal to 3" in page


async def test_switching_it_off_removes_its_effect(admin_client: Client, runtime: Runtime) -> None:
    await service.set_enabled("weather", enabled=True, user=None)
    await service.set_enabled("weather", enabled=False, user=None)
    prepared = await runtime.plugins.prepare_delivery(Delivery(1, None, BOB, "<p>Hi</p>", False))
    assert prepared.html == "<p>Hi</p>"


def myportal(installed: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process that finds the sample."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=SOURCE.parents[1],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_its_command_works_in_the_portals_runtime(runtime: Runtime, installed: Path, settings: Settings) -> None:
    await service.set_enabled("weather", enabled=True, user=None)
    for number in range(3):
        await runtime.plugins.email_sent(DeliveryReport(number, None, BOB, utcnow(), "sent"))
    portal = {"DATABASE_URL": str(settings.database_url), "SECRET_KEY": SECRET_KEY, "VAR_DIR": str(settings.var_dir)}

    done = await asyncio.to_thread(myportal, installed, "weather-mails", **portal)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")

    away = portal | {"DATABASE_URL": "mysql://root@/portal?unix_socket=/nowhere/mysqld.sock"}
    done = await asyncio.to_thread(myportal, installed, "weather-mails", **away)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no connection to the database at /nowhere/mysqld.sock" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_command_is_in_the_help_where_nothing_is_set_up(installed: Path, tmp_path: Path) -> None:
    done = myportal(installed, "--help", VAR_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^  weather-mails +Say how many mails went out with the weather\.$", done.stdout, re.MULTILINE)

    done = myportal(installed, "weather-mails", VAR_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "SECRET_KEY is not set" in done.stderr or "DATABASE_URL is not set" in done.stderr


async def test_nothing_in_the_core_names_it() -> None:
    core = Path(__file__).parents[2] / "app"
    naming = [path.name for path in core.rglob("*.py") if "weather" in path.read_text().lower()]
    assert naming == []
