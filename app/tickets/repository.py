"""SQL of tickets, their messages and their history."""

from __future__ import annotations

from datetime import datetime

from app.database import Connection, utcnow
from app.tickets.models import Change, Message, Ticket
from app.tickets.moments import NO_DUE_DATE

TICKET_COLUMNS = (
    "t.id, t.subject, t.status, t.priority, t.assignee_id, u.name AS assignee_name, d.id AS department_id, "
    "d.name AS department_name, t.contact_id, "
    "c.name AS contact_name, c.email AS contact_email, t.created_by, t.created_at, t.last_activity_at, t.last_from, "
    "t.last_reply_id, t.last_receipt, t.due_at, t.snoozed_until, t.merged_into"
)
MESSAGE_COLUMNS = (
    "r.id, r.ticket_id, r.kind, r.author_user_id, u.name AS author_name, r.contact_id, c.name AS contact_name, "
    "c.email AS contact_email, r.body_html, r.body_text, r.is_html, r.created_at"
)


async def insert_ticket(
    conn: Connection,
    *,
    subject: str,
    contact_id: int,
    priority: str,
    assignee_id: int | None,
    department_id: int | None,
    created_by: int | None,
    due_at: datetime | None,
) -> int:
    """Add an open ticket without messages."""
    sql = """
        INSERT INTO tickets (subject, contact_id, priority, assignee_id, department_id, created_by, due_at, created_at,
                             last_activity_at)
        VALUES (%(subject)s, %(contact_id)s, %(priority)s, %(assignee_id)s, %(department_id)s, %(created_by)s, %(due)s,
                %(now)s, %(now)s)
    """
    values: dict[str, object] = {"subject": subject, "contact_id": contact_id, "priority": priority}
    values |= {"assignee_id": assignee_id, "department_id": department_id, "created_by": created_by}
    values["due"] = due_at or NO_DUE_DATE
    return await conn.insert(sql, {**values, "now": utcnow()})


async def ticket(conn: Connection, ticket_id: int) -> Ticket | None:
    """One ticket."""
    row = await conn.fetch_one(
        f"""
        SELECT {TICKET_COLUMNS}
          FROM tickets AS t JOIN contacts AS c ON c.id = t.contact_id LEFT JOIN users AS u ON u.id = t.assignee_id
          LEFT JOIN departments AS d ON d.id = t.department_id
         WHERE t.id = %(id)s
        """,  # noqa: S608
        {"id": ticket_id},
    )
    return Ticket.from_row(row) if row else None


async def lock_ticket(conn: Connection, ticket_id: int) -> bool:
    """Hold the ticket's row until the end of the transaction; False where there is none.

    Before a message is inserted: its foreign key would take a shared lock only, and two writers who then both want to
    update the ticket would deadlock.
    """
    sql = "SELECT t.id FROM tickets AS t WHERE t.id = %(id)s FOR UPDATE"
    return await conn.fetch_value(sql, {"id": ticket_id}) is not None


async def update_properties(
    conn: Connection,
    *,
    ticket_id: int,
    status: str,
    priority: str,
    assignee_id: int | None,
    department_id: int | None,
    due_at: datetime | None,
    snoozed_until: datetime | None,
) -> None:
    """Set what agents set; `active` and `closed_at` follow the status."""
    sql = """
        UPDATE tickets SET status = %(status)s, active = %(status)s <> 'closed', priority = %(priority)s,
               assignee_id = %(assignee_id)s, department_id = %(department_id)s, due_at = %(due_at)s,
               snoozed_until = %(snoozed_until)s,
               closed_at = CASE WHEN %(status)s = 'closed' THEN COALESCE(closed_at, %(now)s) END
         WHERE id = %(id)s
    """
    values = {"status": status, "priority": priority, "assignee_id": assignee_id, "id": ticket_id}
    values["department_id"] = department_id
    moments = {"due_at": due_at or NO_DUE_DATE, "snoozed_until": snoozed_until, "now": utcnow()}
    await conn.execute(sql, {**values, **moments})


