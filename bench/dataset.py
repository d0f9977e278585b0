"""A helpdesk that has been busy for three years, in a private MariaDB: `python -m bench.dataset`.

100,000 tickets, 1,000,000 messages, 20,000 contacts, one ticket of 500 messages, and the mails of recent replies. It
takes a few minutes, lies in `var/bench` and is used again until the migrations or this program change.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from app import words
from app.contacts.rules import words_of as contact_words
from app.database import Database
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.tickets.moments import NO_DUE_DATE
from bench.texts import Writer, as_html

FOLDER = Path(__file__).resolve().parent.parent / "var" / "bench"
TICKETS, MESSAGES, CONTACTS, AGENTS = 100_000, 1_000_000, 20_000, 20
LONG_TICKET, LONG_TICKET_MESSAGES = TICKETS, 500
MAILED = 50_000
"""So many of the newest tickets keep the mail of their last reply."""
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SPAN = timedelta(days=3 * 365)
EPOCH = NOW - SPAN
LATER = datetime(2040, 1, 1, tzinfo=UTC)
"""Until when tickets sleep."""
RECEIPTS = ("read", "sent", "machine", "untracked", "failed", "bounced")
Value = str | int | None | datetime

TABLES = {
    "users": "id, email, name, role, signature, created_at",
    "contacts": "id, name, email, words, notes, created_at, updated_at",
    "contact_addresses": "email, contact_id, created_at",
    "tickets": "id, subject, contact_id, status, active, priority, assignee_id, created_at, last_activity_at, "
    "last_from, last_snippet, last_reply_id, last_receipt, last_read_at, due_at, snoozed_until, first_reply_at, "
    "closed_at",
    "ticket_replies": "id, ticket_id, kind, author_user_id, contact_id, body_html, body_text, message_id, created_at",
    "ticket_words": "ticket_id, words",
    "ticket_new_words": "ticket_id, words",
    "outgoing_emails": "id, reply_id, message_id, subject, sender, html_body, text_body, reference_ids, headers, "
    "metadata, created_at",
    "email_recipients": "email_id, role, email, tracking_id, state, attempts, next_attempt_at, sent_at, reports, "
    "seen, seen_at, last_seen_at, fate, fate_at, created_at",
}


@dataclass(frozen=True)
class Ticket:
    """What the rows of one ticket hang on."""

    id: int
    contact_id: int
    created_at: datetime
    closed: bool
    messages: int
    assignee_id: int | None


def fingerprint() -> str:
    """Changes with the schema and with what writes the rows, so that an old folder is not mistaken for a new one."""
    parts = [migration.checksum for migration in all_migrations()]
    sources = (Path(__file__), Path(__file__).with_name("texts.py"), Path(words.__file__))
    parts += [source.read_text(encoding="utf-8") for source in sources]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def server(folder: Path = FOLDER, *, fast: bool = False) -> LocalDatabase:
    """The server over the folder, as `myportal up` would run it; `fast` for filling."""
    return LocalDatabase(folder, name="bench", fast=fast)


def ensure(folder: Path = FOLDER) -> None:
    """Make the data set unless it is there."""
    mark = folder / "fingerprint"
    if mark.is_file() and mark.read_text() == fingerprint():
        return
    shutil.rmtree(folder, ignore_errors=True)
    database_server = server(folder, fast=True)
    database_server.start()
    try:
        asyncio.run(_fill(database_server.url, folder / "load"))
    finally:
        database_server.stop()
        shutil.rmtree(folder / "load", ignore_errors=True)
    mark.write_text(fingerprint())


async def _fill(url: str, folder: Path) -> None:
    started = time.monotonic()

    def say(message: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {message}", flush=True)

    database = Database(url, size=1, deadline=3600)
    try:
        await migrate(database, all_migrations())
        say("tables made")
        _write(folder)
        say("rows written to files")
        async with database.connection() as conn:
            await conn.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")
            # A full-text index is built in one go far faster than row by row. Without FORCE the rows keep the document
            # numbers that they got while there was no index: the new one then finds nothing.
            await conn.execute("ALTER TABLE ticket_new_words DROP INDEX ticket_new_words_words")
            for table, columns in TABLES.items():
                # The server runs on this machine under our name, so it can read our files itself.
                await conn.execute(
                    f"LOAD DATA INFILE '{folder / table}' INTO TABLE {table} CHARACTER SET utf8mb4 ({columns})"
                )
                say(f"{table} loaded")
            await conn.execute("ALTER TABLE ticket_new_words FORCE")
            await conn.execute("ALTER TABLE ticket_new_words ADD FULLTEXT KEY ticket_new_words_words (words)")
            say("full-text index built")
            await conn.execute(f"ANALYZE TABLE {', '.join(TABLES)}")
    finally:
        await database.close()


def _write(folder: Path) -> None:
    folder.mkdir()
    pick, writer = random.Random(1), Writer(2)
    with ExitStack() as stack:
        out = Files({table: stack.enter_context((folder / table).open("w", encoding="utf-8")) for table in TABLES})
        for number in range(1, AGENTS + 1):
            out.add("users", number, f"agent{number}@portal.test", f"Agent {number}", "agent", "", EPOCH)
        emails = [_write_contact(out, writer, number) for number in range(1, CONTACTS + 1)]
        reply_ids = iter(range(1, MESSAGES + 1))
        for ticket in _tickets(pick):
            _write_ticket(out, pick, writer, ticket, emails[ticket.contact_id - 1], reply_ids)


@dataclass(frozen=True)
class Files:
    """A file of rows for each table, as LOAD DATA reads them."""

    files: dict[str, TextIO]

    def add(self, table: str, *row: Value) -> None:
        """Append a row with the columns of TABLES; no value holds a tab, a line end or a backslash."""
        self.files[table].write("\t".join(map(_field, row)) + "\n")


def _field(value: Value) -> str:
    if value is None:
        return "\\N"
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else str(value)


def _write_contact(out: Files, writer: Writer, number: int) -> str:
    first, last, company = writer.name()
    name, email = f"{first} {last}", f"{first}.{last}.{number}@{company}.example".lower()
    out.add("contacts", number, name, email, contact_words(name, [email]), "", EPOCH, EPOCH)
    out.add("contact_addresses", email, number, EPOCH)
    return email


def _tickets(pick: random.Random) -> list[Ticket]:
    """Oldest first; four in five are closed, nearly all of those older than a few months."""
    lengths = [1 + int(pick.expovariate(1 / 8.5)) for _ in range(TICKETS - 1)]
    surplus = MESSAGES - LONG_TICKET_MESSAGES - sum(lengths)
    while surplus:
        step = 1 if surplus > 0 else -1
        number = pick.randrange(len(lengths))
        if lengths[number] + step >= 1:
            lengths[number] += step
            surplus -= step
    found = []
    for number, length in enumerate([*lengths, LONG_TICKET_MESSAGES], 1):
        age = (TICKETS - number) / TICKETS
        found.append(
            Ticket(
                id=number,
                contact_id=1 + min(int(pick.expovariate(1 / 5000)), CONTACTS - 1),
                created_at=NOW - SPAN * age - timedelta(seconds=pick.random() * 900),
                closed=number != LONG_TICKET and pick.random() < (0.93 if age > 0.15 else 0.25),
                messages=length,
                assignee_id=pick.randint(1, AGENTS) if pick.random() < 0.75 else None,
            )
        )
    return found


def _write_ticket(
    out: Files, pick: random.Random, writer: Writer, ticket: Ticket, email: str, reply_ids: Iterator[int]
) -> None:
    subject, at, last_reply, kind, text = writer.subject(), ticket.created_at, None, "", ""
    first_reply_at: datetime | None = None
    known: set[str] = set()
    for number in range(ticket.messages):
        reply_id = next(reply_ids)
        kind = "customer" if number % 2 == 0 else "note" if pick.random() < 0.1 else "reply"
        at = min(at + timedelta(seconds=pick.expovariate(1 / 20_000)), NOW) if number else at
        text = writer.body(f"R{pick.randrange(10**8):08d}" if pick.random() < 0.1 else "")
        last_reply = reply_id if kind == "reply" else last_reply
        first_reply_at = first_reply_at or (at if kind == "reply" else None)
        author = None if kind == "customer" else (ticket.assignee_id or pick.randint(1, AGENTS))
        contact = ticket.contact_id if kind == "customer" else None
        message_id = None if kind == "note" else f"<{reply_id}@portal.test>"
        out.add("ticket_replies", reply_id, ticket.id, kind, author, contact, as_html(text), text, message_id, at)
        _add_words(out, ticket.id, known, (text,) if number else (subject, email, text))
    out.add("ticket_words", ticket.id, f" {' '.join(known)} ")
    status = "closed" if ticket.closed else pick.choices(("open", "pending"), (3, 1))[0]
    priority = pick.choices(("low", "normal", "high", "urgent"), (10, 75, 12, 3))[0]
    receipt = pick.choices(RECEIPTS, (48, 40, 6, 5, 0.5, 0.5))[0] if last_reply else None
    out.add(
        "tickets", ticket.id, subject, ticket.contact_id, status, int(not ticket.closed), priority, ticket.assignee_id,
        ticket.created_at, at, "customer" if kind == "customer" else "agent", text[:200], last_reply, receipt,
        at if receipt == "read" else None,
        at + timedelta(days=7) if pick.random() < 0.05 else NO_DUE_DATE,
        LATER if not ticket.closed and pick.random() < 0.03 else None,
        first_reply_at, at if ticket.closed else None,
    )  # fmt: skip
    if last_reply and receipt and ticket.id > TICKETS - MAILED:
        _write_mail(out, ticket.id, last_reply, email, receipt, at)


def _add_words(out: Files, ticket_id: int, known: set[str], texts: Sequence[str]) -> None:
    fresh = [word for word in words.document(words.words_of(*texts)).split() if word not in known]
    if fresh:
        known.update(fresh)
        out.add("ticket_new_words", ticket_id, f" {' '.join(fresh)} ")


def _write_mail(out: Files, number: int, reply_id: int, email: str, receipt: str, at: datetime) -> None:
    out.add(
        "outgoing_emails", number, reply_id, f"<{reply_id}@portal.test>", "Re: your ticket", "support@portal.test",
        "<p>The answer</p>", "The answer", "", "{}", "{}", at,
    )  # fmt: skip
    tracking_id = hashlib.sha256(str(reply_id).encode()).hexdigest()
    state = "failed" if receipt == "failed" else "sent"
    reports = "" if receipt == "untracked" else "opens,clicks"
    seen = receipt if receipt in {"read", "machine"} else None
    seen_at = at if seen else None
    fate = receipt if receipt == "bounced" else None
    out.add(
        "email_recipients", number, "to", email, tracking_id, state, 1, at, at, reports, seen, seen_at, seen_at, fate,
        at if fate else None, at,
    )  # fmt: skip


if __name__ == "__main__":
    ensure()
    print(f"ready in {FOLDER}")
