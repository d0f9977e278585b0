"""What a copy's row says of it, and what pages show of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SOMEBODY = "somebody who left"


@dataclass(frozen=True)
class Judgement:
    """An agent's word on whether a copy was read, in place of what a plugin says."""

    verdict: str
    """'read' or 'unread'."""
    by: str
    """The agent's name."""
    at: datetime


@dataclass(frozen=True)
class Fate:
    """What became of a mail itself."""

    state: str
    """'delivered', 'bounced' or 'complained'."""
    at: datetime
    bounce: str = ""
    """Of 'bounced': 'hard', 'soft', or '' where nobody said, which counts as hard."""
    short: str = ""
    """What the badge says after "Bounced:"."""
    words: str = ""
    """What that means and what to do."""
    detail: str = ""
    """The words of who told it."""


@dataclass(frozen=True)
class CopyState:
    """What of a copy decides about its state."""

    state: str
    """Of sending: queued, claimed, sending, sent, unknown, retry or failed."""
    tracked: bool
    """Whether a plugin said that this copy can tell anything."""
    receipt: str | None
    """What is known since: one of `rules.RECEIPTS`, 'replied', or `rules.VIEWED`."""


@dataclass(frozen=True)
class Copy(CopyState):
    """One recipient's copy of a reply as `email_recipients` has it."""

    id: int
    reply_id: int
    role: str
    """'to', 'cc' or 'bcc'."""
    name: str
    email: str
    receipt_at: datetime | None
    sent_at: datetime | None
    smtp_text: str
    """The mail server's last words, '' before it said any."""
    created_at: datetime
    seen: str | None = None
    """What a plugin says of reading now, 'machine' or 'read', whatever outranks it in `receipt`."""
    seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    seen_words: str = ""
    replied_at: datetime | None = None
    judged: Judgement | None = None
    untracked_words: str = ""
    """Why it went out untracked, in a sentence; '' where it is tracked, or only a module knows."""
    viewed_at: datetime | None = None
    """When the recipient first read it on the ticket page, and the last time."""
    last_viewed_at: datetime | None = None
    fate: Fate | None = None
    """What became of the mail itself, whatever outranks it in `receipt`."""
    delayed_at: datetime | None = None
    """When a mail server last said that it tries again."""
    delayed_detail: str = ""
    """Its words."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Copy:
        """From a row with the columns of `repository.COPY_COLUMNS`."""
        judged = Judgement(row["judged"], row["judged_name"] or SOMEBODY, row["judged_at"]) if row["judged"] else None
        fate = None
        if row["fate"]:
            words = (row["fate_short"], row["fate_words"], row["fate_detail"])
            fate = Fate(row["fate"], row["fate_at"], row["fate_kind"] or "", *words)
        return cls(
            id=row["id"],
            reply_id=row["reply_id"],
            role=row["role"],
            name=row["name"],
            email=row["email"],
            state=row["state"],
            tracked=bool(row["reports"]),
            receipt=row["receipt"],
            receipt_at=row["receipt_at"],
            sent_at=row["sent_at"],
            smtp_text=row["smtp_text"],
            created_at=row["created_at"],
            seen=row["seen"],
            seen_at=row["seen_at"],
            last_seen_at=row["last_seen_at"],
            seen_words=row["seen_words"],
            replied_at=row["replied_at"],
            judged=judged,
            untracked_words=row["untracked_words"],
            viewed_at=row["viewed_at"],
            last_viewed_at=row["last_viewed_at"],
            fate=fate,
            delayed_at=row["delayed_at"],
            delayed_detail=row["delayed_detail"],
        )


@dataclass(frozen=True)
class CopyPlace:
    """Where a copy belongs, and whose it is."""

    email: str
    reply_id: int
    ticket_id: int


@dataclass(frozen=True)
class CopyToContact:
    """A copy that a contact got."""

    id: int
    reply_id: int
    is_exact: bool
    """Sent to the very address that was asked for, not to another one of the same contact."""


@dataclass(frozen=True)
class ViewedCopy:
    """A copy of a reply that is being read on the ticket page."""

    id: int
    reply_id: int
    ticket_id: int
    last_at: datetime | None
    """When it was read there before."""
    was_read: bool
    """Whether a plugin says that it was read."""


@dataclass(frozen=True)
class Report:
    """What a plugin learnt of one copy; the three ids belong together."""

    recipient_id: int
    reply_id: int | None
    """None, like the ticket's, for a mail that is no reply: no ticket then hears of it."""
    ticket_id: int | None
    receipt: str | None
    """'machine' or 'read' replaces what was said of reading before, and so does None: nothing is seen any more.
    'delivered', 'bounced' or 'complained' is kept where `fates.order` ranks it above what is known of the mail's fate.
    'deferred' notes that a mail server tries again; the latest counts, and it takes no fate away."""
    at: datetime | None
    """When that was; of reading, the first time. None where the receipt is None."""
    last_at: datetime | None = None
    """Of reading, the last time; None where it is the first."""
    words: str = ""
    """In a sentence: of reading, why we say so; of a fate, what it means and what to do. What exceeds 200, or 300,
    characters is cut."""
    detail: str = ""
    """Of a fate, the words of who told it; what exceeds 500 characters is cut."""
    short: str = ""
    """Of a fate, the cause in a word or two for the badge, "mailbox unknown"; what exceeds 60 characters is cut."""
    bounce: str = ""
    """Of 'bounced', 'hard' or 'soft'; '' counts as hard."""


