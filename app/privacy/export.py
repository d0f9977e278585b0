"""Give out everything about one contact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from app import audit
from app.accounts.models import User
from app.database import utcnow
from app.hookspecs import MOST_EXPORTED, ContactData
from app.plugin_privacy import PluginFailed
from app.privacy import export_tables, people
from app.privacy.archive import Archive, safe_name
from app.runtime import Runtime, current

PORTAL = "portal"
PIECE = 4_000_000
"""Bytes of a file that are read at once."""


@dataclass
class Export:
    """A finished export. file: the zip, open at its beginning; whoever takes it closes it."""

    filename: str
    file: IO[bytes]
    counts: dict[str, int]
    problems: list[str]
    """What is missing, and why."""
    close: Callable[[], None]


async def export_contact(contact_id: int, *, by: User | None) -> Export:
    """Everything that the portal and its modules hold about a contact. Raises ContactNotFound.

    by: who asks, for the audit log; None for the command line.
    """
    runtime = current()
    now = utcnow()
    async with runtime.database.connection() as conn:
        person = await people.person(conn, contact_id)
    archive = Archive()
    try:
        async for table, rows in export_tables.tables(runtime.database, person):
            await asyncio.to_thread(archive.add_rows, PORTAL, table, rows)
        async for found in export_tables.files(runtime.database, person):
            out = archive.open_file(f"files/{found.id}-{safe_name(found.filename)}")
            try:
                async for piece in export_tables.pieces(runtime.database, found.id, PIECE):
                    await asyncio.to_thread(out.write, piece)
            finally:
                await asyncio.to_thread(out.close)
        problems = await _modules(runtime, person, archive)
        file = await asyncio.to_thread(archive.finish, readme(person, now, archive.counts, problems))
        async with runtime.database.transaction() as conn:
            await audit.record(
                conn,
                user_id=by.id if by else None,
                action="contact.export",
                subject=f"contact:{contact_id}",
                detail={"rows": sum(archive.counts.values()), "missing": "; ".join(problems)},
            )
    except BaseException:
        archive.close()
        raise
    return Export(f"contact-{contact_id}-{now:%Y-%m-%d}.zip", file, archive.counts, problems, archive.close)


async def _modules(runtime: Runtime, person: ContactData, archive: Archive) -> list[str]:
    """Add what the modules hold; what could not be had, in words."""
    problems = []
    for slug in runtime.plugins.answering("export_contact"):
        try:
            found = await runtime.plugins.export_contact(slug, person)
            for table, rows in found.items():
                await asyncio.to_thread(archive.add_rows, slug, table, rows[:MOST_EXPORTED])
                if len(rows) > MOST_EXPORTED:
                    problems.append(f"{slug}: of {table} only the first {MOST_EXPORTED:,} rows are here")
        except PluginFailed as error:
            problems.append(f"{slug}: its data is missing here, because it failed ({error})")
    return problems


def readme(person: ContactData, at: datetime, counts: dict[str, int], problems: list[str]) -> str:
    """What the zip holds, for the person who gets it."""
    lines = [
        f"Everything that was stored about {person.name} ({', '.join(person.addresses)})",
        f"when this was written: {at:%Y-%m-%d %H:%M} UTC.",
        "",
        "data.json   all tables in one file, for programs",
        "*/*.csv     the same, a file for each table, for spreadsheets (UTF-8, comma)",
        "files/      the files of messages, as they were sent",
        "",
        "Times are UTC. In the CSV files an apostrophe stands before what a spreadsheet would take for a formula.",
        "Messages and notes in your tickets are here as a whole: others may be named in them.",
        "",
        "Rows:",
        *(f"  {table}: {count:,}" for table, count in counts.items()),
        "",
    ]
    if problems:
        lines += ["NOT COMPLETE:", *(f"  {problem}" for problem in problems), ""]
    return "\n".join(lines)
