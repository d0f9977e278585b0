"""SQL that stores and forgets files; who may see them is their feature's matter."""

from __future__ import annotations

from app.database import Connection, utcnow

PIECE = 4_000_000
"""Bytes per statement: quoting may double them, and servers take packets of 16 MB by default."""


async def insert(
    conn: Connection,
    *,
    ticket_id: int | None,
    uploaded_by: int | None,
    filename: str,
    content_type: str,
    content: bytes,
    is_inline: bool = False,
) -> int:
    """Store a file that no message carries yet."""
    sql = """
        INSERT INTO attachments (ticket_id, uploaded_by, filename, content_type, size, is_inline, content, created_at)
        VALUES (%(ticket_id)s, %(uploaded_by)s, %(filename)s, %(content_type)s, %(size)s, %(is_inline)s, %(piece)s,
                %(now)s)
    """
    values = {
        "ticket_id": ticket_id,
        "uploaded_by": uploaded_by,
        "filename": filename,
        "content_type": content_type,
        "size": len(content),
        "is_inline": is_inline,
        "piece": content[:PIECE],
        "now": utcnow(),
    }
    attachment_id = await conn.insert(sql, values)
    for start in range(PIECE, len(content), PIECE):
        await _append(conn, attachment_id, content[start : start + PIECE])
    return attachment_id


async def _append(conn: Connection, attachment_id: int, piece: bytes) -> None:
    sql = "UPDATE attachments SET content = CONCAT(content, %(piece)s) WHERE id = %(id)s"
    await conn.execute(sql, {"piece": piece, "id": attachment_id})
