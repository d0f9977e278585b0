"""SQL of the files of mailings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.database import Connection, Row, utcnow
from app.sql import in_list

COLUMNS = "a.id, a.filename, a.content_type, a.size, a.is_inline"


@dataclass(frozen=True)
class MailingFile:
    """A file without its content."""

    id: int
    filename: str
    content_type: str
    size: int
    """Bytes."""
    is_inline: bool
    """Whether it came as a picture in the text."""


def _file(row: Row) -> MailingFile:
    return MailingFile(**{**row, "is_inline": bool(row["is_inline"])})


async def of_mailing(conn: Connection, mailing: str) -> list[MailingFile]:
    """The files of a mailing in the order in which they were added."""
    rows = await conn.fetch_all(
        f"SELECT {COLUMNS} FROM mailing_files AS f JOIN attachments AS a ON a.id = f.attachment_id "  # noqa: S608
        "WHERE f.mailing = %(mailing)s ORDER BY a.id",
        {"mailing": mailing},
    )
    return [_file(row) for row in rows]


async def usable(conn: Connection, attachment_ids: Sequence[int], *, user_id: int) -> dict[int, MailingFile]:
    """Of these files, those of a mailing and those of a user that nothing carries yet; by id, in the given order."""
    if not attachment_ids:
        return {}
    listed, parameters = in_list("id", dict.fromkeys(attachment_ids))
    rows = await conn.fetch_all(
        f"""
        SELECT {COLUMNS} FROM attachments AS a
         WHERE a.id IN {listed}
           AND (a.reply_id IS NULL AND a.uploaded_by = %(user)s
                OR a.id IN (SELECT f.attachment_id FROM mailing_files AS f))
        """,  # noqa: S608
        {**parameters, "user": user_id},
    )
    found = {row["id"]: _file(row) for row in rows}
    return {one: found[one] for one in dict.fromkeys(attachment_ids) if one in found}


async def is_of_mailing(conn: Connection, attachment_id: int) -> bool:
    """Whether the mails of some mailing carry a file, or will."""
    sql = "SELECT 1 FROM mailing_files AS f WHERE f.attachment_id = %(id)s LIMIT 1"
    return await conn.fetch_value(sql, {"id": attachment_id}) is not None


async def set_files(conn: Connection, mailing: str, attachment_ids: Sequence[int]) -> None:
    """Let a mailing have these files and no others."""
    before = {one.id for one in await of_mailing(conn, mailing)}
    if gone := sorted(before - set(attachment_ids)):
        listed, parameters = in_list("id", gone)
        await conn.execute(
            f"DELETE FROM mailing_files WHERE mailing = %(mailing)s AND attachment_id IN {listed}",  # noqa: S608
            {**parameters, "mailing": mailing},
        )
        # What is taken out of a text may come back by "undo": its time as an unused upload begins now.
        await conn.execute(
            f"UPDATE attachments SET created_at = %(now)s WHERE id IN {listed}",  # noqa: S608
            {**parameters, "now": utcnow()},
        )
    rows = [{"mailing": mailing, "id": one} for one in dict.fromkeys(attachment_ids) if one not in before]
    await conn.execute_many("INSERT INTO mailing_files (mailing, attachment_id) VALUES (%(mailing)s, %(id)s)", rows)


async def copy(conn: Connection, mailing: str, *, to: str) -> None:
    """Let another mailing have the same files."""
    await conn.execute(
        "INSERT INTO mailing_files (mailing, attachment_id) "
        "SELECT %(to)s, f.attachment_id FROM mailing_files AS f WHERE f.mailing = %(mailing)s",
        {"mailing": mailing, "to": to},
    )


async def forget(conn: Connection, mailing: str) -> None:
    """Take a mailing's files from it, and delete those that nothing else has."""
    ids = [one.id for one in await of_mailing(conn, mailing)]
    if not ids:
        return
    await conn.execute("DELETE FROM mailing_files WHERE mailing = %(mailing)s", {"mailing": mailing})
    listed, parameters = in_list("id", ids)
    await conn.execute(
        f"""
        DELETE FROM attachments WHERE id IN {listed} AND reply_id IS NULL
           AND id NOT IN (SELECT attachment_id FROM mailing_files)
           AND id NOT IN (SELECT attachment_id FROM email_attachments)
        """,  # noqa: S608
        parameters,
    )
