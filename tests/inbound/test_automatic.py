"""Mail that no person wrote: known as such, never an answer, never answered, and stopped where it storms."""

from __future__ import annotations

import pytest

from app.accounts.models import User
from app.inbound.parsing import parse
from app.receipts import service as receipts
from app.tickets import service
from tests.inbound.conftest import BOB, Inbox, mail

REPORT = (
    "From: MAILER-DAEMON\r\nSubject: Undelivered\r\nReturn-Path: <>\r\nContent-Type: multipart/report; "
    'report-type={kind}; boundary="r"\r\n\r\n--r\r\n\r\nSorry.\r\n--r\r\nContent-Type: message/{kind}\r\n\r\n'
    "Final-Recipient: rfc822; bob@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    "--r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--r--\r\n"
)


@pytest.mark.parametrize(
    ("headers", "subject", "kind"),
    [
        ({"Auto-Submitted": "auto-replied (vacation)"}, "Hi", "auto_reply"),
        ({"Auto-Submitted": "no"}, "Hi", "person"),
        ({"Auto-Submitted": "auto-generated"}, "Backup done", "automatic"),
        ({"Precedence": "bulk"}, "News", "list"),
        ({"Precedence": "junk"}, "Re: Hi", "auto_reply"),
        ({"List-Id": "<x.example.org>"}, "Hi", "list"),
        ({"X-Autoreply": "yes"}, "Hi", "auto_reply"),
        ({"Return-Path": "<>"}, "Hi", "auto_reply"),
        ({}, "Out of office: Hi", "auto_reply"),
        ({}, "Automatische Antwort: Hi", "auto_reply"),
        ({}, "Abwesenheitsnotiz: Hi", "auto_reply"),
        ({}, "Out of Office AutoReply: Hi", "auto_reply"),
        ({}, "Out of office", "auto_reply"),
        ({}, "Re: the automatic door", "person"),
        ({}, "Out of office settings do not work", "person"),
        ({}, "Automatic reply goes to everybody", "person"),
    ],
)
def test_kinds_are_told_by_headers(headers: dict[str, str], subject: str, kind: str) -> None:
    assert parse(mail(subject=subject, headers=headers)).kind == kind


@pytest.mark.parametrize(
    ("report", "kind"),
    [("delivery-status", "bounce"), ("disposition-notification", "receipt"), ("feedback-report", "complaint")],
)
def test_reports_are_told_by_their_type(report: str, kind: str) -> None:
    assert parse(REPORT.format(kind=report, message_id="<x@y>").encode()).kind == kind


def test_an_old_bounce_is_told_by_its_sender() -> None:
    assert parse(mail(sender="MAILER-DAEMON@mx.example.org", subject="failure notice")).kind == "bounce"


async def _answered(inbox: Inbox, agent: User) -> tuple[int, str, int]:
    ticket_id = await service.create_ticket(subject="Printer", requester=BOB, text_body="It burns", created_by=None)
    message_id = await inbox.replied(agent, ticket_id, then_status="closed")
    await inbox.all("UPDATE email_recipients SET state = 'sent', sent_at = UTC_TIMESTAMP(6)")
    reply = (await inbox.all("SELECT id FROM ticket_replies WHERE kind = 'reply'"))[0]["id"]
    return ticket_id, message_id, reply


async def test_an_absence_note_is_shown_and_proves_nothing(inbox: Inbox, agent: User) -> None:
    ticket_id, message_id, reply = await _answered(inbox, agent)
    row = await inbox.take(mail("Away", headers={"In-Reply-To": message_id, "Auto-Submitted": "auto-replied"}))
    assert (row["ticket_id"], row["kind"]) == (ticket_id, "auto_reply")
    assert (await service.ticket(ticket_id)).status == "closed"
    assert (await receipts.badges([reply]))[reply].state != "replied"
    assert await inbox.count("outgoing_emails") == 1


async def test_what_a_list_passes_on_waits_for_us_and_proves_nothing(inbox: Inbox, agent: User) -> None:
    ticket_id, message_id, reply = await _answered(inbox, agent)
    row = await inbox.take(mail("From our group", headers={"In-Reply-To": message_id, "List-Id": "<g.example.org>"}))
    assert (row["ticket_id"], row["kind"]) == (ticket_id, "list")
    assert (await service.ticket(ticket_id)).status == "open"
    assert (await receipts.badges([reply]))[reply].state != "replied"


