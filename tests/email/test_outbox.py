"""What `send_email` and `enqueue` store, send, return and refuse."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import os
import subprocess
import sys
from email.message import EmailMessage

import pytest

from app.database import Database, DatabaseUnavailable
from app.email import building, delivery, service
from app.email.errors import EmailRefused
from app.email.message import Attachment
from app.email.models import DueCopy
from app.email.service import send_email
from app.files import repository as files
from app.runtime import Runtime
from app.settings import Settings
from tests.email.outbox import make_due, queue, reply, rows, states
from tests.email.tracker import Tracker
from tests.support.scripted_smtp import AcceptedMail, Fault, ScriptedSmtp
from tests.support.waiting import until


def read(mail: AcceptedMail) -> EmailMessage:
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(mail: AcceptedMail, kind: str) -> str:
    body = read(mail).get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def test_each_recipient_gets_one_copy_with_an_id_of_its_own(
    runtime: Runtime, smtp: ScriptedSmtp, db: Database
) -> None:
    reply_id = await reply(db)

    sent, known = await send_email(
        subject="Re: Printer [#7]",
        recipients="Bob <bob@example.org>, ann@example.org",
        cc=["Cy <cy@example.org>"],
        bcc="dan@example.org",
        html_body="<p>Hello <b>you</b></p>",
        enable_tracking=True,
        ticket_reply_id=reply_id,
    )

    assert sent
    assert known is not None
    assert smtp.recipients() == ["ann@example.org", "bob@example.org", "cy@example.org", "dan@example.org"]
    ids = {one["email"]: one["tracking_id"] for one in known["recipients"]}
    assert len(set(ids.values())) == 4
    assert known["tracking_id"] == ids["bob@example.org"]
    assert (known["tracked"], known["reason"]) == (True, None)
    assert [one["role"] for one in known["recipients"]] == ["to", "to", "cc", "bcc"]
    assert {one["state"] for one in known["recipients"]} == {"sent"}
    for mail in smtp.accepted:
        message = read(mail)
        assert message["Message-ID"] == known["message_id"]
        assert message["To"] == "Bob <bob@example.org>, ann@example.org"
        assert message["Cc"] == "Cy <cy@example.org>"
        assert message["Auto-Submitted"] is None
        assert b"dan@example.org" not in mail.data
        assert part(mail, "html") == f"<p>Hello <b>you</b></p><i>mark:{ids[mail.recipient]}</i>"
        assert part(mail, "plain") == "Hello you", "the text part comes from the untracked HTML"


async def test_what_is_stored_is_the_untracked_body(runtime: Runtime, db: Database) -> None:
    await send_email(
        subject="s", recipients="bob@x.org", html_body="<p>a</p>", enable_tracking=True, ticket_reply_id=await reply(db)
    )

    async with db.connection() as conn:
        row = await conn.fetch_one("SELECT html_body, text_body FROM outgoing_emails")
    assert row == {"html_body": "<p>a</p>", "text_body": "a"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subject": "a\r\nBcc: eve@evil.example"}, "control character"),
        ({"subject": "s" * 501}, "at most 500"),
        ({"recipients": "bob@x>\r\nRCPT TO:<eve@evil.example"}, "line break"),
        ({"recipients": "<alice@a>mallory@b"}, "before the @"),
        ({"recipients": []}, "no recipient"),
        ({"cc": "nobody"}, "no @"),
        ({"bcc": "jürgen@x.org"}, "ASCII"),
        ({"reply_to": "x\ny@z"}, "line break"),
        ({"headers": {"Bcc": "eve@evil.example"}}, "cannot be added"),
        ({"html_body": "x" * 5_000_000}, "at most 512000"),
        ({"html_body": "x" * 5_000_000, "text_body": "x"}, "at most 512000"),
        ({"text_body": "x" * 5_000_000}, "at most 512000"),
        ({"html_body": "<div>" * 100_000}, "simplify"),
        ({"html_body": None}, "no body"),
        ({"recipients": [f"b{n}@x.org" for n in range(501)]}, "501 recipients"),
        ({"enable_tracking": True, "sensitive": True}, "never tracked"),
        ({"ticket_reply_id": 999_999}, "no ticket reply"),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_nothing_is_stored(
    runtime: Runtime, smtp: ScriptedSmtp, db: Database, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(EmailRefused, match=words):
        await send_email(**{"subject": "s", "recipients": "bob@x.org", "html_body": "<p>a</p>", **changes})  # type: ignore[arg-type]

    assert await rows(db) == {}
    assert smtp.connections == 0


async def test_two_hundred_recipients_get_one_copy_each(runtime: Runtime, smtp: ScriptedSmtp) -> None:
    everybody = [f"b{n:03}@x.org" for n in range(200)]

    sent, known = await send_email(subject="s", recipients=everybody, html_body="<p>a</p>")

    assert sent
    assert smtp.recipients() == everybody
    assert known is not None
    assert len(known["recipients"]) == 200


@pytest.mark.parametrize(
    ("with_reply", "plugin", "reason"),
    [(False, True, "ticket_reply_id"), (True, False, "no module that tracks mail is on")],
)
async def test_a_mail_that_cannot_be_tracked_goes_out_untracked_and_says_why(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker, with_reply: bool, plugin: bool, reason: str
) -> None:
    tracker.enabled = plugin

    sent, known = await send_email(
        subject="s",
        recipients="bob@x.org",
        html_body="<p>a</p>",
        enable_tracking=True,
        ticket_reply_id=await reply(db) if with_reply else None,
    )

    assert sent
    assert known is not None
    assert not known["tracked"]
    assert reason in known["reason"]
    assert part(smtp.accepted[0], "html") == "<p>a</p>"


async def test_a_plugin_that_raises_costs_its_change_and_never_the_mail(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    tracker.breaks = True

    sent, known = await send_email(
        subject="s", recipients="bob@x.org", html_body="<p>a</p>", enable_tracking=True, ticket_reply_id=await reply(db)
    )

    assert sent
    assert known is not None
    assert (known["tracked"], known["reason"]) == (False, "no module tracked the mail")
    assert part(smtp.accepted[0], "html") == "<p>a</p>"


async def test_text_alone_gets_html_and_html_alone_gets_text(runtime: Runtime, smtp: ScriptedSmtp) -> None:
    await send_email(subject="s", recipients="bob@x.org", text_body="see https://x.example\n\nbye")
    await send_email(subject="s", recipients="bob@x.org", html_body="<ul><li>a</li></ul>")

    first, second = smtp.accepted
    assert part(first, "html") == '<p>see <a href="https://x.example">https://x.example</a></p><p>bye</p>'
    assert part(first, "plain") == "see https://x.example\r\n\r\nbye"
    assert part(second, "plain") == "- a"


async def test_files_and_images_of_ours_travel_in_the_mail(runtime: Runtime, db: Database, smtp: ScriptedSmtp) -> None:
    async with db.transaction() as conn:
        image = await files.insert(
            conn, ticket_id=None, uploaded_by=None, filename="a.png", content_type="image/png", content=b"\x89PNG"
        )
    own, foreign = f'<img src="/attachments/{image}/inline">', '<img src="/attachments/999999/inline">'
    mail = await queue(runtime, "bob@x.org", html_body=f"<p>{own}{foreign}</p>", attachment_ids=(image,))

    await service.deliver_now(mail.id)
    await send_email(
        subject="s",
        recipients="bob@x.org",
        html_body="<p>a</p>",
        attachments=[("Ü.pdf", "application/pdf", b"%PDF"), Attachment("b.txt", "text/plain", b"b")],
    )

    inline, attached = smtp.accepted
    [picture] = [one for one in read(inline).walk() if one.get_content_type() == "image/png"]
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in part(inline, "html")
    assert foreign in part(inline, "html")
    assert [one.get_filename() for one in read(attached).iter_attachments()] == ["Ü.pdf", "b.txt"]


async def test_a_sensitive_or_automatic_mail_says_what_it_should(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    await send_email(
        subject="s",
        recipients="bob@x.org",
        html_body="<p>a</p>",
        sensitive=True,
        ticket_reply_id=await reply(db),
        reply_to="other@portal.test",
        headers={"List-Unsubscribe": "<https://portal.test/u/1>"},
    )

    message = read(smtp.accepted[0])
    assert part(smtp.accepted[0], "html") == "<p>a</p>"
    assert message["Reply-To"] == "other@portal.test"
    assert message["List-Unsubscribe"] == "<https://portal.test/u/1>"


async def test_ids_of_other_peoples_mail_never_stop_an_answer(runtime: Runtime, smtp: ScriptedSmtp) -> None:
    long_id = f"<{'a' * 400}@outlook.example>"
    mail = await queue(
        runtime, "bob@x.org", in_reply_to=long_id, references=("<ü@x>", "broken", long_id, *["<x@y>"] * 500)
    )

    await service.deliver_now(mail.id)

    message = read(smtp.accepted[0])
    assert message["In-Reply-To"] == long_id
    assert message["References"] == f"{long_id} <x@y>"


async def test_the_names_of_recipients_and_of_the_sender_arrive(runtime: Runtime, smtp: ScriptedSmtp) -> None:
    mail = await queue(
        runtime, '"Müller, Zoë" <zoe@müller.example>, 田中 <t@x.jp>', sender='"Gus, Support" <support@portal.test>'
    )

    await service.deliver_now(mail.id)

    message = read(smtp.accepted[0])
    assert [one.display_name for one in message["To"].addresses] == ["Müller, Zoë", "田中"]
    assert message["From"].addresses[0].display_name == "Gus, Support"
    assert smtp.recipients() == ["t@x.jp", "zoe@xn--mller-kva.example"]
    assert {one.sender for one in smtp.accepted} == {"support@portal.test"}


async def test_a_refusal_is_returned_with_the_servers_words_and_the_others_still_go(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    smtp.faults.append(Fault("rcpt", reply="550 5.1.1 no such user", recipient="ann@x.org"))

    sent, known = await send_email(subject="s", recipients="ann@x.org, bob@x.org", html_body="<p>a</p>")

    assert not sent
    assert known is not None
    assert {one["email"]: (one["state"], one["detail"]) for one in known["recipients"]} == {
        "ann@x.org": ("failed", "5.1.1 no such user"),
        "bob@x.org": ("sent", "2.0.0 queued as 4711"),
    }
    assert sorted((one.recipient.email, one.state) for one in tracker.reports) == [
        ("ann@x.org", "failed"),
        ("bob@x.org", "sent"),
    ]


async def test_once_a_mail_is_stored_a_lost_database_is_no_reason_to_send_it_again(
    runtime: Runtime, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(mail_id: int) -> None:
        raise DatabaseUnavailable("the database went away")

    monkeypatch.setattr(service, "deliver_now", gone)

    sent, known = await send_email(subject="s", recipients="bob@x.org", html_body="<p>a</p>")

    assert not sent
    assert known is not None
    assert known["recipients"][0]["state"] == "queued"
    assert await states(db) == {"bob@x.org": "queued"}


SCRIPT = """
import asyncio, json
from app.services import email

