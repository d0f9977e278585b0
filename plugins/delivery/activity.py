"""What the module knows of replies: lines of the timeline behind the badge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.database import Connection, Database, Row
from app.hookspecs import ReplyActivity, TimelineEntry
from app.sql import in_list
from plugins.delivery.providers import PROVIDERS

LINES = 20
"""Newest events of each recipient that the popover lists."""
ONE_LOOK = timedelta(seconds=3)
"""Two opens so close are one look, told by two of a provider's pixels."""
WORDS = {
    "delivered": "Delivered",
    "deferred": "Delayed, tried again",
    "failed": "Not sent by the provider",
    "complained": "Marked as spam",
    "unsubscribed": "Unsubscribed",
    "opened": "Opened",
    "clicked": "A link followed",
}
BOUNCES = {"hard": "Bounced for good", "soft": "Bounced, perhaps only for now", "": "Bounced"}
LINE_KINDS = {"opened": "open", "clicked": "click", "deferred": "delayed", "failed": "bounced"}
"""What the timeline calls these; a line of a mail's fate stands for the portal's own of the same moment."""
OTHERS = {"bounce_mail": "a bounce mail", "generic": "the mail server"}


async def activity(database: Database, reply_ids: Sequence[int]) -> Mapping[int, ReplyActivity]:
    """By reply id; replies without events are left out."""
    if not reply_ids:
        return {}
    async with database.connection() as conn:
        rows = await _newest(conn, reply_ids)
    found: defaultdict[int, list[TimelineEntry]] = defaultdict(list)
    last_open: dict[int, Row] = {}
    for row in rows:
        before = last_open.get(row["recipient_id"])
        if row["kind"] == "opened":
            last_open[row["recipient_id"]] = row
            if before is not None and row["happened_at"] - before["happened_at"] < ONE_LOOK:
                continue
        found[row["reply_id"]].append(entry(row))
    return {reply_id: ReplyActivity(timeline=tuple(lines)) for reply_id, lines in found.items()}


async def _newest(conn: Connection, reply_ids: Sequence[int]) -> list[Row]:
    replies, parameters = in_list("reply", reply_ids)
    kinds, more = in_list("kind", [*WORDS, "bounced"])
    return await conn.fetch_all(
        f"""
        SELECT * FROM (
            SELECT m.reply_id, d.recipient_id, d.provider, d.kind, d.bounce, d.machine, d.happened_at, d.reason, d.code,
                   d.url,
                   ROW_NUMBER() OVER (PARTITION BY d.recipient_id ORDER BY d.happened_at DESC, d.id DESC) AS place
              FROM outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id
              JOIN delivery_events AS d ON d.recipient_id = r.id
             WHERE m.reply_id IN {replies} AND d.kind IN {kinds}
        ) AS found WHERE place <= {LINES} ORDER BY happened_at, recipient_id
        """,  # noqa: S608
        {**parameters, **more},
    )


def entry(row: Row) -> TimelineEntry:
    """One event in words: what, and the provider's reason with who says so."""
    kind: str = row["kind"]
    words = BOUNCES[row["bounce"]] if kind == "bounced" else WORDS[kind]
    if row["machine"] is not None and kind in {"opened", "clicked"}:
        words = f"{words} by a {'machine' if row['machine'] else 'person'}"
    reason = row["reason"]
    if row["code"] and row["code"] not in reason:
        reason = f"{row['code']} {reason}".strip()
    detail = " · ".join(filter(None, (reason, row["url"][:100], f"says {source(row['provider'])}")))
    return TimelineEntry(
        happened_at=row["happened_at"],
        recipient_id=row["recipient_id"],
        kind=LINE_KINDS.get(kind, kind),
        words=words,
        detail=detail,
        machine=bool(row["machine"]),
    )


def source(provider: str) -> str:
    """Who tells, in words."""
    if provider in OTHERS:
        return OTHERS[provider]
    return PROVIDERS[provider].label if provider in PROVIDERS else provider
