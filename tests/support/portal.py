"""A portal in which the Plausible module is the only plugin, and enabled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from quart import Quart

from app import create_app
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.plausible.module import Plausible


@asynccontextmanager
async def plausible_portal(settings: Settings) -> AsyncIterator[Quart]:
    """The started application; its runtime is the current one."""
    app = create_app(settings, plugins={"plausible": Plausible()})
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        await runtime.register_modules()
        await modules.set_enabled("plausible", enabled=True, user=None)
        await app.startup()
        yield app
        await app.shutdown()
