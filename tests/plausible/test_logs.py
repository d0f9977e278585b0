"""No log ever tells who opened what: no id, no client's address, no link, no header, whatever becomes of a request."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import httpx
import pymysql
import pytest
import structlog
from prometheus_client import REGISTRY
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.localdb import LocalDatabase
from app.log import configure
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from app.spool import Spool
from plugins.plausible.events import TrackingEvent
from plugins.plausible.fast_path import GIF, FastPath
from plugins.plausible.module import Plausible
from plugins.plausible.recording import store
from plugins.plausible.recording.intake import MOST_PER_COPY
from plugins.plausible.recording.recorder import Recorder
from plugins.plausible.recording.store import Store
from tests.plausible.test_routes import LINKS, click_path, path
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.serving import served
from tests.support.waiting import until

URL = "https://canary-link.example/guide?who=bob"
STRANGE = "canary-strange-id" + "x" * 26
HEADERS = {
    "User-Agent": "canary-agent",
    "Referer": "https://canary-referrer.example/inbox",
    "X-Forwarded-For": "198.51.100.23",
}
CLIENT = {"client": ("203.0.113.77", 4711)}
CANARIES = ("canary", "198.51.100.", "203.0.113.")


class Log:
    """All that this process has logged since the test began, as it is written."""

    def __init__(self, ours: io.StringIO, of_libraries: pytest.LogCaptureFixture) -> None:
        self._ours = ours
        self._of_libraries = of_libraries

    def text(self) -> str:
        return self._ours.getvalue() + self._of_libraries.text

    def tells_of(self, reply: MailedReply) -> list[str]:
        """What it should not hold, of the canaries and of the reply's id."""
        text = self.text()
        tracking_id = reply.recipients[0].tracking_id
        return [one for one in (*CANARIES, tracking_id[:12], tracking_id[-12:]) if one in text]


@pytest.fixture
def log(settings: Settings, caplog: pytest.LogCaptureFixture) -> Iterator[Log]:
    stream = io.StringIO()
    with redirect_stderr(stream):
        configure(settings.model_copy(update={"log_format": "json", "log_level": "debug"}))
    caplog.set_level(0)
    yield Log(stream, caplog)
    structlog.reset_defaults()


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database)


def counted(outcome: str) -> float:
    """Requests with this outcome so far, of either kind."""
    return sum(
        REGISTRY.get_sample_value("myportal_tracking_requests_total", {"kind": kind, "outcome": outcome}) or 0
        for kind in ("open", "click")
    )


async def hit(client: Client, tracking_id: str) -> None:
    """Open and click as one reader."""
    pixel = await client.get(path(LINKS.pixel(tracking_id)), headers=HEADERS, scope_base=CLIENT)
    click = await client.get(click_path(URL, tracking_id), headers=HEADERS, scope_base=CLIENT)
    assert (pixel.status_code, await pixel.get_data(), click.status_code) == (200, GIF, 302)


