"""Who an audience is: contacts page by page, and who of them is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.database import Connection, Database
from app.services import suppressions
from app.sql import in_list
from plugins.announcements import rules
from plugins.announcements.models import Audience, Person, Reach

PAGE = 1000
ERASED = "@contact.invalid"
"""What the addresses of erased people end with (RFC 2606, section 2)."""


async def page(conn: Connection, audience: Audience, *, after: int, limit: int = PAGE) -> list[tuple[int, Person]]:
    """The next people of an audience, sifted, each with its place: the id of the contact, or the line of the import.

    after: the place behind which to start.
    """
    found = await _found(conn, audience, after, limit)
    people = await sift(conn, [person for _, person in found])
    return [(place, person) for (place, _), person in zip(found, people, strict=True)]


async def sift(conn: Connection, people: Sequence[Person]) -> list[Person]:
    """The same people, each with why they are left out, if they are."""
    asked = [one for one in people if not one.reason]
    kept_from = await suppressions.find(conn, [one.email for one in asked], scope="announcements")
    out = await suppressions.unsubscribed(conn, [one.contact_id for one in asked if one.contact_id])

    def reason(one: Person) -> str:
        if one.reason:
            return one.reason
        line = kept_from.get(one.email)
        if line is not None and line.reason != "unsubscribed":
            return "suppressed"
        return "unsubscribed" if line is not None or one.contact_id in out else ""

    return [Person(one.contact_id, one.name, one.email, reason(one)) for one in people]


async def reach(database: Database, audience: Audience) -> Reach:
    """How many an audience has now, and who is left out."""
    recipients = new = after = 0
    left_out: Counter[str] = Counter()
    seen: set[int] = set()
    async with database.connection() as conn:
        while True:
            found = await page(conn, audience, after=after)
            for place, person in found:
                after = place
                if person.reason:
                    left_out[person.reason] += 1
                elif person.contact_id and person.contact_id in seen:
                    left_out["double"] += 1
                else:
                    recipients += 1
                    new += not person.contact_id
                    if audience.kind == "import" and person.contact_id:
                        seen.add(person.contact_id)
            if len(found) < PAGE:
                return Reach(recipients, dict(left_out), new)


async def _found(conn: Connection, audience: Audience, after: int, limit: int) -> list[tuple[int, Person]]:
    if audience.kind == "import":
        return await _lines(conn, int(audience.value or 0), after, limit)
    condition, values = _condition(audience)
    rows = await conn.fetch_all(
        f"""
        SELECT c.id, c.name, c.email,
               EXISTS (SELECT 1 FROM contact_addresses AS a WHERE a.contact_id = c.id) AS has_address
          FROM contacts AS c WHERE c.id > %(after)s AND {condition} ORDER BY c.id LIMIT %(limit)s
        """,  # noqa: S608
        {**values, "after": after, "limit": limit},
    )
    return [(row["id"], Person(row["id"], row["name"], row["email"], _why(row))) for row in rows]


def _why(row: dict[str, Any]) -> str:
    if row["email"].endswith(ERASED):
        return "erased"
    return "" if row["has_address"] and "@" in row["email"] else "no_address"


def _condition(audience: Audience) -> tuple[str, dict[str, Any]]:
    if audience.kind == "all":
        return "TRUE", {}
    if audience.kind == "tag":
        return (
            """
            EXISTS (SELECT 1 FROM tickets AS t JOIN ticket_tags AS x ON x.ticket_id = t.id
                      JOIN tags AS g ON g.id = x.tag_id WHERE t.contact_id = c.id AND g.name = %(tag)s)
            """,
            {"tag": audience.value},
        )
    domains = rules.domains_of(audience.value)
    if not domains:
        return "FALSE", {}
    listed, values = in_list("domain", domains)
    return f"SUBSTRING_INDEX(c.email, '@', -1) IN {listed}", values


async def _lines(conn: Connection, import_id: int, after: int, limit: int) -> list[tuple[int, Person]]:
    """Lines of an import that count. Whose contact was erased since is somebody new."""
    rows = await conn.fetch_all(
        """
        SELECT l.line, l.email, l.name, a.contact_id, c.name AS contact_name
          FROM announcement_import_lines AS l
          LEFT JOIN contact_addresses AS a ON a.email = l.email LEFT JOIN contacts AS c ON c.id = a.contact_id
         WHERE l.import_id = %(id)s AND l.line > %(after)s AND l.verdict IN ('known', 'new')
         ORDER BY l.line LIMIT %(limit)s
        """,
        {"id": import_id, "after": after, "limit": limit},
    )
    return [
        (row["line"], Person(row["contact_id"] or 0, row["contact_name"] or row["name"], row["email"])) for row in rows
    ]
