"""A helpdesk that has been busy for three years, in a private MariaDB: `python -m bench.dataset`.

100,000 tickets, 1,000,000 replies, 20,000 contacts, one ticket of 500 messages, and the mails of recent replies. It
takes a few minutes, lies in `var/bench` and is used again until the migrations or this file change.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.database import Connection, Database
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from bench.texts import Writer, as_html

FOLDER = Path(__file__).resolve().parent.parent / "var" / "bench"
VERSION = "1"
TICKETS, REPLIES, CONTACTS, AGENTS = 100_000, 1_000_000, 20_000, 20
LONG_TICKET, LONG_TICKET_MESSAGES = TICKETS, 500
MAILED = 50_000
"""So many of the newest tickets keep the mail of their last reply."""
CHUNK = 100_000
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SPAN = timedelta(days=3 * 365)
EPOCH = NOW - SPAN
Value = str | int | None | datetime
WORDS_INDEX = "ticket_replies_words"


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
    """Changes with the schema and with this program, so that an old folder is not mistaken for a new one."""
    parts = [VERSION, *(migration.checksum for migration in all_migrations())]
    parts += [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("dataset.py", "texts.py")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def server(folder: Path = FOLDER, *, fast: bool = False) -> LocalDatabase:
    """The server over the folder, as `myportal up` would run it; `fast` for filling."""
    return LocalDatabase(folder, name="bench", fast=fast)


def ready(folder: Path = FOLDER) -> bool:
    """Whether the folder holds this data set."""
    mark = folder / "fingerprint"
    return mark.is_file() and mark.read_text() == fingerprint()


def ensure(folder: Path = FOLDER) -> None:
    """Make the data set unless it is there."""
    if ready(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    database_server = server(folder, fast=True)
    database_server.start()
    try:
        asyncio.run(_fill(database_server.url, folder))
    finally:
        database_server.stop()
    (folder / "fingerprint").write_text(fingerprint())


async def _fill(url: str, folder: Path) -> None:
    database = Database(url, size=1, deadline=3600)
    started = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {words}", flush=True)

    try:
        await migrate(database, all_migrations())
        async with database.connection() as conn:
            await conn.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")
            await _load_everything(conn, folder / "load.tsv", say)
            await conn.execute(f"ALTER TABLE ticket_replies ADD FULLTEXT KEY {WORDS_INDEX} (body_text)")
            say("full-text index built")
            await conn.execute("ANALYZE TABLE tickets, ticket_replies, contacts, contact_addresses")
    finally:
        await database.close()
        (folder / "load.tsv").unlink(missing_ok=True)


async def _load_everything(conn: Connection, file: Path, say: object) -> None:
    assert callable(say)  # noqa: S101
    pick = random.Random(1)
    writer = Writer(2)
    say(f"{len(writer.vocabulary)} words made up")
    await _load(conn, file, "users", "id, email, name, role, signature, created_at", _users())
    contacts = list(_contacts(writer))
    await _load(conn, file, "contacts", "id, name, email, notes, created_at, updated_at", contacts)
    await _load(
        conn, file, "contact_addresses", "email, contact_id, created_at", ((row[2], row[0], EPOCH) for row in contacts)
    )
    say("contacts loaded")
    tickets = _tickets(pick)
    rows: list[Sequence[Value]] = []
    mails: list[tuple[int, str]] = []
    replies = _conversations(pick, writer, tickets, contacts, rows, mails)
    columns = "id, ticket_id, kind, author_user_id, contact_id, body_html, body_text, message_id, created_at"
    count = 0
    while chunk := [row for _, row in zip(range(CHUNK), replies, strict=False)]:
        await _load(conn, file, "ticket_replies", columns, chunk)
        count += len(chunk)
        say(f"{count} replies loaded")
    columns = (
        "id, subject, contact_id, status, active, priority, assignee_id, created_at, last_activity_at, last_from, "
        "last_snippet, last_reply_id, last_receipt"
    )
    await _load(conn, file, "tickets", columns, rows)
    await _load_mails(conn, file, mails[-MAILED:])
    say(f"{len(rows)} tickets loaded")


async def _load(conn: Connection, file: Path, table: str, columns: str, rows: Iterable[Sequence[Value]]) -> None:
    """Fill a table from a file that the server, running on this machine under our name, reads itself."""
    with file.open("w", encoding="utf-8") as output:
        output.writelines("\t".join(map(_field, row)) + "\n" for row in rows)
    await conn.execute(f"LOAD DATA INFILE '{file}' INTO TABLE {table} CHARACTER SET utf8mb4 ({columns})")


def _field(value: Value) -> str:
    if value is None:
        return "\\N"
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else str(value)


def _users() -> Iterator[Sequence[Value]]:
    for number in range(1, AGENTS + 1):
        yield (number, f"agent{number}@portal.test", f"Agent {number}", "agent", "", EPOCH)


def _contacts(writer: Writer) -> Iterator[Sequence[Value]]:
    pick = random.Random(3)
    for number in range(1, CONTACTS + 1):
        first, last = pick.choice(writer.vocabulary), pick.choice(writer.vocabulary)
        email = f"{first}.{last}.{number}@{pick.choice(writer.vocabulary[:2000])}.example"
        yield (number, f"{first.capitalize()} {last.capitalize()}", email, "", EPOCH, EPOCH)


def _tickets(pick: random.Random) -> list[Ticket]:
    """Oldest first; four in five are closed, nearly all of those older than a few months."""
    lengths = [1 + int(pick.expovariate(1 / 8.5)) for _ in range(TICKETS - 1)]
    surplus = REPLIES - LONG_TICKET_MESSAGES - sum(lengths)
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


def _conversations(
    pick: random.Random,
    writer: Writer,
    tickets: list[Ticket],
    contacts: Sequence[Sequence[Value]],
    rows: list[Sequence[Value]],
    mails: list[tuple[int, str]],
) -> Iterator[Sequence[Value]]:
    """All messages by ticket; fills `rows` with the tickets and `mails` with (reply, address) on the way."""
    reply_id = 0
    for ticket in tickets:
        at, kind, text, last_reply = ticket.created_at, "customer", "", None
        for number in range(ticket.messages):
            reply_id += 1
            kind = "customer" if number % 2 == 0 else ("note" if pick.random() < 0.1 else "reply")
            at = min(at + timedelta(seconds=pick.expovariate(1 / 20_000)), NOW) if number else at
            text = writer.body(f"R{pick.randrange(10**8):08d}" if pick.random() < 0.1 else "")
            author = None if kind == "customer" else (ticket.assignee_id or pick.randint(1, AGENTS))
            contact = ticket.contact_id if kind == "customer" else None
            last_reply = reply_id if kind == "reply" else last_reply
            message_id = None if kind == "note" else f"<{reply_id}@portal.test>"
            yield (reply_id, ticket.id, kind, author, contact, as_html(text), text, message_id, at)
        status = "closed" if ticket.closed else pick.choices(("open", "pending"), (3, 1))[0]
        rows.append(
            (
                ticket.id, writer.subject(), ticket.contact_id, status, int(not ticket.closed),
                pick.choices(("low", "normal", "high", "urgent"), (10, 75, 12, 3))[0], ticket.assignee_id,
                ticket.created_at, at, "customer" if kind == "customer" else "agent", text[:200], last_reply,
                None if last_reply is None else _receipt(pick),
            )
        )  # fmt: skip
        if last_reply is not None:
            mails.append((last_reply, str(contacts[ticket.contact_id - 1][2])))


def _receipt(pick: random.Random) -> str:
    return pick.choices(("read", "sent", "machine", "untracked", "failed", "bounced"), (48, 40, 6, 5, 0.5, 0.5))[0]


async def _load_mails(conn: Connection, file: Path, mails: list[tuple[int, str]]) -> None:
    columns = (
        "id, reply_id, message_id, subject, sender, html_body, text_body, reference_ids, headers, metadata, created_at"
    )
    sender, body = "support@portal.test", "<p>The answer</p>"
    await _load(
        conn,
        file,
        "outgoing_emails",
        columns,
        (
            (
                number,
                reply,
                f"<{reply}@portal.test>",
                "Re: your ticket",
                sender,
                body,
                "The answer",
                "",
                "{}",
                "{}",
                NOW,
            )
            for number, (reply, _) in enumerate(mails, 1)
        ),
    )
    columns = "email_id, role, email, tracking_id, state, attempts, next_attempt_at, sent_at, reports, created_at"
    recipients = (
        (number, "to", email, hashlib.sha256(str(reply).encode()).hexdigest()[:43], "sent", 1, NOW, NOW, "opens", NOW)
        for number, (reply, email) in enumerate(mails, 1)
    )
    await _load(conn, file, "email_recipients", columns, recipients)


if __name__ == "__main__":
    ensure()
    print(f"ready in {FOLDER}")
