"""What the portal itself erases of a person, step by step.

Every step can be repeated: it looks for what is still there. What tells of the person goes; ids, times, states and
counts stay, so that tickets, lists and reports go on to add up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.contacts import repository as contacts
from app.database import Connection, Database, utcnow
from app.hookspecs import ContactData
from app.live import service as live
from app.privacy.people import placeholder
from app.reports import counting
from app.reports.rebuild_repository import forget_links
from app.runtime import current
from app.sql import in_list, in_parts
from app.suppressions import repository as suppressions
from app.suppressions import rules
from app.tickets import search_index
from app.tickets import search_repository as search

NAME = "Erased contact"
TEXT = "This text was erased."
HTML = "<p>This text was erased.</p>"
SUBJECT = "Erased"
UNDER_WAY = "('claimed', 'sending')"
WAITS = "('queued', 'retry')"

Told = Callable[[str, int], None]
"""What went, in words, and how much."""


class NotYet(Exception):
    """Something has to end first; the message says what."""


async def identity(database: Database, person: ContactData, told: Told) -> None:
    """Name, notes and addresses. First, so that what comes in from now on belongs to somebody new."""

    async def work(conn: Connection) -> int:
        if not await contacts.lock_contact(conn, person.id):
            return 0
        values = {"id": person.id, "name": NAME, "email": placeholder(person.id), "now": utcnow()}
        changed = await conn.fetch_value(
            "SELECT COUNT(*) FROM contacts WHERE id = %(id)s AND (email <> %(email)s OR name <> %(name)s)", values
        )
        await conn.execute(
            """
            UPDATE contacts SET name = %(name)s, email = %(email)s, words = '', notes = '', updated_at = %(now)s
             WHERE id = %(id)s
            """,
            values,
        )
        await conn.execute("DELETE FROM contact_addresses WHERE contact_id = %(id)s", values)
        return int(changed)

    told("contact record", await database.run(work))


async def copies(database: Database, person: ContactData, told: Told) -> None:
    """Their names and addresses on mails, and what modules noted of their copies; nothing more is recorded of them.

    Mails to them that wait are not sent. Raises NotYet while one is being sent.
    """
    for ids in in_parts(person.recipient_ids):
        named, parameters = in_list("id", ids)
        values = {**parameters, "email": placeholder(person.id), "now": utcnow()}

        async def work(
            conn: Connection,
            ids: Sequence[int] = ids,
            named: str = named,
            values: dict[str, object] = values,
        ) -> tuple[int, int]:
            changed = await conn.execute(
                f"""
                UPDATE email_recipients
                   SET state = IF(state IN {WAITS}, 'failed', state), name = '', email = %(email)s, smtp_text = '',
                       fate_detail = '', delayed_detail = '',
                       erased_at = COALESCE(erased_at, %(now)s)
                 WHERE id IN {named}
                   AND (erased_at IS NULL OR email <> %(email)s OR name <> '' OR smtp_text <> '' OR state IN {WAITS}
                        OR fate_detail <> '' OR delayed_detail <> '')
                """,  # noqa: S608
                values,
            )
            await conn.execute(f"DELETE FROM email_copy_notes WHERE recipient_id IN {named}", values)  # noqa: S608
            if changed:
                await counting.count(conn, ids)
                await forget_links(conn, ids)
            busy = await conn.fetch_value(
                f"SELECT COUNT(*) FROM email_recipients WHERE id IN {named} AND state IN {UNDER_WAY}",  # noqa: S608
                values,
            )
            return changed, int(busy)

        changed, busy = await database.run(work)
        told("addresses on mails", changed)
        if busy:
            raise NotYet("a mail to them is being sent at this moment; we look again in a minute")


async def suppressed(database: Database, person: ContactData, told: Told) -> None:
    """Their addresses in the list of those that get no mail. Where one stands, a keyed hash of it stays: who was
    promised no more mail is not written to again by mistake."""
    keys = current().settings.keys

    async def work(conn: Connection) -> int:
        # What they decided by an address that was taken from them since is theirs too.
        decided = [line["email"] for line in await suppressions.of_person(conn, person.id, []) if line["email"]]
        emails = sorted({rules.normal(email) for email in [*person.addresses, *decided] if email.isascii()})
        return sum([await suppressions.forget(conn, email, rules.hashes(keys, email)[0]) for email in emails])

    told("suppressed addresses", await database.run(work))


async def tickets(database: Database, person: ContactData, told: Told, *, keeps_ours: bool) -> None:
    """Their tickets: what they wrote and, unless `keeps_ours`, what we did; files, drafts, and the words of the search.

    Raises NotYet while mails of these tickets are still on their way to others: they need their text.
    """
    async with database.connection() as conn:
        rows = await conn.fetch_all("SELECT id FROM tickets WHERE contact_id = %(id)s ORDER BY id", {"id": person.id})
    numbers = [int(row["id"]) for row in rows]
    if not keeps_ours:
        await _check_way(database, numbers)
    for number in numbers:
        gone = await database.run(lambda conn, number=number: _ticket(conn, number, keeps_ours))  # type: ignore[misc]
        for name, count in gone.items():
            told(name, count)


async def elsewhere(database: Database, person: ContactData, told: Told) -> None:
    """What they wrote in other people's tickets, and drafts to them."""
    while True:
        async with database.connection() as conn:
            rows = await conn.fetch_all(
                f"""
                SELECT r.id, r.ticket_id FROM ticket_replies AS r
                 WHERE r.contact_id = %(id)s AND r.body_text <> '{TEXT}' ORDER BY r.id LIMIT 100
                """,  # noqa: S608
                {"id": person.id},
            )
        if not rows:
            break
        for row in rows:
            gone = await database.run(lambda conn, row=row: _message(conn, row["ticket_id"], row["id"]))  # type: ignore[misc]
            for name, count in gone.items():
                told(name, count)
    told("drafts to them", await database.run(lambda conn: _drafts(conn, person.addresses)))


