"""An announcement's figures, and what is said of them: rates, charts, events. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.hookspecs import MailingActivity
from app.services.mailings import MailingCopy, MailingCounts
from app.services.web import Chart, Column, bar_chart
from plugins.announcements.rules import rate

MOST_EVENTS = 30
MOST_BARS = 72
WORDS = {
    "sent": ("Sent", "neutral"),
    "delivered": ("Delivered", "info"),
    "bounced": ("Bounced", "bad"),
    "complained": ("Marked as spam", "bad"),
    "failed": ("Failed", "bad"),
    "unknown": ("Outcome unknown", "warn"),
    "open": ("Opened", "good"),
    "click": ("Link followed", "good"),
    "machine": ("By a machine", "quiet"),
}
"""Kinds of events: the word, and the colour."""


@dataclass(frozen=True)
class Event:
    """Something that happened, newest first on the page."""

    at: datetime
    kind: str
    """One of WORDS."""
    words: str
    email: str
    detail: str = ""

    @property
    def tone(self) -> str:
        """Of the colour it has beside its words."""
        return WORDS[self.kind][1]


@dataclass(frozen=True)
class Figures:
    """All figures of an announcement; names as in `announcement_statistics`. Rates are percent."""

    total_recipients: int = 0
    sent_count: int = 0
    delivered_count: int = 0
    bounced_count: int = 0
    complained_count: int = 0
    failed_count: int = 0
    unknown_count: int = 0
    opened_count: int = 0
    total_opens: int = 0
    clicked_count: int = 0
    total_clicks: int = 0
    machine_opens: int = 0
    machine_clicks: int = 0
    only_machines_count: int = 0
    unknown_opens: int = 0
    """Of which the provider does not say whether a person made them; likewise the next."""
    unknown_clicks: int = 0
    replied_count: int = 0
    unsubscribed_count: int = 0
    delivery_rate: float = 0.0
    open_rate: float = 0.0
    click_rate: float = 0.0
    bounce_rate: float = 0.0
    rates_from: str = "sent"
    """What open and click rate are parts of: 'delivered', or 'sent' where nobody tells of deliveries."""
    is_tracked: bool = False
    """Whether some module could tell of opens and clicks."""


NUMBERS = tuple(one.name for one in fields(Figures))


def of(counts: MailingCounts, activity: MailingActivity | None, *, recipients: int, unsubscribed: int) -> Figures:
    """The figures. recipients: without those left out."""
    known = activity or MailingActivity()
    # A copy that bounced after it was delivered was not, and shows that deliveries are told; one that was complained
    # about was.
    basis = "delivered" if counts.delivered or counts.reported else "sent"
    whole = counts.delivered if basis == "delivered" else counts.sent
    return Figures(
        total_recipients=recipients,
        sent_count=counts.sent,
        delivered_count=counts.delivered,
        bounced_count=counts.bounced,
        complained_count=counts.complained,
        failed_count=counts.failed,
        unknown_count=counts.unknown,
        opened_count=known.unique_opens,
        total_opens=known.opens,
        clicked_count=known.unique_clicks,
        total_clicks=known.clicks,
        machine_opens=known.machine_opens,
        machine_clicks=known.machine_clicks,
        only_machines_count=known.only_machines,
        unknown_opens=known.unknown_opens,
        unknown_clicks=known.unknown_clicks,
        replied_count=counts.replied,
        unsubscribed_count=unsubscribed,
        delivery_rate=rate(counts.delivered, counts.sent),
        open_rate=rate(known.unique_opens, whole),
        click_rate=rate(known.unique_clicks, whole),
        bounce_rate=rate(counts.bounced, counts.sent),
        rates_from=basis,
        is_tracked=activity is not None
        and (
            counts.tracked > 0
            or not counts.sent
            or bool(activity.events or activity.unknown_opens or activity.unknown_clicks)
        ),
    )


READERS = ("opened_count", "total_opens", "clicked_count", "total_clicks", "machine_opens", "machine_clicks",
           "only_machines_count", "unknown_opens", "unknown_clicks")  # fmt: skip
"""What only a module that tracks mails can count."""


def with_readers_of(found: Figures, before: Figures) -> Figures:
    """New figures with the readers of earlier ones: nobody could count them now, and what was counted stays true."""
    whole = found.delivered_count if found.rates_from == "delivered" else found.sent_count
    return replace(
        found,
        **{name: getattr(before, name) for name in READERS},
        open_rate=rate(before.opened_count, whole),
        click_rate=rate(before.clicked_count, whole),
        is_tracked=True,
    )


def fate_word(fate: str, short: str) -> str:
    """ "Bounced: mailbox full"; what says the same twice is said once."""
    word = WORDS[fate][0]
    return f"{word}: {short}" if short and short.lower() != word.lower() else word


def events_of(
    copies: Sequence[MailingCopy], activity: MailingActivity | None, emails: Mapping[int, str]
) -> list[Event]:
    """The newest events, of the mail and of its readers. emails: by copy."""
    found: list[Event] = []
    for copy in copies:
        if copy.sent_at is not None:
            said = f"Our mail server said: {copy.server_words}" if copy.server_words else ""
            found.append(Event(copy.sent_at, "sent", WORDS["sent"][0], copy.email, said))
        if copy.fate and copy.fate_at is not None:
            word = fate_word(copy.fate, copy.fate_short)
            # What our own mail server said belongs to "Sent"; of a delivery nobody says more than that.
            told = copy.words if copy.fate != "delivered" else ""
            found.append(Event(copy.fate_at, copy.fate, word, copy.email, told))
        if copy.state in {"failed", "unknown"} and copy.sent_at is None and copy.fate_at is None:
            found.append(Event(copy.tried_at, copy.state, WORDS[copy.state][0], copy.email, copy.words))
    for entry in activity.events if activity else ():
        kind = "machine" if entry.machine else entry.kind if entry.kind in WORDS else "open"
        found.append(Event(entry.happened_at, kind, entry.words, emails.get(entry.recipient_id, ""), entry.detail))
    return sorted(found, key=lambda event: event.at, reverse=True)[:MOST_EVENTS]


@dataclass(frozen=True)
class Detail:
    """What is stored beside the figures."""

    links: tuple[tuple[str, int, int], ...] = ()
    opens_by_time: tuple[tuple[datetime, int, int], ...] = ()
    by_hour: bool = False
    events: tuple[Event, ...] = ()

    def as_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), default=lambda at: at.astimezone(UTC).isoformat(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Detail:
        """The inverse; empty for what cannot be read."""
        try:
            found: dict[str, Any] = json.loads(text)
            return cls(
                tuple((str(url), int(clicks), int(people)) for url, clicks, people in found["links"]),
                tuple((datetime.fromisoformat(at), int(one), int(two)) for at, one, two in found["opens_by_time"]),
                bool(found["by_hour"]),
                tuple(Event(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in found["events"]),
            )
        except (ValueError, TypeError, KeyError):
            return cls()


def time_label(at: datetime, *, by_hour: bool) -> str:
    """ "3 May, 10:00" or "3 May", in UTC, as it was counted."""
    return at.astimezone(UTC).strftime("%-d %b, %H:%M" if by_hour else "%-d %b")


def opens_chart(detail: Detail) -> Chart | None:
    """Opens by people over time, with the empty hours and days between; None where there are none."""
    if not detail.opens_by_time:
        return None
    step = timedelta(hours=1) if detail.by_hour else timedelta(days=1)
    known = {at: people for at, people, _ in detail.opens_by_time}
    first, last = min(known), max(known)
    moments = [first]
    while moments[-1] < last and len(moments) < MOST_BARS:
        moments.append(moments[-1] + step)
    # Few bars would be as wide as the page.
    while len(moments) < 8:
        moments.append(moments[-1] + step)
    columns = [
        Column(time_label(at, by_hour=detail.by_hour), known.get(at, 0), str(known.get(at) or "")) for at in moments
    ]
    highest = max(column.value or 0 for column in columns)
    total = sum(known.values())
    where = max(known, key=lambda at: known[at])
    summary = f"{total:,} opens by people; most, {known[where]:,}, at {time_label(where, by_hour=detail.by_hour)} UTC."
    named = [0, len(columns) // 2, len(columns) - 1]
    return bar_chart(
        "Opens over time",
        columns,
        unit="by people, per hour in UTC" if detail.by_hour else "by people, per day in UTC",
        summary=summary,
        room=120,
        full=highest or 1,
        named=named,
    )