async def set_assignee(conn: Connection, ticket_id: int, user_id: int) -> None:
    """Give a ticket that was just added to an agent."""
    await conn.execute(
        "UPDATE tickets SET assignee_id = %(user)s WHERE id = %(id)s", {"user": user_id, "id": ticket_id}
    )


async def over_snoozes(conn: Connection, *, limit: int, ticket_id: int | None = None) -> list[int]:
    """Tickets whose snooze is over, the first first; or this one, if it is so."""
    only = "AND t.id = %(id)s" if ticket_id is not None else ""
    sql = f"""
        SELECT t.id FROM tickets AS t WHERE t.snoozed_until <= UTC_TIMESTAMP(6) {only}
         ORDER BY t.snoozed_until, t.id LIMIT %(limit)s
    """  # noqa: S608
    return [int(row["id"]) for row in await conn.fetch_all(sql, {"limit": limit, "id": ticket_id})]


async def note_message(conn: Connection, *, ticket_id: int, last_from: str, snippet: str) -> None:
    """Note on the ticket that a message of a customer or agent is its newest."""
    sql = """
        UPDATE tickets SET last_activity_at = %(now)s, last_from = %(last_from)s, last_snippet = %(snippet)s
         WHERE id = %(id)s
    """
    await conn.execute(sql, {"now": utcnow(), "last_from": last_from, "snippet": snippet, "id": ticket_id})


async def note_activity(conn: Connection, ticket_id: int) -> None:
    """Note that something happened which changes neither who waits nor the last words."""
    await conn.execute(
        "UPDATE tickets SET last_activity_at = %(now)s WHERE id = %(id)s", {"now": utcnow(), "id": ticket_id}
    )


async def note_reply(conn: Connection, *, ticket_id: int, reply_id: int, opens: bool) -> None:
    """Make a reply the one whose badge the list shows; its mail is about to be queued.

    opens: the conversation starts with it, so that nobody waited for it; then first_reply_at is created_at.
    """
    sql = """
        UPDATE tickets SET last_reply_id = %(reply_id)s, last_receipt = 'queued', last_read_at = NULL,
               first_reply_at = COALESCE(first_reply_at, IF(%(opens)s, created_at, %(now)s))
         WHERE id = %(id)s
    """
    await conn.execute(sql, {"reply_id": reply_id, "id": ticket_id, "opens": opens, "now": utcnow()})


async def insert_message(
    conn: Connection,
    *,
    ticket_id: int,
    kind: str,
    author_user_id: int | None,
    contact_id: int | None,
    body_html: str,
    body_text: str,
    is_html: bool = True,
    message_id: str | None = None,
    once: str | None = None,
) -> int:
    """Add one entry to the conversation."""
    sql = """
        INSERT INTO ticket_replies
               (ticket_id, kind, author_user_id, contact_id, body_html, body_text, is_html, message_id, once,
                created_at)
        VALUES (%(ticket_id)s, %(kind)s, %(author_user_id)s, %(contact_id)s, %(body_html)s, %(body_text)s,
                %(is_html)s, %(message_id)s, %(once)s, %(now)s)
    """
    values = {
        "ticket_id": ticket_id,
        "kind": kind,
        "author_user_id": author_user_id,
        "contact_id": contact_id,
        "body_html": body_html,
        "body_text": body_text,
        "is_html": is_html,
        "message_id": message_id,
        "once": once,
        "now": utcnow(),
    }
    return await conn.insert(sql, values)


async def message_of_form(
    conn: Connection, *, ticket_id: int, once: str, author_user_id: int | None, body_html: str
) -> int | None:
    """The message of a ticket that the same form with the same text, to the letter, brought already."""
    sql = """
        SELECT r.id FROM ticket_replies AS r
         WHERE r.once = %(once)s AND r.ticket_id = %(ticket_id)s AND r.author_user_id <=> %(author_user_id)s
           AND SHA2(r.body_html, 256) = SHA2(%(body_html)s, 256) LIMIT 1
    """
    values = {"once": once, "ticket_id": ticket_id, "author_user_id": author_user_id, "body_html": body_html}
    value = await conn.fetch_value(sql, values)
    return int(value) if value is not None else None


