"""SQL of the audit log."""

from __future__ import annotations

from app.accounts.models import AuditEntry
from app.database import Connection, utcnow


async def insert(conn: Connection, *, user_id: int | None, action: str, subject: str, detail: str) -> None:
    """Add one line."""
    sql = """
        INSERT INTO audit_log (happened_at, user_id, action, subject, detail)
        VALUES (%(now)s, %(user_id)s, %(action)s, %(subject)s, %(detail)s)
    """
    values = {"now": utcnow(), "user_id": user_id, "action": action, "subject": subject, "detail": detail}
    await conn.execute(sql, values)


async def older(conn: Connection, *, before: int | None, subject: str, limit: int) -> list[AuditEntry]:
    """Lines before an id (all, where it is None), newest first; only those about `subject` where it is not empty."""
    sql = """
        SELECT a.id, a.happened_at, COALESCE(u.name, '') AS user_name, a.action, a.subject, a.detail
          FROM audit_log AS a LEFT JOIN users AS u ON u.id = a.user_id
         WHERE (%(before)s IS NULL OR a.id < %(before)s) AND (%(subject)s = '' OR a.subject = %(subject)s)
         ORDER BY a.id DESC LIMIT %(limit)s
    """
    rows = await conn.fetch_all(sql, {"before": before, "subject": subject, "limit": limit})
    return [AuditEntry(**row) for row in rows]


async def newer(conn: Connection, *, after: int, subject: str, limit: int) -> list[AuditEntry]:
    """Lines after an id, oldest first; only those about `subject` where it is not empty."""
    sql = """
        SELECT a.id, a.happened_at, COALESCE(u.name, '') AS user_name, a.action, a.subject, a.detail
          FROM audit_log AS a LEFT JOIN users AS u ON u.id = a.user_id
         WHERE a.id > %(after)s AND (%(subject)s = '' OR a.subject = %(subject)s)
         ORDER BY a.id LIMIT %(limit)s
    """
    rows = await conn.fetch_all(sql, {"after": after, "subject": subject, "limit": limit})
    return [AuditEntry(**row) for row in rows]
