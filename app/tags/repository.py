"""SQL of tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from app.database import Connection, utcnow
from app.tags.models import Tag


async def tags(conn: Connection) -> list[Tag]:
    """All of them with their numbers of tickets, by name; for an admin's page."""
    rows = await conn.fetch_all(
        """
        SELECT g.id, g.name, COUNT(x.ticket_id) AS tickets
          FROM tags AS g LEFT JOIN ticket_tags AS x ON x.tag_id = g.id GROUP BY g.id, g.name ORDER BY g.name
        """
    )
    return [Tag(**row) for row in rows]


async def names(conn: Connection, *, beginning: str = "", limit: int) -> list[str]:
    """The first names in the alphabet that begin so."""
    beginning = beginning.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = await conn.fetch_all(
        "SELECT g.name FROM tags AS g WHERE g.name LIKE %(like)s ORDER BY g.name LIMIT %(limit)s",
        {"like": f"{beginning}%", "limit": limit},
    )
    return [row["name"] for row in rows]


async def tag(conn: Connection, tag_id: int, *, lock: bool = False) -> Tag | None:
    """One of them; with `lock`, held until the end of the transaction."""
    row = await conn.fetch_one(
        f"SELECT g.id, g.name FROM tags AS g WHERE g.id = %(id)s{' FOR UPDATE' if lock else ''}",  # noqa: S608
        {"id": tag_id},
    )
    return Tag(**row) if row else None


async def ids(conn: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """Ids of those of these tags that there are, by name."""
    if not wanted:
        return {}
    rows = await conn.fetch_all("SELECT g.id, g.name FROM tags AS g WHERE g.name IN %(names)s", {"names": list(wanted)})
    return {row["name"]: row["id"] for row in rows}


async def ensure(conn: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """Ids of tags by name; those that there are not yet are made."""
    known = await ids(conn, wanted)
    now = utcnow()
    for name in sorted(set(wanted) - known.keys()):
        # Somebody may make the same one at this moment.
        await conn.execute(
            "INSERT INTO tags (name, created_at) VALUES (%(name)s, %(now)s) ON DUPLICATE KEY UPDATE id = id",
            {"name": name, "now": now},
        )
    return known if len(known) == len(set(wanted)) else await ids(conn, wanted)


async def of_tickets(conn: Connection, ticket_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The tags of tickets, by ticket; those without any are left out."""
    wanted = list(ticket_ids)
    if not wanted:
        return {}
    rows = await conn.fetch_all(
        """
        SELECT x.ticket_id, g.name FROM ticket_tags AS x JOIN tags AS g ON g.id = x.tag_id
         WHERE x.ticket_id IN %(ids)s ORDER BY g.name
        """,
        {"ids": wanted},
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for row in rows:
        found[row["ticket_id"]].append(row["name"])
    return {ticket_id: tuple(of_one) for ticket_id, of_one in found.items()}


async def put(conn: Connection, ticket_id: int, tag_ids: Iterable[int]) -> None:
    """Put tags on a ticket that has none of them."""
    await conn.execute_many(
        "INSERT INTO ticket_tags (ticket_id, tag_id) VALUES (%s, %s) ON DUPLICATE KEY UPDATE tag_id = VALUES(tag_id)",
        [(ticket_id, one) for one in sorted(tag_ids)],
    )


async def take(conn: Connection, ticket_id: int, names_gone: Sequence[str]) -> None:
    """Take tags from a ticket."""
    await conn.execute(
        """
        DELETE x FROM ticket_tags AS x JOIN tags AS g ON g.id = x.tag_id
         WHERE x.ticket_id = %(ticket)s AND g.name IN %(names)s
        """,
        {"ticket": ticket_id, "names": list(names_gone)},
    )


async def rename(conn: Connection, tag_id: int, name: str) -> None:
    """Give a tag a name that no other has."""
    await conn.execute("UPDATE tags SET name = %(name)s WHERE id = %(id)s", {"id": tag_id, "name": name})


async def merge(conn: Connection, tag_id: int, into: int) -> None:
    """Put `into` on all tickets of a tag, and remove the tag."""
    await conn.execute(
        """
        INSERT INTO ticket_tags (ticket_id, tag_id) SELECT x.ticket_id, %(into)s FROM ticket_tags AS x
         WHERE x.tag_id = %(id)s AND NOT EXISTS (
               SELECT 1 FROM ticket_tags AS y WHERE y.ticket_id = x.ticket_id AND y.tag_id = %(into)s)
        """,
        {"id": tag_id, "into": into},
    )
    await delete(conn, tag_id)


async def delete(conn: Connection, tag_id: int) -> None:
    """Remove a tag, from its tickets too."""
    await conn.execute("DELETE FROM tags WHERE id = %(id)s", {"id": tag_id})
