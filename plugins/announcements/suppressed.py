"""Addresses that no mail may go to, because it bounced or somebody complained: the only place that asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.database import Connection
from app.services import suppressions


async def suppressed(conn: Connection, emails: Sequence[str]) -> Mapping[str, str]:
    """Why those of these addresses get none that are suppressed for announcements, by address in lower case:
    'unsubscribed', by way of a mail provider, or 'suppressed'.
    """
    found = await suppressions.find(conn, emails, scope="announcements")
    return {
        email.lower(): "unsubscribed" if one.reason == "unsubscribed" else "suppressed" for email, one in found.items()
    }
