"""The download of agents' corrections: the labelled sequences' shape, and nothing that leads back to anybody."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.database import Database, utcnow
from app.runtime import Runtime
from bench.opens import history_of, prediction
from plugins.plausible import corrections
from plugins.plausible.classify import Context, Request
from plugins.plausible.clients import client_of
from plugins.plausible.export import Correction, Told, line, scrubbed
from plugins.plausible.links import link_mark
from plugins.plausible.networks import load
from tests.conftest import PASSWORD
from tests.receipts.builders import mailed_reply
from tests.support.opens import APPLE_AHEAD, BARRACUDA, CHROME, DELIVERED, GMAIL, IMAGE, SENT, SLACK, VISIT, YAHOO
from tests.support.web import get, log_in

PATH = "/admin/modules/plausible/corrections.jsonl"
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "opens_sample.jsonl"
GUIDE, SHOP = "https://guide.canary.example/a?token=canary-in-a-link", "https://shop.canary.example/"


@pytest.fixture
async def ada_client(plausible: Quart) -> Client:
    """A browser in which Ada, an admin, is logged in."""
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    ada = await accounts.user_by_id(user_id)
    assert ada is not None
    return await log_in(plausible, ada)


async def judge(database: Database, recipient_id: int, verdict: str | None, **columns: object) -> None:
    """As an agent does behind the badge; further columns of the copy."""
    values = {"judged": verdict, "judged_at": utcnow() if verdict else None, **columns}
    places = ", ".join(f"{name} = %({name})s" for name in values)
    async with database.transaction() as conn:
        await conn.execute(
            f"UPDATE email_recipients SET {places} WHERE id = %(id)s",  # noqa: S608
            {**values, "id": recipient_id},
        )


async def note(database: Database, recipient_id: int, text: str) -> None:
    async with database.transaction() as conn:
        await conn.execute(
            "INSERT INTO email_copy_notes (recipient_id, slug, note) VALUES (%(id)s, 'plausible', %(note)s)",
            {"id": recipient_id, "note": text},
        )


async def event(database: Database, recipient_id: int, after: float, **columns: object) -> None:
    """One stored event, so many seconds after delivery."""
    row = {
        "event_key": utcnow().isoformat().encode()[-16:],
        "tracking_id": "t" * 43,
        "recipient_id": recipient_id,
        "event_type": "open",
        "event_url": None,
        "user_agent": CHROME,
        "ip_address": "198.51.100.0",
        "referrer": None,
        "occurred_at": DELIVERED + timedelta(seconds=after),
        "class": "human",
        "rule": "browser",
        "confidence": 0.9,
        "reason": "opened in Chrome",
        "evidence": json.dumps({"h": [["accept", "*/*"]]}),
        **columns,
    }
    names = ", ".join(f"`{name}`" for name in row)
    values = ", ".join(f"%({name})s" for name in row)
    async with database.transaction() as conn:
        await conn.execute(f"INSERT INTO email_tracking_events ({names}) VALUES ({values})", row)  # noqa: S608
        await conn.execute(
            """
            INSERT INTO email_tracking_recipients (recipient_id, event_count) VALUES (%(id)s, 1)
            ON DUPLICATE KEY UPDATE event_count = event_count + 1
            """,
            {"id": recipient_id},
        )


async def downloaded(client: Client) -> list[dict[str, Any]]:
    response = await get(client, PATH)
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == 'attachment; filename="corrections.jsonl"'
    return [json.loads(one) for one in (await response.get_data(as_text=True)).splitlines()]


async def one_copy(database: Database, email: str = "ann@customer.test") -> int:
    return (await mailed_reply(database, email)).recipients[0].id


async def test_a_corrected_copy_becomes_a_labelled_sequence(portal: Runtime, ada_client: Client) -> None:
    database = portal.database
    copy = await one_copy(database)
    await note(
        database, copy, json.dumps({"links": [link_mark(GUIDE), link_mark(SHOP)], "trap": link_mark("https://trap/")})
    )
    await judge(database, copy, "unread", sending_at=SENT, sent_at=DELIVERED, seen="read")
    await event(database, copy, 60, evidence=json.dumps({"h": IMAGE, "n": ["cloud"], "s": 1}), repeats=3)
    await event(
        database, copy, 62, event_type="click", event_url=SHOP, ip_address="203.0.113.0", **{"class": "scanner"},
        rule="burst", confidence=0.75, referrer="http://portal.test/my/tickets/7?secret=1",
        evidence=json.dumps({"m": "HEAD", "c": 1}),
    )  # fmt: skip
    await event(database, copy, 63.5, event_type="click", event_url="https://trap/", evidence=None)

    [found] = await downloaded(ada_client)

    assert found == {
        "id": "c00001",
        "sent_at": "2026-08-07T00:00:00+00:00",
        "delivered_at": "2026-08-07T00:00:02+00:00",
        "links_in_mail": 2,
        "context": {
            "portal_host": "portal.invalid",
            "recipient_internal": False,
            "honeypot_link": 2,
            "reply_t": None,
            "reply_auto": False,
            "agent_forward_t": None,
            "bcc_to_agent": False,
        },
        "requests": [
            {
                "t": 62.0, "kind": "open", "link": None, "method": "GET", "user_agent": CHROME,
                "headers": {**dict(IMAGE), "cookie": "agent_session=1"}, "networks": ["cloud"], "client": "1",
                "repeats": 3,
            },
            {
                "t": 64.0, "kind": "click", "link": 1, "method": "HEAD", "user_agent": CHROME,
                "headers": {"referer": "https://portal.invalid/my/", "cookie": "customer_session=1"}, "networks": [],
                "client": "2",
            },
            {
                "t": 65.5, "kind": "click", "link": 2, "method": "GET", "user_agent": CHROME, "headers": None,
                "networks": [], "client": "1",
            },
        ],
        "truth": {
            "mail_read": False,
            "classes": ["human", "scanner", "human"],
            "also": {},
            "undecidable": [0, 1, 2],
            "family": "correction",
            "level": "correction",
        },
        "said": {"badge": "read", "rules": ["browser", "burst", "browser"], "confidence": [0.9, 0.75, 0.9]},
    }  # fmt: skip


async def test_the_scorer_reads_the_file(portal: Runtime, ada_client: Client) -> None:
    copy = await one_copy(portal.database)
    await judge(portal.database, copy, "read", sending_at=SENT, sent_at=DELIVERED)
    await event(portal.database, copy, 60, evidence=json.dumps({"h": IMAGE}))
    await event(portal.database, copy, 90, event_type="click", event_url=GUIDE, evidence=json.dumps({"h": VISIT}))
    never_opened = await one_copy(portal.database)
    await judge(portal.database, never_opened, "read")

    rows = await downloaded(ada_client)

    assert [row["id"] for row in rows] == ["c00001", "c00002"]
    assert {row["truth"]["mail_read"] for row in rows} == {True}
    assert prediction(rows[0], load())["mail_read"] is True
    assert history_of(rows[0], load()).requests[1].link == "0"
    assert prediction(rows[1], load()) == {"id": "c00002", "classes": [], "mail_read": None}


async def test_nothing_in_the_file_leads_back_to_a_person_or_a_mail(portal: Runtime, ada_client: Client) -> None:
    database = portal.database
    reply = await mailed_reply(database, "canary@canary.example")
    copy, tracking_id = reply.recipients[0].id, reply.recipients[0].tracking_id
    headers = [
        ["accept", "canary@canary.example"],
        ["accept-language", "https://canary.example/language"],
        ["x-requested-with", tracking_id],
        ["purpose", "203.0.113.77"],
        ["sec-purpose", "www.canary.example/x"],
        ["cookie", "canary"],
        ["canary", "canary"],
    ]
    told = {"h": headers, "n": ["canary", "cloud"], "m": "CANARY canary"}
    await note(database, copy, json.dumps({"links": ["https://canary.example/note", GUIDE], "trap": "canary"}))
    await judge(database, copy, "read", seen_words="canary", sent_at=DELIVERED, smtp_text="canary", name="canary")
    await event(
        database, copy, 60, event_type="click", event_url=GUIDE, tracking_id=tracking_id, ip_address="203.0.113.77",
        user_agent=f"Mozilla/5.0 (canary@canary.example; +https://user:canary@canary.example/x?canary) {tracking_id} "
        "(via 203.0.113.77) 2001:db8:c0de::77 mailto:canary@canary.example www.canary.example [203.0.113.77]",
        referrer=f"https://canary.example/{tracking_id}?canary", **{"class": "canary"}, rule="canary", reason="canary",
        evidence=json.dumps(told),
    )  # fmt: skip
    await event(database, copy, 61, referrer="http://portal.test/canary", evidence="canary")

    [found] = await downloaded(ada_client)

    text = json.dumps(found).lower()
    assert "canary" not in text
    assert tracking_id.lower() not in text
    assert "203.0.113" not in text
    assert "db8" not in text
    assert "@" not in text
    assert set(re.findall(r"\w+://[^\s\"/)]*", text)) <= {
        "https://removed", "https://portal.invalid", "https://elsewhere.invalid",
    }  # fmt: skip
    assert found["requests"][0]["user_agent"].startswith("Mozilla/5.0 (removed; +https://removed) removed ")
    assert found["requests"][0]["networks"] == ["cloud"]
    assert found["requests"][0]["headers"]["referer"] == "https://elsewhere.invalid/"
    assert found["requests"][1]["headers"] == {"referer": "https://portal.invalid/tickets/"}


@pytest.mark.skipif(not SAMPLE.exists(), reason="the labelled sample is not beside this checkout")
def test_what_is_taken_out_of_a_user_agent_does_not_make_another_program_of_it() -> None:
    rows = [json.loads(text) for text in SAMPLE.read_text().splitlines()]
    agents = {request["user_agent"] for row in rows for request in row["requests"]} - {None}

    assert len(agents) > 100
    assert {agent: client_of(agent) for agent in agents} == {agent: client_of(scrubbed(agent)) for agent in agents}


@pytest.mark.parametrize("agent", [APPLE_AHEAD, BARRACUDA, CHROME, GMAIL, SLACK, YAHOO, "Robot (+http://a.test/)"])
def test_known_programs_stay_known(agent: str) -> None:
    assert client_of(scrubbed(agent)) == client_of(agent)


def test_versions_are_no_addresses() -> None:
    assert scrubbed(CHROME) == CHROME
    assert scrubbed("App/10.0.0.1 (rv:11.0.0.1; 12:34:56)") == "App/10.0.0.1 (rv:11.0.0.1; 12:34:56)"
    assert scrubbed("x 10.0.0.1 ::1 fe80::1, 2001:db8::7)") == "x removed removed removed, removed)"


def test_links_that_the_mail_is_not_known_to_have_come_after_those_it_has() -> None:
    requests = [
        Request(at=DELIVERED + timedelta(seconds=n), kind="click", link=link, headers=VISIT)
        for n, link in enumerate(("other", "b", "other", "trap"))
    ]
    context = Context(sent_at=SENT, links=("a", "b"), trap_link="trap")

    found = line(Correction(context, [Told(one, "", "", 0.0) for one in requests], True, None), 1)

    assert [one["link"] for one in found["requests"]] == [2, 1, 2, 3]
    assert found["context"]["honeypot_link"] == 3


async def test_a_correction_that_was_taken_back_is_not_in_the_file(portal: Runtime, ada_client: Client) -> None:
    copy = await one_copy(portal.database)
    await judge(portal.database, copy, "read")
    assert len(await downloaded(ada_client)) == 1
    page = await (await get(ada_client, "/admin/modules/plausible/machines")).get_data(as_text=True)
    assert "1 verdict was marked wrong" in page
    assert f'href="{PATH}"' in page

    await judge(portal.database, copy, None)
    assert await downloaded(ada_client) == []
    page = await (await get(ada_client, "/admin/modules/plausible/machines")).get_data(as_text=True)
    assert "None yet." in page
    assert f'href="{PATH}"' not in page


async def test_all_corrections_come_in_their_order_however_many(
    portal: Runtime, ada_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "BATCH", 3)
    reply = await mailed_reply(portal.database, *(f"r{number}@customer.test" for number in range(10)))
    copies = [recipient.id for recipient in reply.recipients]
    now = utcnow()
    for place, copy in enumerate(copies):
        # Two and two at the same moment, later copies first.
        moment = now - timedelta(minutes=place // 2)
        await judge(portal.database, copy, "read", judged_at=moment, sending_at=SENT, sent_at=DELIVERED)
        await event(portal.database, copy, place, event_key=bytes([place]) * 16)

    found = await downloaded(ada_client)

    assert [row["id"] for row in found] == [f"c{number:05}" for number in range(1, 11)]
    assert [row["requests"][0]["t"] - 2 for row in found] == [8, 9, 6, 7, 4, 5, 2, 3, 0, 1]


async def test_a_flood_for_one_copy_is_cut_and_the_file_says_so(
    portal: Runtime, ada_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "MOST_REQUESTS", 2)
    copy = await one_copy(portal.database)
    await judge(portal.database, copy, "read", sending_at=SENT, sent_at=DELIVERED)
    for number in range(5):
        await event(portal.database, copy, 20 * number, event_key=bytes([number]) * 16)

    [found] = await downloaded(ada_client)

    assert [one["t"] for one in found["requests"]] == [2.0, 82.0]
    assert found["requests_left_out"] == 3
