"""Receipts: what plugins report of a copy, the badge of a reply, and the popover behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.database import Connection
from app.hookspecs import RecipientActivity, ReplyActivity
from app.live import service as live
from app.receipts import repository, rules
from app.receipts.models import Badge, Copy, ReceiptPanel, RecipientReceipt, Report, TimelineLine
from app.runtime import current

TIMELINE_LINES = 100
ROLES = {"to": "To", "cc": "Cc", "bcc": "Bcc"}


async def visible_states() -> frozenset[str]:
    """The states that may be shown now: the portal's own and those that an enabled plugin reports."""
    return rules.CORE_STATES | (await current().plugins.receipt_states() & rules.RECEIPTS)


async def refresh(conn: Connection, reply_id: int) -> None:
    """Bring the ticket's stored badge up to date and tell open pages, in the caller's transaction.

    Call after every change of a copy, last in the transaction but for events.
    """
    ticket_id = await repository.ticket_of(conn, reply_id)
    if ticket_id is None:
        return
    await repository.refresh_tickets(conn, {reply_id: ticket_id})
    await live.publish(conn, ticket_id=ticket_id, kind="receipt", reply_id=reply_id)


async def report(conn: Connection, reports: Sequence[Report], *, heard: Mapping[int, int] | None = None) -> None:
    """For plugins: what was learnt of some copies, in the caller's transaction.

    Each is kept where it says more than what is known; open pages and lists are told in any case. heard: ticket by
    reply id, of replies of which something else is new that their open pages show.

    A mailing that everybody opens at once costs a few statements. Rows are locked in the order of their ids, copies
    before tickets. Raises ValueError for a word that is none of `rules.RECEIPTS`; a copy that is gone is left out.
    """
    best: dict[int, Report] = {}
    for one in sorted(reports, key=lambda one: one.at):
        if rules.outranks(one.receipt, best[one.recipient_id].receipt if one.recipient_id in best else None):
            best[one.recipient_id] = one
    changed = {one.reply_id: one.ticket_id for one in best.values()}
    if best:
        repository.set_receipts(conn, [best[recipient_id] for recipient_id in sorted(best)])
        await repository.refresh_tickets(conn, changed)
    told = {**(heard or {}), **changed}
    if told:
        await live.publish_receipts(conn, told, changed)


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
    return RecipientReceipt(
        id=copy.id,
        role=ROLES[copy.role],
        name=copy.name,
        email=copy.email,
        state=state,
        word=rules.word_of(copy, state),
        detail=copy.smtp_text if copy.state in {"failed", "unknown", "retry"} else "",
        sent_at=copy.sent_at,
        can_send_again=copy.state in {"failed", "unknown"},
        first_opened=min((entry.first_opened_at for entry in known if entry.first_opened_at), default=None),
        last_opened=max((entry.last_opened_at for entry in known if entry.last_opened_at), default=None),
        opens=sum(entry.opens for entry in known),
        links=tuple(sorted(clicks.items(), key=lambda item: (-item[1], item[0]))),
    )


def _timeline(copies: Sequence[Copy], activity: ReplyActivity) -> tuple[TimelineLine, ...]:
    """What the portal and the plugins saw, newest first; with several recipients each line names its own."""
    names = {copy.id: f" ({copy.email})" if len(copies) > 1 else "" for copy in copies}
    lines = [TimelineLine(copies[0].created_at, "queued", "Queued")]
    lines += [
        TimelineLine(copy.sent_at, "sent", f"Sent{names[copy.id]}", copy.smtp_text) for copy in copies if copy.sent_at
    ]
    lines += [
        TimelineLine(entry.happened_at, entry.kind, f"{entry.words}{names[entry.recipient_id]}", entry.detail)
        for entry in activity.timeline
        if entry.recipient_id in names
    ]
    lines.sort(key=lambda line: line.at)
    return tuple(reversed(lines[-TIMELINE_LINES:]))