async def test_nothing_of_what_is_stored_folded_unknown_or_unwanted(
    portal: Runtime, world: Client, reply: MailedReply, log: Log
) -> None:
    tracking_id = reply.recipients[0].tracking_id
    before = {outcome: counted(outcome) for outcome in ("committed", "folded", "unknown", "off")}
    # A busy machine may give it to the spool.
    while counted("committed") == before["committed"]:
        await hit(world, tracking_id)
    await asyncio.gather(*(hit(world, tracking_id) for _ in range(MOST_PER_COPY // 2)))
    await hit(world, STRANGE)
    await modules.set_enabled("plausible", enabled=False, user=None)
    await hit(world, tracking_id)
    assert [outcome for outcome, count in before.items() if counted(outcome) == count] == []
    assert log.tells_of(reply) == []


async def test_nothing_of_a_link_that_is_refused(world: Client, reply: MailedReply, log: Log) -> None:
    for address in (
        click_path(URL) + "x",
        f"/track/click/{STRANGE}/?url={URL}&sig=canary",
        "/api/email-tracking/click?canary",
    ):
        response = await world.get(address, headers=HEADERS, scope_base=CLIENT)
        assert response.status_code == 400
    assert log.tells_of(reply) == []


async def test_nothing_while_the_database_is_silent_and_when_it_is_back(
    world: Client, reply: MailedReply, log: Log, database_server: LocalDatabase
) -> None:
    spooled = counted("spooled")
    database_server.pause()
    try:
        await hit(world, reply.recipients[0].tracking_id)
        await until(lambda: "events go to the spool" in log.text())
    finally:
        database_server.resume()
    await until(lambda: "the spool was replayed" in log.text())
    assert counted("spooled") > spooled
    assert log.tells_of(reply) == []


async def test_nothing_of_what_is_lost(
    portal: Runtime, reply: MailedReply, log: Log, database_server: LocalDatabase, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    settings = portal.settings.model_copy(update={"spool_dir": in_the_way})
    lost, waiting = counted("lost"), counted("waiting")
    app = create_app(settings, plugins={"plausible": Plausible()})
    async with app.test_app():
        database_server.pause()
        try:
            while counted("lost") == lost:
                await hit(app.test_client(), reply.recipients[0].tracking_id)
        finally:
            database_server.resume()
    assert counted("waiting") > waiting
    assert "events lost" in log.text()
    assert log.tells_of(reply) == []


@pytest.mark.parametrize("error", [pymysql.err.DataError, RuntimeError], ids=lambda error: error.__name__)
async def test_nothing_of_an_event_that_the_database_refuses(
    world: Client, reply: MailedReply, log: Log, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    async def write(conn: object, events: Sequence[TrackingEvent], **rest: object) -> None:
        words = f"Data too long: {events[0]}"
        raise error(1406, words) if issubclass(error, pymysql.err.Error) else error(words)

    quarantined = counted("quarantined")
    monkeypatch.setattr(store, "write", write)
    await hit(world, reply.recipients[0].tracking_id)
    assert counted("quarantined") == quarantined + 2
    assert "an event was set aside" in log.text()
    assert log.tells_of(reply) == []


@pytest.mark.parametrize("error", [pymysql.err.ProgrammingError, RuntimeError], ids=lambda error: error.__name__)
async def test_nothing_of_an_event_over_which_recording_trips(
    world: Client, reply: MailedReply, log: Log, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    async def attempt(self: Store, events: Sequence[TrackingEvent], *rest: object) -> None:
        words = f"near '{events[0]}'"
        raise error(1064, words) if issubclass(error, pymysql.err.Error) else error(words)

    monkeypatch.setattr(Store, "_attempt", attempt)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_append", attempt)
        await hit(world, reply.recipients[0].tracking_id)
        await until(lambda: "the spool is not replayed" in log.text())
    assert "events go to the spool" in log.text()
    await until(lambda: "events of a rush are not judged" in log.text())
    assert log.tells_of(reply) == []


async def test_nothing_of_an_event_over_which_everything_trips(
    portal: Runtime, world: Client, reply: MailedReply, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def append_all(self: Spool, records: Sequence[bytes]) -> None:
        raise RuntimeError(f"cannot keep {records!r}")

    async def put(self: Store, events: Sequence[TrackingEvent], **rest: object) -> None:
        raise RuntimeError(f"cannot store {events}")

    def take(self: Recorder, event: TrackingEvent, *rest: object, **more: object) -> None:
        raise RuntimeError(f"cannot record {event}")

    lost = counted("lost")
    monkeypatch.setattr(Spool, "append_all", append_all)
    monkeypatch.setattr(Store, "put", put)
    await hit(world, reply.recipients[0].tracking_id)
    assert "events lost" in log.text()
    monkeypatch.setattr(Recorder, "take", take)
    await hit(world, reply.recipients[0].tracking_id)
    assert "an event was lost" in log.text()
    assert counted("lost") == lost + 4
    assert log.tells_of(reply) == []


async def test_nothing_of_a_request_over_which_the_fast_path_trips(
    world: Client, reply: MailedReply, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(self: FastPath, scope: Any, *arguments: object) -> None:
        raise RuntimeError(f"cannot read {scope} {arguments}")

    monkeypatch.setattr(FastPath, "_take", take)
    response = await world.get(path(LINKS.pixel(reply.recipients[0].tracking_id)), headers=HEADERS, scope_base=CLIENT)
    assert response.status_code == 500
    assert "plugin failed" in log.text()
    assert log.tells_of(reply) == []


async def test_nothing_by_the_web_server(
    portal: Runtime, plausible: Quart, reply: MailedReply, capfd: pytest.CaptureFixture[str]
) -> None:
    tracking_id = reply.recipients[0].tracking_id
    async with served(portal.settings) as url, httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
        assert (await client.get(path(LINKS.pixel(tracking_id)))).content == GIF
        assert (await client.get(click_path(URL, tracking_id))).status_code == 302
        assert (await client.get(click_path(URL, tracking_id) + "x")).status_code == 400
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(f"GET /api/email-tracking/pixel/{tracking_id}.gif HTTP/1.1\r\nbad header canary\r\n\r\n".encode())
        await reader.read()
        writer.close()
        await writer.wait_closed()
    text = "".join(capfd.readouterr())
    assert [one for one in (*CANARIES, tracking_id[:12]) if one in text] == []
