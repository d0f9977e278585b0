"""Who wants no more announcements: asked before each mail, told by contacts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from app.database import Connection, Database, utcnow
from app.sql import in_list


@dataclass(frozen=True)
class Reader:
    """Whose link it is."""

    row_id: int
    announcement_id: int
    subject: str
    email: str
    contact_id: int
    is_unsubscribed: bool


def hash_of(email: str) -> bytes:
    """What an address is kept as, also when the person is erased; case does not count."""
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).digest()


async def unsubscribed(
    conn: Connection, emails: Sequence[str], contact_ids: Sequence[int] = ()
) -> tuple[set[bytes], set[int]]:
    """Of these addresses and contacts those who want no more: hashes of addresses, and ids."""
    hashes: set[bytes] = set()
    contacts: set[int] = set()
    if emails:
        listed, parameters = in_list("hash", [hash_of(one) for one in emails])
        sql = f"SELECT u.email_hash FROM announcement_unsubscribes AS u WHERE u.email_hash IN {listed}"  # noqa: S608
        hashes = {bytes(row["email_hash"]) for row in await conn.fetch_all(sql, parameters)}
    if contact_ids:
        listed, parameters = in_list("contact", contact_ids)
        sql = f"SELECT u.contact_id FROM announcement_unsubscribes AS u WHERE u.contact_id IN {listed}"  # noqa: S608
        contacts = {int(row["contact_id"]) for row in await conn.fetch_all(sql, parameters)}
    return hashes, contacts


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
    hashes, contacts = await unsubscribed(conn, [row["email"]], [row["contact_id"]])
    return Reader(**row, is_unsubscribed=bool(hashes or contacts))


async def change(database: Database, row_id: int, *, wants: bool, source: str) -> Reader | None:
    """Keep what the recipient of a mail decided. source: 'page' or 'one-click'. None where the recipient is gone."""

    async def work(conn: Connection) -> Reader | None:
        found = await _reader(conn, row_id)
        if found is None:
            return None
        if wants:
            await _subscribe(conn, found.email, found.contact_id)
        else:
            await add(
                conn, found.email, contact_id=found.contact_id, source=source, announcement_id=found.announcement_id
            )
        return found

    return await database.run(work)


async def add(
    conn: Connection, email: str, *, contact_id: int | None, source: str, announcement_id: int | None = None
) -> None:
    """Note that an address wants no more; the first time counts."""
    await conn.execute(
        """
        INSERT INTO announcement_unsubscribes (email_hash, email, contact_id, announcement_id, source, happened_at)
        VALUES (%(hash)s, %(email)s, %(contact)s, %(announcement)s, %(source)s, %(now)s)
            ON DUPLICATE KEY UPDATE contact_id = COALESCE(announcement_unsubscribes.contact_id, VALUES(contact_id))
        """,
        {
            "hash": hash_of(email),
            "email": email,
            "contact": contact_id,
            "announcement": announcement_id,
            "source": source,
            "now": utcnow(),
        },
    )


async def _subscribe(conn: Connection, email: str, contact_id: int) -> None:
    await conn.execute(
        "DELETE FROM announcement_unsubscribes WHERE email_hash = %(hash)s OR contact_id = %(contact)s",
        {"hash": hash_of(email), "contact": contact_id},
    )


async def count_of(conn: Connection, announcement_id: int) -> int:
    """How many unsubscribed by the link of an announcement."""
    sql = "SELECT COUNT(*) FROM announcement_unsubscribes WHERE announcement_id = %(id)s"
    return int(await conn.fetch_value(sql, {"id": announcement_id}))
