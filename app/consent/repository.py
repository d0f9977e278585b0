"""SQL of decisions about tracking, and of what bears on one copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.consent.models import Decision, DepartmentPolicy, Reader
from app.database import Connection
from app.sql import in_list

DECISION_COLUMNS = "c.tracking, c.tracking_decided_at, c.tracking_source, u.name AS decided_by"


def _decision(row: Mapping[str, Any]) -> Decision:
    """From a row with DECISION_COLUMNS."""
    return Decision(row["tracking"], row["tracking_decided_at"], row["tracking_source"], row["decided_by"] or "")


async def decisions_of(conn: Connection, emails: Sequence[str]) -> dict[str, Decision]:
    """What the contacts with these addresses (at least one) decided, by the address in lower case."""
    listed, parameters = in_list("email", emails)
    rows = await conn.fetch_all(
        f"""
        SELECT a.email, {DECISION_COLUMNS}
          FROM contact_addresses AS a JOIN contacts AS c ON c.id = a.contact_id
          LEFT JOIN users AS u ON u.id = c.tracking_decided_by
         WHERE a.email IN {listed}
        """,  # noqa: S608
        parameters,
    )
    return {row["email"].lower(): _decision(row) for row in rows}


async def decision_of_address(conn: Connection, email: str) -> Decision | None:
    """What the contact with this address decided; None where it is nobody's."""
    row = await conn.fetch_one(
        f"""
        SELECT {DECISION_COLUMNS}
          FROM contact_addresses AS a JOIN contacts AS c ON c.id = a.contact_id
          LEFT JOIN users AS u ON u.id = c.tracking_decided_by
         WHERE a.email = %(email)s
        """,  # noqa: S608
        {"email": email},
    )
    return _decision(row) if row else None


async def decision_of(conn: Connection, contact_id: int) -> Decision | None:
    """What a contact decided, held until the end of the transaction; None where there is no such contact."""
    if await conn.fetch_value("SELECT id FROM contacts WHERE id = %(id)s FOR UPDATE", {"id": contact_id}) is None:
        return None
    row = await conn.fetch_one(
        f"SELECT {DECISION_COLUMNS} FROM contacts AS c LEFT JOIN users AS u ON u.id = c.tracking_decided_by "  # noqa: S608
        "WHERE c.id = %(id)s",
        {"id": contact_id},
    )
    return _decision(row) if row else None


async def set_decision(
    conn: Connection, contact_id: int, decision: str, *, at: datetime, source: str, user_id: int | None
) -> None:
    """Let a decision count from now on, and keep it for ever."""
    values = {"id": contact_id, "decision": decision, "at": at, "source": source, "user_id": user_id}
    await conn.execute(
        """
        UPDATE contacts SET tracking = %(decision)s, tracking_decided_at = %(at)s, tracking_source = %(source)s,
               tracking_decided_by = %(user_id)s
         WHERE id = %(id)s
        """,
        values,
    )
    await conn.execute(
        """
        INSERT INTO contact_tracking_decisions (contact_id, decision, decided_at, source, user_id)
        VALUES (%(id)s, %(decision)s, %(at)s, %(source)s, %(user_id)s)
        """,
        values,
    )


async def history(conn: Connection, contact_id: int, *, limit: int) -> list[Decision]:
    """What a contact decided over time, newest first."""
    rows = await conn.fetch_all(
        """
        SELECT d.decision, d.decided_at, d.source, u.name AS decided_by
          FROM contact_tracking_decisions AS d LEFT JOIN users AS u ON u.id = d.user_id
         WHERE d.contact_id = %(id)s ORDER BY d.id DESC LIMIT %(limit)s
        """,
        {"id": contact_id, "limit": limit},
    )
    return [Decision(row["decision"], row["decided_at"], row["source"], row["decided_by"] or "") for row in rows]


async def department(conn: Connection, department_id: int) -> DepartmentPolicy | None:
    """What a department says."""
    row = await conn.fetch_one(
        "SELECT d.name, d.tracking FROM departments AS d WHERE d.id = %(id)s", {"id": department_id}
    )
    return DepartmentPolicy(**row) if row else None


async def department_of_reply(conn: Connection, reply_id: int) -> DepartmentPolicy | None:
    """What the department of a reply's ticket says; None where it has none."""
    row = await conn.fetch_one(
        """
        SELECT d.name, d.tracking FROM ticket_replies AS r JOIN tickets AS t ON t.id = r.ticket_id
          JOIN departments AS d ON d.id = t.department_id
         WHERE r.id = %(id)s
        """,
        {"id": reply_id},
    )
    return DepartmentPolicy(**row) if row else None


async def reader(conn: Connection, recipient_id: int) -> Reader | None:
    """Who got a copy, and what they decided; None where the copy is gone."""
    row = await conn.fetch_one(
        "SELECT r.email, r.name FROM email_recipients AS r WHERE r.id = %(id)s", {"id": recipient_id}
    )
    if row is None or "@" not in row["email"]:
        return None
    decision = await decision_of_address(conn, row["email"])
    return Reader(recipient_id, row["email"], row["name"], decision or Decision())
