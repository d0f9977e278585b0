"""SQL of reading the audit log."""

from __future__ import annotations

import json
from typing import Any

from app.accounts.models import AuditEntry
from app.database import Connection, Row


async def older(conn: Connection, *, before: int | None, subject: str, limit: int) -> list[AuditEntry]:
    """Lines before an id (all, where it is None), newest first; only those about `subject` where it is not empty."""
    sql = """
        SELECT a.id, a.happened_at, a.action, a.subject, a.detail, who.name AS user_name, whom.name AS subject_name
          FROM audit_log AS a
          LEFT JOIN users AS who ON who.id = a.user_id
          LEFT JOIN users AS whom ON a.subject = CONCAT('user:', whom.id)
         WHERE (%(before)s IS NULL OR a.id < %(before)s) AND (%(subject)s = '' OR a.subject = %(subject)s)
         ORDER BY a.id DESC LIMIT %(limit)s
    """
    rows = await conn.fetch_all(sql, {"before": before, "subject": subject, "limit": limit})
    return [_entry(row) for row in rows]


async def newer(conn: Connection, *, after: int, subject: str, limit: int) -> list[AuditEntry]:
    """Lines after an id, oldest first; only those about `subject` where it is not empty."""
    sql = """
        SELECT a.id, a.happened_at, a.action, a.subject, a.detail, who.name AS user_name, whom.name AS subject_name
          FROM audit_log AS a
          LEFT JOIN users AS who ON who.id = a.user_id
          LEFT JOIN users AS whom ON a.subject = CONCAT('user:', whom.id)
         WHERE a.id > %(after)s AND (%(subject)s = '' OR a.subject = %(subject)s)
         ORDER BY a.id LIMIT %(limit)s
    """
    rows = await conn.fetch_all(sql, {"after": after, "subject": subject, "limit": limit})
    return [_entry(row) for row in rows]


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        happened_at=row["happened_at"],
        user_name=row["user_name"] or "",
        action=row["action"],
        subject=row["subject"],
        subject_name=row["subject_name"] or "",
        detail=_detail(row["detail"]),
    )


def _detail(stored: str) -> dict[str, Any]:
    """The stored JSON object; other text, which a plugin may have written, as one value."""
    try:
        value = json.loads(stored or "{}")
    except ValueError:
        value = stored
    return value if isinstance(value, dict) else {"detail": value}
