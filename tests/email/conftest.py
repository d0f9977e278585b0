"""A portal whose mail server is the scripted one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.runtime import Runtime
from app.settings import Settings
from tests.email.tracker import Tracker
from tests.support.scripted_smtp import ScriptedSmtp


@pytest.fixture
def settings(settings: Settings, smtp: ScriptedSmtp) -> Settings:
    """Settings of a portal that sends through it."""
    return settings.model_copy(update={"smtp_host": smtp.host, "smtp_port": smtp.port})


@pytest.fixture
def tracker() -> Tracker:
    """The only plugin: tracks every copy and remembers what it was told."""
    return Tracker()


@pytest.fixture
async def runtime(settings: Settings, empty_database: None, tracker: Tracker) -> AsyncIterator[Runtime]:
    """The current runtime, with the tracker enabled."""
    runtime = Runtime.build(settings, plugins={"tracker": tracker})
    runtime.plugins.is_enabled = lambda slug: tracker.enabled
    with runtime.entered():
        yield runtime
    await runtime.close()