@pytest.mark.parametrize("kind", ["delivery-status", "disposition-notification", "feedback-report"])
async def test_a_report_of_our_mail_is_a_note_in_its_ticket(inbox: Inbox, agent: User, kind: str) -> None:
    ticket_id, message_id, reply = await _answered(inbox, agent)
    row = await inbox.take(REPORT.format(kind=kind, message_id=message_id).encode())
    assert row["ticket_id"] == ticket_id
    message = await inbox.message_of(row)
    assert message.kind == "note"
    assert "bob@example.org" in message.body_text
    assert (await service.ticket(ticket_id)).status == "closed"
    assert (await receipts.badges([reply]))[reply].state != "replied"


async def test_a_report_of_a_mail_that_is_not_ours_is_set_aside(inbox: Inbox) -> None:
    row = await inbox.take(REPORT.format(kind="delivery-status", message_id="<x@y>").encode())
    assert (row["state"], row["ticket_id"], row["kind"]) == ("processed", None, "bounce")
    assert "no ticket" in row["reason"]
    assert await inbox.count("tickets") == 0


async def test_our_own_mail_that_comes_back_is_set_aside(inbox: Inbox, agent: User) -> None:
    _, message_id, _ = await _answered(inbox, agent)
    for raw in (mail(headers={"Message-ID": message_id}), mail(sender="Support <support@portal.test>")):
        row = await inbox.take(raw)
        assert (row["state"], row["kind"], row["ticket_id"]) == ("processed", "loop", None)
    assert await inbox.count("tickets") == 1


async def test_twenty_automatic_answers_in_a_loop_are_stopped_and_told(inbox: Inbox, agent: User, admin: User) -> None:
    ticket_id, message_id, _ = await _answered(inbox, agent)
    headers = {"In-Reply-To": message_id, "Auto-Submitted": "auto-replied"}
    rows = [await inbox.take(mail(f"Away {number}", headers=headers)) for number in range(20)]
    assert [row["state"] for row in rows] == ["processed"] * 10 + ["quarantined"] * 10
    assert len((await service.conversation(ticket_id)).messages) == 12
    assert "INBOUND_AUTOMATIC_PER_HOUR" in rows[-1]["reason"]
    told = await inbox.all(
        "SELECT m.subject, m.auto_submitted, r.email FROM outgoing_emails AS m "
        "JOIN email_recipients AS r ON r.email_id = m.id WHERE m.reply_id IS NULL"
    )
    assert [(one["auto_submitted"], one["email"]) for one in told] == [("auto-generated", admin.email)]
    assert "bob@example.org" in told[0]["subject"]
    assert (await inbox.take(mail("A person", headers={"In-Reply-To": message_id})))["state"] == "processed"


async def test_a_storm_of_what_looks_like_a_person_is_stopped_too(inbox: Inbox) -> None:
    settings = inbox.runtime.settings.model_copy(update={"inbound_per_sender_hour": 3})
    inbox.runtime.settings = settings
    rows = [await inbox.take(mail(f"Hi {number}", sender="BOB@example.org")) for number in range(5)]
    assert [row["state"] for row in rows] == ["processed"] * 3 + ["quarantined"] * 2
    assert (await inbox.take(mail("Hi", sender="ann@example.org")))["state"] == "processed"


async def test_spoofing_shows(inbox: Inbox) -> None:
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"inbound_trusted_hosts": ["mx.portal.test"]})
    result = "{host}; spf=fail smtp.mailfrom=x; dkim=none; dmarc=fail header.from=example.org"
    spoofed = await inbox.take(mail("a", headers={"Authentication-Results": result.format(host="mx.portal.test")}))
    assert "DMARC and SPF failed" in spoofed["notes"]
    claimed = mail("b", headers={"Authentication-Results": "mx.evil.example; dmarc=pass"})
    assert "failed" not in (await inbox.take(claimed))["notes"]
    for name in ("support@bank.example", "Bob\u202eknaB"):
        row = await inbox.take(mail("c", sender=f'"{name}" <eve{len(name)}@example.net>'))
        assert "name" in row["notes"]
        assert (await service.ticket(row["ticket_id"])).contact_name.startswith("eve")
