"""What became of a mail: whatever order it is told in, and however often, the same is left."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.database import Database, Row
from app.hookspecs import ReplyActivity
from app.receipts import fates, repository, rules, service
from app.receipts.models import Copy, Report
from tests.receipts.builders import MailedReply, mailed_reply, set_copy

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
COLUMNS = "fate, fate_at, fate_kind, fate_short, fate_words, fate_detail, delayed_at, delayed_detail, receipt"


def told(reply: MailedReply, receipt: str, minute: int, bounce: str = "", detail: str = "said so") -> Report:
    at = NOON + timedelta(minutes=minute)
    copy = reply.recipients[0].id
    return Report(
        copy, reply.reply_id, reply.ticket_id, receipt, at, bounce=bounce, detail=detail, short=f"why {bounce}"
    )


async def left(db: Database, reply: MailedReply, *calls: list[Report]) -> Row:
    """What the copy's row says after these calls, from nothing."""
    await set_copy(
        db,
        reply.recipients[0].id,
        **{"fate": None, "fate_at": None, "fate_kind": None, "fate_short": "", "fate_words": "", "fate_detail": ""},
        delayed_at=None,
        delayed_detail="",
    )
    for reports in calls:
        async with db.transaction() as conn:
            await service.report(conn, reports)
    async with db.connection() as conn:
        row = await conn.fetch_one(
            f"SELECT {COLUMNS} FROM email_recipients WHERE id = %(id)s",  # noqa: S608
            {"id": reply.recipients[0].id},
        )
    assert row is not None
    return row


SETS = {
    "all": [
        ("delivered", 1, ""),
        ("deferred", 0, ""),
        ("bounced", 2, "soft"),
        ("bounced", 3, "hard"),
        ("complained", 9, ""),
    ],
    "soft lifted": [("bounced", 1, "soft"), ("delivered", 2, ""), ("deferred", 3, ""), ("delivered", 0, "")],
    "soft after": [("delivered", 1, ""), ("bounced", 2, "soft"), ("deferred", 0, ""), ("deferred", 3, "")],
    "at once": [("delivered", 1, ""), ("bounced", 1, "soft"), ("bounced", 1, "hard"), ("bounced", 1, "")],
    "delivered late": [("bounced", 1, "hard"), ("delivered", 2, ""), ("bounced", 3, "hard")],
}
EXPECTED = {
    "all": ("complained", 9, None, 0),
    "soft lifted": ("delivered", 2, None, 3),
    "soft after": ("bounced", 2, "soft", 3),
    "at once": ("bounced", 1, None, None),
    "delivered late": ("bounced", 1, "hard", None),
}


@pytest.mark.parametrize("name", SETS)
async def test_every_order_and_duplicates_leave_the_same(db: Database, name: str) -> None:
    reply = await mailed_reply(db)
    reports = [told(reply, *one) for one in SETS[name]]
    found = [await left(db, reply, *([one] for one in order)) for order in itertools.permutations(reports)]
    found.append(await left(db, reply, [*reports, *reports]))
    found.append(await left(db, reply, reports[::-1], reports))
    assert all(row == found[0] for row in found)
    state, minute, kind, delayed = EXPECTED[name]
    row = found[0]
    assert (row["fate"], row["fate_at"]) == (state, NOON + timedelta(minutes=minute))
    if name != "at once":
        assert row["fate_kind"] == kind
    assert row["delayed_at"] == (None if delayed is None else NOON + timedelta(minutes=delayed))
    assert row["receipt"] == state


async def test_two_that_differ_in_their_words_alone_leave_the_same(db: Database) -> None:
    reply = await mailed_reply(db)
    # The column's own collation takes these for one.
    one, two = (told(reply, "bounced", 1, "hard", detail=words) for words in ("É full", "e FULL"))
    delays = [told(reply, "deferred", 1, detail=words) for words in ("É", "e")]
    rows = [
        await left(db, reply, [one], [two], [delays[0]], [delays[1]]),
        await left(db, reply, [two], [one], [delays[1]], [delays[0]]),
        await left(db, reply, [two, one, *delays]),
    ]
    assert rows[0] == rows[1] == rows[2]
    assert rows[0]["fate_detail"] == "É full"


