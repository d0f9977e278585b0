"""The audit log: who changed what others should be able to look up. Never write a secret into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.database import Connection, utcnow


async def record(
    conn: Connection, *, user_id: int | None, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add one line, in the caller's transaction: it stands exactly when the change does.

    action: what was done, "module.enable". subject: to what, "module:plausible". user_id: None for the system.
    """
    sql = """
        INSERT INTO audit_log (happened_at, user_id, action, subject, detail)
        VALUES (%(now)s, %(user_id)s, %(action)s, %(subject)s, %(detail)s)
    """
    values = {"now": utcnow(), "user_id": user_id, "action": action, "subject": subject}
    await conn.execute(sql, {**values, "detail": json.dumps(dict(detail or {}), ensure_ascii=False)})
