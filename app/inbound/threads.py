"""Which ticket a mail belongs to: by a token that we signed, then by Message-ID, and only for who takes part in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.database import Connection
from app.email.reply_tokens import ReplyTokens
from app.inbound.models import REPORTS, ParsedMail
from app.tickets import repository as tickets

MOST_IDS = 60
"""Ids of a mail that are looked up."""
_NUMBER = re.compile(r"\[#([1-9][0-9]{0,9})\]")


@dataclass(frozen=True)
class Place:
    """Where a mail belongs. ticket_id: None for a new ticket. supposed: the ticket that it only claims to answer.

    answers: the Message-ID of the ticket's mail that it answers.
    """

    ticket_id: int | None
    supposed: int | None = None
    answers: str | None = None


async def find(conn: Connection, mail: ParsedMail, tokens: ReplyTokens, *, recipient: str) -> Place:
    """The ticket of a mail. A number in the subject, and ids that a stranger gives, only say which one it claims."""
    supposed: int | None = None
    for text in _claims(mail, recipient):
        ticket_id = await _ticket_of(conn, text, tokens, ours_only=mail.kind in REPORTS)
        if ticket_id is None:
            continue
        if await _belongs(conn, ticket_id, mail, text, tokens):
            return Place(ticket_id, answers=text if text.startswith("<") else _first(mail.in_reply_to))
        supposed = supposed or ticket_id
    if supposed is None and (named := _NUMBER.search(mail.subject)):
        supposed = int(named[1]) if int(named[1]) < 2**31 and await tickets.ticket(conn, int(named[1])) else None
    return Place(None, supposed=supposed)


def _claims(mail: ParsedMail, recipient: str) -> list[str]:
    """What a mail gives as that which it answers, the surest first."""
    if mail.kind in REPORTS:
        found: Iterable[str] = mail.returned_ids
    else:
        addresses = (recipient, *mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc)))
        found = (*(address for address in addresses if "+" in address), *answered_ids(mail))
    return list(dict.fromkeys(found))[:MOST_IDS]


def answered_ids(mail: ParsedMail) -> list[str]:
    """The Message-IDs that a mail answers, the surest first."""
    return list(dict.fromkeys((*mail.in_reply_to, *mail.references[::-1])))[:MOST_IDS]


async def _ticket_of(conn: Connection, text: str, tokens: ReplyTokens, *, ours_only: bool) -> int | None:
    reply_id = tokens.reply_of(text)
    if reply_id is not None:
        value = await conn.fetch_value(
            "SELECT r.ticket_id FROM ticket_replies AS r WHERE r.id = %(id)s", {"id": reply_id}
        )
        return int(value) if value is not None else None
    if not text.startswith("<") or len(text) > 255 or not text.isascii():
        return None
    value = await conn.fetch_value(
        """
        SELECT r.ticket_id FROM outgoing_emails AS m JOIN ticket_replies AS r ON r.id = m.reply_id
         WHERE m.message_id = %(id)s
         UNION ALL
        SELECT r.ticket_id FROM ticket_replies AS r WHERE r.message_id = %(id)s AND NOT %(ours_only)s
         LIMIT 1
        """,
        {"id": text, "ours_only": ours_only},
    )
    return int(value) if value is not None else None


async def _belongs(conn: Connection, ticket_id: int, mail: ParsedMail, text: str, tokens: ReplyTokens) -> bool:
    """Whether who sent it takes part. A report comes from any mail server, or from who only says so: it must name a
    recipient of the very mail that it tells of, or come from one."""
    if mail.kind not in REPORTS:
        return mail.sender is not None and await tickets.takes_part(conn, ticket_id=ticket_id, email=mail.sender.email)
    named = {*mail.reported, mail.sender.email.lower() if mail.sender else ""}
    said = f"{mail.text or ''} {mail.html or ''}".lower()
    rows = await conn.fetch_all(
        """
        SELECT r.email FROM outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id
         WHERE m.message_id = %(id)s OR m.reply_id = %(reply)s LIMIT 1000
        """,
        {"id": text, "reply": tokens.reply_of(text)},
    )
    return any(row["email"].lower() in named or row["email"].lower() in said for row in rows)


def _first(ids: tuple[str, ...]) -> str | None:
    return ids[0] if ids else None
