"""SQL of suppressed addresses. A line without `removed_at` stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.database import Connection, utcnow
from app.sql import in_list, literal
from app.suppressions import rules
from app.suppressions.models import New, Query, Suppression

COLUMNS = """
    s.id, s.email, s.scope, s.reason, s.source, s.detail, s.since, u.name AS added_by, s.removed_at,
    r.name AS removed_by
"""
OWNED = f"{COLUMNS}, (SELECT a.contact_id FROM contact_addresses AS a WHERE a.email = s.email LIMIT 1) AS contact_id"  # noqa: S608
BACK = "removed_at < VALUES(since)"
TABLES = "suppressions AS s LEFT JOIN users AS u ON u.id = s.added_by LEFT JOIN users AS r ON r.id = s.removed_by"


async def insert(conn: Connection, news: Sequence[New]) -> None:
    """Put addresses on the list (at least one, as `rules.normal` writes them). Of what stands against an address the
    weightiest reason is kept, and the first of its kind; a line that was taken off comes back for what happened since.
    """
    weight = f"FIELD({{}}, {', '.join(map(literal, rules.BY_WEIGHT))})"
    heavier = f"{weight.format('VALUES(reason)')} > {weight.format('reason')}"
    counts = f"IF(removed_at IS NULL, {heavier} OR (VALUES(reason) = reason AND VALUES(since) < since), {BACK})"
    # From left to right: what the condition looks at changes last.
    columns = ("source", "detail", "added_by", "mailing", "since", "reason")
    sql = f"""
        INSERT INTO suppressions
               (email, scope, reason, source, detail, since, added_by, contact_id, mailing, created_at)
        VALUES (%(email)s, %(scope)s, %(reason)s, %(source)s, %(detail)s, %(since)s, %(added_by)s, %(contact)s,
                %(mailing)s, %(now)s)
        ON DUPLICATE KEY UPDATE contact_id = COALESCE(VALUES(contact_id), contact_id),
            {", ".join(f"{name} = IF({counts}, VALUES({name}), {name})" for name in columns)},
            removed_by = IF({BACK}, NULL, removed_by), removed_at = IF({BACK}, NULL, removed_at)
    """  # noqa: S608
    rows = [
        {
            "email": one.email,
            "scope": one.scope,
            "reason": one.reason,
            "source": one.source[: rules.LONGEST_SOURCE],
            "detail": one.detail[: rules.LONGEST_DETAIL],
            "since": one.since,
            "added_by": one.added_by,
            "contact": one.contact_id,
            "mailing": one.mailing,
            "now": utcnow(),
        }
        # In one order, so that two that add the same do not wait for each other.
        for one in sorted(news, key=lambda one: (one.email, one.scope))
    ]
    await conn.execute_many(sql, rows)


async def standing(
    conn: Connection, hashes: Mapping[str, Sequence[bytes]], *, scopes: Sequence[str]
) -> dict[str, list[Suppression]]:
    """What stands against each of these addresses (at least one), by address; those of erased people by their hash.

    hashes: of each address, as `rules.normal` writes it, under each key.
    """
    owner = {one: email for email, found in hashes.items() for one in found}
    emails, parameters = in_list("email", hashes)
    hashed, more = in_list("hash", owner)
    named, most = in_list("scope", scopes)
    values = {**parameters, **more, **most}
    rows = await conn.fetch_all(
        f"""
        SELECT {COLUMNS}, s.email_hash FROM {TABLES}
         WHERE s.email IN {emails} AND s.scope IN {named} AND s.removed_at IS NULL
         UNION ALL
        SELECT {COLUMNS}, s.email_hash FROM {TABLES}
         WHERE s.email_hash IN {hashed} AND s.scope IN {named} AND s.removed_at IS NULL
        """,  # noqa: S608
        values,
    )
    found: dict[str, list[Suppression]] = {}
    for row in rows:
        key = row.pop("email_hash")
        email = row["email"] or owner[bytes(key)]
        found.setdefault(email, []).append(Suppression.from_row(row))
    return found


async def line(conn: Connection, number: int, *, lock: bool = False) -> Suppression | None:
    """One line, also one that was taken off. lock: held until the end of the transaction."""
    if lock:
        await conn.fetch_value("SELECT id FROM suppressions WHERE id = %(id)s FOR UPDATE", {"id": number})
    row = await conn.fetch_one(
        f"""
        SELECT {OWNED} FROM {TABLES} WHERE s.id = %(id)s
        """,  # noqa: S608
        {"id": number},
    )
    return Suppression.from_row(row) if row else None


async def owner(conn: Connection, email: str) -> int | None:
    """The contact of an address."""
    sql = "SELECT contact_id FROM contact_addresses WHERE email = %(email)s LIMIT 1"
    found = await conn.fetch_value(sql, {"email": email})
    return None if found is None else int(found)


async def page(conn: Connection, query: Query, *, before: int = 0, after: int = 0, limit: int) -> list[Suppression]:
    """Lines, newest first. before, after: only those with a smaller, or a greater, id."""
    where, values = _where(query)
    edge = "s.id > %(after)s" if after else "s.id < %(before)s"
    rows = await conn.fetch_all(
        f"""
        SELECT {OWNED} FROM {TABLES}
         WHERE {where} AND {edge} ORDER BY s.id {"ASC" if after else "DESC"} LIMIT %(limit)s
        """,  # noqa: S608
        {**values, "before": before or 2**62, "after": after, "limit": limit},
    )
    found = [Suppression.from_row(row) for row in rows]
    return found[::-1] if after else found


async def count(conn: Connection, query: Query) -> int:
    """How many lines a query finds."""
    where, values = _where(query)
    return int(await conn.fetch_value(f"SELECT COUNT(*) FROM suppressions AS s WHERE {where}", values))  # noqa: S608


async def set_removed(conn: Connection, number: int, *, user_id: int | None) -> bool:
    """Take a line off; False where it is off already."""
    sql = "UPDATE suppressions SET removed_at = %(now)s, removed_by = %(user)s WHERE id = %(id)s AND removed_at IS NULL"
    return bool(await conn.execute(sql, {"id": number, "user": user_id, "now": utcnow()}))


async def restore(conn: Connection, number: int) -> bool:
    """Put a line back; False where it stands."""
    sql = """
        UPDATE suppressions SET removed_at = NULL, removed_by = NULL
         WHERE id = %(id)s AND removed_at IS NOT NULL
    """
    return bool(await conn.execute(sql, {"id": number}))


async def removals(conn: Connection, emails: Sequence[str]) -> dict[str, datetime]:
    """When these addresses (at least one) were last taken off, of those that were and stand no more."""
    named, parameters = in_list("email", emails)
    rows = await conn.fetch_all(
        f"""
        SELECT s.email, MAX(s.removed_at) AS at FROM suppressions AS s
         WHERE s.email IN {named} AND s.removed_at IS NOT NULL GROUP BY s.email
        """,  # noqa: S608
        parameters,
    )
    return {row["email"]: row["at"] for row in rows}


async def of_person(conn: Connection, contact_id: int, emails: Sequence[str]) -> list[dict[str, Any]]:
    """All lines of somebody and their addresses, also those that were taken off, for an export."""
    named, parameters = in_list("email", emails or [""])
    return await conn.fetch_all(
        f"""
        SELECT s.id, s.email, s.scope, s.reason, s.source, s.detail, s.since, s.mailing, s.removed_at, s.created_at
          FROM suppressions AS s WHERE s.email IN {named} OR s.contact_id = %(contact)s ORDER BY s.id
        """,  # noqa: S608
        {**parameters, "contact": contact_id},
    )


async def forget(conn: Connection, email: str, email_hash: bytes) -> int:
    """Leave of an address its hash, where it stands, and nothing where it was taken off; how many lines changed."""
    values = {"email": email, "hash": email_hash}
    gone = await conn.execute("DELETE FROM suppressions WHERE email = %(email)s AND removed_at IS NOT NULL", values)
    return gone + await conn.execute(
        """
        UPDATE suppressions SET email = NULL, email_hash = %(hash)s, detail = '', added_by = NULL, contact_id = NULL
         WHERE email = %(email)s
        """,
        values,
    )


def _where(query: Query) -> tuple[str, dict[str, Any]]:
    parts, values = [f"s.removed_at IS {'NOT ' if query.is_removed else ''}NULL"], {}
    if query.words:
        parts.append("LOCATE(%(words)s, s.email) > 0")
        values["words"] = rules.normal(query.words)
    if query.reason:
        parts.append("s.reason = %(reason)s")
        values["reason"] = query.reason
    if query.scope:
        parts.append("s.scope = %(scope)s")
        values["scope"] = query.scope
    return " AND ".join(parts), values
