"""A portal in which the Plausible module is the only plugin, and enabled."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.accounts.models import User
from app.runtime import Runtime
from app.settings import Settings
from tests.conftest import PASSWORD
from tests.support.portal import plausible_portal
from tests.support.web import log_in


@pytest.fixture
def portal_settings(settings: Settings) -> Settings:
    """Settings of the portal; a file of tests may give others."""
    return settings


@pytest.fixture
async def plausible(portal_settings: Settings, empty_database: None) -> AsyncIterator[Quart]:
    """The started application; its runtime is the current one."""
    async with plausible_portal(portal_settings) as app:
        yield app


@pytest.fixture
async def portal(plausible: Quart) -> Runtime:
    """Its runtime."""
    runtime: Runtime = plausible.extensions["runtime"]
    return runtime


@pytest.fixture
async def world(plausible: Quart) -> Client:
    """A mail client or browser somewhere, not logged in."""
    return plausible.test_client()


@pytest.fixture
async def gus(portal: Runtime) -> User:
    """Gus, an agent."""
    user_id = await accounts.create_user(email="gus@portal.test", name="Gus", role="agent", password=PASSWORD)
    user = await accounts.user_by_id(user_id)
    assert user is not None
    return user


@pytest.fixture
async def gus_client(plausible: Quart, gus: User) -> Client:
    """A browser in which Gus is logged in."""
    return await log_in(plausible, gus)