print(json.dumps(asyncio.run(email.send_email(subject="From a script", recipients="bob@x.org", html_body="<p>a</p>"))))
"""


async def test_a_plain_script_can_send_a_mail(settings: Settings, empty_database: None, smtp: ScriptedSmtp) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "PORTAL_URL": "http://portal.test",
        "SECRET_KEY": settings.key,
        "SMTP_HOST": smtp.host,
        "SMTP_PORT": str(smtp.port),
        "MAIL_FROM": "support@portal.test",
    }
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    sent, known = json.loads(done.stdout.splitlines()[-1])
    assert sent
    assert known["recipients"][0]["state"] == "sent"
    assert read(smtp.accepted[0])["Subject"] == "From a script"


async def test_the_body_of_a_sensitive_mail_is_forgotten_once_every_copy_is_sent(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    async def body(mail_id: int) -> str:
        async with db.connection() as conn:
            sql = "SELECT html_body FROM outgoing_emails WHERE id = %(id)s"
            return str(await conn.fetch_value(sql, {"id": mail_id}))

    smtp.faults.append(Fault("rcpt", reply="450 4.2.0 later", times=1))
    secret = await queue(runtime, "bob@x.org, amy@x.org", html_body="<p>link-canary</p>", sensitive=True)
    plain = await queue(runtime, "bob@x.org")

    await service.deliver_now(secret.id)
    assert "link-canary" in await body(secret.id), "one copy still waits"
    await make_due(db)
    await service.deliver_now(secret.id)
    await service.deliver_now(plain.id)

    assert await body(secret.id) == ""
    assert await body(plain.id) == "<p>Hello</p>"
    assert sum(b"link-canary" in mail.data for mail in smtp.accepted) == 2


async def test_the_body_of_a_sensitive_mail_is_forgotten_also_when_its_copies_are_settled_at_once(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp
) -> None:
    gate = asyncio.Event()
    smtp.gates["dot"] = gate
    for n in range(5):
        await queue(runtime, f"a{n}@x.org, b{n}@x.org", html_body="<p>canary</p>", sensitive=True)

    async def lane(copy: DueCopy) -> None:
        async with delivery.open_transport(runtime) as transport:
            await delivery.deliver(runtime, transport, await building.load(runtime, copy.mail_id), copy, "me")

    copies = await delivery.claim(runtime, owner="me", limit=10)
    work = asyncio.gather(*map(lane, copies))
    await until(lambda: smtp.waiting == len(copies) == 10)
    gate.set()
    await work

    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM outgoing_emails WHERE html_body <> ''") == 0
