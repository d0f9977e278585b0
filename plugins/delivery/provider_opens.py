"""Opens that a provider saw, where our own pixel is not in the copy: they say of reading what it would have said. So
does a link that a person followed, where neither pixel nor links are ours.

Where our pixel is in it too, the provider's opens stay in the timeline and are not counted a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection
from app.services import receipts
from app.sql import in_list
from plugins.delivery.matching import Copy
from plugins.delivery.model import Matched
from plugins.delivery.providers import PROVIDERS

RANKS = {None: 0, "machine": 1, "read": 2}


async def report(conn: Connection, found: Sequence[tuple[Matched, Copy]]) -> None:
    """Report reading for the badges, and keep what the provider says of machines, in the caller's transaction. It never
    takes a reading back.
    """
    flagged = [one for one, _ in found if one.event.kind == "opened" and one.event.machine]
    if flagged:
        await receipts.note_machine_opens(
            conn,
            [receipts.MachineOpen(one.recipient_id, one.event.happened_at, one.event.provider) for one in flagged],
        )
    opens = [
        one
        for one, copy in found
        if one.event.machine is not None and not copy.has_pixel and one.reply_id
        if one.event.kind == "opened" or (one.event.kind == "clicked" and not one.event.machine and not copy.has_links)
    ]
    if not opens:
        return
    ids, parameters = in_list("id", sorted({one.recipient_id for one in opens}))
    rows = await conn.fetch_all(
        f"SELECT id, seen FROM email_recipients WHERE id IN {ids} ORDER BY id FOR UPDATE",  # noqa: S608
        parameters,
    )
    known = {row["id"]: RANKS[row["seen"]] for row in rows}
    for one in opens:
        seen = "machine" if one.event.machine else "read"
        if one.ticket_id is None or one.reply_id is None or RANKS[seen] <= known.get(one.recipient_id, 2):
            continue
        known[one.recipient_id] = RANKS[seen]
        label = PROVIDERS[one.event.provider].label if one.event.provider in PROVIDERS else one.event.provider
        what = "followed a link" if one.event.kind == "clicked" else "opened it"
        words = f"{label} says that {'a machine' if seen == 'machine' else 'a person'} {what}."
        place = (one.recipient_id, one.reply_id, one.ticket_id)
        await receipts.report(conn, [receipts.Report(*place, seen, one.event.happened_at, words=words)])
