"""What the self-test says of the module's standing without asking anybody, and of the clocks."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta

import pytest

from app.database import Database, utcnow
from app.hookspecs import CheckResult
from app.localdb import LocalDatabase
from app.runtime import Runtime
from app.settings import Settings
from plugins.plausible import repository, selftest
from plugins.plausible.events import OPEN, TrackingEvent
from plugins.plausible.networks_file import own_path, write
from plugins.plausible.selftest import standing
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.sync import account
from tests.plausible.recording import stored
from tests.plausible.selftest import MODULE, by_name, given
from tests.receipts.builders import mailed_reply, set_copy


async def steps(
    settings: Settings, database: Database, *, module: PlausibleSettings = MODULE
) -> Mapping[str, CheckResult]:
    """Those of a portal without an address."""
    return by_name(await selftest.check(given(settings, database, module)))


async def test_it_says_when_something_was_last_recorded(settings: Settings, portal: Runtime) -> None:
    assert "none yet" in (await steps(settings, portal.database))["Events"].message
    reply = await mailed_reply(portal.database)
    assert await stored(portal, TrackingEvent(OPEN, reply.recipients[0].tracking_id, utcnow()))
    assert "just now" in (await steps(settings, portal.database))["Events"].message


async def test_mails_that_nobody_opens_for_long_are_odd(settings: Settings, portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    assert await stored(portal, TrackingEvent(OPEN, reply.recipients[0].tracking_id, utcnow() - timedelta(days=3)))
    for number in range(standing.SILENT):
        later = await mailed_reply(portal.database)
        sent_at = utcnow() - (standing.PATIENCE if number else timedelta()) - timedelta(minutes=number)
        await set_copy(portal.database, later.recipients[0].id, state="sent", reports="opens", sent_at=sent_at)
    found = (await steps(settings, portal.database))["Events"]
    assert found.ok
    assert found.message == "last event 3 d ago; 19 tracked copies sent since, without one", "one is too young to say"
    await set_copy(portal.database, reply.recipients[0].id, sent_at=utcnow() - timedelta(hours=2))
    found = (await steps(settings, portal.database))["Events"]
    assert not found.ok
    assert "20 tracked copies went out since the last event, 3 d ago, and not one was opened" in found.message
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE email_recipients SET reports = ''")
    assert (await steps(settings, portal.database))["Events"].ok, "copies that are not tracked tell nothing"


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (timedelta(), ""),
        (timedelta(seconds=40), "40 seconds ahead of"),
        (-timedelta(hours=3), "3 hours behind"),
        (timedelta(days=1), "1 day ahead of"),
    ],
)
async def test_the_clock_of_the_database_server_is_compared(
    portal: Runtime, monkeypatch: pytest.MonkeyPatch, shift: timedelta, words: str
) -> None:
    now = repository.now
    monkeypatch.setattr(repository, "now", lambda conn: _later(now(conn), shift))
    found = await standing.database_clock(portal.database)
    assert found is not None
    assert (words in found) if words else not found
    step = standing.clock(found, None, asked=False)
    assert step.ok == (not words)


async def _later(moment: Awaitable[datetime], shift: timedelta) -> datetime:
    return await moment + shift


def test_what_nothing_compares_with_is_said() -> None:
    assert standing.clock("", "", asked=True).message == "agrees with the database server's and Plausible's"
    silent = standing.clock(None, None, asked=True)
    assert silent.ok
    assert "no answer told a time" in silent.message
    assert "it was not asked" in standing.clock("", None, asked=False).message
    both = standing.clock("the database server's clock is off", "is 1 day ahead of this portal's clock", asked=True)
    assert not both.ok
    assert both.message == "Plausible is 1 day ahead of this portal's clock. the database server's clock is off"


async def test_a_missing_mail_server_is_named(settings: Settings, portal: Runtime) -> None:
    found = await steps(settings, portal.database)
    assert "SMTP_HOST" in found["Mail server"].message
    with_server = settings.model_copy(update={"smtp_host": "mail.example"})
    assert (await steps(with_server, portal.database))["Mail server"].ok


async def test_the_sync_says_how_it_stands(settings: Settings, portal: Runtime) -> None:
    module = PlausibleSettings(send_to_plausible=True, site_domain="help.example.com")
    found = await steps(settings, portal.database, module=module)
    assert found["Send to Plausible"].ok
    assert found["Send to Plausible"].message == "0 accepted, 0 waiting"
    async with portal.database.transaction() as conn:
        account.note(conn, done=0, accepted=False, works=False)
        await account.pause(conn, "answered 503", seconds=60)
    found = await steps(settings, portal.database, module=module)
    assert not found["Send to Plausible"].ok
    assert found["Send to Plausible"].message == "Plausible answered 503. 0 accepted, 0 waiting"


async def test_a_module_that_tracks_nothing_says_so(settings: Settings, portal: Runtime) -> None:
    module = PlausibleSettings(track_opens=False, track_clicks=False)
    assert not (await steps(settings, portal.database, module=module))["Tracking"].ok


async def test_a_silent_database_is_a_failed_step(
    settings: Settings, portal: Runtime, database_server: LocalDatabase
) -> None:
    impatient = Database(database_server.url, deadline=0.2, acquire=0.2)
    database_server.pause()
    try:
        found = await steps(settings, impatient)
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
