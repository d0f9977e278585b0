"""From a draft to mails: what arrives, who is left out, pace, pausing, stopping, and no doubles."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.accounts.models import User
from app.database import utcnow
from app.runtime import Runtime
from app.services import mailings, suppressions
from plugins.announcements import drafts, flow, recipients, sending
from plugins.announcements.drafts import Given
from plugins.announcements.errors import AnnouncementRefused, NotAllowed, NotNow
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.settings import AnnouncementSettings
from tests.announcements.builders import BODY, deliver, draft, handed_over, mail_to, part, people, sent
from tests.support.scripted_smtp import Fault, ScriptedSmtp


async def test_each_contact_gets_a_mail_of_their_own_with_a_way_out(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp
) -> None:
    await people(runtime, "Bob <B> Builder <bob@x.org>", "carol@y.org")
    known = await sent(handles, ada, subject="For {{contact.name|you}}")
    await deliver(runtime, smtp, 2)

    assert smtp.recipients() == ["bob@x.org", "carol@y.org"]
    bob, carol = (mail_to(smtp.accepted, one) for one in ("bob@x.org", "carol@y.org"))
    assert (bob["To"], carol["To"]) == ('"Bob <B> Builder" <bob@x.org>', "carol@y.org")
    assert (bob["Subject"], carol["Subject"]) == ("For Bob <B> Builder", "For you")
    assert "Hello Bob," in part(bob, "html")
    assert "Hello there," in part(carol, "plain")
    for mail in (bob, carol):
        link = str(mail["List-Unsubscribe"]).strip("<>")
        assert link.startswith("http://portal.test/announcements/unsubscribe/")
        assert f'href="{link}"' in part(mail, "html"), "never tracked"
        assert link in part(mail, "plain")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["Precedence"] == "bulk"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["List-Id"] == "Announcements <announcements.portal.test>"
        assert "https://status.example/now" not in part(mail, "html").replace("url=https", ""), "tracked"
        assert "/api/email-tracking/pixel/" in part(mail, "html")
    assert bob["List-Unsubscribe"] != carol["List-Unsubscribe"]
    assert bob["Message-ID"] != carol["Message-ID"]
    assert (await flow.progress(handles, known)).sent == 2


async def test_a_name_cannot_bring_markup_into_a_mail(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp
) -> None:
    await people(runtime, "<img/src=x> {{agent.email}} <eve@x.org>")
    await sent(handles, ada, body_html="<p>Dear {{contact.name}}</p>")
    await deliver(runtime, smtp, 1)
    assert "Dear &lt;img/src=x&gt; {{agent.email}}" in part(mail_to(smtp.accepted, "eve@x.org"), "html")


async def test_who_refused_tracking_gets_it_untracked(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp
) -> None:
    from app.services import consent

    (bob,) = await people(runtime, "bob@x.org")
    await consent.decide(bob, "refused", source="agent", user_id=ada.id)
    await sent(handles, ada)
    await deliver(runtime, smtp, 1)
    html = part(mail_to(smtp.accepted, "bob@x.org"), "html")
    assert "email-tracking" not in html
    assert "https://status.example/now" in html


async def test_who_may_not_get_it_is_left_out_with_the_reason(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp
) -> None:
    bob, dora, *_ = await people(runtime, "Bob@x.org", "dora@x.org", "fay@x.org", "gone@x.org", "hal@x.org")
    async with runtime.database.transaction() as conn:
        await suppressions.unsubscribe(conn, "bob@X.org", contact_id=None, mailing=None)
        await conn.execute("DELETE FROM contact_addresses WHERE contact_id = %(id)s", {"id": dora})
        erased = await conn.insert(
            "INSERT INTO contacts (name, email, notes, created_at, updated_at) "
            "VALUES ('Erased contact', 'erased-9@contact.invalid', '', NOW(), NOW())"
        )
        for email, reason in (("gone@x.org", "hard_bounce"), ("hal@x.org", "unsubscribed")):
            scope = "announcements" if reason == "unsubscribed" else "all"
            await suppressions.add(conn, [suppressions.New(email, reason, "bounce_mail", utcnow(), scope)])  # type: ignore[arg-type]
    assert bob
    assert erased
    known = await sent(handles, ada)
    await deliver(runtime, smtp, 1)
    assert smtp.recipients() == ["fay@x.org"]
    async with runtime.database.connection() as conn:
        assert await recipients.reasons(conn, known.id) == {
            "unsubscribed": 2,
            "suppressed": 1,
            "no_address": 1,
            "erased": 1,
        }


async def test_who_unsubscribes_while_it_goes_gets_none(
    runtime: Runtime, handles: Handles, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(runtime, "a@x.org", "b@x.org")
    number = await draft(handles, ada)
    monkeypatch.setattr(sending, "BATCH", 1)
    monkeypatch.setattr(sending, "ROUNDS", 2)
    await flow.send(handles, number, by=ada)
    await sending.run(handles)
    async with runtime.database.transaction() as conn:
        assert (await recipients.counts(conn, number)) == {"queued": 1, "waiting": 1}
        await suppressions.unsubscribe(conn, "b@x.org", contact_id=None, mailing=None)
    await handed_over(handles, number)
    async with runtime.database.connection() as conn:
        assert await recipients.reasons(conn, number) == {"unsubscribed": 1}


async def test_by_tag_and_by_domain(runtime: Runtime, handles: Handles, ada: User) -> None:
    from app.services import tickets

    bob, *_ = await people(runtime, "bob@x.org", "carol@y.org", "dan@sub.y.org")
    assert bob
    ticket = await tickets.create_ticket(
        subject="Printer", requester="bob@x.org", html_body="<p>Hi</p>", created_by=None
    )
    await tickets.change(ticket, user=ada, add_tags=["vip"])
    for values, wanted in (
        ({"audience": "tag", "value": "VIP "}, ["bob@x.org"]),
        ({"audience": "domain", "value": "@Y.org, z.org"}, ["carol@y.org"]),
    ):
        known = await sent(handles, ada, **values)
        async with runtime.database.connection() as conn:
            rows = await conn.fetch_all(
                "SELECT email FROM announcement_recipients WHERE announcement_id = %(id)s", {"id": known.id}
            )
        assert [row["email"] for row in rows] == wanted


async def test_the_pace_is_kept_by_one_and_by_all_together(
    runtime: Runtime, handles: Handles, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(runtime, *(f"p{n:02}@x.org" for n in range(40)))
    monkeypatch.setattr(type(handles), "settings", AnnouncementSettings(mails_per_minute=1200))
    numbers = [await draft(handles, ada, per_minute=rate) for rate in ("600", "")]
    for number in numbers:
        await flow.send(handles, number, by=ada)
    begin = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - begin < 1.5:
        await sending.run(handles)
        await asyncio.sleep(0.05)
    async with runtime.database.connection() as conn:
        slow, fast = [(await recipients.counts(conn, number)).get("queued", 0) for number in numbers]
    # 2 s may be made up for at the start; then 10 a second for the first, 20 for both.
    assert 0 < slow <= 36
    assert slow + fast <= 72


async def test_what_waits_in_the_outbox_is_bounded_so_that_replies_do_not_wait_behind(
    runtime: Runtime, handles: Handles, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(runtime, *(f"p{n:02}@x.org" for n in range(30)))
    monkeypatch.setattr(sending, "MOST_DUE", 12)
    number = await draft(handles, ada)
    await flow.send(handles, number, by=ada)
    for _ in range(4):
        await sending.run(handles)
    async with runtime.database.connection() as conn:
        assert (await recipients.counts(conn, number)) == {"queued": 12, "waiting": 18}


async def test_paused_nothing_goes_out_and_resumed_everything_does(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = [f"p{n:02}@x.org" for n in range(20)]
    await people(runtime, *everybody)
    monkeypatch.setattr(sending, "BATCH", 5)
    monkeypatch.setattr(sending, "ROUNDS", 3)
    number = await draft(handles, ada)
    await flow.send(handles, number, by=ada)
    await sending.run(handles)
    known = await flow.pause(handles, number, by=ada)
    assert (await flow.progress(handles, known)).in_outbox == 10
    await deliver(runtime, smtp, 0)
    await asyncio.sleep(0.5)
    assert smtp.accepted == []
    assert (await flow.pause(handles, number, by=ada)).state == "paused", "twice does no harm"
    await flow.resume(handles, number, by=ada)
    monkeypatch.undo()
    await deliver(runtime, smtp, 20)
    assert smtp.recipients() == everybody
    assert (await announcement(handles, number)).state == "sent"


async def test_stopped_it_takes_back_what_has_not_left(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(runtime, *(f"p{n:02}@x.org" for n in range(20)))
    monkeypatch.setattr(sending, "BATCH", 5)
    monkeypatch.setattr(sending, "ROUNDS", 3)
    number = await draft(handles, ada)
    await flow.send(handles, number, by=ada)
    await sending.run(handles)
    known = await flow.stop(handles, number, by=ada)
    now = await flow.progress(handles, known)
    assert (now.withdrawn, now.in_outbox, now.waiting, now.failed) == (10, 0, 10, 0)
    await deliver(runtime, smtp, 0)
    assert smtp.accepted == []
    with pytest.raises(NotNow):
        await flow.resume(handles, number, by=ada)


async def test_later_it_begins_by_itself(runtime: Runtime, handles: Handles, ada: User) -> None:
    await people(runtime, "a@x.org")
    number = await draft(handles, ada)
    await flow.send(handles, number, by=ada, at=utcnow() + timedelta(hours=1))
    await sending.run(handles)
    assert (await announcement(handles, number)).state == "scheduled"
    assert (await flow.unschedule(handles, number, by=ada)).state == "draft"
    await flow.send(handles, number, by=ada, at=utcnow() + timedelta(hours=1))
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE announcements SET send_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    assert (await handed_over(handles, number)).state == "sent"


async def test_many_workers_at_once_make_no_doubles(
    runtime: Runtime, handles: Handles, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(handles), "settings", AnnouncementSettings(mails_per_minute=0))
    await people(runtime, *(f"p{n:03}@x.org" for n in range(300)))
    number = await draft(handles, ada)
    await flow.send(handles, number, by=ada)

    async def work() -> None:
        while (await announcement(handles, number)).state == "sending":
            await sending.run(handles)

    await asyncio.gather(*(work() for _ in range(4)))
    async with runtime.database.connection() as conn:
        counts = await mailings.counts(conn, f"announcement:{number}")
        twice = await conn.fetch_value(
            "SELECT COUNT(*) FROM (SELECT email FROM email_recipients GROUP BY email HAVING COUNT(*) > 1) AS found"
        )
    assert (counts.total, twice) == (300, 0)


async def test_only_who_may_sends(runtime: Runtime, handles: Handles, ada: User, gus: User) -> None:
    await people(runtime, "a@x.org")
    number = await draft(handles, gus)
    with pytest.raises(NotAllowed):
        await flow.send(handles, number, by=gus)
    await flow.send(handles, number, by=ada)
    for step in (flow.pause, flow.resume, flow.stop):
        with pytest.raises(NotAllowed):
            await step(handles, number, by=gus)


async def test_a_draft_that_is_not_ready_says_what_is_missing(runtime: Runtime, handles: Handles, ada: User) -> None:
    number = await draft(handles, ada, subject="", body_html="<p> </p>", audience="tag")
    with pytest.raises(AnnouncementRefused) as refused:
        await flow.send(handles, number, by=ada)
    assert set(refused.value.fields) == {"subject", "body", "audience"}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"subject": "Hi {{contact.nam}}"}, "subject", "did you mean {{contact.name}}?"),
        ({"body_html": "<p>{{secret}}</p>"}, "body", "Nothing fills {{secret}}"),
        ({"per_minute": "fast"}, "per_minute", "'fast'"),
        ({"audience": "domain", "value": "not a domain!"}, "audience", "is no domain"),
        ({"subject": "x" * 301}, "subject", "at most 300"),
    ],
)
async def test_what_does_not_hold_is_refused_at_its_field(
    handles: Handles, ada: User, values: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(AnnouncementRefused) as refused:
        await drafts.create(handles, replace(Given("S", BODY), **values), by=ada)  # type: ignore[arg-type]
    assert words in refused.value.fields[field]


async def test_a_mail_caught_between_data_and_the_answer_is_unknown_and_counted_apart(
    runtime: Runtime, handles: Handles, ada: User, smtp: ScriptedSmtp
) -> None:
    smtp.faults.append(Fault("dot", do="drop", times=1, keep=True))
    await people(runtime, "a@x.org", "b@x.org")
    known = await sent(handles, ada)
    await deliver(runtime, smtp, 2)
    now = await flow.progress(handles, known)
    assert (now.sent, now.unknown, now.in_outbox) == (1, 1, 0)
    await deliver(runtime, smtp, 0)
    assert len(smtp.accepted) == 2
