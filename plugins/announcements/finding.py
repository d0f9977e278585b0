"""Finding an announcement."""

from __future__ import annotations

from app.database import Connection
from plugins.announcements import repository
from plugins.announcements.errors import AnnouncementNotFound, NotNow
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement


async def announcement(handles: Handles, number: int) -> Announcement:
    """One of them. Raises AnnouncementNotFound."""
    async with handles.database.connection() as conn:
        return await found(conn, number)


async def found(conn: Connection, number: int, *, lock: bool = False) -> Announcement:
    """The same, with `lock` held until the end of the transaction."""
    known = await repository.lock(conn, number) if lock else True
    one = await repository.one(conn, number) if known else None
    if one is None:
        raise AnnouncementNotFound(f"There is no announcement {number}; somebody may have deleted it.")
    return one


def check_draft(known: Announcement) -> None:
    """Raises NotNow."""
    if not known.is_open:
        raise NotNow("It is no draft any more, so its text and audience stay as they are. Duplicate it to change them.")
