"""The database does not answer: mail clients notice nothing, and what can still be stored is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.database import Database, utcnow
from app.localdb import LocalDatabase
from app.runtime import Runtime
from plugins.plausible import recorder as recorder_module
from plugins.plausible.events import OPEN, TrackingEvent
from plugins.plausible.recorder import Recorder
from plugins.plausible.routes import GIF
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
    silent.resume()
    await plausible.shutdown()
    assert await events(portal.database) == 2
    await plausible.startup()


async def test_an_event_is_answered_at_the_deadline_and_lost_only_after_the_databases_own(
    portal: Runtime, reply: MailedReply, silent: LocalDatabase
) -> None:
    impatient = Database(silent.url, deadline=0.5, acquire=0.5)
    recorder = Recorder(impatient, wanted=lambda kind: True, deadline=0.05)
    assert not await recorder.record(TrackingEvent(OPEN, reply.recipients[0].tracking_id, utcnow()))
    await recorder.close()
    silent.resume()
    assert await events(portal.database) == 0
    await impatient.close()


async def test_the_end_of_the_process_does_not_wait_for_a_silent_database(
    portal: Runtime, reply: MailedReply, silent: LocalDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LAST_WAIT", 0.05)
    patient = Database(silent.url, deadline=600, acquire=600)
    recorder = Recorder(patient, wanted=lambda kind: True, deadline=0.05)
    assert not await recorder.record(TrackingEvent(OPEN, reply.recipients[0].tracking_id, utcnow()))
    await recorder.close()
    silent.resume()
    assert await events(portal.database) == 0
    await patient.close()
