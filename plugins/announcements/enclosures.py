"""Pictures and files of an announcement: kept with its draft, and carried by all of its mails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.database import Connection
from app.services import files
from app.services.email import NewMail
from app.services.files import MailingFile, Upload
from app.services.web import User
from plugins.announcements import rules
from plugins.announcements.errors import AnnouncementRefused
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement, mailing_of


class Enclosed(Protocol):
    """What a form, or a call, says of files."""

    @property
    def attachment_ids(self) -> tuple[int, ...] | None:
        """Of files that are stored; None for those that it has."""

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """Files that came with it."""


async def put(
    conn: Connection, number: int, given: Enclosed, html: str, *, by: User, before: Announcement | None = None
) -> None:
    """Give a draft its files and the pictures of its text. before: as it was. Raises AnnouncementRefused."""
    ids = given.attachment_ids
    if ids is None:
        has = await files.attached(conn, before.mailing, before.body_html) if before else []
        ids = tuple(one.id for one in has)
    try:
        await files.put(
            conn,
            mailing_of(number),
            attachment_ids=ids,
            uploads=given.uploads,
            html=html,
            user=by,
            most=rules.MOST_FILES,
        )
    except files.FilesRefused as error:
        raise AnnouncementRefused(error.fields) from None


async def attached(handles: Handles, known: Announcement) -> list[MailingFile]:
    """Its files, without the pictures in its text."""
    async with handles.database.connection() as conn:
        return await files.attached(conn, known.mailing, known.body_html)


async def usable(handles: Handles, attachment_ids: Sequence[int], *, by: User) -> list[MailingFile]:
    """Those of these files that somebody may put into a draft."""
    async with handles.database.connection() as conn:
        return await files.usable(conn, attachment_ids, user=by)


async def carried(handles: Handles, known: Announcement) -> list[int]:
    """Ids of all files and pictures that its mails carry."""
    async with handles.database.connection() as conn:
        return [one.id for one in await files.of_mailing(conn, known.mailing)]


async def weight(handles: Handles, known: Announcement) -> int:
    """Bytes that files and pictures add to each of its mails, as they travel."""
    async with handles.database.connection() as conn:
        return sum(one.size for one in await files.of_mailing(conn, known.mailing)) * 4 // 3


async def shown(handles: Handles, known: Announcement, mail: NewMail) -> str:
    """A mail's HTML with its pictures in it, for a frame that loads nothing."""
    async with handles.database.connection() as conn:
        return await files.with_pictures(conn, mail.html_body, known.mailing)
