"""Taking a person's events out of the outbox, on their demand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from app.database import Connection
from plugins.plausible.sync.outbox import LOST, NO_PERSON, SWEEP, take_out
from plugins.plausible.sync.outcome import Outcome

ERASED = "the recipient was erased while it waited"


async def take_out_erased(
    conn: Connection, recipient_ids: Sequence[int], *, machines: bool, day: date, now: datetime
) -> tuple[int, bool]:
    """Take out what waits of these recipients (at least one id), at most SWEEP, counted as erased.

    machines: whether those of machines were to be sent too; otherwise they leave as what they are.
    What is being sent right now stays until its outcome is known: it may count at Plausible, and the account says so.
    What somebody never told the end of is ambiguous, also where no worker looks after it, as with the module off.
    Returns how many were taken out without being sent, and whether any are left.
    """
    numbers = ",".join(map(str, recipient_ids))
    rows = await conn.fetch_all(
        f"""
        SELECT id, event_key, occurred_at, attempts, state, is_person,
               state = 'sending' AND lease_until >= UTC_TIMESTAMP(6) AS is_busy
          FROM email_tracking_outbox WHERE recipient_id IN ({numbers}) ORDER BY id LIMIT {SWEEP + 1} FOR UPDATE
        """  # noqa: S608
    )
    some = rows[:SWEEP]
    take_out(
        conn, [row for row in some if row["state"] == "sending" and not row["is_busy"]], Outcome.AMBIGUOUS, LOST,
        day=day, now=now,
    )  # fmt: skip
    waiting = [row for row in some if row["state"] == "waiting"]
    others = [row for row in waiting if not row["is_person"] and not machines]
    take_out(conn, others, Outcome.NO_PERSON, NO_PERSON, day=day, now=now)
    take_out(conn, [row for row in waiting if row not in others], Outcome.ERASED, ERASED, day=day, now=now)
    return len(waiting), len(rows) > SWEEP or any(row["is_busy"] for row in some)
