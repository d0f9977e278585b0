"""SQL of the search: each ticket's words in one row, and a full-text index over where they came up first.

`ticket_words` has one row a ticket and is looked through with LOCATE. `ticket_new_words` has a row for each message
that brought new words, and is never changed: a changed row would leave its old words in InnoDB's full-text index for
every search to skip, until somebody optimises the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.database import Connection
from app.words import Needle


async def words_of(conn: Connection, ticket_id: int) -> str | None:
    """The words of a ticket, held until the end of the transaction; None where none were stored yet."""
    sql = "SELECT w.words FROM ticket_words AS w WHERE w.ticket_id = %(id)s FOR UPDATE"
    value = await conn.fetch_value(sql, {"id": ticket_id})
    return bytes(value).decode() if value is not None else None


async def insert_words(conn: Connection, *, ticket_id: int, words: str) -> None:
    """Store the first words of a ticket; `words` as `words.document` writes them."""
    sql = "INSERT INTO ticket_words (ticket_id, words) VALUES (%(id)s, %(words)s)"
    await conn.execute(sql, {"id": ticket_id, "words": words})


async def append_words(conn: Connection, *, ticket_id: int, words: str) -> None:
    """Add words to those of a ticket."""
    sql = "UPDATE ticket_words SET words = CONCAT(words, %(words)s) WHERE ticket_id = %(id)s"
    await conn.execute(sql, {"id": ticket_id, "words": words})


async def insert_new_words(conn: Connection, *, ticket_id: int, words: str) -> None:
    """Put words that are new to a ticket into the full-text index."""
    sql = "INSERT INTO ticket_new_words (ticket_id, words) VALUES (%(id)s, %(words)s)"
    await conn.execute(sql, {"id": ticket_id, "words": words})


async def insert_new_words_of_contact(conn: Connection, *, contact_id: int, words: str) -> None:
    """Put words into the full-text index for each ticket of a contact."""
    sql = """
        INSERT INTO ticket_new_words (ticket_id, words)
        SELECT t.id, %(words)s FROM tickets AS t WHERE t.contact_id = %(contact_id)s ORDER BY t.id
    """
    await conn.execute(sql, {"contact_id": contact_id, "words": words})


async def append_words_of_contact(conn: Connection, *, contact_id: int, words: str) -> None:
    """Add words to those of each ticket of a contact."""
    sql = """
        UPDATE ticket_words AS w JOIN tickets AS t ON t.id = w.ticket_id
           SET w.words = CONCAT(w.words, %(words)s) WHERE t.contact_id = %(contact_id)s
    """
    await conn.execute(sql, {"contact_id": contact_id, "words": words})


async def head_of_ticket(conn: Connection, ticket_id: int) -> list[str]:
    """Subject, and name and addresses of the contact."""
    sql = """
        SELECT t.subject, c.name, c.email AS first, a.email
          FROM tickets AS t JOIN contacts AS c ON c.id = t.contact_id
               LEFT JOIN contact_addresses AS a ON a.contact_id = c.id
         WHERE t.id = %(id)s
    """
    rows = await conn.fetch_all(sql, {"id": ticket_id})
    return [str(value) for row in rows for value in row.values() if value]


async def bodies_of_ticket(conn: Connection, ticket_id: int) -> list[str]:
    """The texts of its messages, oldest first."""
    sql = "SELECT r.body_text FROM ticket_replies AS r WHERE r.ticket_id = %(id)s ORDER BY r.id"
    return [str(row["body_text"]) for row in await conn.fetch_all(sql, {"id": ticket_id})]


async def shares(
    conn: Connection, needles: Sequence[Needle], *, sample: int, seconds: float
) -> tuple[list[float], float]:
    """In which share of the newest `sample` tickets each needle is found, and in which all are; from 0 to 1."""
    patterns = {f"needle_{n}": needle.located for n, needle in enumerate(needles)}
    found = [f"LOCATE(%({name})s, s.words) > 0" for name in patterns]
    sums = ", ".join(f"SUM({one}) AS found_{n}" for n, one in enumerate(found))
    row = await conn.fetch_one(
        f"""
        {bounded(seconds)} COUNT(*) AS total, {sums}, SUM({" AND ".join(found)}) AS together
          FROM (SELECT w.words FROM ticket_words AS w ORDER BY w.ticket_id DESC LIMIT %(sample)s) AS s
        """,  # noqa: S608
        {"sample": sample, **patterns},
    )
    if not row or not row["total"]:
        return [0.0] * len(needles), 0.0
    total = row["total"]
    return [float(row[f"found_{n}"]) / total for n in range(len(needles))], float(row["together"]) / total


async def tickets_with(conn: Connection, needle: Needle, *, limit: int, seconds: float) -> list[int]:
    """The tickets that have a word, newest first, from the full-text index.

    Not for common words: the server reads all of a word's places before it looks at its clock.
    """
    sql = f"""
        {bounded(seconds)} n.ticket_id FROM ticket_new_words AS n
         WHERE MATCH (n.words) AGAINST (%(against)s IN BOOLEAN MODE)
         GROUP BY n.ticket_id ORDER BY n.ticket_id DESC LIMIT %(limit)s
    """
    rows = await conn.fetch_all(sql, {"against": needle.against, "limit": limit})
    return [int(row["ticket_id"]) for row in rows]


def bounded(seconds: float) -> str:
    """Starts a SELECT that the server gives up after a time, in the words of MariaDB and in those of MySQL."""
    milliseconds = max(int(seconds * 1000), 1)
    return (
        f"/*M! SET STATEMENT max_statement_time = {seconds:g} FOR */ SELECT /*+ MAX_EXECUTION_TIME({milliseconds}) */"
    )


async def forget_words(conn: Connection, ticket_id: int) -> None:
    """Let a ticket be found by nothing, until its words are added again."""
    await conn.execute("DELETE FROM ticket_words WHERE ticket_id = %(id)s", {"id": ticket_id})
    await conn.execute("DELETE FROM ticket_new_words WHERE ticket_id = %(id)s", {"id": ticket_id})