async def test_what_changed_meanwhile_is_compared_again(db: Database) -> None:
    reply = await mailed_reply(db)
    hard = told(reply, "bounced", 1, "hard")
    async with db.transaction() as conn:
        # As a transaction would that read before the complaint came.
        await conn.execute("SELECT 1")
        await set_copy(db, reply.recipients[0].id, fate="complained", fate_at=NOON)
        await conn.execute(fates.update_fates([hard]))
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT fate FROM email_recipients") == "complained"


async def test_a_bounce_says_why_in_the_badge_the_row_and_the_timeline(db: Database) -> None:
    reply = await mailed_reply(db)
    said = replace(
        told(reply, "bounced", 3, "hard", "550 5.1.1 No such user"), short="mailbox unknown", words="Ask them."
    )
    await left(db, reply, [told(reply, "deferred", 1, detail="451 try later"), said])
    async with db.connection() as conn:
        [copy] = await repository.copies_of(conn, [reply.reply_id])
    visible = rules.STATES
    assert rules.summarise([copy], visible).word == "Bounced: mailbox unknown"
    panel = service._panel([copy], visible, ReplyActivity())
    [row] = panel.rows
    assert (row.state, row.word) == ("bounced", "Bounced: mailbox unknown")
    assert (row.detail, row.words) == ("550 5.1.1 No such user", "Ask them.")
    lines = {line.kind: (line.words, line.reason) for line in panel.timeline}
    assert lines["bounced"] == ("Bounced: mailbox unknown", "550 5.1.1 No such user")
    assert lines["delayed"] == ("Delayed", "451 try later")


async def test_a_delay_is_no_worse_than_sent(db: Database) -> None:
    reply = await mailed_reply(db)
    row = await left(db, reply, [told(reply, "deferred", 1, detail="451 try later")])
    assert (row["fate"], row["receipt"]) == (None, None)
    async with db.connection() as conn:
        [copy] = await repository.copies_of(conn, [reply.reply_id])
    shown = service._row(copy, rules.STATES, [])
    assert (shown.state, shown.word, shown.detail) == ("sent", "Delayed", "451 try later")
    assert rules.summarise([copy], rules.STATES).word == "Sent"
    assert _words_once_read(copy) == "Read"


def _words_once_read(copy: Copy) -> str:
    read = replace(copy, receipt="read", receipt_at=NOON, seen="read", seen_at=NOON)
    return service._row(read, rules.STATES, []).word


async def test_a_mail_that_is_no_reply_keeps_its_fate_too(db: Database) -> None:
    reply = await mailed_reply(db)
    async with db.transaction() as conn:
        await conn.execute("UPDATE outgoing_emails SET reply_id = NULL")
        await service.report(
            conn, [Report(reply.recipients[0].id, None, None, "bounced", NOON, bounce="hard", short="x" * 99)]
        )
    async with db.connection() as conn:
        row = await conn.fetch_one("SELECT fate, fate_short FROM email_recipients")
    assert row == {"fate": "bounced", "fate_short": "x" * 59 + "…"}


@pytest.mark.parametrize(
    ("receipt", "bounce", "reply_id", "words"),
    [
        ("gone", "", 1, "a receipt must be one of"),
        ("bounced", "maybe", 1, "'hard', 'soft'"),
    ],
)
async def test_a_report_that_cannot_be_is_refused(
    db: Database, receipt: str, bounce: str, reply_id: int | None, words: str
) -> None:
    async with db.transaction() as conn:
        with pytest.raises(ValueError, match=words):
            await service.report(conn, [Report(1, reply_id, reply_id, receipt, NOON, bounce=bounce)])
