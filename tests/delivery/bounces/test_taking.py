"""From a bounce mail in the pipe to a red badge, an open ticket, an agent who knows, an address that gets no mail."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart

from app.database import utcnow
from app.notifications import service as notifications
from app.receipts import service as receipts
from app.tickets import service as tickets
from app.tickets.errors import TicketRefused
from plugins.delivery import consequences
from plugins.delivery.bounces.marks import Marks
from plugins.delivery.follow_settings import FollowSettings
from plugins.delivery.model import DeliveryEvent, Matched
from tests.delivery.bounces.conftest import BOB, Sent, Site
from tests.delivery.bounces.corpus import BOUNCES, OTHERS
from tests.support.web import get, log_in

POSTFIX, EXIM, DELAY = BOUNCES["postfix"], BOUNCES["exim"], BOUNCES["exim, delay warning"]
PLAIN = "support@portal.test"
"""An address that names no copy."""


async def test_a_bounce_in_the_pipe_and_all_that_follows(site: Site, delivery: Quart) -> None:
    sent = await site.reply()
    assert sent.envelope_sender.startswith("bounces+")
    assert (await tickets.ticket(sent.ticket_id)).status == "closed"

    row = await site.bounce(POSTFIX, sent)
    assert (row["state"], row["kind"], row["ticket_id"], row["reply_id"]) == (
        "processed", "bounce", sent.ticket_id, None,
    )  # fmt: skip
    assert row["reason"] == f"The mail to {BOB} in #{sent.ticket_id} bounced: see its badge."

    panel = (await receipts.panels([sent.reply_id]))[sent.reply_id]
    assert (panel.badge.state, panel.badge.word) == ("bounced", "Bounced: mailbox unknown")
    [line] = panel.rows
    assert "Recipient address rejected: User unknown" in line.detail
    assert "ask the customer in another way" in line.words
    assert [one.kind for one in panel.timeline].count("bounced") == 1

    assert (await tickets.ticket(sent.ticket_id)).status == "open"
    conversation = await tickets.conversation(sent.ticket_id)
    assert [one.kind for one in conversation.messages] == ["customer", "reply"]
    page = await notifications.page(site.gus)
    assert [(one.kind, one.ticket_id, one.own_words) for one in page.rows] == [
        ("bounce", sent.ticket_id, "Bounced: mailbox unknown")
    ]
    client = await log_in(delivery, site.gus)
    shown = await (await get(client, f"/tickets/{sent.ticket_id}")).get_data(as_text=True)
    assert "Bounced: mailbox unknown" in shown
    assert "The portal reopened it" in shown
    assert "gets no mail: mail to it bounced" in shown

    with pytest.raises(TicketRefused) as caught:
        await site.reply(sent.ticket_id)
    assert "550 5.1.1" in caught.value.fields["to"]
    assert len(site.smtp.accepted) == 1


async def test_every_kind_finds_its_copy_by_the_address_it_is_sent_to(site: Site) -> None:
    for name, sample in BOUNCES.items():
        sent = await site.reply()
        # Only the address leads back; a bare complaint is none without our mail in it.
        lost = {} if name == "a bare complaint" else {"mark": "", "message_id": "<lost@x>"}
        row = await site.bounce(sample, sent, **lost)
        assert row["ticket_id"] == sent.ticket_id, (name, row["reason"])
        copy = await site.copy(sent)
        fate = sample.kind if sample.kind in {"bounced", "complained", "delivered"} else None
        assert (copy["fate"], copy["fate_kind"]) == (fate, sample.bounce or None), name
        assert (copy["delayed_at"] is not None) == (sample.kind == "deferred"), name
        stopped = sample.bounce == "hard" or sample.kind in {"complained", "unsubscribed"}
        assert len(await site.rows("SELECT * FROM suppressions")) == stopped, name
        status = "open" if fate in {"bounced", "complained"} else "closed"
        assert (await tickets.ticket(sent.ticket_id)).status == status, name
        await site.forget()


async def test_or_by_the_mail_that_it_returns(site: Site) -> None:
    await site.configure(bounce_address="")
    for name, sample in BOUNCES.items():
        if not sample.marks and not sample.returns:
            continue
        sent = await site.reply()
        assert sent.envelope_sender == PLAIN
        row = await site.bounce(sample, sent)
        assert (row["ticket_id"], row["reply_id"]) == (sent.ticket_id, None), (name, row["reason"])
        [event] = await site.rows("SELECT kind, bounce, recipient_id FROM delivery_events")
        assert (event["kind"], event["bounce"]) == (sample.kind, sample.bounce), name
        assert event["recipient_id"] == (await site.copy(sent))["id"], name
        await site.forget()


async def test_what_is_no_report_goes_on_as_any_mail(site: Site) -> None:
    for name, sample in OTHERS.items():
        sent = await site.reply()
        row = await site.bounce(sample, sent)
        assert await site.rows("SELECT * FROM delivery_events") == [], name
        assert await site.rows("SELECT * FROM suppressions") == [], name
        assert (await site.copy(sent))["fate"] is None, name
        assert row["ticket_id"] is not None, name
        assert row["reply_id"] is not None, name


async def _unchanged(site: Site, sent: Sent) -> None:
    copy = await site.copy(sent)
    assert (copy["fate"], copy["delayed_at"]) == (None, None)
    assert await site.rows("SELECT * FROM suppressions") == []
    assert (await tickets.ticket(sent.ticket_id)).status == "closed"
    assert (await notifications.page(site.gus)).rows == ()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"message_id": "<made.up@portal.test>"}, id="unknown Message-ID"),
        pytest.param({"recipient": "eve@evil.example"}, id="a stranger's recipient"),
    ],
)
async def test_a_forged_report_changes_nothing_and_is_kept(site: Site, changes: dict[str, str]) -> None:
    forged = Marks(["x" * 40])
    for name in ("postfix", "exchange", "exim", "qmail", "arf", "rfc 6533", "a bare complaint"):
        sent = await site.reply()
        into = forged.address(1, "bounces@portal.test")
        row = await site.bounce(BOUNCES[name], sent, into=into, mark=forged.mark(1), **changes)
        assert row["state"] == "processed"
        assert row["reply_id"] is None or name == "a bare complaint", name
        await _unchanged(site, sent)
        for event in await site.rows("SELECT recipient_id, unmatched FROM delivery_events"):
            assert event["recipient_id"] is None
            assert event["unmatched"] in {"unknown", "stranger"}
        await site.forget()


async def test_another_mails_signature_with_this_mails_message_id_counts_for_the_signed_one(site: Site) -> None:
    first, second = await site.reply(), await site.reply()
    await site.bounce(POSTFIX, first, message_id=second.message_id)
    assert (await site.copy(first))["fate"] == "bounced"
    assert (await site.copy(second))["fate"] is None


async def test_the_same_bounce_by_two_ways_counts_once(site: Site) -> None:
    sent = await site.reply()
    first = await site.bounce(POSTFIX, sent)
    second = await site.bounce(dataclasses.replace(POSTFIX, text=f"Received: by b\n{POSTFIX.text}"), sent)
    assert first["id"] != second["id"]
    assert second["ticket_id"] == sent.ticket_id
    assert len(await site.rows("SELECT * FROM delivery_events")) == 1
    assert len((await notifications.page(site.gus)).rows) == 1
    [history] = await site.rows("SELECT * FROM ticket_history WHERE field = 'bounce'")
    assert history["new_value"] == "Bounced: mailbox unknown"


async def test_a_delay_that_ends_in_a_bounce(site: Site) -> None:
    sent = await site.reply()
    await site.bounce(DELAY, sent)
    panel = (await receipts.panels([sent.reply_id]))[sent.reply_id]
    assert panel.rows[0].word == "Delayed"
    assert panel.badge.state in {"sent", "untracked"}
    assert (await tickets.ticket(sent.ticket_id)).status == "closed"
    await site.bounce(EXIM, sent, own="2")
    panel = (await receipts.panels([sent.reply_id]))[sent.reply_id]
    assert panel.badge.word == "Bounced: mailbox unknown"


async def test_settings_say_what_follows(site: Site) -> None:
    await site.configure(reopen=False, complaints_suppress="announcements")
    sent = await site.reply()
    await site.bounce(BOUNCES["arf"], sent)
    assert (await site.copy(sent))["fate"] == "complained"
    assert (await tickets.ticket(sent.ticket_id)).status == "closed"
    [line] = await site.rows("SELECT email, scope, reason, source FROM suppressions")
    assert line == {"email": BOB, "scope": "announcements", "reason": "complaint", "source": "bounce_mail"}
    await site.reply(sent.ticket_id)


async def test_many_soft_bounces_of_different_mails_suppress_where_it_is_set(site: Site) -> None:
    full = BOUNCES["mailbox full"]
    await site.configure(soft_limit=3)
    sent = [await site.reply() for _ in range(3)]
    for number, one in enumerate([sent[0], sent[0], sent[1]]):
        await site.bounce(full, one, own=str(number))
    assert await site.rows("SELECT * FROM suppressions") == []
    await site.bounce(full, sent[2], own="last")
    [line] = await site.rows("SELECT reason, detail FROM suppressions")
    assert line == {"reason": "soft_bounces", "detail": "3 mails within 30 days"}


async def test_a_report_about_an_erased_reader_is_set_aside(site: Site) -> None:
    sent = await site.reply()
    async with site.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_recipients SET erased_at = UTC_TIMESTAMP(6), email = 'erased-1@contact.invalid'"
        )
    row = await site.bounce(POSTFIX, sent)
    assert (row["state"], row["ticket_id"]) == ("processed", None)
    assert "erased" in row["reason"]
    assert await site.rows("SELECT * FROM delivery_events") == []


async def test_the_module_off_leaves_reports_to_the_portal(site: Site) -> None:
    sent = await site.reply()
    site.runtime.plugins.is_enabled = lambda slug: False
    row = await site.bounce(POSTFIX, sent)
    assert row["reply_id"] is not None
    await _unchanged(site, sent)


def _matched(sent: Sent, copy: dict[str, Any], kind: str, minute: int, bounce: str = "") -> Matched:
    at = utcnow() - timedelta(hours=1) + timedelta(minutes=minute)
    event = DeliveryEvent("ses", bytes([minute]) * 16, kind, at, bounce=bounce, reason="said")  # type: ignore[arg-type]
    return Matched(event, copy["id"], copy["email_id"], BOB, sent.reply_id, sent.ticket_id)


async def test_events_in_every_order_end_alike(site: Site) -> None:
    sent = await site.reply()
    copy = await site.copy(sent)
    told = [
        _matched(sent, copy, *one)
        for one in (
            ("delivered", 2),
            ("deferred", 1),
            ("bounced", 3, "soft"),
            ("bounced", 4, "hard"),
            ("complained", 5),
        )
    ]
    ends = []
    for order in itertools.permutations(told):
        async with site.database.transaction() as conn:
            await conn.execute(
                "UPDATE email_recipients SET fate = NULL, fate_at = NULL, fate_kind = NULL, fate_short = '', "
                "fate_words = '', fate_detail = '', delayed_at = NULL, delayed_detail = ''"
            )
            await conn.execute("DELETE FROM suppressions")
        for one in (*order, order[0]):
            async with site.database.transaction() as conn:
                await consequences.apply(conn, [one], FollowSettings())
        end = await site.copy(sent)
        [line] = await site.rows("SELECT email, scope, reason, source, detail, since FROM suppressions")
        ends.append(({name: end[name] for name in end if name.startswith(("fate", "delayed"))}, line))
    assert all(end == ends[0] for end in ends)
    assert (ends[0][0]["fate"], ends[0][1]["reason"]) == ("complained", "complaint")
    # Told once for each step that made it worse, and once for ever.
    assert {one.own_words for one in (await notifications.page(site.gus)).rows} <= {
        "Bounced: refused for now",
        "Bounced: refused for good",
        "Marked as spam",
    }
    assert len((await notifications.page(site.gus)).rows) == 3
