"""The audit log: who changed accounts, modules and settings, and when."""

from __future__ import annotations

from dataclasses import dataclass

from app.accounts import audit_repository as repository
from app.accounts.models import AuditEntry
from app.database import Connection
from app.runtime import current

PAGE = 50


async def record(conn: Connection, *, user_id: int | None, action: str, subject: str, detail: str = "") -> None:
    """Add a line, in the transaction of the change itself.

    user_id: who did it; None for the command line. action: a past tense in words, "disabled a user". subject: what it
    was done to, as "user:12" or "module:plausible". detail: what changed, in words; never a secret.
    """
    await repository.insert(conn, user_id=user_id, action=action[:64], subject=subject[:190], detail=detail[:2000])


@dataclass(frozen=True)
class AuditPage:
    """Up to 50 lines, newest first."""

    entries: list[AuditEntry]
    has_newer: bool
    has_older: bool


async def page(*, before: int | None = None, after: int | None = None, subject: str = "") -> AuditPage:
    """The newest lines, or those next to a line's id in one direction. subject: only lines about it."""
    async with current().database.connection() as conn:
        if after is not None:
            found = await repository.newer(conn, after=after, subject=subject, limit=PAGE + 1)
            return AuditPage(found[:PAGE][::-1], has_newer=len(found) > PAGE, has_older=True)
        found = await repository.older(conn, before=before, subject=subject, limit=PAGE + 1)
        return AuditPage(found[:PAGE], has_newer=before is not None, has_older=len(found) > PAGE)
