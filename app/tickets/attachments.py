"""Files and pasted images: storing them, who may see them, which go with a reply."""

from __future__ import annotations

from collections.abc import Sequence

from app.accounts.models import User
from app.database import Connection
from app.files import mailing_repository as mailings
from app.files import repository as stored_files
from app.runtime import current
from app.tickets import access, files, rules
from app.tickets import attachments_repository as repository
from app.tickets.errors import TicketNotFound, TicketRefused
from app.tickets.files import Upload
from app.tickets.models import AttachmentInfo


async def store(conn: Connection, upload: Upload, *, ticket_id: int | None, user: User, is_inline: bool = False) -> int:
    """Store a checked file of `user` that no message carries yet; in the caller's transaction."""
    return await stored_files.insert(
        conn,
        ticket_id=ticket_id,
        uploaded_by=user.id,
        filename=files.clean_filename(upload.filename),
        content_type=files.clean_content_type(upload.content_type),
        content=upload.content,
        is_inline=is_inline,
    )


async def keep(uploads: Sequence[Upload], *, ticket_id: int | None, user: User) -> list[AttachmentInfo]:
    """Store the files of a message that was refused for another reason, so that they need not be chosen again.

    Raises TicketRefused where the files themselves are the reason.
    """
    files.check_files([(upload.filename, len(upload.content)) for upload in uploads])

    async def work(conn: Connection) -> list[AttachmentInfo]:
        ids = [await store(conn, upload, ticket_id=ticket_id, user=user) for upload in uploads]
        return list((await repository.infos(conn, ids)).values())

    return await current().database.run(work)


async def store_image(ticket_id: int | None, upload: Upload, *, user: User) -> int:
    """Store an image that was pasted into a reply and return its id; it is shown at /attachments/<id>/inline.

    ticket_id: None for the first message of a ticket that is still to be opened.
    Raises TicketRefused for anything but PNG, JPEG, GIF or WebP (by its bytes, not by its name), or one too large;
    TicketNotFound where there is no such ticket.
    """
    content_type = files.raster_type(upload.content)
    if content_type is None:
        name = files.clean_filename(upload.filename)
        raise TicketRefused({"files": f"{name} is no PNG, JPEG, GIF or WebP image; attach it as a file instead."})
    files.check_files([(upload.filename, len(upload.content))])
    image = Upload(upload.filename, content_type, upload.content)

    async def work(conn: Connection) -> int:
        if ticket_id is not None and not await access.visible(conn, [ticket_id]):
            raise TicketNotFound(f"There is no ticket #{ticket_id}.")
        return await store(conn, image, ticket_id=ticket_id, user=user, is_inline=True)

    return await current().database.run(work)


async def read(attachment_id: int, *, user: User) -> tuple[AttachmentInfo, bytes]:
    """A file with its content.

    Raises TicketNotFound where there is none that `user` may see: what is not sent yet belongs to who uploaded it.
    """
    async with current().database.connection() as conn:
        info = await repository.info(conn, attachment_id)
        if info is None or not await _may_read(conn, info, user=user):
            raise TicketNotFound(f"There is no file {attachment_id}, or it was never sent and is another agent's.")
        return info, await repository.content(conn, attachment_id)


async def _may_read(conn: Connection, info: AttachmentInfo, *, user: User) -> bool:
    # Texts for many go to customers of all departments: who is limited to some does not see them.
    if not access.is_limited() and await mailings.is_of_mailing(conn, info.id):
        return True
    is_sent = info.reply_id is not None or info.uploaded_by == user.id
    return is_sent and await access.sees_file(conn, info.id)


async def unsent(attachment_ids: Sequence[int], *, user: User) -> list[AttachmentInfo]:
    """Those of these files that are still `user`'s to send, in the given order."""
    async with current().database.connection() as conn:
        found = await repository.infos(conn, attachment_ids)
    return [found[one] for one in dict.fromkeys(attachment_ids) if one in found and _is_theirs(found[one], user)]


async def attach(
    conn: Connection,
    *,
    ticket_id: int,
    reply_id: int,
    user: User,
    attachment_ids: Sequence[int],
    uploads: Sequence[Upload],
    html: str,
) -> list[int]:
    """Make files and images part of a message, in the caller's transaction; the ids of all that belong to it.

    attachment_ids: stored before by `user`. uploads: came with the form. html: its inline images go along; besides
    `user`'s own they may be images of earlier messages of the ticket, as when one is quoted.
    Raises TicketRefused naming the file that is too large or not theirs to send.
    """
    images = rules.inline_image_ids(html)
    known = await repository.infos(conn, [*attachment_ids, *images])
    for one in attachment_ids:
        info = known.get(one)
        if info is None or not _is_theirs(info, user) or info.ticket_id not in {None, ticket_id}:
            raise TicketRefused({"files": f"File {one} is not there any more; attach it again."})
    for one in images:
        info = known.get(one)
        quoted = info is not None and info.reply_id is not None and info.ticket_id == ticket_id
        pasted = info is not None and _is_theirs(info, user) and info.ticket_id in {None, ticket_id}
        if not (quoted or pasted):
            raise TicketRefused(
                {"body": f"The image /attachments/{one}/inline does not belong to this ticket; paste it again."}
            )
    files.check_files(
        [(upload.filename, len(upload.content)) for upload in uploads]
        + [(info.filename, info.size) for info in known.values()]
    )
    stored = [await store(conn, upload, ticket_id=ticket_id, user=user) for upload in uploads]
    belonging = [*known, *stored]
    await repository.claim(conn, attachment_ids=belonging, ticket_id=ticket_id, reply_id=reply_id)
    return belonging


def _is_theirs(info: AttachmentInfo, user: User) -> bool:
    return info.reply_id is None and info.uploaded_by == user.id
