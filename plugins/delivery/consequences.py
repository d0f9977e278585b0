"""What follows from events whose copy is known: badges, suppressed addresses, tickets that open again, agents who hear.

All of it in the transaction in which the events are stored, so that it happens once, however often they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.database import Connection, Row, utcnow
from app.services import receipts, suppressions, tickets
from app.services.suppressions import New
from app.sql import in_list, in_parts
from plugins.delivery.causes import cause_of
from plugins.delivery.fields import clean
from plugins.delivery.follow_settings import FollowSettings
from plugins.delivery.model import DeliveryEvent, Matched

FATES = {"delivered", "bounced", "failed", "complained"}
BAD = {"": 0, "delivered": 0, "soft": 1, "hard": 2, "complained": 3}
"""How bad a copy's fate is."""
SAID = {"bounced": "Bounced", "complained": "Marked as spam"}


async def apply(conn: Connection, matched: Sequence[Matched], rules: FollowSettings | None = None) -> None:
    """Report fates and delays, suppress addresses, and note in tickets what did not arrive. rules: the settings."""
    rules = rules or FollowSettings()
    told = [one for one in matched if one.event.kind in FATES or one.event.kind == "deferred"]
    if told:
        before = await _fates(conn, told, lock=True)
        await receipts.report(conn, [_report(one) for one in told])
        after = await _fates(conn, told)
        await _note(conn, told, before, after, reopen=rules.reopen)
    await _suppress(conn, matched, rules)


def _report(one: Matched) -> receipts.Report:
    event = one.event
    place = (one.recipient_id, one.reply_id, one.ticket_id)
    # Nothing happens after it is told; a clock that is wrong must not outrank what comes later.
    at = min(event.happened_at, utcnow())
    detail = clean(_detail(event), 500)
    if event.kind in {"delivered", "deferred"}:
        return receipts.Report(*place, event.kind, at, detail=detail)
    cause = cause_of(event.kind, event.bounce, code=event.code, reason=event.reason)
    if event.kind == "complained":
        return receipts.Report(*place, "complained", at, words=cause.words, detail=detail, short=cause.short)
    # What a provider did not send may yet go out by another try: as soft.
    bounce = "soft" if event.kind == "failed" else event.bounce or "soft"
    return receipts.Report(*place, "bounced", at, words=cause.words, detail=detail, short=cause.short, bounce=bounce)


def _detail(event: DeliveryEvent) -> str:
    code = "" if event.code and event.code in event.reason else event.code
    return f"{code} {event.reason}".strip()


async def _fates(conn: Connection, told: Sequence[Matched], *, lock: bool = False) -> dict[int, Row]:
    """The fates of the copies, by id; locked in one order."""
    found: dict[int, Row] = {}
    for part in in_parts(sorted({one.recipient_id for one in told})):
        listed, parameters = in_list("id", part)
        rows = await conn.fetch_all(
            f"""
            SELECT r.id, COALESCE(r.fate, '') AS fate, COALESCE(r.fate_kind, '') AS kind, r.fate_short AS short
              FROM email_recipients AS r WHERE r.id IN {listed} ORDER BY r.id {"FOR UPDATE" if lock else ""}
            """,  # noqa: S608
            parameters,
        )
        found |= {row["id"]: row for row in rows}
    return found


def _badness(row: Row) -> int:
    return BAD[(row["kind"] or "hard") if row["fate"] == "bounced" else row["fate"]]


async def _note(
    conn: Connection, told: Sequence[Matched], before: dict[int, Row], after: dict[int, Row], *, reopen: bool
) -> None:
    """Note in each ticket, in the order of their ids, the copies whose fate is worse now."""
    news = {
        (one.ticket_id, one.recipient_id, one.reply_id)
        for one in told
        if one.ticket_id is not None and one.reply_id is not None and one.recipient_id in after
        if _badness(after[one.recipient_id]) > _badness(before[one.recipient_id])
    }
    for ticket_id, recipient_id, reply_id in sorted(news):
        row = after[recipient_id]
        short = f": {row['short']}" if row["short"] and row["fate"] == "bounced" else ""
        await tickets.note_undelivered(
            conn,
            ticket_id=ticket_id,
            reply_id=reply_id,
            recipient_id=recipient_id,
            words=f"{SAID[row['fate']]}{short}",
            reopen=reopen,
        )


async def _suppress(conn: Connection, matched: Sequence[Matched], rules: FollowSettings) -> None:
    """Put addresses on the list whose mail bounces for good, or who do not want any. The address is the copy's own, not
    what the event says."""
    news: list[New] = []
    for one in matched:
        event = one.event
        common = (event.provider, min(event.happened_at, utcnow()))
        detail = clean(_detail(event), 500)
        if event.kind == "bounced" and event.bounce == "hard":
            news.append(New(one.address, "hard_bounce", *common, detail=detail))
        elif event.kind == "complained":
            news.append(New(one.address, "complaint", *common, rules.complaints_suppress, detail))
        elif event.kind == "unsubscribed":
            news.append(New(one.address, "unsubscribed", *common, "announcements", detail))
    if rules.soft_limit:
        soft = [one for one in matched if one.event.kind == "bounced" and one.event.bounce == "soft"]
        news += await _many_soft(conn, soft, rules)
    if news:
        await suppressions.add(conn, news)


async def _many_soft(conn: Connection, soft: Sequence[Matched], rules: FollowSettings) -> list[New]:
    """Addresses of which so many different mails bounced softly since they were last taken off the list."""
    removed = await suppressions.removals(conn, {one.address for one in soft})
    news: list[New] = []
    for address in sorted({one.address for one in soft}):
        since = utcnow() - timedelta(days=rules.soft_days)
        row = await conn.fetch_one(
            """
            SELECT COUNT(DISTINCT r.email_id) AS mails, MAX(d.happened_at) AS at
              FROM delivery_events AS d JOIN email_recipients AS r ON r.id = d.recipient_id
             WHERE d.recipient = %(address)s AND d.kind = 'bounced' AND d.bounce = 'soft' AND d.happened_at > %(since)s
            """,
            {"address": address, "since": max(since, removed.get(address.lower(), since))},
        )
        if row is not None and row["mails"] >= rules.soft_limit:
            words = f"{row['mails']} mails within {rules.soft_days} days"
            news.append(New(address, "soft_bounces", "delivery", min(row["at"], utcnow()), detail=words))
    return news