async def messages(conn: Connection, ticket_id: int, *, before: int | None, limit: int) -> list[Message]:
    """The newest messages of a ticket, or the newest before message `before`; newest first."""
    rows = await conn.fetch_all(
        f"""
        SELECT {MESSAGE_COLUMNS}
          FROM ticket_replies AS r LEFT JOIN users AS u ON u.id = r.author_user_id
          LEFT JOIN contacts AS c ON c.id = r.contact_id
         WHERE r.ticket_id = %(ticket_id)s AND r.id < %(before)s
         ORDER BY r.id DESC LIMIT %(limit)s
        """,  # noqa: S608
        {"ticket_id": ticket_id, "before": before or 2**31, "limit": limit},
    )
    return [Message.from_row(row) for row in rows]


async def count_before(conn: Connection, ticket_id: int, message_id: int) -> int:
    """How many messages of a ticket are older than one of them."""
    sql = "SELECT COUNT(*) FROM ticket_replies WHERE ticket_id = %(ticket_id)s AND id < %(id)s"
    return int(await conn.fetch_value(sql, {"ticket_id": ticket_id, "id": message_id}))


async def written_since(conn: Connection, *, ticket_id: int, seen: int, not_by: int) -> list[tuple[str, str]]:
    """Kind and writer's name of the messages after `seen` that another than this agent wrote, oldest first."""
    rows = await conn.fetch_all(
        """
        SELECT r.kind, COALESCE(u.name, c.name, c.email, '') AS name
          FROM ticket_replies AS r LEFT JOIN users AS u ON u.id = r.author_user_id
          LEFT JOIN contacts AS c ON c.id = r.contact_id
         WHERE r.ticket_id = %(ticket)s AND r.id > %(seen)s AND (r.author_user_id IS NULL OR r.author_user_id <> %(by)s)
         ORDER BY r.id LIMIT 20
        """,
        {"ticket": ticket_id, "seen": seen, "by": not_by},
    )
    return [(row["kind"], row["name"] or "Somebody") for row in rows]


async def message(conn: Connection, ticket_id: int, message_id: int) -> Message | None:
    """One message, if it belongs to the ticket."""
    row = await conn.fetch_one(
        f"""
        SELECT {MESSAGE_COLUMNS}
          FROM ticket_replies AS r LEFT JOIN users AS u ON u.id = r.author_user_id
          LEFT JOIN contacts AS c ON c.id = r.contact_id
         WHERE r.id = %(id)s AND r.ticket_id = %(ticket_id)s
        """,  # noqa: S608
        {"id": message_id, "ticket_id": ticket_id},
    )
    return Message.from_row(row) if row else None


async def message_ids(conn: Connection, ticket_id: int) -> list[str]:
    """Message-IDs of the mails of a conversation, oldest first: what came in and what went out."""
    sql = """
        SELECT COALESCE(m.message_id, r.message_id) AS message_id
          FROM ticket_replies AS r LEFT JOIN outgoing_emails AS m ON m.reply_id = r.id
         WHERE r.ticket_id = %(ticket_id)s AND r.kind <> 'note'
           AND (m.message_id IS NOT NULL OR r.message_id IS NOT NULL)
         ORDER BY r.id
    """
    return [row["message_id"] for row in await conn.fetch_all(sql, {"ticket_id": ticket_id})]


async def message_of_mail(conn: Connection, ticket_id: int, message_id: str) -> int | None:
    """The message of a ticket that a mail with this Message-ID brought."""
    sql = """
        SELECT r.id FROM ticket_replies AS r
         WHERE r.message_id = %(message_id)s AND r.ticket_id = %(ticket_id)s LIMIT 1
    """
    value = await conn.fetch_value(sql, {"message_id": message_id, "ticket_id": ticket_id})
    return int(value) if value is not None else None


