"""Announcements of which only the mail provider tells who opened them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from quart import Quart

from app import create_app
from app.accounts.models import User
from app.database import utcnow
from app.hookspecs import MailingActivity
from app.plugin_mailings import together
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.announcements import statistics
from plugins.announcements.handles import Handles
from plugins.announcements.module import Announcements
from plugins.delivery.model import DeliveryEvent, Kind
from plugins.delivery.module import DeliveryEvents
from plugins.plausible.module import Plausible
from tests.announcements.builders import deliver, people, sent
from tests.support.scripted_smtp import ScriptedSmtp

LINK = "https://status.example/now"


@pytest.fixture
async def portal(portal_settings: Settings, empty_database: None) -> AsyncIterator[Quart]:
    """A portal that hears of mails from a provider too."""
    plugins = {"announcements": Announcements(), "plausible": Plausible(), "delivery": DeliveryEvents()}
    app = create_app(portal_settings, plugins=plugins)
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        await runtime.register_modules()
        async with runtime.database.transaction() as conn:
            await conn.execute("INSERT INTO announcement_pace (id) VALUES (1) ON DUPLICATE KEY UPDATE id = id")
        for slug in ("announcements", "delivery"):
            await modules.set_enabled(slug, enabled=True, user=None)
        await app.startup()
        yield app
        await app.shutdown()


async def told(runtime: Runtime) -> None:
    """Ann opens twice and follows a link, a machine opens Bob's, and of Cat's nobody knows who it was."""
    async with runtime.database.connection() as conn:
        rows = await conn.fetch_all("SELECT email, tracking_id FROM email_recipients")
    ids = {row["email"]: row["tracking_id"] for row in rows}
    said: list[tuple[str, Kind, bool | None]] = [
        ("ann", "opened", False), ("ann", "opened", False), ("ann", "clicked", False), ("bob", "opened", True),
        ("cat", "opened", None), ("cat", "clicked", None),
    ]  # fmt: skip
    events = [
        DeliveryEvent(
            "sendgrid",
            bytes([number]) * 16,
            kind,
            utcnow() - timedelta(seconds=60 - 5 * number),
            tracking_id=ids[f"{who}@x.org"],
            url=LINK if kind == "clicked" else "",
            machine=machine,
        )
        for number, (who, kind, machine) in enumerate(said)
    ]
    await runtime.plugins.plugins["delivery"]._handles().intake.take(events)  # type: ignore[attr-defined]


@pytest.mark.parametrize("ours", [False, True])
async def test_they_count_where_no_module_of_the_portal_counts(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp, ours: bool
) -> None:
    if ours:
        await modules.set_enabled("plausible", enabled=True, user=None)
    await people(runtime, "ann@x.org", "bob@x.org", "cat@x.org")
    known = await sent(handles, ada)
    await deliver(runtime, smtp, 3)
    before = (await statistics.count(handles, known)).figures
    assert before.is_tracked is ours
    await told(runtime)
    counted = await statistics.count(handles, known)
    figures = counted.figures
    if ours:
        assert (figures.opened_count, figures.total_opens, figures.clicked_count) == (0, 0, 0), "our pixel is in them"
        return
    assert (figures.opened_count, figures.total_opens, figures.clicked_count) == (1, 2, 1)
    assert (figures.machine_opens, figures.only_machines_count, figures.is_tracked) == (1, 1, True)
    assert (figures.unknown_opens, figures.unknown_clicks) == (1, 1)
    assert counted.detail.links == ((LINK, 1, 1),)
    assert sum(people for _, people, _ in counted.detail.opens_by_time) == 2
    assert {"ann@x.org", "bob@x.org"} <= {event.email for event in counted.detail.events}
    async with runtime.database.connection() as conn:
        rows = await conn.fetch_all(
            "SELECT email, opens, clicks, machine_opens FROM announcement_recipients ORDER BY 1"
        )
    assert [tuple(row.values()) for row in rows] == [
        ("ann@x.org", 2, 1, 0), ("bob@x.org", 0, 0, 1), ("cat@x.org", 0, 0, 0),
    ]  # fmt: skip


def test_answers_are_added_up() -> None:
    hour = utcnow().replace(hour=7, minute=0, second=0, microsecond=0)
    one = MailingActivity(opens=2, unique_opens=1, links=((LINK, 2, 1),), opens_by_time=((hour, 2, 0),), by_hour=True)
    day = hour.replace(hour=0)
    other = MailingActivity(opens=3, unique_opens=2, links=((LINK, 1, 1),), opens_by_time=((day, 3, 1),))
    found = together([one, other])
    assert (found.opens, found.unique_opens, found.links) == (5, 3, ((LINK, 3, 2),))
    assert (found.opens_by_time, found.by_hour) == (((day, 5, 1),), False)
    assert together([one, one]).opens_by_time == ((hour, 4, 0),)
    assert together([one]) is one
