"""SQL of departments."""

from __future__ import annotations

from app.database import Connection, utcnow
from app.departments.models import Department

COLUMNS = "d.id, d.name, d.email, d.tracking, d.updated_at"


async def departments(conn: Connection) -> list[Department]:
    """All of them, by name."""
    rows = await conn.fetch_all(f"SELECT {COLUMNS} FROM departments AS d ORDER BY d.name, d.id")  # noqa: S608
    return [Department(**row) for row in rows]


async def department(conn: Connection, department_id: int, *, lock: bool = False) -> Department | None:
    """One of them; with `lock`, held until the end of the transaction."""
    row = await conn.fetch_one(
        f"SELECT {COLUMNS} FROM departments AS d WHERE d.id = %(id)s{' FOR UPDATE' if lock else ''}",  # noqa: S608
        {"id": department_id},
    )
    return Department(**row) if row else None


async def of_name(conn: Connection, name: str) -> Department | None:
    """The department of this name, whatever its case."""
    row = await conn.fetch_one(
        f"SELECT {COLUMNS} FROM departments AS d WHERE d.name = %(name)s",  # noqa: S608
        {"name": name},
    )
    return Department(**row) if row else None


async def insert(conn: Connection, *, name: str, email: str, tracking: str) -> int:
    """Add one. Raises IntegrityError where the name is taken."""
    sql = """
        INSERT INTO departments (name, email, tracking, created_at, updated_at)
        VALUES (%(name)s, %(email)s, %(tracking)s, %(now)s, %(now)s)
    """
    return await conn.insert(sql, {"name": name, "email": email, "tracking": tracking, "now": utcnow()})


async def update(conn: Connection, department_id: int, *, name: str, email: str, tracking: str) -> None:
    """Change one. Raises IntegrityError where the name is taken."""
    sql = """
        UPDATE departments SET name = %(name)s, email = %(email)s, tracking = %(tracking)s, updated_at = %(now)s
         WHERE id = %(id)s
    """
    values = {"id": department_id, "name": name, "email": email, "tracking": tracking, "now": utcnow()}
    await conn.execute(sql, values)


async def delete(conn: Connection, department_id: int) -> None:
    """Remove one; the number that its tickets hold means none from then on, because ids are never given twice."""
    await conn.execute("DELETE FROM departments WHERE id = %(id)s", {"id": department_id})


async def count_tickets(conn: Connection, department_id: int) -> int:
    """How many tickets it has; looks at every ticket, for an admin's page."""
    sql = "SELECT COUNT(*) FROM tickets WHERE department_id = %(id)s"
    return int(await conn.fetch_value(sql, {"id": department_id}))