async def takes_part(conn: Connection, *, ticket_id: int, email: str) -> bool:
    """Whether an address belongs to the ticket's contact, follows the ticket, or got one of its mails."""
    sql = """
        SELECT 1 FROM tickets AS t JOIN contact_addresses AS a ON a.contact_id = t.contact_id
         WHERE t.id = %(ticket_id)s AND a.email = %(email)s
         UNION ALL
        SELECT 1 FROM ticket_followers AS f WHERE f.ticket_id = %(ticket_id)s AND f.email = %(email)s
         UNION ALL
        SELECT 1 FROM ticket_replies AS r JOIN outgoing_emails AS m ON m.reply_id = r.id
          JOIN email_recipients AS p ON p.email_id = m.id
         WHERE r.ticket_id = %(ticket_id)s AND p.email = %(email)s
         LIMIT 1
    """
    return await conn.fetch_value(sql, {"ticket_id": ticket_id, "email": email}) is not None


async def last_writer(conn: Connection, ticket_id: int) -> tuple[str, str] | None:
    """Name and address of the contact who wrote last."""
    sql = """
        SELECT c.name, c.email FROM ticket_replies AS r JOIN contacts AS c ON c.id = r.contact_id
         WHERE r.ticket_id = %(ticket_id)s AND r.kind = 'customer'
         ORDER BY r.id DESC LIMIT 1
    """
    row = await conn.fetch_one(sql, {"ticket_id": ticket_id})
    return (row["name"], row["email"]) if row else None


async def copies_of(conn: Connection, reply_id: int, role: str) -> list[tuple[str, str]]:
    """Names and addresses to which a reply went in one role, in order."""
    sql = """
        SELECT p.name, p.email FROM outgoing_emails AS m JOIN email_recipients AS p ON p.email_id = m.id
         WHERE m.reply_id = %(reply_id)s AND p.role = %(role)s ORDER BY p.id
    """
    rows = await conn.fetch_all(sql, {"reply_id": reply_id, "role": role})
    return [(row["name"], row["email"]) for row in rows]


async def reply_of_recipient(conn: Connection, *, ticket_id: int, recipient_id: int) -> int | None:
    """The reply that a recipient's copy belongs to, if that reply is one of the ticket."""
    sql = """
        SELECT r.id FROM email_recipients AS p JOIN outgoing_emails AS m ON m.id = p.email_id
          JOIN ticket_replies AS r ON r.id = m.reply_id
         WHERE p.id = %(recipient_id)s AND r.ticket_id = %(ticket_id)s
    """
    value = await conn.fetch_value(sql, {"recipient_id": recipient_id, "ticket_id": ticket_id})
    return int(value) if value is not None else None


async def insert_change(
    conn: Connection, *, ticket_id: int, user_id: int | None, field: str, old_value: str, new_value: str
) -> None:
    """Add one line to a ticket's history."""
    sql = """
        INSERT INTO ticket_history (ticket_id, happened_at, user_id, field, old_value, new_value)
        VALUES (%(ticket_id)s, %(now)s, %(user_id)s, %(field)s, %(old_value)s, %(new_value)s)
    """
    values = {"ticket_id": ticket_id, "user_id": user_id, "field": field, "now": utcnow()}
    await conn.execute(sql, {**values, "old_value": old_value, "new_value": new_value})


async def changes(conn: Connection, ticket_id: int, *, limit: int) -> list[Change]:
    """The newest lines of a ticket's history, oldest first."""
    sql = """
        SELECT h.happened_at, u.name AS user_name, h.field, h.old_value, h.new_value
          FROM ticket_history AS h LEFT JOIN users AS u ON u.id = h.user_id
         WHERE h.ticket_id = %(ticket_id)s ORDER BY h.id DESC LIMIT %(limit)s
    """
    rows = await conn.fetch_all(sql, {"ticket_id": ticket_id, "limit": limit})
    return [Change(**row) for row in reversed(rows)]
