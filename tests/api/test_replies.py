"""Answering tickets over the API, and what becomes of the answer's mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.accounts import profile
from app.accounts.models import User
from app.database import Database, utcnow
from app.hookspecs import RecipientActivity, ReplyActivity, TimelineEntry
from app.plugin_host import PluginHost
from app.receipts import service as receipts
from app.receipts.models import Report
from tests.api.conftest import Api


async def stored_mails(db: Database) -> list[dict[str, Any]]:
    """The outbox."""
    async with db.connection() as conn:
        return await conn.fetch_all("SELECT * FROM outgoing_emails ORDER BY id")


async def test_a_reply_goes_to_the_contact_where_nobody_else_is_named(api: Api, db: Database) -> None:
    ticket_id = await api.new_ticket()
    answer = await api.post(f"/tickets/{ticket_id}/replies", {"html_body": "<p>Use <b>water</b>.</p>"})
    assert answer.status == 201
    reply = answer.json
    assert answer.headers["Location"] == f"/api/tickets/{ticket_id}/replies/{reply['id']}/tracking"
    [recipient] = reply["recipients"]
    assert (recipient["email"], recipient["role"], recipient["state"]) == ("bob@example.org", "to", "queued")
    assert len(recipient["tracking_id"]) == 54
    assert (reply["ticket_id"], reply["kind"], reply["enable_tracking"]) == (ticket_id, "reply", False)
    [mail] = await stored_mails(db)
    assert mail["reply_id"] == reply["id"]
    assert mail["subject"] == f"Re: The printer is on fire [#{ticket_id}]"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"to": "al@example.org"}, {("to", "al@example.org")}),
        ({"to": "Al <al@example.org>, eve@example.org"}, {("to", "al@example.org"), ("to", "eve@example.org")}),
        ({"to": ["al@example.org"], "cc": ["eve@example.org"], "bcc": "mo@example.org"},
         {("to", "al@example.org"), ("cc", "eve@example.org"), ("bcc", "mo@example.org")}),
        ({"cc": "eve@example.org", "to": None}, {("to", "bob@example.org"), ("cc", "eve@example.org")}),
    ],
)  # fmt: skip
async def test_addresses_are_a_string_or_a_list(
    api: Api, given: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    reply = await api.new_reply(await api.new_ticket(), **given)
    assert {(one["role"], one["email"]) for one in reply["recipients"]} == expected
    assert len({one["tracking_id"] for one in reply["recipients"]}) == len(expected)


async def test_two_hundred_recipients_each_have_a_copy(api: Api) -> None:
    addresses = [f"person{number}@example.org" for number in range(200)]
    reply = await api.new_reply(await api.new_ticket(), to=addresses[:1], bcc=addresses[1:])
    assert [one["email"] for one in reply["recipients"]] == addresses
    assert len({one["tracking_id"] for one in reply["recipients"]}) == 200


async def test_an_internal_note_sends_nothing(api: Api, db: Database) -> None:
    ticket_id = await api.new_ticket()
    reply = await api.new_reply(ticket_id, internal=True)
    assert (reply["kind"], reply["recipients"]) == ("note", [])
    assert await stored_mails(db) == []
    answer = await api.get(f"/tickets/{ticket_id}/replies/{reply['id']}/tracking")
    assert answer.status == 404
    assert "was not mailed" in answer.json["error"]["message"]


async def test_tracking_is_wanted_or_not(api: Api, db: Database) -> None:
    ticket_id = await api.new_ticket()
    assert (await api.new_reply(ticket_id, enable_tracking=True))["enable_tracking"] is True
    assert (await api.new_reply(ticket_id, enable_tracking=False))["enable_tracking"] is False
    assert [bool(mail["enable_tracking"]) for mail in await stored_mails(db)] == [True, False]


async def test_the_html_is_cleaned_and_signed(api: Api, agent: User) -> None:
    await profile.change(agent, name="Gus Agent", signature="Gus\nSupport", timezone="")
    ticket_id = await api.new_ticket()
    await api.new_reply(ticket_id, html_body='<p onclick="x()">Hello<script>steal()</script></p>')
    *_, message = (await api.get(f"/tickets/{ticket_id}")).json["conversation"]
    assert "onclick" not in message["html_body"]
    assert "script" not in message["html_body"]
    assert message["text_body"].endswith("-- \nGus\nSupport")


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "html_body", "is missing"),
        ({"html_body": ""}, "html_body", "empty"),
        ({"html_body": "<script>x</script>"}, "html_body", "empty"),
        ({"html_body": "x", "to": "nobody"}, "to", "nobody"),
        ({"html_body": "x", "to": []}, "to", "no recipient"),
        ({"html_body": "x", "to": ""}, "to", "no recipient"),
        ({"html_body": "x", "to": 5}, "to", "must be a string or a list of strings, got 5"),
        ({"html_body": "x", "cc": ["a@example.org", None]}, "cc", "must be a string or a list of strings"),
        ({"html_body": "x", "bcc": "a@example.org\r\nTo: eve@evil.example"}, "bcc", ""),
        ({"html_body": "x", "internal": "yes"}, "internal", "got 'yes'"),
        ({"html_body": "x", "enable_tracking": 1}, "enable_tracking", "got 1"),
        ({"html_body": "x", "text_body": "x"}, "text_body", "is unknown; known are html_body, to, cc"),
        ({"html_body": "x", "author": 1}, "author", "is unknown"),
    ],
)
async def test_a_reply_that_does_not_hold_is_refused_whole(
    api: Api, db: Database, body: dict[str, Any], field: str, words: str
) -> None:
    ticket_id = await api.new_ticket()
    answer = await api.post(f"/tickets/{ticket_id}/replies", body)
    assert answer.status == 422
    assert list(answer.fields) == [field]
    assert words in answer.fields[field]
    assert await stored_mails(db) == []
    assert len((await api.get(f"/tickets/{ticket_id}")).json["conversation"]) == 1


async def test_a_reply_of_5_mb_is_refused_with_the_numbers(api: Api) -> None:
    answer = await api.post(f"/tickets/{await api.new_ticket()}/replies", {"html_body": "<p>x</p>" * 625_000})
    assert answer.status == 413
    assert "has 5000000 characters, at most 512000" in answer.fields["html_body"].replace(",000", "000")


async def test_a_reply_to_a_ticket_that_is_not_there_is_a_404(api: Api) -> None:
    assert (await api.post("/tickets/4711/replies", {"html_body": "x"})).status == 404
    assert (await api.get("/tickets/4711/replies/1/tracking")).status == 404


async def test_tracking_tells_the_state_of_each_copy(api: Api, db: Database) -> None:
    ticket_id = await api.new_ticket()
    reply = await api.new_reply(ticket_id, cc="eve@example.org")
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET state = 'sent', sent_at = %(now)s, reports = 'opens' WHERE role = 'to'",
            {"now": utcnow()},
        )
        await conn.execute(
            "UPDATE email_recipients SET state = 'failed', smtp_text = '550 mailbox <unknown>' WHERE role = 'cc'"
        )
        await receipts.refresh(conn, reply["id"])

    answer = await api.get(f"/tickets/{ticket_id}/replies/{reply['id']}/tracking")

    assert answer.status == 200
    told = answer.json
    assert (told["id"], told["ticket_id"], told["badge"]["state"]) == (reply["id"], ticket_id, "failed")
    to, cc = told["recipients"]
    assert (to["role"], to["state"], to["tracking_id"]) == ("to", "sent", reply["recipients"][0]["tracking_id"])
    assert to["sent_at"].endswith("Z")
    assert (cc["role"], cc["state"], cc["detail"]) == ("cc", "failed", "550 mailbox <unknown>")
    assert cc["tracking_id"] == reply["recipients"][1]["tracking_id"]
    assert [entry["kind"] for entry in told["timeline"]] == ["sent", "queued"]
    assert (to["opens"], to["links"], to["first_opened_at"]) == (0, [], None)


async def test_a_reply_is_not_found_under_another_ticket(api: Api) -> None:
    first, second = await api.new_ticket(), await api.new_ticket()
    reply = await api.new_reply(first)
    assert (await api.get(f"/tickets/{first}/replies/{reply['id']}/tracking")).status == 200
    assert (await api.get(f"/tickets/{second}/replies/{reply['id']}/tracking")).status == 404


async def test_a_verdict_counts_until_it_is_taken_back(api: Api, db: Database) -> None:
    ticket_id, reply = await _mailed(api, db)
    where = f"/tickets/{ticket_id}/replies/{reply['id']}"
    [copy, _] = (await api.get(f"{where}/tracking")).json["recipients"]
    assert (copy["state"], copy["judged"], copy["words"]) == ("sent", None, "")

    answer = await api.call("PATCH", f"{where}/recipients/{copy['id']}/verdict", json={"verdict": "read"})
    assert answer.status == 200
    [judged, other] = answer.json["recipients"]
    assert (judged["judged"]["verdict"], judged["judged"]["by"]) == ("read", "Gus Agent")
    assert judged["judged"]["at"].endswith("Z")
    assert other["judged"] is None
    assert [(line["kind"], line["email"], line["machine"]) for line in answer.json["timeline"]][:1] == [
        ("judged", "bob@example.org", False)
    ]

    answer = await api.call("PATCH", f"{where}/recipients/{copy['id']}/verdict", json={"verdict": None})
    assert answer.json["recipients"][0]["judged"] is None


@pytest.mark.parametrize(
    ("body", "words"),
    [({}, "is missing"), ({"verdict": "seen"}, "got 'seen'"), ({"verdict": "read", "by": "Ada"}, "is unknown")],
)
async def test_a_verdict_that_does_not_hold_is_refused(
    api: Api, db: Database, body: dict[str, Any], words: str
) -> None:
    ticket_id, reply = await _mailed(api, db)
    [copy, _] = (await api.get(f"/tickets/{ticket_id}/replies/{reply['id']}/tracking")).json["recipients"]
    path = f"/tickets/{ticket_id}/replies/{reply['id']}/recipients/{copy['id']}/verdict"
    answer = await api.call("PATCH", path, json=body)
    assert answer.status == 422
    assert words in next(iter(answer.fields.values()))


async def test_a_copy_that_waits_or_is_anothers_cannot_be_judged(api: Api, db: Database) -> None:
    ticket_id, reply = await _mailed(api, db)
    other = await api.new_reply(ticket_id)
    [copy] = (await api.get(f"/tickets/{ticket_id}/replies/{other['id']}/tracking")).json["recipients"]
    for recipient_id in (copy["id"], 4711, 2**63 - 1):
        path = f"/tickets/{ticket_id}/replies/{reply['id']}/recipients/{recipient_id}/verdict"
        assert (await api.call("PATCH", path, json={"verdict": "read"})).status == 404
    path = f"/tickets/{ticket_id}/replies/{other['id']}/recipients/{copy['id']}/verdict"
    answer = await api.call("PATCH", path, json={"verdict": "read"})
    assert "is queued; only one that went out" in answer.fields["verdict"]


async def test_tracking_tells_people_from_machines(api: Api, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket_id, reply = await _mailed(api, db)
    async with db.connection() as conn:
        bob = await conn.fetch_value("SELECT id FROM email_recipients WHERE role = 'to'")
    noon = utcnow().replace(microsecond=0)
    known = RecipientActivity(bob, noon, noon + timedelta(hours=1), 2, {"https://a.test/": 1}, 5, 3)
    line = TimelineEntry(noon, bob, "open", "Opened", "by a scanner", machine=True)

    async def activity(plugins: PluginHost, reply_ids: Sequence[int]) -> dict[int, ReplyActivity]:
        return {reply["id"]: ReplyActivity((known,), (line,))}

    async def states(plugins: PluginHost) -> frozenset[str]:
        return frozenset({"read", "machine"})

    monkeypatch.setattr(PluginHost, "reply_activity", activity)
    monkeypatch.setattr(PluginHost, "receipt_states", states)
    async with db.transaction() as conn:
        report = Report(bob, reply["id"], ticket_id, "read", noon, noon + timedelta(hours=2), "He followed a link.")
        await receipts.report(conn, [report])

    told = (await api.get(f"/tickets/{ticket_id}/replies/{reply['id']}/tracking")).json
    to, cc = told["recipients"]
    assert (to["state"], to["words"], cc["words"]) == ("read", "He followed a link.", "")
    assert (to["opens"], to["machine_opens"], to["machine_clicks"]) == (2, 5, 3)
    assert to["first_read_at"] == noon.isoformat().replace("+00:00", "Z")
    assert to["last_read_at"] == (noon + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    assert (cc["first_read_at"], cc["last_read_at"]) == (None, None)
    assert [entry["machine"] for entry in told["timeline"] if entry["kind"] == "open"] == [True]
    [listed] = (await api.get("/tickets")).json["tickets"]
    assert listed["last_read_at"] == to["last_read_at"]


async def _mailed(api: Api, db: Database) -> tuple[int, dict[str, Any]]:
    """A reply to Bob, with Eve in copy, that has gone out."""
    ticket_id = await api.new_ticket()
    reply = await api.new_reply(ticket_id, cc="eve@example.org")
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET state = 'sent', sent_at = %(now)s, reports = 'opens'", {"now": utcnow()}
        )
        await receipts.refresh(conn, reply["id"])
    return ticket_id, reply
