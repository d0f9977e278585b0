"""A portal in which Delivery events is the only module, enabled, with a secret for each provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.database import Database
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.delivery.module import DeliveryEvents
from tests.delivery.senders import SETTINGS, amazon
from tests.receipts.builders import MailedReply, mailed_reply


@pytest.fixture
def plugin() -> DeliveryEvents:
    return DeliveryEvents()


@pytest.fixture
async def delivery(settings: Settings, empty_database: None, plugin: DeliveryEvents) -> AsyncIterator[Quart]:
    """The started application; its runtime is the current one."""
    app = create_app(settings, plugins={"delivery": plugin})
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        await runtime.register_modules()
        await modules.set_enabled("delivery", enabled=True, user=None)
        await modules.save("delivery", SETTINGS, user=None)
        plugin._handles().receiver.certificates._fetch = amazon
        await app.startup()
        yield app
        await app.shutdown()


@pytest.fixture
async def portal(delivery: Quart) -> Runtime:
    runtime: Runtime = delivery.extensions["runtime"]
    return runtime


@pytest.fixture
async def database(portal: Runtime) -> Database:
    return portal.database


@pytest.fixture
async def world(delivery: Quart) -> Client:
    """Somebody somewhere."""
    return delivery.test_client()


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    """A reply to bob@example.org."""
    return await mailed_reply(portal.database)
