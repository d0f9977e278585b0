"""The module's self-test says what is wrong and what to do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from app.database import Database, utcnow
from app.hookspecs import CheckResult
from app.localdb import LocalDatabase
from app.runtime import Runtime
from app.settings import Settings
from plugins.plausible import selftest
from plugins.plausible.events import OPEN, TrackingEvent
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import Links
from plugins.plausible.networks_file import own_path, write
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync import account
from plugins.plausible.tokens import Signer
from tests.conftest import SECRET_KEY
from tests.plausible.recording import stored
from tests.receipts.builders import mailed_reply

MODULE = PlausibleSettings()
NETWORKS = CheckResult("List of networks", True, "new")


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A web server that says the same to everybody; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def http(body: bytes, *, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


async def steps(
    settings: Settings, database: Database, *, portal_url: str | None, module: PlausibleSettings = MODULE
) -> dict[str, CheckResult]:
    settings = settings.model_copy(update={"portal_url": portal_url})
    settings.__dict__.pop("portal", None)
    links = Links(portal_url, Signer([SECRET_KEY])) if portal_url else None
    return {step.name: step for step in await selftest.self_test(settings, module, links, database, NETWORKS)}


async def test_without_an_address_it_says_which_variable_to_set(settings: Settings, portal: Runtime) -> None:
    found = await steps(settings, portal.database, portal_url=None)
    assert not found["Portal address"].ok
    assert "PORTAL_URL is not set" in found["Portal address"].message
    assert not found["Pixel"].ok


async def test_http_is_a_fault_but_loopback_is_for_trying_out(settings: Settings, portal: Runtime) -> None:
    async with answering(http(GIF)) as address:
        found = await steps(settings, portal.database, portal_url=address)
    assert found["Portal address"].ok
    assert "trying out" in found["Portal address"].message
    assert found["Pixel"].ok
    assert "https" in (selftest.address_problem(settings) or "")


async def test_https_is_fine(settings: Settings) -> None:
    assert selftest.address_problem(Settings(_env_file=None, portal_url="https://help.example.com")) is None


@pytest.mark.parametrize(
    ("tracking_url", "words"),
    [
        ("https://t.example.com", None),
        ("http://t.example.com", "TRACKING_URL is http://t.example.com: many mail clients"),
        ("http://127.0.0.1:8000", "TRACKING_URL is http://127.0.0.1:8000, which only this machine reaches"),
    ],
)
async def test_the_tracking_host_is_what_counts_where_there_is_one(tracking_url: str, words: str | None) -> None:
    settings = Settings(_env_file=None, portal_url="http://localhost:8000", tracking_url=tracking_url)
    problem = selftest.address_problem(settings)
    assert (problem or "").startswith(words or "")
    assert (problem is None) == (words is None)


async def test_the_pixel_is_loaded_from_the_tracking_host(settings: Settings, portal: Runtime) -> None:
    async with answering(http(GIF)) as address:
        links = Links("http://portal.test", Signer([SECRET_KEY]), tracking_url=address)
        found = {
            step.name: step for step in await selftest.self_test(settings, MODULE, links, portal.database, NETWORKS)
        }
    assert found["Pixel"] == CheckResult("Pixel", True, f"{address} delivers it")


async def test_another_server_at_our_address_is_noticed(settings: Settings, portal: Runtime) -> None:
    async with answering(http(b"<h1>Log in</h1>")) as address:
        found = await steps(settings, portal.database, portal_url=address)
    assert not found["Pixel"].ok
    assert "/api/email-tracking/" in found["Pixel"].message


async def test_an_address_that_does_not_answer_is_noticed(
    settings: Settings, portal: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(b"") as address:
        found = await steps(settings, portal.database, portal_url=address)
    assert not found["Pixel"].ok
    assert "cannot be loaded" in found["Pixel"].message


async def test_it_says_when_something_was_last_recorded(settings: Settings, portal: Runtime) -> None:
    assert "none yet" in (await steps(settings, portal.database, portal_url=None))["Events"].message
    reply = await mailed_reply(portal.database)
    assert await stored(portal, TrackingEvent(OPEN, reply.recipients[0].tracking_id, utcnow()))
    assert "just now" in (await steps(settings, portal.database, portal_url=None))["Events"].message


async def test_its_own_look_at_the_pixel_is_no_event(settings: Settings, portal: Runtime) -> None:
    assert not await stored(portal, TrackingEvent(OPEN, selftest.PROBE, utcnow()))


async def test_a_missing_mail_server_is_named(settings: Settings, portal: Runtime) -> None:
    found = await steps(settings, portal.database, portal_url=None)
    assert "SMTP_HOST" in found["Mail server"].message
    with_server = settings.model_copy(update={"smtp_host": "mail.example"})
    assert (await steps(with_server, portal.database, portal_url=None))["Mail server"].ok


async def test_the_sync_says_how_it_stands(settings: Settings, portal: Runtime) -> None:
    module = PlausibleSettings(send_to_plausible=True, site_domain="help.example.com")
    found = await steps(settings, portal.database, portal_url=None, module=module)
    assert found["Send to Plausible"].ok
    assert found["Send to Plausible"].message == "0 accepted, 0 waiting"
    async with portal.database.transaction() as conn:
        account.note(conn, done=0, accepted=False, works=False)
        await account.pause(conn, "answered 503", seconds=60)
    found = await steps(settings, portal.database, portal_url=None, module=module)
    assert not found["Send to Plausible"].ok
    assert found["Send to Plausible"].message == "Plausible answered 503. 0 accepted, 0 waiting"


async def test_a_module_that_tracks_nothing_says_so(settings: Settings, portal: Runtime) -> None:
    module = PlausibleSettings(track_opens=False, track_clicks=False)
    assert not (await steps(settings, portal.database, portal_url=None, module=module))["Tracking"].ok


async def test_a_silent_database_is_a_failed_step(
    settings: Settings, portal: Runtime, database_server: LocalDatabase
) -> None:
    impatient = Database(database_server.url, deadline=0.2, acquire=0.2)
    database_server.pause()
    try:
        found = await steps(settings, impatient, portal_url=None)
    finally:
        database_server.resume()
    await impatient.close()
    assert not found["Events"].ok


async def test_an_old_list_of_networks_is_a_step_that_fails(portal: Runtime) -> None:
    write(own_path(portal.settings), "cloud acme 192.0.2.0/24 s 2020-01-01\n")
    checks = await portal.plugins.check("plausible")
    found = {step.name: step for step in checks}
    assert not found["List of networks"].ok
    assert "older than 12 months" in found["List of networks"].message
    assert checks[-1].name == "Events", "the module's page shows the last step as what works"
