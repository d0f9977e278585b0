"""SQL of erasures and nightly runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.database import Connection, Row, utcnow
from app.privacy.models import Erasure, Part

LONGEST_WORDS = 1000
_ERASURE = """
    SELECT e.id, e.contact_id, e.requested_at, COALESCE(u.name, '') AS requested_by, e.keeps_ours, e.finished_at
      FROM contact_erasures AS e LEFT JOIN users AS u ON u.id = e.requested_by
"""


async def insert_erasure(
    conn: Connection, *, contact_id: int, requested_by: int | None, keeps_ours: bool, person: str, names: Sequence[str]
) -> int:
    """Add a request with its parts, due at once. person: encrypted."""
    now = utcnow()
    erasure_id = await conn.insert(
        """
        INSERT INTO contact_erasures (contact_id, requested_by, requested_at, keeps_ours, person)
        VALUES (%(contact)s, %(by)s, %(now)s, %(keeps)s, %(person)s)
        """,
        {"contact": contact_id, "by": requested_by, "now": now, "keeps": keeps_ours, "person": person},
    )
    for name in names:
        await conn.execute(
            """
            INSERT INTO contact_erasure_parts (erasure_id, part, counts, next_at)
            VALUES (%(id)s, %(part)s, '{}', %(now)s)
            """,
            {"id": erasure_id, "part": name, "now": now},
        )
    return erasure_id


async def erasure(conn: Connection, erasure_id: int) -> Erasure | None:
    """One request with its parts."""
    return _one(await _erasures(conn, "WHERE e.id = %(id)s", {"id": erasure_id}))


async def last_of(conn: Connection, contact_id: int) -> Erasure | None:
    """The latest request about a contact."""
    return _one(await _erasures(conn, "WHERE e.contact_id = %(id)s ORDER BY e.id DESC LIMIT 1", {"id": contact_id}))


async def unfinished(conn: Connection, *, most: int) -> list[Erasure]:
    """Requests that are not done, oldest first."""
    return await _erasures(conn, f"WHERE e.finished_at IS NULL ORDER BY e.id LIMIT {most:d}", {})


async def person_of(conn: Connection, erasure_id: int) -> tuple[int, bool, str]:
    """Whom a request is about (contact, whether our texts stay, the encrypted rest)."""
    row = await conn.fetch_one(
        "SELECT contact_id, keeps_ours, person FROM contact_erasures WHERE id = %(id)s", {"id": erasure_id}
    )
    if row is None:
        raise LookupError(f"there is no erasure {erasure_id}")
    return row["contact_id"], bool(row["keeps_ours"]), row["person"]


async def claim(conn: Connection, *, lease: timedelta, erasure_id: int | None = None) -> tuple[int, str] | None:
    """Take a part that is due, so that nobody else does until the lease is over; None where there is none."""
    now = utcnow()
    only = "AND erasure_id = %(erasure)s" if erasure_id is not None else ""
    row = await conn.fetch_one(
        f"""
        SELECT erasure_id, part FROM contact_erasure_parts
         WHERE state IN ('waiting', 'failed') AND next_at <= %(now)s {only}
         ORDER BY erasure_id, part <> 'portal', part LIMIT 1 FOR UPDATE SKIP LOCKED
        """,  # noqa: S608
        {"now": now, "erasure": erasure_id},
    )
    if row is None:
        return None
    await conn.execute(
        """
        UPDATE contact_erasure_parts SET next_at = %(until)s, attempts = attempts + 1
         WHERE erasure_id = %(erasure_id)s AND part = %(part)s
        """,
        {**row, "until": now + lease},
    )
    return row["erasure_id"], row["part"]


async def note(
    conn: Connection,
    erasure_id: int,
    part: str,
    *,
    state: str,
    counts: Mapping[str, int],
    words: str,
    next_at: datetime,
) -> None:
    """Write down how far a part has come; counts are added to those there."""
    stored = await conn.fetch_value(
        "SELECT counts FROM contact_erasure_parts WHERE erasure_id = %(id)s AND part = %(part)s FOR UPDATE",
        {"id": erasure_id, "part": part},
    )
    await conn.execute(
        """
        UPDATE contact_erasure_parts
           SET state = %(state)s, counts = %(counts)s, words = %(words)s, next_at = %(next_at)s,
               done_at = IF(%(state)s = 'done', %(now)s, NULL)
         WHERE erasure_id = %(id)s AND part = %(part)s
        """,
        {
            "id": erasure_id,
            "part": part,
            "state": state,
            "counts": json.dumps(added(json.loads(stored or "{}"), counts)),
            "words": words[:LONGEST_WORDS],
            "next_at": next_at,
            "now": utcnow(),
        },
    )


async def finish_if_done(conn: Connection, erasure_id: int) -> bool:
    """Close a request whose parts are all done, and forget whom it was about; whether it was closed now."""
    left = await conn.fetch_value(
        "SELECT COUNT(*) FROM contact_erasure_parts WHERE erasure_id = %(id)s AND state <> 'done'", {"id": erasure_id}
    )
    if left:
        return False
    return bool(
        await conn.execute(
            "UPDATE contact_erasures SET finished_at = %(now)s, person = '' WHERE id = %(id)s AND finished_at IS NULL",
            {"id": erasure_id, "now": utcnow()},
        )
    )


async def make_due(conn: Connection, erasure_id: int) -> None:
    """Let what is not done be tried now."""
    await conn.execute(
        "UPDATE contact_erasure_parts SET next_at = %(now)s WHERE erasure_id = %(id)s AND state <> 'done'",
        {"id": erasure_id, "now": utcnow()},
    )


async def hold(conn: Connection, name: str, owner: str, lease: timedelta) -> bool:
    """Take or renew a lease; False while somebody else has it."""
    now = utcnow()
    values = {"name": name, "owner": owner, "now": now, "until": now + lease}
    await conn.execute(
        "INSERT INTO leases (name, owner, expires_at) VALUES (%(name)s, '', %(now)s) "
        "ON DUPLICATE KEY UPDATE name = VALUES(name)",
        values,
    )
    return bool(
        await conn.execute(
            """
            UPDATE leases SET owner = %(owner)s, expires_at = %(until)s
             WHERE name = %(name)s AND (owner = %(owner)s OR expires_at <= %(now)s)
            """,
            values,
        )
    )


async def let_go(conn: Connection, name: str, owner: str) -> None:
    """Give a lease back."""
    await conn.execute("DELETE FROM leases WHERE name = %(name)s AND owner = %(owner)s", {"name": name, "owner": owner})


async def runs(conn: Connection) -> dict[str, Row]:
    """The last nightly run of each part, by its name."""
    rows = await conn.fetch_all("SELECT part, started_at, finished_at, counts, problem FROM privacy_runs ORDER BY part")
    return {row["part"]: {**row, "counts": json.loads(row["counts"])} for row in rows}


async def set_run(conn: Connection, part: str, **values: Any) -> None:
    """Write down a part's run: started_at, finished_at, counts, problem."""
    await conn.execute(
        """
        INSERT INTO privacy_runs (part, started_at, finished_at, counts, problem)
        VALUES (%(part)s, %(started_at)s, %(finished_at)s, %(counts)s, %(problem)s)
        ON DUPLICATE KEY UPDATE started_at = VALUES(started_at), finished_at = VALUES(finished_at),
               counts = VALUES(counts), problem = VALUES(problem)
        """,
        {**values, "part": part, "counts": json.dumps(values["counts"]), "problem": values["problem"][:LONGEST_WORDS]},
    )


def added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Counts, summed up."""
    return {
        name: first.get(name, 0) + second.get(name, 0)
        for name in (*first, *(one for one in second if one not in first))
    }


async def _erasures(conn: Connection, condition: str, values: Mapping[str, Any]) -> list[Erasure]:
    found = []
    for row in await conn.fetch_all(f"{_ERASURE} {condition}", values):
        parts = await conn.fetch_all(
            """
            SELECT erasure_id, part AS name, state, counts, words, attempts, next_at, done_at
              FROM contact_erasure_parts WHERE erasure_id = %(id)s ORDER BY part <> 'portal', part
            """,
            {"id": row["id"]},
        )
        made = tuple(Part(**{**part, "counts": json.loads(part["counts"])}) for part in parts)
        found.append(Erasure(**{**row, "keeps_ours": bool(row["keeps_ours"])}, parts=made))
    return found


def _one(found: Sequence[Erasure]) -> Erasure | None:
    return found[0] if found else None
