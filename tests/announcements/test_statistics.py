"""Figures of an announcement: what mail servers and readers did, on the page, in exports, stored with their time."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import utcnow
from app.runtime import Runtime
from app.services import modules, receipts
from plugins.announcements import statistics
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from tests.announcements.builders import deliver, mail_to, part, people, sent
from tests.support.reader import FOLLOWED, SHOWN, let_lie
from tests.support.scripted_smtp import Fault, ScriptedSmtp
from tests.support.web import get

MACHINE = {"User-Agent": "Barracuda Sentinel (EE)"}
EVIL = '=HYPERLINK("http://evil.example")'


async def _page(client: Client, path: str) -> str:
    answer = await get(client, path)
    assert answer.status_code == 200, await answer.get_data(as_text=True)
    return await answer.get_data(as_text=True)


def _tracked(html: str) -> tuple[str, str]:
    [pixel] = re.findall(r'<img src="http://portal\.test(/api/email-tracking/pixel/[^"]+)"', html)
    [link] = re.findall(r'href="http://portal\.test(/api/email-tracking/click[^"]+)"', html)
    return pixel, unescape(link)


def _card(page: str, label: str) -> str:
    found = re.search(rf"<dt>{label}</dt><dd><b>([^<]*)</b>(?: <span>([^<]*)</span>)?", page)
    assert found is not None, label
    return f"{found[1]} {found[2] or ''}".strip()


async def _nothing(mailing: str) -> None:
    """As the portal answers where a module failed."""


async def test_what_people_and_machines_did_is_counted_apart_and_stored_with_its_time(
    portal: Quart,
    runtime: Runtime,
    handles: Handles,
    ada: User,
    ada_client: Client,
    world: Client,
    smtp: ScriptedSmtp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["Ann <ann@x.org>", "bob@x.org", f"{EVIL} <cat@x.org>", "dan@x.org", "eve@x.org"]
    await people(runtime, *names)
    smtp.faults.append(Fault("rcpt", reply="550 no such user", recipient="eve@x.org"))
    known = await sent(handles, ada)
    await deliver(runtime, smtp, 4)
    await let_lie(runtime.database)
    path = f"/campaigns/{known.id}/statistics/"
    before = await _page(ada_client, path)
    assert _card(before, "Unique opens") == "0 0.0 % of sent"

    for reader, opens, clicks in (("ann@x.org", 2, 1), ("bob@x.org", 1, 0)):
        pixel, link = _tracked(part(mail_to(smtp.accepted, reader), "html"))
        for _ in range(opens):
            await world.get(pixel, headers=SHOWN)
        for _ in range(clicks):
            assert (await world.get(link, headers=FOLLOWED)).status_code == 302
    pixel, _ = _tracked(part(mail_to(smtp.accepted, "cat@x.org"), "html"))
    await world.get(pixel, headers=MACHINE)

    assert _card(await _page(ada_client, path), "Unique opens") == "0 0.0 % of sent", "as of the last count"
    page = await _page(ada_client, f"{path}?refresh=true")
    shown = {
        label: _card(page, label)
        for label in (
            "Recipients", "Sent", "Delivered", "Bounced", "Unique opens", "Unique clicks", "Total clicks",
            "Opens by machines",
        )
    }  # fmt: skip
    assert shown == {
        "Recipients": "5",
        "Sent": "4 1 failed",
        "Delivered": "– not known",
        "Bounced": "0 0.0 % of sent",
        "Unique opens": "2 50.0 % of sent",
        "Unique clicks": "1 25.0 % of sent",
        "Total clicks": "1 by people",
        "Opens by machines": "1 1 mail by machines only",
    }
    assert "Nothing tells of deliveries" in page
    assert "https://status.example/now" in page
    assert "<svg" in page

    now = utcnow()
    async with runtime.database.transaction() as conn:
        rows = await conn.fetch_all("SELECT id, email FROM email_recipients WHERE state = 'sent'")
        fates = {"ann@x.org": "delivered", "bob@x.org": "delivered", "dan@x.org": "bounced", "cat@x.org": "complained"}
        short = {"complained": "marked as spam", "bounced": "mailbox full"}
        told = [(row["id"], fates[row["email"]]) for row in rows]
        await receipts.report(
            conn, [receipts.Report(one, None, None, fate, now, short=short.get(fate, "")) for one, fate in told]
        )
    page = await _page(ada_client, f"{path}?refresh=TRUE")
    assert _card(page, "Delivered") == "3 75.0 % of sent"
    assert _card(page, "Bounced") == "1 25.0 % of sent"
    assert _card(page, "Unique opens") == "2 66.7 % of delivered"
    assert "Nothing tells of deliveries" not in page
    assert "spam: marked" not in page, "that is said once"
    for word in ("Bounced: mailbox full", "Marked as spam", "Opened by a person", "Opened by a mail scanner"):
        assert word in page
    counted = await statistics.stored(handles, known.id)
    assert counted is not None
    assert counted.figures.only_machines_count == 1
    details = {event.kind: event.detail for event in counted.detail.events if event.kind in {"sent", "delivered"}}
    assert details["delivered"] == "", "what our mail server said is no word of a delivery"
    assert details["sent"].startswith("Our mail server said: ")
    with monkeypatch.context() as broken:
        broken.setattr(runtime.plugins, "mailing_activity", _nothing)
        again = await statistics.count(handles, known)
    assert again.figures == counted.figures, "what was counted is not lost where it cannot be counted"

    for view, wanted in (
        ("opened", ["ann@x.org", "bob@x.org"]),
        ("clicked", ["ann@x.org"]),
        ("machine", ["cat@x.org"]),
        ("bounced", ["dan@x.org"]),
        ("failed", ["eve@x.org"]),
        ("delivered", ["ann@x.org", "bob@x.org", "cat@x.org"]),
        ("not-opened", ["dan@x.org"]),
        ("waiting", []),
    ):
        rows = await statistics.page(handles, known.id, view=view)
        assert [row["email"] for row in rows] == wanted, view
        shown_page = await _page(ada_client, f"{path}?view={view}")
        assert all(one in shown_page for one in wanted)
    assert "bob@x.org" not in (await _page(ada_client, f"{path}?q=ann")).partition('id="recipients"')[2]


async def test_exports_hold_everybody_and_no_formula(
    runtime: Runtime, handles: Handles, ada: User, ada_client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr(statistics, "EXPORTED", 2)
    await people(runtime, f"{EVIL} <a@x.org>", "b@x.org", "c@x.org", "d@x.org", "e@x.org")
    known = await sent(handles, ada)
    path = f"/campaigns/{known.id}/statistics/"
    text = (await _page(ada_client, f"{path}recipients.csv")).removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["email"] for row in rows] == [f"{name}@x.org" for name in "abcde"]
    assert rows[0]["name"] == f"'{EVIL}"
    found = json.loads(await _page(ada_client, f"{path}statistics.json"))
    assert [row["email"] for row in found["recipients"]] == [f"{name}@x.org" for name in "abcde"]
    assert found["statistics"]["total_recipients"] == 5
    assert json.loads(await _page(ada_client, f"{path}statistics.json?q=c%40"))["recipients"][0]["name"] == "c"


async def test_the_table_is_paged_both_ways(runtime: Runtime, handles: Handles, ada: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(statistics, "PAGE", 2)
    await people(runtime, *(f"p{n}@x.org" for n in range(5)))
    known = await sent(handles, ada)
    ids = [row["id"] for row in await statistics.page(handles, known.id, limit=10)]

    async def before(place: int) -> int | None:
        return await statistics.before(handles, known.id, view="", words="", place=place)

    assert [await before(0), await before(ids[1]), await before(ids[3])] == [None, 0, ids[1]]


async def test_without_a_module_that_tracks_the_page_says_so(
    runtime: Runtime, handles: Handles, ada: User, ada_client: Client, smtp: ScriptedSmtp
) -> None:
    await modules.set_enabled("plausible", enabled=False, user=None)
    await runtime.modules.refresh()
    await people(runtime, "a@x.org")
    known = await sent(handles, ada)
    await deliver(runtime, smtp, 1)
    page = await _page(ada_client, f"/campaigns/{known.id}/statistics/?refresh=true")
    assert "Opens and links of this announcement are not tracked" in page
    assert "Unique opens" not in page


async def test_the_worker_counts_what_is_old(runtime: Runtime, handles: Handles, ada: User) -> None:
    await people(runtime, "a@x.org")
    known = await sent(handles, ada)
    assert await statistics.stored(handles, known.id) is None
    await statistics.count_due(handles)
    first = await statistics.stored(handles, known.id)
    assert first is not None
    await statistics.count_due(handles)
    assert await statistics.stored(handles, known.id) == first, "not counted again at once"
    assert (await announcement(handles, known.id)).state == "sent"