async def mails(database: Database, person: ContactData, told: Told, *, keeps_ours: bool) -> None:
    """The stored mails of their tickets, and those that went to nobody else.

    keeps_ours: their texts stay; the ids of the person's own mails in their headers go.
    """
    text = (
        f"subject = '{SUBJECT}', html_body = '{HTML}', text_body = '{TEXT}', reply_to = '', headers = '{{}}', "
        "metadata = '{}'"
    )
    wiped = "in_reply_to = '', reference_ids = ''" + ("" if keeps_ours else f", {text}")
    still = (
        "(e.in_reply_to <> '' OR e.reference_ids <> ''" + ("" if keeps_ours else f" OR e.text_body <> '{TEXT}'") + ")"
    )
    of_tickets = """
        SELECT e.id FROM outgoing_emails AS e JOIN ticket_replies AS r ON r.id = e.reply_id
          JOIN tickets AS t ON t.id = r.ticket_id WHERE t.contact_id = %(id)s AND {still} LIMIT 500
    """
    while await _wipe(database, of_tickets.format(still=still), {"id": person.id}, wiped, told):
        pass
    for ids in in_parts(person.recipient_ids):
        named, parameters = in_list("copy", ids)
        of_copies = f"""
            SELECT DISTINCT e.id FROM email_recipients AS c JOIN outgoing_emails AS e ON e.id = c.email_id
             WHERE c.id IN {named} AND {still} AND NOT EXISTS
                   (SELECT 1 FROM email_recipients AS o WHERE o.email_id = e.id AND o.erased_at IS NULL)
        """  # noqa: S608
        await _wipe(database, of_copies, parameters, wiped, told)


