"""Files and inline pictures of a text for many: kept with its draft, carried by all of its mails, stored once.

Functions with a connection work in the caller's transaction. A file may be of several mailings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.accounts.models import User
from app.database import Connection
from app.files import mailing_repository as repository
from app.files.mailing_repository import MailingFile
from app.tickets import attachments, files, rules
from app.tickets.errors import TicketRefused
from app.tickets.files import MB, Upload


class FilesRefused(ValueError):
    """Files that a text cannot have; `fields` says what is wrong with `files`, or with the pictures in the `body`."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


async def put(
    conn: Connection,
    mailing: str,
    *,
    attachment_ids: Sequence[int],
    uploads: Sequence[Upload] = (),
    html: str,
    user: User,
    most: int = files.MAX_FILES_TOGETHER,
) -> None:
    """Let the mails of a mailing carry these files and the pictures of their text, in place of what they carried.

    attachment_ids: files of a mailing, or of `user` and not sent yet. uploads: are stored. html: cleaned. most:
    bytes of all together. Raises FilesRefused.
    """
    pictures = rules.inline_image_ids(html)
    known = await repository.usable(conn, [*attachment_ids, *pictures], user_id=user.id)
    for one in attachment_ids:
        if one not in known:
            raise FilesRefused({"files": f"File {one} is not there any more; attach it again."})
    for one in pictures:
        if one not in known:
            words = (
                f"The picture /attachments/{one}/inline is gone, or belongs to a ticket; remove it and paste it again."
            )
            raise FilesRefused({"body": words})
    sizes = [(upload.filename, len(upload.content)) for upload in uploads]
    check([*sizes, *((file.filename, file.size) for file in known.values())], most=most)
    stored = [await attachments.store(conn, upload, ticket_id=None, user=user) for upload in uploads]
    await repository.set_files(conn, mailing, [*known, *stored])


def check(sizes: Sequence[tuple[str, int]], *, most: int) -> None:
    """Raise FilesRefused where the files of one mail, given as (name, bytes), are too many or too large."""
    together = sum(size for _, size in sizes)
    if together > most:
        words = (
            f"Pictures and files have {files.in_mb(together)} together, {most // MB} MB fit; remove some, or make the "
            "pictures smaller."
        )
        raise FilesRefused({"files": words})
    try:
        files.check_files(sizes)
    except TicketRefused as error:
        raise FilesRefused(error.fields) from None


async def of_mailing(conn: Connection, mailing: str) -> list[MailingFile]:
    """The files and pictures that a mailing's mails carry, without their contents."""
    return await repository.of_mailing(conn, mailing)


async def attached(conn: Connection, mailing: str, html: str) -> list[MailingFile]:
    """Those that are not shown in the text."""
    shown = set(rules.inline_image_ids(html))
    return [one for one in await repository.of_mailing(conn, mailing) if one.id not in shown]


async def usable(conn: Connection, attachment_ids: Sequence[int], *, user: User) -> list[MailingFile]:
    """Those of these files that `user` may put into a text for many, in the given order."""
    known = await repository.usable(conn, attachment_ids, user_id=user.id)
    return [known[one] for one in dict.fromkeys(attachment_ids) if one in known]


async def copy(conn: Connection, mailing: str, *, to: str) -> None:
    """Let another mailing carry the same files."""
    await repository.copy(conn, mailing, to=to)


async def forget(conn: Connection, mailing: str) -> None:
    """Let go of a mailing's files; those that nothing else has are deleted. Its mails must all be on their way."""
    await repository.forget(conn, mailing)
