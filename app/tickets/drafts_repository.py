"""SQL of drafts: one per agent and ticket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.database import Connection, utcnow
from app.tickets.models import Draft


async def save(
    conn: Connection,
    *,
    user_id: int,
    ticket_id: int,
    kind: str,
    body_html: str,
    to: str,
    cc: str,
    bcc: str,
    extra: Mapping[str, Any],
) -> None:
    """Keep what an agent is writing, in place of what was kept before.

    extra: "attachments", ids of files that are not sent yet, and "track", the choice of tracking or None.
    """
    sql = """
        INSERT INTO drafts (user_id, ticket_id, kind, body_html, to_line, cc_line, bcc_line, extra, updated_at)
        VALUES (%(user_id)s, %(ticket_id)s, %(kind)s, %(body_html)s, %(to)s, %(cc)s, %(bcc)s, %(extra)s, %(now)s)
        ON DUPLICATE KEY UPDATE kind = %(kind)s, body_html = %(body_html)s, to_line = %(to)s, cc_line = %(cc)s,
               bcc_line = %(bcc)s, extra = %(extra)s, updated_at = %(now)s
    """
    values = {"user_id": user_id, "ticket_id": ticket_id, "kind": kind, "body_html": body_html}
    lines = {"to": to, "cc": cc, "bcc": bcc, "extra": json.dumps(dict(extra))}
    await conn.execute(sql, {**values, **lines, "now": utcnow()})


async def draft(conn: Connection, *, user_id: int, ticket_id: int) -> Draft | None:
    """What an agent was writing on a ticket."""
    sql = """
        SELECT d.kind, d.body_html, d.to_line, d.cc_line, d.bcc_line, d.updated_at, d.extra FROM drafts AS d
         WHERE d.user_id = %(user_id)s AND d.ticket_id = %(ticket_id)s
    """
    row = await conn.fetch_one(sql, {"user_id": user_id, "ticket_id": ticket_id})
    if row is None:
        return None
    extra = json.loads(row.pop("extra") or "{}")
    return Draft(**row, attachment_ids=tuple(extra.get("attachments", ())), track=extra.get("track"))


async def delete(conn: Connection, *, user_id: int, ticket_id: int) -> None:
    """Forget a draft."""
    sql = "DELETE FROM drafts WHERE user_id = %(user_id)s AND ticket_id = %(ticket_id)s"
    await conn.execute(sql, {"user_id": user_id, "ticket_id": ticket_id})