async def _wipe(database: Database, sql: str, values: dict[str, object], wiped: str, told: Told) -> int:
    async with database.connection() as conn:
        ids = [row["id"] for row in await conn.fetch_all(sql, values)]
    if not ids:
        return 0
    named, parameters = in_list("id", ids)
    count = await database.run(
        lambda conn: conn.execute(f"UPDATE outgoing_emails SET {wiped} WHERE id IN {named}", parameters)  # noqa: S608
    )
    told("stored mails", count)
    return count


async def _check_way(database: Database, numbers: Sequence[int]) -> None:
    waiting = 0
    for some in in_parts(numbers):
        named, parameters = in_list("id", some)
        async with database.connection() as conn:
            waiting += int(
                await conn.fetch_value(
                    f"""
                    SELECT COUNT(*) FROM ticket_replies AS t JOIN outgoing_emails AS e ON e.reply_id = t.id
                      JOIN email_recipients AS r ON r.email_id = e.id
                     WHERE t.ticket_id IN {named} AND r.state IN ('queued', 'claimed', 'sending', 'retry')
                    """,  # noqa: S608
                    parameters,
                )
            )
    if waiting:
        what = "one mail of their tickets is" if waiting == 1 else f"{waiting} mails of their tickets are"
        raise NotYet(f"{what} still on the way to somebody else; we look again every minute")


async def _ticket(conn: Connection, ticket_id: int, keeps_ours: bool) -> dict[str, int]:
    await conn.fetch_value("SELECT id FROM tickets WHERE id = %(id)s FOR UPDATE", {"id": ticket_id})
    values = {"id": ticket_id, "html": HTML, "text": TEXT, "subject": SUBJECT}
    theirs = "AND kind = 'customer'" if keeps_ours else ""
    messages = await conn.execute(
        f"""
        UPDATE ticket_replies
           SET body_html = %(html)s, body_text = %(text)s, is_html = 0,
               message_id = IF(kind = 'customer', NULL, message_id)
         WHERE ticket_id = %(id)s AND body_text <> %(text)s {theirs}
        """,  # noqa: S608
        values,
    )
    rows = await conn.fetch_all(
        f"""
        SELECT a.id FROM attachments AS a LEFT JOIN ticket_replies AS r ON r.id = a.reply_id
         WHERE (a.ticket_id = %(id)s OR r.ticket_id = %(id)s) {"AND r.kind = 'customer'" if keeps_ours else ""}
        """,  # noqa: S608
        values,
    )
    files = await _drop_files(conn, [row["id"] for row in rows])
    drafts = await conn.execute("DELETE FROM drafts WHERE ticket_id = %(id)s", values)
    # What a bounce says names their address; what can be taken back holds the text.
    await conn.execute("UPDATE notifications SET words = '' WHERE ticket_id = %(id)s AND kind = 'bounce'", values)
    await conn.execute(
        "DELETE h FROM held_replies AS h JOIN ticket_replies AS r ON r.id = h.reply_id WHERE r.ticket_id = %(id)s",
        values,
    )
    await _history(conn, ticket_id)
    subjects = "" if keeps_ours else ", subject = %(subject)s"
    await conn.execute(f"UPDATE tickets SET last_snippet = ''{subjects} WHERE id = %(id)s", values)  # noqa: S608
    await _index_again(conn, ticket_id)
    await live.publish(conn, ticket_id=ticket_id, kind="ticket")
    return {"messages": messages, "files": files, "drafts to them": drafts}


