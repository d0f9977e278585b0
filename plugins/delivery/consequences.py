"""What follows from events whose copy is known."""

from __future__ import annotations

from app.database import Connection
from app.services import receipts
from plugins.delivery.model import Matched

FATES = {"delivered", "bounced", "complained"}


async def apply(conn: Connection, matched: list[Matched]) -> None:
    """Report delivered, bounced and complained for the badges, in the caller's transaction."""
    await receipts.report(
        conn,
        [
            receipts.Report(one.recipient_id, one.reply_id, one.ticket_id, one.event.kind, one.event.happened_at)
            for one in matched
            if one.event.kind in FATES and one.reply_id is not None and one.ticket_id is not None
        ],
    )
