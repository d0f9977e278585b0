"""What a copy counts for, and the names of links. Pure."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from urllib.parse import urlsplit

from app.reports.models import COPY_MEASURES

LONGEST_NAME = 300
"""Characters of a link or a program that the summary keeps."""

OPENED = (
    "(COALESCE(r.judged, '') = 'read' OR "
    "(r.judged IS NULL AND (COALESCE(r.seen, '') = 'read' OR r.viewed_at IS NOT NULL)))"
)
"""Whether a person opened a copy `r`, in SQL: a module says so, it was read on the ticket page, or an agent says so."""
READ = f"({OPENED} OR r.replied_at IS NOT NULL)"
"""Whether it was read: opened, or answered. The dashboard's share of read replies counts by it too."""
_CONDITIONS = {
    "recipients": "TRUE",
    "sent": "r.state = 'sent'",
    "failed": "r.state = 'failed'",
    "delivered": "COALESCE(r.fate, '') IN ('delivered', 'complained')",
    "bounced": "COALESCE(r.fate, '') = 'bounced'",
    "complained": "COALESCE(r.fate, '') = 'complained'",
    "tracked": "(r.state IN ('sent', 'unknown') AND r.reports <> '')",
    "opened": OPENED,
    "machine_only": f"(COALESCE(r.seen, '') = 'machine' AND NOT {OPENED})",
    "replied": "r.replied_at IS NOT NULL",
    "readers": READ,
    "reported": "(r.arrived = 1 OR COALESCE(r.fate, '') IN ('delivered', 'complained'))",
}
FLAGS = " | ".join(f"IF({_CONDITIONS[name]}, {1 << place}, 0)" for place, name in enumerate(COPY_MEASURES))
"""What a copy `r` of `email_recipients` counts for, as bits, in SQL: the one definition, of counting and of counting
anew."""


def difference(before: int, after: int) -> dict[str, int]:
    """By measure 1 where a copy counts now and did not before, and -1 the other way round."""
    return {
        name: (after >> place & 1) - (before >> place & 1)
        for place, name in enumerate(COPY_MEASURES)
        if (before ^ after) >> place & 1
    }


@lru_cache(maxsize=4096)
def link_name(url: str) -> str:
    """A destination as reports name it, without what tells of one reader: "example.org/guide"."""
    try:
        found = urlsplit(url)
        host = found.hostname or ""
    except ValueError:
        return url[:LONGEST_NAME]
    return f"{host}{found.path.rstrip('/')}"[:LONGEST_NAME] or url[:LONGEST_NAME]


@lru_cache(maxsize=4096)
def item_key(name: str) -> bytes:
    """The hash by which the summary knows a link or a program."""
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
