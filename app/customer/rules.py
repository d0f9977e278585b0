"""What holds for the page of a ticket, without database or web."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from app.email.addresses import check_email
from app.email.errors import AddressRefused

LINK_LIFE = timedelta(days=365)
"""After the ticket's last activity: a ticket that goes on keeps its links."""
SESSION_LIFE = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=1)
"""Long enough to write an answer."""
PAGE = 50
"""Messages shown at once."""


def is_expired(last_activity_at: datetime, now: datetime) -> bool:
    """Whether the links of a ticket are too old."""
    return now - last_activity_at > LINK_LIFE


def is_same(given: str, email: str) -> bool:
    """Whether somebody typed this very address, whatever its case."""
    try:
        typed = check_email(given.strip())
    except AddressRefused:
        return False
    return hmac.compare_digest(typed.lower().encode(), email.lower().encode())
