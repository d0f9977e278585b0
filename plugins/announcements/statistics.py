"""Statistics of announcements: counted, stored with the time of the count, shown and given out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.database import Connection, Row, utcnow
from app.services import mailings, suppressions
from plugins.announcements import figures, recipients, repository
from plugins.announcements.figures import NUMBERS, Detail, Figures
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement

SUMS = 1000
"""Copies whose opens and clicks are kept by one statement."""
PAGE = 50
EXPORTED = 1000
"""Recipients that an export reads at once."""
AGAIN = timedelta(seconds=30)
"""How old figures are when the worker counts anew, while it is being sent."""
LATER = timedelta(minutes=5)
"""The same for DAYS after that."""
DAYS = timedelta(days=14)
FILTERS: Mapping[str, tuple[str, str]] = {
    "": ("All", "TRUE"),
    "opened": ("Opened by a person", "r.opens > 0"),
    "machine": ("Opened by machines only", "r.opens = 0 AND r.machine_opens > 0"),
    "clicked": ("Followed a link", "r.clicks > 0"),
    "not-opened": ("Sent, not opened", "c.state = 'sent' AND r.opens = 0 AND r.machine_opens = 0"),
    "delivered": ("Delivered", "c.fate IN ('delivered', 'complained')"),
    "bounced": ("Bounced", "c.fate = 'bounced'"),
    "complained": ("Marked as spam", "c.fate = 'complained'"),
    "failed": ("Failed", "r.state = 'queued' AND c.state = 'failed'"),
    "unknown": ("Outcome unknown", "c.state = 'unknown'"),
    "waiting": ("Waiting", "r.state = 'waiting' OR c.state IN ('queued', 'claimed', 'sending', 'retry')"),
    "left-out": ("Left out", "r.state = 'left_out'"),
}
"""Views of the table of recipients: words and condition."""
COLUMNS = (
    "name", "email", "state", "reason", "queued_at", "sent_at", "fate", "fate_kind", "fate_at", "opens",
    "machine_opens", "clicks", "machine_clicks", "first_opened_at", "replied_at", "words",
)  # fmt: skip
"""Of one recipient, in exports."""
_FROM = """
    announcement_recipients AS r LEFT JOIN email_recipients AS c ON c.id = r.recipient_id
"""
_SELECT = """
    r.id, r.contact_id, r.name, r.email, r.reason, r.queued_at, c.sent_at, COALESCE(c.fate, '') AS fate, c.fate_at,
    r.opens, r.machine_opens, r.clicks, r.machine_clicks, r.first_opened_at, c.replied_at,
    IF(c.fate IN ('bounced', 'complained'), COALESCE(NULLIF(c.fate_detail, ''), c.fate_words),
       COALESCE(c.smtp_text, '')) AS words, COALESCE(c.fate_short, '') AS fate_short,
    COALESCE(c.fate_kind, '') AS fate_kind, IF(r.state = 'queued', COALESCE(c.state, 'queued'), r.state) AS state
