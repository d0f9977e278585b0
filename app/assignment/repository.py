"""SQL of assignment rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from app.assignment.models import Agent, Rule
from app.database import Connection, Row, utcnow


async def rules(conn: Connection, *, lock: bool = False) -> list[Rule]:
    """All rules in their order; with `lock`, held until the end of the transaction."""
    rows = await conn.fetch_all(
        "SELECT r.id, r.name, r.last_user_id FROM assignment_rules AS r "  # noqa: S608
        f"ORDER BY r.position, r.id{' FOR UPDATE' if lock else ''}"
    )
    return await _whole(conn, rows) if rows else []


async def rule(conn: Connection, rule_id: int, *, lock: bool = False) -> Rule | None:
    """One rule; with `lock`, held until the end of the transaction."""
    row = await conn.fetch_one(
        "SELECT r.id, r.name, r.last_user_id FROM assignment_rules AS r "  # noqa: S608
        f"WHERE r.id = %(id)s{' FOR UPDATE' if lock else ''}",
        {"id": rule_id},
    )
    return (await _whole(conn, [row]))[0] if row else None


async def _whole(conn: Connection, rows: Sequence[Row]) -> list[Rule]:
    ids = {"ids": [row["id"] for row in rows]}
    conditions = await conn.fetch_all(
        """
        SELECT c.rule_id, c.kind, c.value FROM assignment_conditions AS c
         WHERE c.rule_id IN %(ids)s ORDER BY c.rule_id, c.kind, c.value
        """,
        ids,
    )
    agents = await conn.fetch_all(
        """
        SELECT a.rule_id, u.id, u.name, u.is_away, u.disabled_at IS NOT NULL AS is_disabled
          FROM assignment_agents AS a JOIN users AS u ON u.id = a.user_id
         WHERE a.rule_id IN %(ids)s ORDER BY a.rule_id, u.id
        """,
        ids,
    )
    of_rule: defaultdict[int, list[Agent]] = defaultdict(list)
    for row in agents:
        agent = Agent(row["id"], row["name"], bool(row["is_away"]), bool(row["is_disabled"]))
        of_rule[row["rule_id"]].append(agent)

    def values(rule_id: int, kind: str) -> list[str]:
        return [row["value"] for row in conditions if row["rule_id"] == rule_id and row["kind"] == kind]

    return [
        Rule(
            id=row["id"],
            name=row["name"],
            mailbox_ids=tuple(int(one) for one in values(row["id"], "mailbox")),
            department_ids=tuple(int(one) for one in values(row["id"], "department")),
            tags=tuple(values(row["id"], "tag")),
            agents=tuple(of_rule[row["id"]]),
            last_user_id=row["last_user_id"],
        )
        for row in rows
    ]


async def insert(conn: Connection, *, name: str) -> int:
    """Add a rule without conditions and agents behind all others."""
    sql = """
        INSERT INTO assignment_rules (position, name, created_at, updated_at)
        SELECT COALESCE(MAX(r.position), 0) + 1, %(name)s, %(now)s, %(now)s FROM assignment_rules AS r
    """
    return await conn.insert(sql, {"name": name, "now": utcnow()})


async def update(
    conn: Connection,
    rule_id: int,
    *,
    name: str,
    mailbox_ids: Sequence[int],
    department_ids: Sequence[int],
    tags: Sequence[str],
    agent_ids: Sequence[int],
) -> None:
    """Replace all that an admin sets of a rule but its place."""
    values = {"id": rule_id, "name": name, "now": utcnow()}
    await conn.execute("UPDATE assignment_rules SET name = %(name)s, updated_at = %(now)s WHERE id = %(id)s", values)
    await conn.execute("DELETE FROM assignment_conditions WHERE rule_id = %(id)s", values)
    await conn.execute("DELETE FROM assignment_agents WHERE rule_id = %(id)s", values)
    conditions = [
        *(("mailbox", str(one)) for one in mailbox_ids),
        *(("department", str(one)) for one in department_ids),
        *(("tag", one) for one in tags),
    ]
    await conn.execute_many(
        "INSERT INTO assignment_conditions (rule_id, kind, value) VALUES (%(id)s, %(kind)s, %(value)s)",
        [{"id": rule_id, "kind": kind, "value": value} for kind, value in conditions],
    )
    await conn.execute_many(
        "INSERT INTO assignment_agents (rule_id, user_id) VALUES (%(id)s, %(user)s)",
        [{"id": rule_id, "user": one} for one in agent_ids],
    )


async def set_last(conn: Connection, rule_id: int, user_id: int) -> None:
    """Note who got a ticket by a rule."""
    await conn.execute(
        "UPDATE assignment_rules SET last_user_id = %(user)s WHERE id = %(id)s", {"user": user_id, "id": rule_id}
    )


async def set_position(conn: Connection, rule_id: int, position: int) -> None:
    """Put a rule at a place."""
    await conn.execute(
        "UPDATE assignment_rules SET position = %(position)s WHERE id = %(id)s", {"position": position, "id": rule_id}
    )


async def delete(conn: Connection, rule_id: int) -> None:
    """Remove a rule."""
    await conn.execute("DELETE FROM assignment_rules WHERE id = %(id)s", {"id": rule_id})
