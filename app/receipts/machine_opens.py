"""What mail providers flag: moments at which a machine opened a copy. One plugin hears of them, another one judges by
them, and neither knows the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection
from app.sql import in_list, in_parts


@dataclass(frozen=True)
class MachineOpen:
    """One flag."""

    recipient_id: int
    opened_at: datetime
    source: str
    """Who said so, in at most 40 ASCII characters."""


async def note(conn: Connection, opens: Sequence[MachineOpen]) -> None:
    """Keep flags, in the caller's transaction; one that is known changes nothing."""
    await conn.execute_many(
        """
        INSERT INTO email_machine_opens (recipient_id, opened_at, source) VALUES (%s, %s, %s)
        ON DUPLICATE KEY UPDATE recipient_id = VALUES(recipient_id)
        """,
        [(one.recipient_id, one.opened_at, one.source[:40]) for one in opens],
    )


async def take_new(conn: Connection, *, most: int = 500) -> list[int]:
    """Copies with flags that nobody has looked at, ascending, in the caller's transaction: with its end they count as
    looked at. Any number of workers may ask.
    """
    rows = await conn.fetch_all(
        f"SELECT id, recipient_id FROM email_machine_opens WHERE is_new = 1 ORDER BY id LIMIT {int(most)} "  # noqa: S608
        "FOR UPDATE SKIP LOCKED"
    )
    if rows:
        ids, parameters = in_list("id", [row["id"] for row in rows])
        await conn.execute(f"UPDATE email_machine_opens SET is_new = 0 WHERE id IN {ids}", parameters)  # noqa: S608
    return sorted({row["recipient_id"] for row in rows})


async def forget(conn: Connection, recipient_ids: Sequence[int]) -> None:
    """Delete the flags of these copies, in the caller's transaction."""
    for part in in_parts(recipient_ids):
        ids, parameters = in_list("id", part)
        await conn.execute(f"DELETE FROM email_machine_opens WHERE recipient_id IN {ids}", parameters)  # noqa: S608


async def forget_before(conn: Connection, before: datetime, *, most: int = 2000) -> int:
    """Delete at most so many flags that are older; how many."""
    return await conn.execute(
        f"DELETE FROM email_machine_opens WHERE opened_at < %(before)s LIMIT {int(most)}",  # noqa: S608
        {"before": before},
    )
