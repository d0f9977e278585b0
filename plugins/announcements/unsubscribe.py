"""Who wants no more announcements: told by the link in one. It is kept in the list of suppressed addresses."""

from __future__ import annotations

from dataclasses import dataclass

from app.database import Connection, Database
from app.services import suppressions
from plugins.announcements.models import mailing_of

WAYS = {"page": "On the page that the link opens", "one-click": "One click in their mail program"}
"""How somebody said it, in words."""


@dataclass(frozen=True)
class Reader:
    """Whose link it is."""

    row_id: int
    announcement_id: int
    subject: str
    email: str
    contact_id: int
    is_unsubscribed: bool


async def reader(database: Database, row_id: int) -> Reader | None:
    """Whose link it is; None where the recipient is gone or was erased. Changes nothing."""
    async with database.connection() as conn:
        return await _reader(conn, row_id)


async def _reader(conn: Connection, row_id: int) -> Reader | None:
    row = await conn.fetch_one(
        """
        SELECT r.id AS row_id, r.announcement_id, a.subject, r.email, r.contact_id
          FROM announcement_recipients AS r JOIN announcements AS a ON a.id = r.announcement_id
         WHERE r.id = %(id)s AND r.email <> ''
        """,
        {"id": row_id},
    )
    if row is None:
        return None
    is_out = await suppressions.wants_none(conn, row["email"], contact_id=row["contact_id"])
    return Reader(**row, is_unsubscribed=is_out)


async def change(database: Database, row_id: int, *, wants: bool, source: str) -> Reader | None:
    """Keep what the recipient of a mail decided. source: one of WAYS. None where the recipient is gone."""

    async def work(conn: Connection) -> Reader | None:
        found = await _reader(conn, row_id)
        if found is None:
            return None
        if wants:
            await suppressions.subscribe(conn, found.email, contact_id=found.contact_id)
        else:
            await suppressions.unsubscribe(
                conn,
                found.email,
                contact_id=found.contact_id,
                mailing=mailing_of(found.announcement_id),
                detail=f"{WAYS[source]}: “{found.subject}”",
            )
        return found

    return await database.run(work)
