"""A portal that sends to a stand-in for Plausible, reads back from it and sets it up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.services import modules
from plugins.plausible.readback import asks
from plugins.plausible.readback.asking import Asking
from plugins.plausible.readback.asks import Ask, Topic
from plugins.plausible.readback.reading import Reading
from plugins.plausible.readback.setup import Done
from plugins.plausible.settings import PlausibleSettings
from tests.conftest import PASSWORD
from tests.plausible.sync.conftest import World, world
from tests.support.plausible import PlausibleServer
from tests.support.web import log_in

__all__ = ["world"]


@dataclass
class Desk:
    """The portal with its worker that asks."""

    world: World

    @property
    def plausible(self) -> PlausibleServer:
        """The instance."""
        return self.world.plausible

    def worker(self) -> Asking:
        """One worker's part."""

        def settings() -> PlausibleSettings:
            found = self.world.portal.modules["plausible"].settings
            assert isinstance(found, PlausibleSettings)
            return found

        portal = self.world.portal
        return Asking(portal.database, portal.settings.key, settings, now=self.world.now)

    async def send(self, count: int = 1) -> None:
        """Events that go out."""
        await self.world.read(count)
        await self.world.run()

    async def ask(self, topic: Topic) -> Ask:
        """Press the button, let the worker ask, and see what became of it."""
        async with self.world.portal.database.transaction() as conn:
            await asks.want(conn, topic)
            # As if the last time was a while ago.
            await conn.execute("UPDATE email_tracking_asks SET asked_at = NULL")
        await self.worker().run()
        return await self.topic(topic)

    async def topic(self, topic: Topic) -> Ask:
        """As it stands."""
        async with self.world.portal.database.connection() as conn:
            return (await asks.read(conn)).get(topic, Ask())

    async def reading(self) -> Reading:
        """What is read back now."""
        found = await self.ask("counts")
        assert found.problem == ""
        return Reading.model_validate_json(found.answer)

    async def done(self) -> Done:
        """What becomes of the set-up now."""
        found = await self.ask("setup")
        assert found.problem == ""
        return Done.model_validate_json(found.answer)


@pytest.fixture
async def desk(world: World) -> Desk:
    """With a key that may read."""
    await world.set(api_key="stats-key")
    return Desk(world)


@pytest.fixture
async def ada_client(plausible: Quart) -> Client:
    """A browser in which Ada, an admin, is logged in."""
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    ada = await accounts.user_by_id(user_id)
    assert ada is not None
    return await log_in(plausible, ada)


async def forget(*names: str) -> None:
    """Remove saved secrets."""
    await modules.save("plausible", {}, user=None, cleared=set(names))
