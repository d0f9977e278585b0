"""The database does not answer: mail clients notice nothing, and nothing is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.database import Database
from app.localdb import LocalDatabase
from app.runtime import Runtime
from app.services import modules
from plugins.plausible.fast_path import GIF
from plugins.plausible.module import Plausible
from tests.plausible.recording import until_judged
from tests.plausible.test_routes import LINKS, URL, click_path, path
from tests.receipts.builders import MailedReply, mailed_reply


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database)


@pytest.fixture
def silent(database_server: LocalDatabase, reply: MailedReply) -> Iterator[LocalDatabase]:
    """A server that keeps its connections and says nothing."""
    database_server.pause()
    yield database_server
    database_server.resume()


async def spooled(app: Quart) -> int:
    metrics = await (await app.test_client().get("/metrics")).get_data(as_text=True)
    [line] = [line for line in metrics.splitlines() if line.startswith("myportal_tracking_spool_records ")]
    return int(float(line.split()[1]))


async def events(database: Database) -> int:
    async with database.connection() as conn:
        return int(await conn.fetch_value("SELECT COUNT(*) FROM email_tracking_events"))


async def test_pixel_and_click_answer_while_the_database_is_silent_and_are_stored_when_it_speaks_again(
    plausible: Quart, portal: Runtime, world: Client, reply: MailedReply, silent: LocalDatabase
) -> None:
    tracking_id = reply.recipients[0].tracking_id
    pixel = await world.get(path(LINKS.pixel(tracking_id)))
    click = await world.get(click_path(tracking_id=tracking_id))
    assert (pixel.status_code, await pixel.get_data()) == (200, GIF)
    assert (click.status_code, click.headers["Location"]) == (302, URL)
    while await spooled(plausible) != 2:
        await asyncio.sleep(0.05)
    [check] = await portal.plugins.readiness()
    assert re.fullmatch(r"2 events wait for the database, the oldest for \d+ s", check.message)
    silent.resume()
    while await spooled(plausible):
        await asyncio.sleep(0.05)
    await until_judged(portal.database, 2)


async def test_what_a_process_could_not_store_the_next_one_does(
    plausible: Quart, portal: Runtime, world: Client, reply: MailedReply, silent: LocalDatabase
) -> None:
    await world.get(path(LINKS.pixel(reply.recipients[0].tracking_id)))
    await plausible.shutdown()
    silent.resume()
    assert await events(portal.database) == 0
    next_one = create_app(portal.settings, plugins={"plausible": Plausible()})
    async with next_one.test_app():
        await until_judged(portal.database, 1)


@pytest.mark.parametrize(("enabled", "kept"), [(True, 1), (False, 0)])
async def test_a_process_that_starts_without_the_database_asks_later_whether_the_module_is_on(
    portal: Runtime, reply: MailedReply, silent: LocalDatabase, enabled: bool, kept: int
) -> None:
    silent.resume()
    await modules.set_enabled("plausible", enabled=enabled, user=None)
    silent.pause()
    app = create_app(portal.settings, plugins={"plausible": Plausible()})
    async with app.test_app():
        response = await app.test_client().get(path(LINKS.pixel(reply.recipients[0].tracking_id)))
        assert await response.get_data() == GIF
        while await spooled(app) != 1:
            await asyncio.sleep(0.05)
        silent.resume()
        while await spooled(app):
            await asyncio.sleep(0.05)
        await until_judged(portal.database, kept)
