"""SQL of the module: its two tables, and its columns in `ticket_replies`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection
from app.sql import in_list
from plugins.plausible.events import TrackingEvent

TIMELINE_EVENTS = 20
"""Newest events of each recipient that the popover lists."""


@dataclass(frozen=True)
class TrackedCopy:
    """One recipient's copy as far as recording needs it."""

    recipient_id: int
    reply_id: int


@dataclass(frozen=True)
class CopyPlace:
    """Which copy an id names, and where it belongs."""

    recipient_id: int
    reply_id: int
    ticket_id: int


@dataclass(frozen=True)
class Sums:
    """What the events of one recipient add up to."""

    opens: int
    first_opened_at: datetime | None
    last_opened_at: datetime | None
    clicks: int
    first_clicked_at: datetime | None
    last_clicked_at: datetime | None


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


async def lock_copy(conn: Connection, tracking_id: str) -> TrackedCopy | None:
    """Lock the copy with this id; None where there is none, or where it carries no tracking.

    A copy that has not gone out yet counts: what plugins put into it is written down when it goes. Locked first,
    because the event's foreign key would share the row's lock with another open, and both would then wait for each
    other to change it.
    """
    copy = await conn.fetch_one(
        "SELECT id, email_id, state, reports FROM email_recipients WHERE tracking_id = %(id)s FOR UPDATE",
        {"id": tracking_id},
    )
    if copy is None or (copy["state"] in {"sent", "unknown", "failed"} and not copy["reports"]):
        return None
    mail = await conn.fetch_one(
        "SELECT reply_id, enable_tracking FROM outgoing_emails WHERE id = %(id)s", {"id": copy["email_id"]}
    )
    if mail is None or mail["reply_id"] is None or not mail["enable_tracking"]:
        return None
    return TrackedCopy(copy["id"], mail["reply_id"])


async def insert_event(conn: Connection, event: TrackingEvent, *, recipient_id: int) -> None:
    """Add one event. Raises IntegrityError where its key is already there."""
    sql = """
        INSERT INTO email_tracking_events (event_key, tracking_id, recipient_id, event_type, event_url, user_agent,
                                           ip_address, referrer, occurred_at)
        VALUES (%(key)s, %(tracking_id)s, %(recipient_id)s, %(kind)s, %(url)s, %(user_agent)s, %(ip_address)s,
                %(referrer)s, %(occurred_at)s)
    """
    await conn.execute(
        sql,
        {
            "key": event.key,
            "tracking_id": event.tracking_id,
            "recipient_id": recipient_id,
            "kind": event.kind,
            "url": event.url,
            "user_agent": event.user_agent,
            "ip_address": event.ip_address,
            "referrer": event.referrer,
            "occurred_at": event.occurred_at,
        },
    )


async def add_open(conn: Connection, *, recipient_id: int, at: datetime) -> None:
    """Count one open of a recipient; events may come out of order."""
    sql = """
        INSERT INTO email_tracking_recipients (recipient_id, open_count, first_opened_at, last_opened_at)
        VALUES (%(id)s, 1, %(at)s, %(at)s)
        ON DUPLICATE KEY UPDATE
            open_count = open_count + 1,
            first_opened_at = LEAST(COALESCE(first_opened_at, CAST(%(at)s AS DATETIME(6))), %(at)s),
            last_opened_at = GREATEST(COALESCE(last_opened_at, CAST(%(at)s AS DATETIME(6))), %(at)s)
    """
    await conn.execute(sql, {"id": recipient_id, "at": at})


async def add_click(conn: Connection, *, recipient_id: int, at: datetime) -> None:
    """Count one click of a recipient; events may come out of order."""
    sql = """
        INSERT INTO email_tracking_recipients (recipient_id, click_count, first_clicked_at, last_clicked_at)
        VALUES (%(id)s, 1, %(at)s, %(at)s)
        ON DUPLICATE KEY UPDATE
            click_count = click_count + 1,
            first_clicked_at = LEAST(COALESCE(first_clicked_at, CAST(%(at)s AS DATETIME(6))), %(at)s),
            last_clicked_at = GREATEST(COALESCE(last_clicked_at, CAST(%(at)s AS DATETIME(6))), %(at)s)
    """
    await conn.execute(sql, {"id": recipient_id, "at": at})


async def add_reply_open(conn: Connection, *, reply_id: int, at: datetime) -> None:
    """Count one open of a reply, whoever of its recipients it was."""
    sql = """
        UPDATE ticket_replies
           SET email_open_count = email_open_count + 1,
               email_opened_at = LEAST(COALESCE(email_opened_at, CAST(%(at)s AS DATETIME(6))), %(at)s)
         WHERE id = %(id)s
    """
    await conn.execute(sql, {"id": reply_id, "at": at})


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
        SELECT recipient_id, open_count, first_opened_at, last_opened_at, click_count, first_clicked_at,
               last_clicked_at
          FROM email_tracking_recipients WHERE recipient_id IN {ids}
        """,  # noqa: S608
        parameters,
    )
    return {
        row["recipient_id"]: Sums(
            opens=row["open_count"],
            first_opened_at=row["first_opened_at"],
            last_opened_at=row["last_opened_at"],
            clicks=row["click_count"],
            first_clicked_at=row["first_clicked_at"],
            last_clicked_at=row["last_clicked_at"],
        )
        for row in rows
    }


async def clicked_links(conn: Connection, recipient_ids: Sequence[int]) -> list[ClickedLink]:
    """Which destinations these recipients (at least one id) followed, and how often, most clicked first."""
    ids, parameters = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"""
        SELECT recipient_id, event_url, COUNT(*) AS clicks, MAX(occurred_at) AS last_clicked_at
          FROM email_tracking_events
         WHERE recipient_id IN {ids} AND event_type = 'click'
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
        SELECT recipient_id, event_type, event_url, user_agent, occurred_at
          FROM (SELECT recipient_id, event_type, event_url, user_agent, occurred_at, id,
                       ROW_NUMBER() OVER (PARTITION BY recipient_id ORDER BY id DESC) AS place
                  FROM email_tracking_events WHERE recipient_id IN {ids}) AS numbered
         WHERE place <= %(limit)s ORDER BY id
        """,  # noqa: S608
        {**parameters, "limit": TIMELINE_EVENTS},
    )
    return [
        SeenEvent(row["recipient_id"], row["event_type"], row["event_url"], row["user_agent"] or "", row["occurred_at"])
        for row in rows
    ]


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
    moment: datetime | None = await conn.fetch_value("SELECT MAX(occurred_at) FROM email_tracking_events")
    return moment
