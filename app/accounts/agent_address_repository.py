"""SQL of the addresses from which people who are logged in work; given and stored as hashes (16 bytes)."""

from __future__ import annotations

from datetime import datetime

from app.database import Connection, utcnow


async def note(conn: Connection, address_hash: bytes) -> None:
    """Note that an address is in use now."""
    sql = """
        INSERT INTO agent_addresses (address_hash, seen_at) VALUES (%(hash)s, %(now)s)
            ON DUPLICATE KEY UPDATE seen_at = %(now)s
    """
    await conn.execute(sql, {"hash": address_hash, "now": utcnow()})


async def since(conn: Connection, moment: datetime) -> frozenset[bytes]:
    """The addresses that were in use since then."""
    sql = "SELECT address_hash FROM agent_addresses WHERE seen_at > %(since)s"
    return frozenset(row["address_hash"] for row in await conn.fetch_all(sql, {"since": moment}))
