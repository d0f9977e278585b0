"""What providers told, one by one and newest first, for the portal's list of all events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.database import Connection, Row
from app.hookspecs import MailEvent, MailEventQuery
from app.services import reports
from app.sql import in_list
from plugins.delivery.activity import source

KINDS = {
    "delivered": "delivered",
    "deferred": "deferred",
    "bounced": "bounced",
    "failed": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "opened": "open",
    "clicked": "click",
}
"""Ours to the portal's. That a provider took a mail is known from our own mail server; what some other words of it mean
nobody knows.
"""
MACHINE, PERSON = "bot", "human"


async def page(conn: Connection, query: MailEventQuery) -> list[MailEvent]:
    """At most `query.limit` events."""
    kinds = [ours for ours, theirs in KINDS.items() if query.kinds is None or theirs in query.kinds]
    if not kinds or query.recipient_ids == ():
        return []
    named, values = in_list("kind", kinds)
    conditions = [f"d.kind IN {named}", "d.happened_at >= %(since)s", "d.happened_at < %(until)s"]
    given: dict[str, Any] = {**values, "since": query.since, "until": query.until, "limit": query.limit}
    if query.after is not None:
        at, number = reports.read_position(query.after)
        conditions += ["d.happened_at <= %(at)s", "(d.happened_at < %(at)s OR d.id < %(number)s)"]
        given |= {"at": at, "number": number}
    if query.made_by is not None:
        flags = [flag for flag, name in ((1, MACHINE), (0, PERSON)) if name in query.made_by]
        if not flags:
            return []
        conditions.append(f"d.machine IN ({','.join(map(str, flags))})")
    if query.recipient_ids is not None:
        ids, more = in_list("id", query.recipient_ids)
        conditions.append(f"d.recipient_id IN {ids}")
        given |= more
    index = "FORCE INDEX (delivery_events_time)" if query.recipient_ids is None else ""
    rows = await conn.fetch_all(
        f"""
        SELECT d.id, d.happened_at, d.kind, d.bounce, d.machine, d.provider, d.recipient_id, d.recipient, d.reason,
               d.code, d.url, d.unmatched
          FROM delivery_events AS d {index} WHERE {" AND ".join(conditions)}
         ORDER BY d.happened_at DESC, d.id DESC LIMIT %(limit)s
        """,  # noqa: S608
        given,
    )
    return [_event(row) for row in rows]


def _event(row: Row) -> MailEvent:
    at: datetime = row["happened_at"]
    said = f"Says {source(row['provider'])}"
    if row["bounce"]:
        said = f"{row['bounce'].capitalize()} bounce. {said}"
    if row["unmatched"]:
        said = f"{said}; of no mail of ours that we could be sure of"
    machine = {None: "", 0: PERSON, 1: MACHINE}[row["machine"]]
    return MailEvent(
        position=reports.position(at, row["id"]),
        happened_at=at,
        kind=KINDS[row["kind"]],
        recipient_id=row["recipient_id"],
        email=row["recipient"],
        made_by=machine if row["kind"] in {"opened", "clicked"} else "",
        reason=f"{said}: {row['reason']}" if row["reason"] else f"{said}.",
        detail=row["url"] or row["code"],
    )
