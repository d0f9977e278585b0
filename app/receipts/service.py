"""Receipts: what plugins report of a copy, the badge of a reply, and the popover behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from app.database import Connection, utcnow
from app.hookspecs import RecipientActivity, ReplyActivity
from app.live import service as live
from app.notifications import service as notifications
from app.receipts import news, repository, rules
from app.receipts.models import Badge, Copy, Known, ReceiptPanel, RecipientReceipt, Report, TimelineLine
from app.reports import counting
from app.runtime import current
from app.web.formats import clock

TIMELINE_LINES = 100
VIEWED_AGAIN = timedelta(minutes=1)
FATE_WORDS = {
    "bounced": "The mail came back. Check the address with the customer, or reach them in another way.",
    "complained": "The recipient marked this mail as spam. Write again only if they ask you to.",
}
DELAY_WORDS = "The recipient's mail server has not taken it yet. It is tried again; there is nothing to do now."
ROLES = {"to": "To", "cc": "Cc", "bcc": "Bcc"}


async def visible_states() -> frozenset[str]:
    """The states that may be shown now: the portal's own and those that an enabled plugin reports."""
    return rules.CORE_STATES | (await current().plugins.receipt_states() & rules.RECEIPTS)


async def refresh(conn: Connection, reply_id: int) -> None:
    """Bring the ticket's stored badge and the reports up to date and tell open pages, in the caller's transaction.

    Call after every change of a copy, last in the transaction but for events.
    """
    ticket_id = await repository.ticket_of(conn, reply_id)
    if ticket_id is None:
        return
    await repository.refresh_tickets(conn, {reply_id: ticket_id})
    await live.publish(conn, ticket_id=ticket_id, kind="receipt", reply_id=reply_id)
    await counting.count_reply(conn, reply_id)


async def report(
    conn: Connection,
    reports: Sequence[Report],
    *,
    heard: Mapping[int, int] | None = None,
    was: Mapping[int, str | None] | None = None,
    shard: int | None = None,
) -> list[int]:
    """For plugins: what is known of some copies now, in the caller's transaction; the copies that count as read by it
    and did not before.

    Of reading the last report of a copy counts and replaces what was known, also where it says less; of a mail's fate
    the one that `fates` ranks highest, in whatever order they come, and the latest delay beside it. Open pages and
    lists are told of replies whose badge may look different. heard: ticket by reply id, of replies of which something
    else is new that their open pages show.

    A mailing that everybody opens at once costs a few statements. Rows are locked in the order of their ids, copies
    before tickets. Who reports of reading holds a lock of its own for each copy: what is known is read before it is
    changed; or the caller knows by heart what it reported of reading before, and nothing is asked. was: that, by
    recipient id, for all reports or none; what is reported then counts as new. shard: of the reports' summary, as
    `app.services.reports.add` takes it. Raises ValueError for a word that is
    none of `rules.RECEIPTS`, or has no time; a copy that is gone is left out.
    """
    seen, fates, delays = news.latest(reports)
    ids = sorted({*seen, *fates, *delays})
    if ids and was is not None and not fates and not delays:
        known = {number: Known(was[number]) for number in ids}
    else:
        known = await repository.known(conn, ids) if ids else {}
    found = news.sift(seen, fates, delays, known)
    if found.seen:
        repository.set_seen(conn, found.seen)
    if found.fates:
        repository.set_fates(conn, found.fates)
    arrived = sorted({one.recipient_id for one in reports if one.receipt == "delivered"} & known.keys())
    if arrived:
        repository.set_arrived(conn, arrived)
    if found.delays:
        repository.set_delays(conn, found.delays)
    if found.stale:
        await repository.refresh_tickets(conn, found.stale)
    told = {**(heard or {}), **found.looks}
    await notifications.first_read(conn, found.newly_read)
    if told:
        await live.publish_receipts(conn, told, found.looks)
    counted = [one.recipient_id for one in found.seen if one.receipt != known[one.recipient_id].seen]
    counted += [*(one.recipient_id for one in found.fates), *arrived]
    if counted:
        await counting.count(conn, counted, shard=shard)
    return list(found.newly_read)


