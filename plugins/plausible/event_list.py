"""Opens and clicks one by one, newest first, for the portal's list of all events.

Keys of events begin with their time (RFC 9562, version 7), so their index is in the order of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from app.database import Connection, Row
from app.hookspecs import MailEvent, MailEventQuery
from app.sql import literal
from plugins.plausible.clients import client_of
from plugins.plausible.events import CLICK, OPEN

_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
KINDS = frozenset({OPEN, CLICK})


async def page(conn: Connection, query: MailEventQuery) -> list[MailEvent]:
    """At most `query.limit` events."""
    kinds = KINDS if query.kinds is None else KINDS & query.kinds
    if not kinds or query.recipient_ids == ():
        return []
    last = query.after or _key(query.until)
    if not _KEY.fullmatch(last):
        return []
    conditions = [
        f"event_key < x'{last}'",
        f"event_key >= x'{_key(query.since)}'",
        f"occurred_at >= {literal(query.since)} AND occurred_at < {literal(query.until)}",
    ]
    if len(kinds) < len(KINDS):
        conditions.append(f"event_type = {literal(next(iter(kinds)))}")
    if query.made_by is not None:
        conditions.append(f"class IN ({_list(query.made_by)})")
    index = "FORCE INDEX (email_tracking_events_key)"
    if query.recipient_ids is not None:
        conditions.append(f"recipient_id IN ({','.join(map(str, query.recipient_ids))})")
        index = "FORCE INDEX (email_tracking_events_recipient)"
    rows = await conn.fetch_all(
        f"""
        SELECT event_key, occurred_at, event_type, recipient_id, class, reason, event_url, user_agent, repeats
          FROM email_tracking_events {index} WHERE {" AND ".join(conditions)}
         ORDER BY event_key DESC LIMIT {int(query.limit)}
        """  # noqa: S608
    )
    return [_event(row) for row in rows]


def _key(moment: datetime) -> str:
    """The lowest key of that millisecond, as hexadecimal digits."""
    return f"{int(moment.timestamp() * 1000):012x}" + "0" * 20


def _event(row: Row) -> MailEvent:
    return MailEvent(
        position=row["event_key"].hex(),
        happened_at=row["occurred_at"],
        kind=row["event_type"],
        recipient_id=row["recipient_id"],
        made_by=row["class"],
        reason=row["reason"],
        detail=row["event_url"] or "",
        client=client_of(row["user_agent"]).name if row["user_agent"] else "",
        times=row["repeats"],
    )


def _list(values: Iterable[str]) -> str:
    return ", ".join(map(literal, sorted(values)))
