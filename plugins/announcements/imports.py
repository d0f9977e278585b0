"""CSV files of addresses: read, kept line by line with what becomes of each, and accepted before they count."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database import Connection, Row, utcnow
from app.services.web import User
from app.sql import in_list, in_parts
from plugins.announcements import audience, csv_file, repository
from plugins.announcements.csv_file import FileLine, UnreadableFile
from plugins.announcements.errors import AnnouncementNotFound, AnnouncementRefused
from plugins.announcements.finding import announcement, check_draft
from plugins.announcements.finding import found as locked
from plugins.announcements.handles import Handles
from plugins.announcements.models import Person

VERDICTS: Mapping[str, str] = {
    "known": "A contact",
    "new": "A new contact is made",
    "bad": "No usable address",
    "double": "Stands in the file before",
    "same_person": "The same contact under another address",
    "unsubscribed": "Unsubscribed",
    "suppressed": "Suppressed after a bounce or a complaint",
}
COUNTED = frozenset({"known", "new"})
PAGE = 100


@dataclass(frozen=True)
class Import:
    """One file."""

    id: int
    announcement_id: int
    filename: str
    encoding: str
    delimiter: str
    created_at: datetime
    accepted_at: datetime | None
    counts: Mapping[str, int]
    """Lines by verdict."""

    @property
    def usable(self) -> int:
        """Lines that count once it is accepted."""
        return sum(self.counts.get(one, 0) for one in COUNTED)


async def upload(handles: Handles, number: int, *, filename: str, content: bytes, by: User) -> int:
    """Read a file for a draft and keep what is in it; the import's id. Nothing counts before `accept`.

    Raises AnnouncementNotFound, NotNow, and AnnouncementRefused with the field `file`.
    """
    check_draft(await announcement(handles, number))
    try:
        found = await asyncio.to_thread(csv_file.read, content)
    except UnreadableFile as error:
        raise AnnouncementRefused({"file": str(error)}) from None
    async with handles.database.connection() as conn:
        judged = await _judged(conn, found.lines)
    name = "".join(char if char.isprintable() else "_" for char in filename)[-255:] or "file.csv"

    async def work(conn: Connection) -> int:
        # What was looked at and not accepted is in nobody's way, and holds addresses.
        await conn.execute(
            "DELETE FROM announcement_imports WHERE announcement_id = %(id)s AND accepted_at IS NULL", {"id": number}
        )
        import_id = await conn.insert(
            """
            INSERT INTO announcement_imports (announcement_id, filename, encoding, delimiter, created_by, created_at)
            VALUES (%(announcement)s, %(filename)s, %(encoding)s, %(delimiter)s, %(user)s, %(now)s)
            """,
            {
                "announcement": number,
                "filename": name,
                "encoding": found.encoding,
                "delimiter": found.delimiter,
                "user": by.id,
                "now": utcnow(),
            },
        )
        for part in in_parts(judged, 2000):
            await conn.execute_many(
                "INSERT INTO announcement_import_lines (import_id, line, email, name, verdict, words) "
                "VALUES (%s, %s, %s, %s, %s, %s)",
                [(import_id, line.number, line.email, line.name, verdict, line.words) for line, verdict in part],
            )
        return import_id

    return await handles.database.run(work)


async def _judged(conn: Connection, lines: Sequence[FileLine]) -> list[tuple[FileLine, str]]:
    """What becomes of each line, in their order."""
    seen: set[str] = set()
    people: set[int] = set()
    judged: list[tuple[FileLine, str]] = []
    for part in in_parts(lines, 1000):
        emails = [line.email for line in part if line.email]
        owners = await _owners(conn, emails) if emails else {}
        asked = [Person(owners.get(line.email.lower(), 0), line.name, line.email) for line in part if line.email]
        reasons = {one.email: one.reason for one in await audience.sift(conn, asked)}
        for line in part:
            contact_id = owners.get(line.email.lower(), 0)
            if not line.email:
                verdict = "bad"
            elif line.email.lower() in seen:
                verdict = "double"
            elif reasons[line.email]:
                verdict = reasons[line.email]
            elif contact_id in people:
                verdict = "same_person"
            else:
                verdict = "known" if contact_id else "new"
            seen.add(line.email.lower())
            if contact_id and verdict == "known":
                people.add(contact_id)
            judged.append((line, verdict))
    return judged


async def _owners(conn: Connection, emails: Sequence[str]) -> dict[str, int]:
    listed, parameters = in_list("email", emails)
    rows = await conn.fetch_all(
        f"SELECT a.email, a.contact_id FROM contact_addresses AS a WHERE a.email IN {listed}",  # noqa: S608
        parameters,
    )
    return {row["email"].lower(): row["contact_id"] for row in rows}


async def one(handles: Handles, number: int, import_id: int) -> Import:
    """A file of an announcement. Raises AnnouncementNotFound."""
    async with handles.database.connection() as conn:
        return await _one(conn, number, import_id)


async def _one(conn: Connection, number: int, import_id: int) -> Import:
    row = await conn.fetch_one(
        """
        SELECT i.id, i.announcement_id, i.filename, i.encoding, i.delimiter, i.created_at, i.accepted_at
          FROM announcement_imports AS i WHERE i.id = %(id)s AND i.announcement_id = %(announcement)s
        """,
        {"id": import_id, "announcement": number},
    )
    if row is None:
        raise AnnouncementNotFound("This file is gone: a newer one took its place. Upload it again.")
    counts = await conn.fetch_all(
        "SELECT l.verdict, COUNT(*) AS found FROM announcement_import_lines AS l WHERE l.import_id = %(id)s "
        "GROUP BY l.verdict",
        {"id": import_id},
    )
    return Import(**row, counts={count["verdict"]: int(count["found"]) for count in counts})


async def lines(handles: Handles, import_id: int, *, verdict: str = "", after: int = 0, limit: int = PAGE) -> list[Row]:
    """Lines of a file in their order. verdict: only such. after: the line behind which to start."""
    async with handles.database.connection() as conn:
        return await conn.fetch_all(
            """
            SELECT l.line, l.email, l.name, l.verdict, l.words FROM announcement_import_lines AS l
             WHERE l.import_id = %(id)s AND l.line > %(after)s AND (%(verdict)s = '' OR l.verdict = %(verdict)s)
             ORDER BY l.line LIMIT %(limit)s
            """,
            {"id": import_id, "after": after, "verdict": verdict, "limit": limit},
        )


async def accept(handles: Handles, number: int, import_id: int) -> int:
    """Make what a file holds the draft's audience; how many lines count. Contacts are made when it is sent.

    Raises AnnouncementNotFound, NotNow, and AnnouncementRefused where no line counts.
    """

    async def work(conn: Connection) -> int:
        check_draft(await locked(conn, number, lock=True))
        found = await _one(conn, number, import_id)
        if not found.usable:
            raise AnnouncementRefused({"file": "No line of this file counts. Choose another file."})
        await conn.execute(
            "UPDATE announcement_imports SET accepted_at = COALESCE(accepted_at, %(now)s) WHERE id = %(id)s",
            {"id": import_id, "now": utcnow()},
        )
        await repository.change(conn, number, audience="import", audience_value=str(import_id))
        return found.usable

    return await handles.database.run(work)


async def check_accepted(conn: Connection, number: int, value: str) -> None:
    """Raise AnnouncementRefused where a draft names a file that is not its own, or was not accepted."""
    if not value:
        return
    accepted = await conn.fetch_value(
        "SELECT i.accepted_at FROM announcement_imports AS i WHERE i.id = %(id)s AND i.announcement_id = %(number)s",
        {"id": int(value), "number": number},
    )
    if accepted is None:
        raise AnnouncementRefused({"audience": "Upload a CSV file, and accept what is found in it."})