async def answered(conn: Connection, *, ticket_id: int, email: str, in_reply_to: str | None) -> int | None:
    """Keep that a recipient answered: the reply whose badge that changes, None where it changes none. In the caller's
    transaction, before the ticket is locked; `refresh` that reply after it.

    email: who wrote. in_reply_to: the Message-ID that they answer. Where it is not one of the ticket's mails, it is
    taken for an answer to the newest reply that went out to them. Of that mail it is the copy to this address, or else
    those to other addresses of the same contact.
    """
    mail_id = await repository.mail_of_message(conn, ticket_id, in_reply_to) if in_reply_to else None
    copies = await repository.copies_to_contact(conn, ticket_id=ticket_id, email=email, mail_id=mail_id)
    if not copies:
        return None
    reply_id = copies[0].reply_id
    of_reply = [copy for copy in copies if copy.reply_id == reply_id]
    exact = [copy for copy in of_reply if copy.is_exact] or of_reply
    changed = await repository.set_replied(conn, [copy.id for copy in exact], at=utcnow())
    return reply_id if changed else None


async def viewed(conn: Connection, recipient_ids: Sequence[int]) -> None:
    """Keep that these copies of replies were read by their recipients on the ticket page, in the caller's transaction,
    where nothing else is locked yet. Open pages and lists are told; a plugin's word does not take it back.

    A look within a minute of the last one changes nothing.
    """
    now = utcnow()
    known = await repository.lock_viewed(conn, recipient_ids) if recipient_ids else []
    told = [one for one in known if one.last_at is None or now - one.last_at > VIEWED_AGAIN]
    if not told:
        return
    await repository.set_viewed(conn, [one.id for one in told], at=now)
    tickets = {one.reply_id: one.ticket_id for one in told}
    await repository.refresh_tickets(conn, tickets)
    fresh = [one for one in told if one.last_at is None]
    await notifications.first_read(conn, [one.id for one in fresh if not one.was_read])
    await live.publish_receipts(conn, tickets, {one.reply_id for one in fresh})
    if fresh:
        await counting.count(conn, [one.id for one in fresh])


async def badges(reply_ids: Sequence[int]) -> dict[int, Badge]:
    """The badge of each reply that was mailed; others are left out."""
    visible = await visible_states()
    return {reply_id: _badge(copies, visible) for reply_id, copies in (await _copies(reply_ids)).items()}


async def panels(reply_ids: Sequence[int]) -> dict[int, ReceiptPanel]:
    """Badge, recipients and timeline of each reply that was mailed; what plugins know is merged in."""
    found = await _copies(reply_ids)
    if not found:
        return {}
    visible = await visible_states()
    activity = await current().plugins.reply_activity(list(found))
    return {
        reply_id: _panel(copies, visible, activity.get(reply_id, ReplyActivity())) for reply_id, copies in found.items()
    }


async def _copies(reply_ids: Sequence[int]) -> Mapping[int, list[Copy]]:
    found: defaultdict[int, list[Copy]] = defaultdict(list)
    if not reply_ids:
        return found
    async with current().database.connection() as conn:
        for copy in await repository.copies_of(conn, reply_ids):
            found[copy.reply_id].append(copy)
    return found


def _badge(copies: Sequence[Copy], visible: frozenset[str]) -> Badge:
    return replace(rules.summarise(copies, visible), detail_id=f"receipt-{copies[0].reply_id}")


def _panel(copies: Sequence[Copy], visible: frozenset[str], activity: ReplyActivity) -> ReceiptPanel:
    known: defaultdict[int, list[RecipientActivity]] = defaultdict(list)
    for entry in activity.recipients:
        known[entry.recipient_id].append(entry)
    rows = tuple(_row(copy, visible, known[copy.id]) for copy in copies)
    return ReceiptPanel(_badge(copies, visible), rows, _timeline(copies, activity))


