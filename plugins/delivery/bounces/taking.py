"""Bounce mails and complaints become delivery events: read, led back to their copies, and taken in like all others.

What leads back to a copy, the surest first: the address that it was sent to, signed by us; our header in the mail that
it returns, signed too; the Message-ID of a mail of ours, with a recipient of that very mail. Without one of them a
report changes nothing, whoever sent it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from app.database import Connection, Row
from app.hookspecs import Arrived, ArrivedMail
from app.sql import in_list
from plugins.delivery.bounces import reading
from plugins.delivery.bounces.found import Told
from plugins.delivery.bounces.marks import Marks
from plugins.delivery.bounces.reading import Reading
from plugins.delivery.fields import clean
from plugins.delivery.handles import Handles
from plugins.delivery.model import DeliveryEvent, event_key

PROVIDER = "bounce_mail"
OLDEST = timedelta(days=30)
"""A mail server gives up sooner; an older date in a bounce is a wrong clock."""
MOST_TOLD = 50
"""Recipients of one report that are taken."""
DID = {
    "bounced": "bounced",
    "deferred": "is delayed",
    "delivered": "was delivered",
    "sent": "was passed on",
    "complained": "was marked as spam",
    "unsubscribed": "unsubscribed its reader",
}


async def take(handles: Handles, mail: ArrivedMail) -> Arrived | None:
    """Take in a bounce or complaint about a mail of ours; None for all other mails, and for reports that nothing leads
    back. Raises Unavailable where it cannot be kept now."""
    marks = Marks(handles.context.settings.keys)
    named = next((one for address in mail.recipients if (one := marks.of_address(address)) is not None), None)
    if not _may_be(mail, named):
        return None
    found = await asyncio.to_thread(
        reading.read, mail, is_ours=lambda value: marks.of_header(value) is not None, is_answer=named is not None
    )
    if found is None:
        return None
    if named is None:
        named = next((one for value in found.returned.marks if (one := marks.of_header(value)) is not None), None)
    copy = None
    if named is not None:
        async with handles.context.database.connection() as conn:
            copy = await _copy(conn, named)
        if copy is None or copy["erased_at"] is not None:
            return Arrived(
                "A delivery report about a mail that is gone, or whose reader was erased; nothing was added."
            )
    if copy is not None:
        events = [_of_copy(mail, found, copy)]
    else:
        async with handles.context.database.connection() as conn:
            readers = await _readers(conn, found.returned.message_ids)
        events = _of_messages(mail, found, readers)
    if not events:
        return None
    taken = await handles.intake.take(events)
    if taken.spooled:
        return Arrived("A delivery report; it is counted once the database is back.")
    async with handles.context.database.connection() as conn:
        known = await _taken(conn, [one.key for one in events])
    if not known:
        return None
    kinds = list(dict.fromkeys(DID[one.kind] for one in events))
    ticket = next((row["ticket_id"] for row in known if row["ticket_id"] is not None), None)
    where = f" in #{ticket}" if ticket is not None else ""
    what = ", ".join(dict.fromkeys(row["email"] for row in known))
    return Arrived(f"The mail to {what}{where} {' and '.join(kinds)}: see its badge."[:500], ticket)


def _may_be(mail: ArrivedMail, named: int | None) -> bool:
    """Whether it is worth a look: nearly all mails are not."""
    if named is not None or mail.kind in {"bounce", "complaint"}:
        return True
    return mail.kind not in {"receipt", "list"} and (reading.is_from_nobody(mail) or reading.is_from_desk(mail))


def _of_copy(mail: ArrivedMail, found: Reading, copy: Row) -> DeliveryEvent:
    """One copy is one mail to the server: what is told is told of it, also where a forwarding named somebody else."""
    own = copy["email"].lower()
    one = next((one for one in found.told if own in {one.address.lower(), one.other.lower()}), found.told[0])
    event = _event(mail, one, tracking_id=copy["tracking_id"], recipient=copy["email"])
    # A clock that is late there must not let it come back before it went out.
    sent_at = copy["sent_at"] or event.happened_at
    return replace(event, happened_at=min(max(event.happened_at, sent_at), mail.received_at))


def _of_messages(mail: ArrivedMail, found: Reading, readers: Mapping[str, set[str]]) -> list[DeliveryEvent]:
    """An event for each recipient: of a mail that went to them, or else of what the report claims, which is kept and
    changes nothing."""
    events: list[DeliveryEvent] = []
    for one in found.told[:MOST_TOLD]:
        addresses = list(dict.fromkeys(filter(None, (one.address, one.other))))
        pairs = [(name, address) for name in found.returned.message_ids for address in addresses]
        fits = next(((name, who) for name, who in pairs if who.lower() in readers.get(name, ())), None)
        if chosen := fits or (pairs[0] if pairs else None):
            events.append(_event(mail, one, message_id=chosen[0], recipient=chosen[1]))
    return events


def _event(
    mail: ArrivedMail, told: Told, *, recipient: str, tracking_id: str = "", message_id: str = ""
) -> DeliveryEvent:
    name = mail.message_id or hashlib.sha256(mail.raw).hexdigest()
    told_of = "\x1f".join((name, told.fate, told.code, tracking_id, message_id))
    raw = {"from": mail.sender, "subject": mail.subject[:300], "message_id": mail.message_id[:300], "words": told.words}
    return DeliveryEvent(
        provider=PROVIDER,
        key=event_key(PROVIDER, told_of, recipient),
        kind=told.fate,
        happened_at=_moment(mail),
        bounce=told.bounce,
        tracking_id=tracking_id or None,
        message_id=message_id[:255] or None,
        recipient=recipient,
        reason=clean(told.words, 1000),
        code=clean(told.code, 100),
        raw=json.dumps({name: clean(value, 2000) for name, value in raw.items()}),
    )


def _moment(mail: ArrivedMail) -> datetime:
    """When it happened: as the report is dated, where that can be, else when it came."""
    said = next((value for name, value in mail.headers if name.lower() == "date"), "")
    try:
        at = parsedate_to_datetime(said[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        return mail.received_at
    if at.tzinfo is None or not mail.received_at - OLDEST < at < mail.received_at:
        return mail.received_at
    return at


async def _copy(conn: Connection, recipient_id: int) -> Row | None:
    return await conn.fetch_one(
        "SELECT r.tracking_id, r.email, r.erased_at, r.sent_at FROM email_recipients AS r WHERE r.id = %(id)s",
        {"id": recipient_id},
    )


async def _readers(conn: Connection, message_ids: Sequence[str]) -> dict[str, set[str]]:
    """The addresses, in lower case, to which mails of ours with these ids went."""
    if not message_ids:
        return {}
    listed, parameters = in_list("id", [f"<{one}>" for one in message_ids])
    rows = await conn.fetch_all(
        f"""
        SELECT m.message_id, r.email FROM outgoing_emails AS m JOIN email_recipients AS r ON r.email_id = m.id
         WHERE m.message_id IN {listed}
        """,  # noqa: S608
        parameters,
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["message_id"].strip("<>"), set()).add(row["email"].lower())
    return found


async def _taken(conn: Connection, keys: Sequence[bytes]) -> list[Row]:
    """Address and ticket of the copies that these events were about; of those without a copy nothing."""
    listed, parameters = in_list("key", keys)
    return await conn.fetch_all(
        f"""
        SELECT r.email, t.ticket_id FROM delivery_events AS d JOIN email_recipients AS r ON r.id = d.recipient_id
          JOIN outgoing_emails AS m ON m.id = r.email_id LEFT JOIN ticket_replies AS t ON t.id = m.reply_id
         WHERE d.event_key IN {listed} ORDER BY d.id
        """,  # noqa: S608
        parameters,
    )