async def _history(conn: Connection, ticket_id: int) -> None:
    """Leave the number of what tickets that were merged or split say of each other, and take the subject."""
    lines = await conn.fetch_all(
        "SELECT h.old_value, h.new_value FROM ticket_history AS h "
        "WHERE h.ticket_id = %(id)s AND h.field IN ('merged', 'split')",
        {"id": ticket_id},
    )
    named = (f"{line['old_value']}{line['new_value']}".lstrip("#").partition(" ")[0] for line in lines)
    others = [int(number) for number in named if number.isdecimal()]
    for one in (ticket_id, *others):
        await conn.execute(
            """
            UPDATE ticket_history
               SET old_value = SUBSTRING_INDEX(old_value, ' ', 1), new_value = SUBSTRING_INDEX(new_value, ' ', 1)
             WHERE ticket_id = %(one)s AND field IN ('merged', 'split')
               AND (ticket_id = %(id)s OR CONCAT(old_value, new_value) LIKE %(named)s)
            """,
            {"one": one, "id": ticket_id, "named": f"#{ticket_id} %"},
        )


async def _message(conn: Connection, ticket_id: int, reply_id: int) -> dict[str, int]:
    """One message of theirs in somebody else's ticket."""
    values = {"id": reply_id, "ticket": ticket_id, "html": HTML, "text": TEXT}
    await conn.fetch_value("SELECT id FROM tickets WHERE id = %(ticket)s FOR UPDATE", values)
    count = await conn.execute(
        "UPDATE ticket_replies SET body_html = %(html)s, body_text = %(text)s, is_html = 0, message_id = NULL "
        "WHERE id = %(id)s",
        values,
    )
    rows = await conn.fetch_all("SELECT id FROM attachments WHERE reply_id = %(id)s", values)
    files = await _drop_files(conn, [row["id"] for row in rows])
    await conn.execute("UPDATE tickets SET last_snippet = '' WHERE id = %(ticket)s AND last_from = 'customer'", values)
    await _index_again(conn, ticket_id)
    await live.publish(conn, ticket_id=ticket_id, kind="ticket")
    return {"messages": count, "files": files}


async def _drop_files(conn: Connection, ids: Sequence[int]) -> int:
    count = 0
    for some in in_parts(ids):
        named, parameters = in_list("id", some)
        await conn.execute(f"DELETE FROM email_attachments WHERE attachment_id IN {named}", parameters)  # noqa: S608
        # What an announcement shows too is none of theirs.
        free = "id NOT IN (SELECT attachment_id FROM mailing_files)"
        count += await conn.execute(f"DELETE FROM attachments WHERE id IN {named} AND {free}", parameters)  # noqa: S608
    return count


async def _index_again(conn: Connection, ticket_id: int) -> None:
    """Let the ticket be found by what is left of it."""
    await search.forget_words(conn, ticket_id)
    await search_index.add(conn, ticket_id)


async def _drafts(conn: Connection, addresses: Sequence[str]) -> int:
    """Take their addresses out of what is being written elsewhere."""
    count = 0
    for address in addresses:
        lines = ("to_line", "cc_line", "bcc_line")
        found = " OR ".join(f"LOCATE(%(address)s, {line}) > 0" for line in (*lines, "body_html"))
        rows = await conn.fetch_all(
            f"SELECT user_id, ticket_id, to_line, cc_line, bcc_line, body_html FROM drafts WHERE {found} FOR UPDATE",  # noqa: S608
            {"address": address},
        )
        for row in rows:
            values = {line: _without(row[line], address) for line in lines}
            body = _replaced(row["body_html"], address)
            count += await conn.execute(
                """
                UPDATE drafts SET to_line = %(to_line)s, cc_line = %(cc_line)s, bcc_line = %(bcc_line)s,
                       body_html = %(body)s
                 WHERE user_id = %(user_id)s AND ticket_id = %(ticket_id)s
                """,
                {**values, "body": body, "user_id": row["user_id"], "ticket_id": row["ticket_id"]},
            )
    return count


def _without(line: str, address: str) -> str:
    """A line of addresses without one of them."""
    return ",".join(part for part in line.split(",") if address.lower() not in part.lower()).strip()


def _replaced(text: str, address: str) -> str:
    lower, wanted = text.lower(), address.lower()
    start = lower.find(wanted)
    return text if start < 0 else text[:start] + "…" + _replaced(text[start + len(wanted) :], address)