"""


@dataclass(frozen=True)
class Counted:
    """Figures and what stands beside them, as of a moment."""

    figures: Figures
    detail: Detail
    counted_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self.figures),
            "counted_at": self.counted_at,
            "top_links": [
                {"url": url, "clicks": clicks, "people": people} for url, clicks, people in self.detail.links
            ],
            "opens_over_time": [
                {"start": at, "opens": people, "machine_opens": machines}
                for at, people, machines in self.detail.opens_by_time
            ],
        }


async def stored(handles: Handles, number: int) -> Counted | None:
    """What was counted last; None where nothing was."""
    async with handles.database.connection() as conn:
        row = await conn.fetch_one(
            "SELECT s.* FROM announcement_statistics AS s WHERE s.announcement_id = %(id)s", {"id": number}
        )
    if row is None:
        return None
    values = {name: row[name] for name in NUMBERS}
    values |= {name: float(values[name]) for name in NUMBERS if name.endswith("_rate")}
    values["is_tracked"] = bool(values["is_tracked"])
    return Counted(Figures(**values), Detail.from_json(row["detail"]), row["counted_at"])


async def count(handles: Handles, known: Announcement) -> Counted:
    """Count everything anew, keep it, and return it. Two who count at once come to the same."""
    activity = await mailings.activity(known.mailing)
    async with handles.database.connection() as conn:
        counts = await mailings.counts(conn, known.mailing)
        rows = await recipients.counts(conn, known.id)
        newest = await mailings.newest(conn, known.mailing, limit=figures.MOST_EVENTS)
        ids = {entry.recipient_id for entry in activity.events} if activity else set()
        emails = {one.id: one.email for one in (await mailings.copies(conn, sorted(ids))).values()}
        gone = await suppressions.count_of_mailing(conn, known.mailing)
    found = figures.of(counts, activity, recipients=rows.get("waiting", 0) + rows.get("queued", 0), unsubscribed=gone)
    events = tuple(figures.events_of(newest, activity, emails))
    before = await stored(handles, known.id) if activity is None else None
    if activity is not None:
        detail = Detail(activity.links, activity.opens_by_time, activity.by_hour, events)
        await _keep_sums(handles, known)
    elif before is not None and before.figures.is_tracked:
        found, detail = figures.with_readers_of(found, before.figures), replace(before.detail, events=events)
    else:
        detail = Detail(events=events)
    counted = Counted(found, detail, utcnow())
    await handles.database.run(lambda conn: _keep(conn, known.id, counted))
    return counted


async def count_due(handles: Handles) -> None:
    """Count what is being sent, and what was of late, where the figures are old: for the worker."""
    now = utcnow()
    async with handles.database.connection() as conn:
        numbers = await repository.in_state(conn, ["sending", "paused", "sent", "stopped"], since=now - DAYS)
    for number in numbers:
        async with handles.database.connection() as conn:
            known = await repository.one(conn, number)
            at = await conn.fetch_value(
                "SELECT s.counted_at FROM announcement_statistics AS s WHERE s.announcement_id = %(id)s", {"id": number}
            )
        if known is None:
            continue
        settled = known.state != "sending" and (known.finished_at is None or now - known.finished_at > LATER)
        if at is None or now - at > (LATER if settled else AGAIN):
            await count(handles, known)


async def _keep_sums(handles: Handles, known: Announcement) -> None:
    after = 0
    while True:
        found = await mailings.copy_sums(known.mailing, after=after, limit=SUMS)
        rows = [
            (one.recipient_id, one.opens, one.clicks, one.machine_opens, one.machine_clicks, one.first_opened_at)
            for one in found
        ]
        if rows:
            await handles.database.run(lambda conn, rows=rows: recipients.keep_sums(conn, rows))  # type: ignore[misc]
            after = rows[-1][0]
        if len(rows) < SUMS:
            return


async def _keep(conn: Connection, number: int, counted: Counted) -> None:
    values = {**asdict(counted.figures), "detail": counted.detail.as_json(), "counted_at": counted.counted_at}
    sets = ", ".join(f"{name} = VALUES({name})" for name in values)
    await conn.execute(
        f"INSERT INTO announcement_statistics (announcement_id, {', '.join(values)}) "  # noqa: S608
        f"SELECT a.id, {', '.join(f'%({name})s' for name in values)} FROM announcements AS a WHERE a.id = %(id)s "
        f"ON DUPLICATE KEY UPDATE {sets}",
        {**values, "id": number},
    )


async def page(
    handles: Handles, number: int, *, view: str = "", words: str = "", after: int = 0, limit: int = PAGE
) -> list[Row]:
    """Recipients in the order in which they were listed. after: the row's id to start behind."""
    condition, values = _condition(view, words)
    async with handles.database.connection() as conn:
        return await conn.fetch_all(
            f"SELECT {_SELECT} FROM {_FROM} WHERE {condition} AND r.id > %(after)s ORDER BY r.id LIMIT %(limit)s",  # noqa: S608
            {**values, "number": number, "after": after, "limit": limit},
        )


async def before(handles: Handles, number: int, *, view: str, words: str, place: int) -> int | None:
    """What the page before the one that starts behind `place` starts behind; None where that is the first."""
    if not place:
        return None
    condition, values = _condition(view, words)
    async with handles.database.connection() as conn:
        rows = await conn.fetch_all(
            f"SELECT r.id FROM {_FROM} WHERE {condition} AND r.id <= %(place)s ORDER BY r.id DESC LIMIT %(limit)s",  # noqa: S608
            {**values, "number": number, "place": place, "limit": PAGE + 1},
        )
    return int(rows[-1]["id"]) if len(rows) > PAGE else 0


def _condition(view: str, words: str) -> tuple[str, dict[str, Any]]:
    conditions, values = ["r.announcement_id = %(number)s", f"({FILTERS[view][1]})"], {}
    for place, word in enumerate(words.split()[:10]):
        conditions.append(f"(LOCATE(%(word_{place})s, r.name) > 0 OR LOCATE(%(word_{place})s, r.email) > 0)")
        values[f"word_{place}"] = word
    return " AND ".join(conditions), values


async def everybody(handles: Handles, number: int, *, view: str = "", words: str = "") -> AsyncIterator[list[Row]]:
    """All recipients of a view, in pieces."""
    after = 0
    while rows := await page(handles, number, view=view, words=words, after=after, limit=EXPORTED):
        yield rows
        after = rows[-1]["id"]
        if len(rows) < EXPORTED:
            return


async def left_out(handles: Handles, number: int) -> Mapping[str, int]:
    """How many are left out by reason."""
    async with handles.database.connection() as conn:
        return await recipients.reasons(conn, number)