def _row(copy: Copy, visible: frozenset[str], known: Sequence[RecipientActivity]) -> RecipientReceipt:
    state = rules.state_of(copy, visible)
    clicks: defaultdict[str, int] = defaultdict(int)
    for entry in known:
        for url, count in entry.links.items():
            clicks[url] += count
    is_told = copy.seen in visible
    is_read = is_told and copy.seen == "read"
    first = [copy.seen_at if is_read else None, copy.viewed_at, *(entry.first_opened_at for entry in known)]
    last = [copy.last_seen_at if is_read else None, copy.last_viewed_at, *(entry.last_opened_at for entry in known)]
    return RecipientReceipt(
        id=copy.id,
        role=ROLES[copy.role],
        name=copy.name,
        email=copy.email,
        state=state,
        word=rules.word_of(copy, state),
        detail=_detail(copy, state),
        sent_at=copy.sent_at,
        can_send_again=copy.state in {"failed", "unknown"},
        words=_words(copy, known, is_told=is_told, state=state),
        first_opened=min((at for at in first if at), default=None),
        last_opened=max((at for at in last if at), default=None),
        opens=sum(entry.opens for entry in known),
        machine_opens=sum(entry.machine_opens for entry in known),
        links=tuple(sorted(clicks.items(), key=lambda item: (-item[1], item[0]))),
        machine_clicks=sum(entry.clicks_by_machines for entry in known),
        replied_at=copy.replied_at,
        judged=copy.judged,
        can_judge=rules.correction_of(copy, state, visible),
    )


def _detail(copy: Copy, state: str) -> str:
    """What the other side said, where that explains the state."""
    if copy.fate is not None and state == copy.fate.state and state != "delivered":
        return copy.fate.detail
    if rules.is_delayed(copy, state):
        return copy.delayed_detail
    return copy.smtp_text if copy.state in {"failed", "unknown", "retry"} else ""


def _words(copy: Copy, known: Sequence[RecipientActivity], *, is_told: bool, state: str) -> str:
    """Why the copy is in its state. What machines did beside is no reason where the recipient answered."""
    if copy.viewed_at is not None and state in {"read", "replied"}:
        return rules.viewed_words(clock(copy.viewed_at))
    if copy.fate is not None and state == copy.fate.state and state != "delivered":
        return copy.fate.words or FATE_WORDS[state]
    if rules.is_delayed(copy, state):
        return DELAY_WORDS
    if state == "replied" and copy.seen != "read":
        return "The recipient answered."
    if state == "untracked":
        return copy.untracked_words
    return copy.seen_words if is_told else next((entry.words for entry in known if entry.words), "")


def _timeline(copies: Sequence[Copy], activity: ReplyActivity) -> tuple[TimelineLine, ...]:
    """What the portal and the plugins saw, newest first; with several recipients each line names its own."""
    emails = {copy.id: copy.email for copy in copies}
    names = {copy.id: f" ({copy.email})" if len(copies) > 1 else "" for copy in copies}
    told = {(entry.recipient_id, entry.happened_at) for entry in activity.timeline}
    lines = [TimelineLine(copies[0].created_at, "queued", "Queued")]
    for copy in copies:
        name = names[copy.id]
        if copy.sent_at:
            lines.append(TimelineLine(copy.sent_at, "sent", f"Sent{name}", copy.smtp_text, copy.email))
        if copy.replied_at:
            lines.append(TimelineLine(copy.replied_at, "replied", f"Answered{name}", email=copy.email))
        if copy.delayed_at and (copy.id, copy.delayed_at) not in told:
            lines.append(TimelineLine(copy.delayed_at, "delayed", f"Delayed{name}", copy.delayed_detail, copy.email))
        if copy.fate and (copy.id, copy.fate.at) not in told:
            words = f"{rules.fate_words(copy)}{name}"
            lines.append(TimelineLine(copy.fate.at, copy.fate.state, words, copy.fate.detail, copy.email))
        if copy.viewed_at:
            lines.append(TimelineLine(copy.viewed_at, "viewed", f"Read on the ticket page{name}", email=copy.email))
        if copy.judged:
            words = f"{rules.judged_words(copy.judged)}{name}"
            lines.append(TimelineLine(copy.judged.at, "judged", words, email=copy.email))
    lines += [
        TimelineLine(
            entry.happened_at,
            entry.kind,
            f"{entry.words}{names[entry.recipient_id]}",
            entry.detail,
            emails[entry.recipient_id],
            entry.machine,
        )
        for entry in activity.timeline
        if entry.recipient_id in names
    ]
    lines.sort(key=lambda line: line.at)
    return tuple(reversed(lines[-TIMELINE_LINES:]))
