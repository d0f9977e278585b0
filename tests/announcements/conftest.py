"""A portal with the modules Announcements and Plausible, both on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.accounts import service as accounts
from app.accounts.models import User
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.announcements.handles import Handles
from plugins.announcements.module import Announcements
from plugins.plausible.module import Plausible
from tests.conftest import PASSWORD
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.web import log_in


@pytest.fixture
def portal_settings(settings: Settings, smtp: ScriptedSmtp) -> Settings:
    """Settings of the portal, with a mail server."""
    return settings.model_copy(update={"smtp_host": smtp.host, "smtp_port": smtp.port})


@pytest.fixture
async def portal(portal_settings: Settings, empty_database: None) -> AsyncIterator[Quart]:
    """The started application; its runtime is the current one."""
    app = create_app(portal_settings, plugins={"announcements": Announcements(), "plausible": Plausible()})
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        await runtime.register_modules()
        async with runtime.database.transaction() as conn:
            await conn.execute("INSERT INTO announcement_pace (id) VALUES (1) ON DUPLICATE KEY UPDATE id = id")
        for slug in ("announcements", "plausible"):
            await modules.set_enabled(slug, enabled=True, user=None)
        await app.startup()
        yield app
        await app.shutdown()


@pytest.fixture
async def runtime(portal: Quart) -> Runtime:
    """Its runtime."""
    found: Runtime = portal.extensions["runtime"]
    return found


@pytest.fixture
def handles(runtime: Runtime) -> Handles:
    """What the module has in this process."""
    plugin = runtime.plugins.plugins["announcements"]
    assert isinstance(plugin, Announcements)
    return plugin.handles()


async def _user(email: str, name: str, role: str) -> User:
    user_id = await accounts.create_user(email=email, name=name, role=role, password=PASSWORD)
    user = await accounts.user_by_id(user_id)
    assert user is not None
    return user


@pytest.fixture
async def ada(portal: Quart) -> User:
    """Ada, an admin."""
    return await _user("ada@portal.test", "Ada Admin", "admin")


@pytest.fixture
async def gus(portal: Quart) -> User:
    """Gus, an agent."""
    return await _user("gus@portal.test", "Gus Agent", "agent")


@pytest.fixture
async def ada_client(portal: Quart, ada: User) -> Client:
    """A browser in which Ada is logged in."""
    return await log_in(portal, ada)


@pytest.fixture
async def gus_client(portal: Quart, gus: User) -> Client:
    """A browser in which Gus is logged in."""
    return await log_in(portal, gus)


@pytest.fixture
async def world(portal: Quart) -> Client:
    """A browser somewhere, not logged in."""
    return portal.test_client()
