"""SQL of what the module shows; `recording.statements` has the SQL that records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection, Row
from app.sql import in_list

LOOKED_AT = 1000
"""Newest copies that are looked at for whether any was opened."""
TIMELINE_EVENTS = 20
"""Newest events of each recipient that the popover lists."""


@dataclass(frozen=True)
class CopyPlace:
    """Which copy an id names, and where it belongs."""

    recipient_id: int
    reply_id: int
    ticket_id: int


@dataclass(frozen=True)
class Sums:
    """What the events of one recipient add up to: those of people, and those of machines."""

    opens: int = 0
    clicks: int = 0
    machine_opens: int = 0
    machine_clicks: int = 0
    first_read_at: datetime | None = None
    last_read_at: datetime | None = None
    words: str = ""
    """The verdict in a sentence."""


@dataclass(frozen=True)
class ClickedLink:
    """One destination that a recipient followed."""

    recipient_id: int
    url: str
    clicks: int
    last_clicked_at: datetime


@dataclass(frozen=True)
class SeenEvent:
    """One event for the timeline."""

    recipient_id: int
    kind: str
    url: str | None
    user_agent: str
    occurred_at: datetime
    repeats: int = 1
    """Requests that this stands for."""
    made_by: str = ""
    """The class; '' until it is known."""
    confidence: float = 0.0
    reason: str = ""

    @classmethod
    def from_row(cls, row: Row) -> SeenEvent:
        """From a row with the columns of `email_tracking_events` that it names."""
        return cls(
            row["recipient_id"],
            row["event_type"],
            row["event_url"],
            row["user_agent"] or "",
            row["occurred_at"],
            row["repeats"],
            row["class"],
            float(row["confidence"]),
            row["reason"],
        )


async def set_tracking_id(conn: Connection, *, reply_id: int, tracking_id: str) -> None:
    """Keep the first recipient's id with the reply; a second mail about the same reply does not take its place."""
    await conn.execute(
        "UPDATE ticket_replies SET email_tracking_id = %(tracking_id)s WHERE id = %(id)s AND email_tracking_id IS NULL",
        {"tracking_id": tracking_id, "id": reply_id},
    )


async def set_sent_at(conn: Connection, *, reply_id: int, at: datetime) -> None:
    """Keep when the mail server took the reply's first copy."""
    await conn.execute(
        """
        UPDATE ticket_replies
           SET email_sent_at = LEAST(COALESCE(email_sent_at, CAST(%(at)s AS DATETIME(6))), %(at)s)
         WHERE id = %(id)s
        """,
        {"at": at, "id": reply_id},
    )


async def sums_of(conn: Connection, recipient_ids: Sequence[int]) -> dict[int, Sums]:
    """The sums of these recipients (at least one id); those without an event are left out."""
    ids, parameters = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT recipient_id, person_opens, person_clicks, machine_opens, machine_clicks, first_read_at, last_read_at,
               words
          FROM email_tracking_recipients WHERE recipient_id IN {ids}
        """,  # noqa: S608
        parameters,
    )
    return {
        row["recipient_id"]: Sums(
            opens=row["person_opens"],
            clicks=row["person_clicks"],
            machine_opens=row["machine_opens"],
            machine_clicks=row["machine_clicks"],
            first_read_at=row["first_read_at"],
            last_read_at=row["last_read_at"],
            words=row["words"],
        )
        for row in rows
    }


async def clicked_links(conn: Connection, recipient_ids: Sequence[int]) -> list[ClickedLink]:
    """Which destinations these people (at least one id) followed, and how often, most clicked first."""
    ids, parameters = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT recipient_id, event_url, CAST(SUM(repeats) AS SIGNED) AS clicks, MAX(occurred_at) AS last_clicked_at
          FROM email_tracking_events
         WHERE recipient_id IN {ids} AND event_type = 'click' AND class IN ('human', 'human_proxy')
         GROUP BY recipient_id, event_url ORDER BY clicks DESC, event_url
        """,  # noqa: S608
        parameters,
    )
    return [ClickedLink(row["recipient_id"], row["event_url"], row["clicks"], row["last_clicked_at"]) for row in rows]


async def newest_events(conn: Connection, recipient_ids: Sequence[int]) -> list[SeenEvent]:
    """The newest events of each of these recipients (at least one id), oldest first."""
    ids, parameters = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT recipient_id, event_type, event_url, user_agent, occurred_at, repeats, class, confidence, reason
          FROM (SELECT recipient_id, event_type, event_url, user_agent, occurred_at, repeats, class, confidence, reason,
                       id,
                       ROW_NUMBER() OVER (PARTITION BY recipient_id ORDER BY id DESC) AS place
                  FROM email_tracking_events WHERE recipient_id IN {ids}) AS numbered
         WHERE place <= %(limit)s ORDER BY id
        """,  # noqa: S608
        {**parameters, "limit": TIMELINE_EVENTS},
    )
    return [SeenEvent.from_row(row) for row in rows]


async def recipients_of(conn: Connection, reply_ids: Sequence[int]) -> dict[int, int]:
    """Recipient id → reply id, of those recipients of these replies (at least one id) that have events."""
    ids, parameters = in_list("id", reply_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT r.id, e.reply_id
          FROM outgoing_emails AS e
          JOIN email_recipients AS r ON r.email_id = e.id
          JOIN email_tracking_recipients AS t ON t.recipient_id = r.id
         WHERE e.reply_id IN {ids}
        """,  # noqa: S608
        parameters,
    )
    return {row["id"]: row["reply_id"] for row in rows}


async def copy_by_tracking_id(conn: Connection, tracking_id: str) -> CopyPlace | None:
    """The reply's copy with this id; None where there is none."""
    row = await conn.fetch_one(
        """
        SELECT r.id AS recipient_id, e.reply_id, t.ticket_id
          FROM email_recipients AS r
          JOIN outgoing_emails AS e ON e.id = r.email_id
          JOIN ticket_replies AS t ON t.id = e.reply_id
         WHERE r.tracking_id = %(id)s
        """,
        {"id": tracking_id},
    )
    return CopyPlace(**row) if row else None


async def last_event_at(conn: Connection) -> datetime | None:
    """When the last event was recorded."""
    moment: datetime | None = await conn.fetch_value(
        "SELECT occurred_at FROM email_tracking_events ORDER BY id DESC LIMIT 1"
    )
    return moment


async def silent_copies(conn: Connection, *, since: datetime | None, before: datetime) -> int:
    """How many tracked copies went out after `since` and before `before`, among the newest LOOKED_AT."""
    return int(
        await conn.fetch_value(
            f"""
            SELECT COUNT(*)
              FROM (SELECT state, reports, sent_at FROM email_recipients ORDER BY id DESC LIMIT {LOOKED_AT}) AS newest
             WHERE state = 'sent' AND reports <> '' AND sent_at < %(before)s
               AND (%(since)s IS NULL OR sent_at > %(since)s)
            """,  # noqa: S608
            {"since": since, "before": before},
        )
    )


async def now(conn: Connection) -> datetime:
    """The database server's clock."""
    moment: datetime = await conn.fetch_value("SELECT UTC_TIMESTAMP(6)")
    return moment
