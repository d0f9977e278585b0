"""How many replies went out and how many of them were read, by who wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.database import Connection
from app.reports.rules import READ
from app.tickets import access


@dataclass(frozen=True)
class Replies:
    """The mailed replies of one agent in a period."""

    user_id: int | None
    """None for agents who are gone."""
    sent: int
    tracked: int
    """Those with a tracked copy: only of these is known whether they were read."""
    read: int
    """Of those, where at least one recipient read or answered it, as far as is known; by the reports' definition."""


async def replies_since(conn: Connection, since: datetime) -> list[Replies]:
    """Replies whose mail was due since and has left, by author.

    By when a copy was due, because the outbox has an index by that.
    """
    seen = access.condition()
    only = "" if seen == access.EVERYTHING else f"JOIN tickets AS t ON t.id = p.ticket_id AND {seen}"
    sql = f"""
        SELECT m.user_id, COUNT(*) AS sent, COALESCE(SUM(m.tracked), 0) AS tracked,
               COALESCE(SUM(m.was_read), 0) AS was_read
          FROM (SELECT p.author_user_id AS user_id, MAX(r.reports <> '') AS tracked,
                       MAX(r.reports <> '' AND {READ}) AS was_read
                  FROM email_recipients AS r FORCE INDEX (email_recipients_due)
                  JOIN outgoing_emails AS e ON e.id = r.email_id JOIN ticket_replies AS p ON p.id = e.reply_id {only}
                 WHERE r.state = 'sent' AND r.next_attempt_at >= %(since)s
                 GROUP BY p.id, p.author_user_id) AS m
         GROUP BY m.user_id
    """  # noqa: S608
    rows = await conn.fetch_all(sql, {"since": since})
    return [Replies(row["user_id"], int(row["sent"]), int(row["tracked"]), int(row["was_read"])) for row in rows]
