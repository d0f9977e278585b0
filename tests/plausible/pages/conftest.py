"""A portal whose pages carry Plausible's script, and a stand-in for Plausible."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.plausible.pages.metrics import VISITS
from tests.conftest import PORTAL_URL
from tests.support import waiting
from tests.support.plausible import PlausibleServer, Request
from tests.support.web import HOST

SITE = "help.example.com"
READER = "198.51.100.7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
VIEW = {"n": "pageview", "v": 27, "u": f"{PORTAL_URL}/login", "d": SITE, "r": None}


@dataclass
class Pages:
    """The portal, its Plausible, and a browser that is not logged in."""

    app: Quart
    plausible: PlausibleServer
    browser: Client

    async def set(self, **values: Any) -> None:
        """Save settings of the module."""
        await modules.save("plausible", values, user=None)

    async def send(self, event: Any = None, *, address: str = READER, **headers: str) -> Response:
        """Post an event as the script does, or with other headers (`_` for `-`)."""
        body = event if isinstance(event, bytes) else json.dumps(VIEW if event is None else event).encode()
        given = {
            "Host": HOST,
            "Content-Type": "text/plain",
            "Origin": PORTAL_URL,
            "User-Agent": FIREFOX,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.browser.post("/api/event", data=body, headers=given, scope_base={"client": (address, 50000)})

    @property
    def came(self) -> list[Request]:
        """What Plausible got of events."""
        return [request for request in self.plausible.requests if request.path == "/api/event"]


until = partial(waiting.until, seconds=10)
"""Waits for something that happens beside the requests."""


def counted(outcome: str) -> float:
    """How many events came to this, in this process."""
    value: float = VISITS.labels(outcome)._value.get()
    return value


@pytest.fixture
def portal_settings(settings: Settings) -> Settings:
    """The portal may call the stand-in."""
    return settings.model_copy(update={"outbound_allowed": ["127.0.0.1"]})


@pytest.fixture
async def pages(plausible: Quart, portal: Runtime) -> AsyncIterator[Pages]:
    """Pages for customers carry the script, by way of the portal."""
    async with PlausibleServer(edition="ce", site=SITE) as server:
        found = Pages(plausible, server, plausible.test_client())
        await found.set(base_url=server.base_url, site_domain=SITE, page_analytics="customers")
        yield found
