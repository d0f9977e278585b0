"""SQL of a ticket's files and pasted images; `app.files` stores them."""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection
from app.tickets.models import AttachmentInfo

COLUMNS = "a.id, a.ticket_id, a.reply_id, a.uploaded_by, a.filename, a.content_type, a.size, a.is_inline"


async def info(conn: Connection, attachment_id: int) -> AttachmentInfo | None:
    """One file without its content."""
    row = await conn.fetch_one(f"SELECT {COLUMNS} FROM attachments AS a WHERE a.id = %(id)s", {"id": attachment_id})  # noqa: S608
    return AttachmentInfo.from_row(row) if row else None


async def infos(conn: Connection, attachment_ids: Sequence[int]) -> dict[int, AttachmentInfo]:
    """Several files without their contents, by id."""
    if not attachment_ids:
        return {}
    rows = await conn.fetch_all(
        f"SELECT {COLUMNS} FROM attachments AS a WHERE a.id IN %(ids)s",  # noqa: S608
        {"ids": list(attachment_ids)},
    )
    return {row["id"]: AttachmentInfo.from_row(row) for row in rows}


async def of_messages(conn: Connection, message_ids: Sequence[int]) -> list[AttachmentInfo]:
    """The files that these messages carry, pasted images left out, in the order in which they were added."""
    if not message_ids:
        return []
    rows = await conn.fetch_all(
        f"SELECT {COLUMNS} FROM attachments AS a WHERE a.reply_id IN %(ids)s AND a.is_inline = 0 ORDER BY a.id",  # noqa: S608
        {"ids": list(message_ids)},
    )
    return [AttachmentInfo.from_row(row) for row in rows]


async def content(conn: Connection, attachment_id: int) -> bytes:
    """What the file holds; b'' where it is gone."""
    value = await conn.fetch_value("SELECT content FROM attachments WHERE id = %(id)s", {"id": attachment_id})
    return bytes(value) if value is not None else b""


async def claim(conn: Connection, *, attachment_ids: Sequence[int], ticket_id: int, reply_id: int) -> None:
    """Make files that no message carries yet part of a reply."""
    sql = """
        UPDATE attachments SET reply_id = %(reply_id)s, ticket_id = %(ticket_id)s
         WHERE id IN %(ids)s AND reply_id IS NULL
    """
    if attachment_ids:
        await conn.execute(sql, {"reply_id": reply_id, "ticket_id": ticket_id, "ids": list(attachment_ids)})