@dataclass(frozen=True)
class Known:
    """What is known of a copy before reports change it. Times as `app.sql.moment` writes them."""

    seen: str | None
    seen_at: str | None = None
    last_seen_at: str | None = None
    seen_words: str = ""
    fate: Fate | None = None
    delayed: tuple[str, str] | None = None
    """When a mail server last said that it tries again, and its words."""
    settled: bool = False
    """The recipient answered or read it on the ticket page, an agent judged or the mail bounced: what plugins say of
    reading does not change the badge."""


@dataclass(frozen=True)
class News:
    """What of some reports is new."""

    seen: Sequence[Report]
    """Of reading, one per copy, by ascending recipient id; likewise `fates` and `delays`."""
    fates: Sequence[Report]
    delays: Sequence[Report]
    looks: Mapping[int, int]
    """Ticket by reply id, of replies whose badge or popover may look different."""
    stale: Mapping[int, int]
    """Ticket by reply id, of replies whose tickets may be filtered or sorted in another way."""
    newly_read: Sequence[int]
    """The copies that count as read by these reports and did not before."""


@dataclass(frozen=True)
class Badge:
    """One state and its words, as `templates/macros/badge.html` shows them."""

    state: str
    """One of `rules.STATES`."""
    word: str
    at: datetime | None = None
    """When that was: sent, read or refused; None while it is still to come."""
    detail_id: str | None = None
    """The HTML id of the popover; None where there is none."""


@dataclass(frozen=True)
class RecipientReceipt:
    """A row of the popover: one recipient, what became of the copy, what was seen of it."""

    id: int
    """Of the row in `email_recipients`; *Send again* takes it."""
    role: str
    """'To', 'Cc' or 'Bcc'."""
    name: str
    email: str
    state: str
    word: str
    detail: str
    """The mail server's words where the copy failed, waits for another try, has an unknown outcome, bounced, or is
    delayed."""
    sent_at: datetime | None
    can_send_again: bool
    words: str = ""
    """Why we say that it was read, or opened by a machine; of a bounce or complaint, what it means and what to do."""
    first_opened: datetime | None = None
    last_opened: datetime | None = None
    """By people, as far as is known: the first and the last time that it was read, or seems to have been."""
    opens: int = 0
    machine_opens: int = 0
    links: tuple[tuple[str, int], ...] = ()
    """(destination, clicks by people), most clicked first."""
    machine_clicks: int = 0
    replied_at: datetime | None = None
    judged: Judgement | None = None
    can_judge: str = ""
    """The verdict, 'read' or 'unread', that an agent would correct it to; '' where there is nothing to correct."""


@dataclass(frozen=True)
class TimelineLine:
    """One thing that happened to a reply's mail."""

    at: datetime
    kind: str
    """'queued', 'sent', 'replied', 'viewed', 'judged', or a word of the plugin's ('open', 'click')."""
    words: str
    reason: str = ""
    email: str = ""
    """Whose copy it was; '' for what all have in common."""
    machine: bool = False
    """A machine did it, not a person."""


@dataclass(frozen=True)
class ReceiptPanel:
    """The badge with what its popover shows."""

    badge: Badge
    rows: tuple[RecipientReceipt, ...]
    timeline: tuple[TimelineLine, ...]
    """Newest first."""
