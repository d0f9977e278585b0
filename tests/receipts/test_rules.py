"""From copies to a badge, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.receipts import rules
from app.receipts.models import Badge, Copy, Judgement

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
TRACKING = rules.CORE_STATES | {"read"}


def copy(**values: Any) -> Copy:
    """A tracked copy that was sent at noon, but for `values`."""
    given: dict[str, Any] = {
        "id": 1,
        "reply_id": 5,
        "role": "to",
        "name": "",
        "email": "bob@example.org",
        "state": "sent",
        "tracked": True,
        "receipt": None,
        "receipt_at": None,
        "sent_at": NOON,
        "smtp_text": "",
        "created_at": NOON,
    }
    return Copy(**{**given, **values})


READ = copy(receipt="read", receipt_at=NOON + timedelta(minutes=5))
SENT = copy()
QUEUED = copy(state="queued", sent_at=None)
FAILED = copy(state="failed", sent_at=None, smtp_text="550 mailbox full")


@pytest.mark.parametrize("state", ["queued", "claimed", "retry", "sending"])
def test_a_copy_that_has_not_gone_out_shows_as_queued(state: str) -> None:
    assert rules.state_of(copy(state=state), TRACKING) == "queued"


def test_an_open_proves_that_a_copy_of_unknown_outcome_arrived() -> None:
    assert rules.state_of(copy(state="unknown"), TRACKING) == "unknown"
    assert rules.state_of(copy(state="unknown", receipt="read"), TRACKING) == "read"


def test_a_receipt_that_no_enabled_plugin_reports_shows_as_sent() -> None:
    assert rules.state_of(READ, rules.CORE_STATES) == "sent"
    assert rules.summarise([READ, READ], rules.CORE_STATES).word == "Sent"


def test_an_untracked_copy_says_so_only_while_a_plugin_could_have_tracked_it() -> None:
    assert rules.state_of(copy(tracked=False), TRACKING) == "untracked"
    assert rules.state_of(copy(tracked=False), rules.CORE_STATES) == "sent"


def test_an_untracked_copy_that_was_not_sent_is_not_called_untracked() -> None:
    assert rules.state_of(copy(tracked=False, state="queued"), TRACKING) == "queued"


@pytest.mark.parametrize(
    ("copies", "state", "word"),
    [
        ([READ], "read", "Read"),
        ([READ, SENT, SENT], "read", "Read by 1 of 3"),
        ([READ, READ], "read", "All read"),
        ([READ, READ, copy(tracked=False)], "read", "All read"),
        ([READ, copy(tracked=False, role="bcc")], "read", "Read"),
        ([READ, SENT, copy(tracked=False)], "read", "Read by 1 of 2"),
        ([copy(receipt="replied")] * 2, "replied", "All replied"),
        ([READ, QUEUED], "read", "Read by 1 of 2"),
        ([READ, copy(receipt="replied")], "replied", "Replied by 1 of 2"),
        ([READ, copy(receipt="machine"), SENT], "read", "Read by 1 of 3"),
        ([copy(receipt="replied")], "replied", "Replied"),
        ([SENT], "sent", "Sent"),
        ([SENT, copy(tracked=False)], "sent", "Sent"),
        ([copy(tracked=False)], "untracked", "Not tracked"),
        ([QUEUED], "queued", "Queued"),
        ([QUEUED, SENT, SENT], "queued", "Sent to 2 of 3"),
        ([copy(receipt="machine"), SENT], "machine", "Opened by a machine"),
        ([copy(receipt="delivered"), SENT], "delivered", "Delivered to 1 of 2"),
        ([FAILED], "failed", "Failed: 550 mailbox full"),
        ([FAILED, READ, READ], "failed", "Failed: 1 of 3"),
        ([copy(receipt="bounced"), copy(receipt="bounced"), READ], "bounced", "Bounced: 2 of 3"),
        ([copy(receipt="complained")], "complained", "Marked as spam"),
        ([copy(state="unknown"), READ], "unknown", "Perhaps sent: 1 of 2"),
    ],
)
def test_the_badge_of_a_reply_says_the_worst_first_then_the_best(copies: list[Copy], state: str, word: str) -> None:
    badge = rules.summarise(copies, rules.STATES)
    assert (badge.state, badge.word) == (state, word)


def test_the_badge_carries_when_it_was_first_read() -> None:
    later = copy(receipt="read", receipt_at=NOON + timedelta(hours=1))
    assert rules.summarise([later, READ, SENT], TRACKING).at == NOON + timedelta(minutes=5)


def test_a_long_reason_is_cut_and_kept_on_one_line() -> None:
    badge = rules.summarise([copy(state="failed", smtp_text="550 5.1.1\r\n" + "no such user here " * 9)], TRACKING)
    assert len(badge.word) <= len("Failed: ") + 60
    assert badge.word.startswith("Failed: 550 5.1.1 no such user")
    assert badge.word.endswith("…")


def test_no_copies_make_no_badge() -> None:
    with pytest.raises(ValueError, match="at least one copy"):
        rules.summarise([], TRACKING)


def test_an_answer_is_shown_without_any_plugin() -> None:
    answered = copy(receipt="replied", receipt_at=NOON)
    assert rules.summarise([answered], rules.CORE_STATES) == Badge("replied", "Replied", NOON)


@pytest.mark.parametrize(
    ("state", "correction"),
    [
        ("read", "unread"),
        ("machine", "read"),
        ("sent", "read"),
        ("untracked", "read"),
        ("queued", ""),
        ("failed", ""),
        ("replied", ""),
        ("bounced", ""),
    ],
)
def test_an_agent_is_offered_what_the_badge_does_not_say(state: str, correction: str) -> None:
    assert rules.correction_of(SENT, state, TRACKING) == correction
    assert rules.correction_of(SENT, state, rules.CORE_STATES) == ""
    assert rules.correction_of(copy(judged=Judgement("read", "Ada", NOON)), state, TRACKING) == ""


def test_a_list_filter_finds_what_the_list_shows() -> None:
    assert rules.stored_for("read", TRACKING) == {"read", rules.VIEWED}
    assert rules.stored_for("sent", TRACKING) == {"sent", "delivered", "machine", "bounced", "complained"}
    assert rules.stored_for("sent", rules.CORE_STATES) == {"sent", "untracked", *rules.RECEIPTS}
    for visible in (TRACKING, rules.CORE_STATES):
        for stored in rules.STATES:
            assert stored in rules.stored_for(rules.shown_as(stored, visible), visible)


def test_every_state_has_its_words() -> None:
    assert set(rules.WORDS) == rules.STATES == set(rules.WORST_FIRST) - {rules.VIEWED}
