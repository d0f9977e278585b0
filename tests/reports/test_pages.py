"""The page, its files, and the API."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import utcnow
from app.receipts import service as receipts
from app.receipts.models import Report
from app.reports import service
from app.reports.asking import parse
from app.runtime import Runtime
from plugins.plausible.events import CLICK
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store
from tests.plausible.recording import SCANNER, event
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.web import get

EVIL = "https://example.org/=1+1?for=bob"


@pytest.fixture
async def mailed(portal: Runtime, gus: User) -> MailedReply:
    """Gus answered Bob and Ann; Bob read it and followed a link, a scanner opened Ann's."""
    async with portal.database.transaction() as conn:
        await conn.execute("INSERT INTO tags (id, name, created_at) VALUES (7, '=vip', UTC_TIMESTAMP(6))")
        await conn.execute(
            """
            INSERT INTO departments (id, name, email, created_at, updated_at)
            VALUES (3, 'Support', '', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
            """
        )
    reply = await mailed_reply(portal.database, "bob@example.org", "cc:ann@example.org")
    async with portal.database.transaction() as conn:
        await conn.execute("INSERT INTO ticket_tags (ticket_id, tag_id) VALUES (%(id)s, 7)", {"id": reply.ticket_id})
        await conn.execute("UPDATE tickets SET department_id = 3")
        await conn.execute("UPDATE ticket_replies SET author_user_id = %(id)s", {"id": gus.id})
        await receipts.refresh(conn, reply.reply_id)
    bob, ann = reply.recipients
    store, now = Store(portal.database, KnownCopies()), utcnow()
    await store.put([event(bob.tracking_id, at=now), event(ann.tracking_id, user_agent=SCANNER, at=now)])
    await store.put([event(bob.tracking_id, CLICK, url=EVIL, at=now + timedelta(seconds=50))])
    return reply


@pytest.mark.parametrize("by", ["day", "week", "agent", "mailbox", "tag", "link", "client"])
async def test_each_grouping_has_its_page(gus_client: Client, mailed: MailedReply, by: str) -> None:
    response = await get(gus_client, f"/reports?by={by}")
    page = await response.get_data(as_text=True)
    assert response.status_code == 200
    assert "so open and click rate are of sent mails" in page
    assert {
        "agent": "Gus",
        "mailbox": "Support",
        "tag": "=vip",
        "link": "example.org/=1+1",
        "client": "Thunderbird",
    }.get(by, "Together") in page
    assert "<svg xmlns" in page or "<svg" in page
    assert "for=bob" not in page


async def test_the_page_says_what_the_rates_are_of_and_what_nobody_says(
    gus_client: Client, portal: Runtime, mailed: MailedReply
) -> None:
    async with portal.database.transaction() as conn:
        await conn.execute("UPDATE report_days SET unknown_opens = 3, unknown_clicks = 1 WHERE detailed = 0 LIMIT 1")
        for fate in ("delivered", "bounced"):
            one = Report(mailed.recipients[0].id, mailed.reply_id, mailed.ticket_id, fate, utcnow())
            await receipts.report(conn, [one])
    page = " ".join((await (await get(gus_client, "/reports")).get_data(as_text=True)).split())
    assert "No provider reported a delivery" not in page
    assert "providers reported 1 of 2 sent mails as delivered; 1 of them bounced later and counts as bounced" in page
    assert "Providers reported 3 opens and 1 click without saying whether people made them" in page
    found = json.loads(await (await get(gus_client, "/reports.json")).get_data())
    assert found["open_and_click_rates_are_of"] == "delivered"
    assert (found["total"]["unknown_opens"], found["total"]["unknown_clicks"], found["rates"]["open"]) == (3, 1, None)


async def test_a_page_of_nothing_says_so(gus_client: Client, portal: Runtime) -> None:
    page = await (await get(gus_client, "/reports")).get_data(as_text=True)
    assert "No replies yet" in page


async def test_filters_that_fit_nothing_lead_back(gus_client: Client, mailed: MailedReply) -> None:
    page = await (await get(gus_client, "/reports?from=2026-01-01&to=2026-01-31")).get_data(as_text=True)
    assert "Nothing in this period" in page
    for name, fits in (("agent=999", False), ("mailbox=3", True), ("mailbox=0", False), ("tag=7", True)):
        page = await (await get(gus_client, f"/reports?{name}")).get_data(as_text=True)
        assert ("Nothing in this period" in page) is not fits, name


async def test_a_mistyped_filter_is_told_next_to_its_field(gus_client: Client, mailed: MailedReply) -> None:
    response = await get(gus_client, "/reports?from=2026-13-01")
    page = await response.get_data(as_text=True)
    assert response.status_code == 400
    assert 'id="f-from-error"' in page
    assert "got &#39;2026-13-01&#39;" in page
    assert (await get(gus_client, "/reports.csv?from=2026-13-01")).status_code == 400


async def test_an_export_holds_no_formula(gus_client: Client, mailed: MailedReply) -> None:
    response = await get(gus_client, "/reports.csv?by=tag")
    rows = list(csv.DictReader(io.StringIO(str(await response.get_data(as_text=True)).removeprefix("\ufeff"))))
    [row] = rows
    assert row["Tag"] == "'=vip"
    assert (row["Recipients"], row["Unique opens"], row["Opens by machines"]) == ("2", "1", "1")
    assert (row["Open rate (%)"], row["Delivery rate (%)"]) == ("50.0", "0.0")
    assert row["Open and click rate are of"] == "sent"
    found = json.loads(await (await get(gus_client, "/reports.json?by=link")).get_data())
    assert found["total"]["clicks"] == found["total"]["clicked"] == 1
    assert [(one["name"], one["clicks"]) for one in found["lines"]] == [("example.org/=1+1", 1)]


async def test_the_api_gives_the_same(gus_client: Client, mailed: MailedReply) -> None:
    response = await get(gus_client, "/api/reports?by=agent&period=7")
    found = json.loads(await response.get_data())
    assert response.status_code == 200
    assert (found["rates_are_of"], found["rates"]["open"], found["total"]["machine_only"]) == ("sent", 0.5, 1)
    assert [line["name"] for line in found["lines"]] == ["Gus"]
    assert (await get(gus_client, "/api/reports?first=2026-02-30")).status_code == 422
    assert (await get(gus_client, "/api/reports?by=weather")).status_code == 422


async def test_who_may_see_some_departments_sees_no_figure_of_others(portal: Runtime, mailed: MailedReply) -> None:
    for departments, seen in ((frozenset({3}), 2), (frozenset({4}), 0), (frozenset[int](), 0), (None, 2)):
        for by in ("day", "agent", "mailbox", "tag", "client"):
            query = parse({"by": by}, today=utcnow().date(), departments=departments)
            found = await service.report(query)
            assert found.total.recipients == seen
            assert bool(any(line.figures.recipients or line.figures.machine_opens for line in found.lines)) is bool(
                seen
            )
