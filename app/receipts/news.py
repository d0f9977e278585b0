"""Which of the plugins' reports are news. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.receipts.models import Known, News, Report
from app.receipts.rules import FATES, SEEN
from app.sql import moment

MAX_WORDS = 200
"""Characters that the column `seen_words` holds."""


def latest(reports: Iterable[Report]) -> tuple[dict[int, Report], dict[int, Report]]:
    """Of each copy the last report of reading and the worst of the mail's fate, both by ascending recipient id.

    Raises ValueError for a receipt that the portal has no badge for, and for one without its time.
    """
    seen: dict[int, Report] = {}
    fates: dict[int, Report] = {}
    for one in reports:
        _check(one)
        if one.receipt not in FATES:
            seen[one.recipient_id] = one
        elif one.recipient_id not in fates or _rank(one.receipt) > _rank(fates[one.recipient_id].receipt):
            fates[one.recipient_id] = one
    return dict(sorted(seen.items())), dict(sorted(fates.items()))


def sift(seen: Mapping[int, Report], fates: Mapping[int, Report], known: Mapping[int, Known]) -> News:
    """What of these reports, as `latest` gives them, is new beside what is known; copies that are gone are left out."""
    new_seen = [one for one in seen.values() if one.recipient_id in known and _differs(one, known[one.recipient_id])]
    new_fates = [
        one
        for one in fates.values()
        if one.recipient_id in known and _rank(one.receipt) > _rank(known[one.recipient_id].fate)
    ]
    looks = [one for one in new_seen if _looks_different(one, known[one.recipient_id])] + new_fates
    stale = [one for one in new_seen if "read" in (one.receipt, known[one.recipient_id].seen)]
    stale += [one for one in new_seen if one.receipt != known[one.recipient_id].seen] + new_fates
    newly_read = [
        one.recipient_id
        for one in new_seen
        if one.receipt == "read" and known[one.recipient_id].seen != "read" and not known[one.recipient_id].settled
    ]
    return News(new_seen, new_fates, _tickets(looks), _tickets(stale), newly_read)


def moments_of(report: Report) -> tuple[str | None, str | None]:
    """The first and the last time of a report of reading, as `app.sql.moment` writes them."""
    if report.receipt is None or report.at is None:
        return None, None
    return moment(report.at), moment(report.last_at or report.at)


def words_of(report: Report) -> str:
    """A report's words as the column holds them."""
    return report.words if len(report.words) <= MAX_WORDS else report.words[: MAX_WORDS - 1].rstrip() + "…"


def _check(report: Report) -> None:
    if report.receipt is None:
        return
    if report.receipt not in FATES and report.receipt not in SEEN:
        allowed = ", ".join((*SEEN, *FATES))
        raise ValueError(f"a receipt must be one of {allowed}, or None for nothing seen, got {report.receipt!r}")
    if report.at is None:
        raise ValueError(f"the receipt {report.receipt!r} needs the time when that was, in `at`")


def _rank(fate: str | None) -> int:
    return FATES.index(fate) if fate else -1


def _differs(report: Report, known: Known) -> bool:
    return _looks_different(report, known) or moments_of(report)[1] != known.last_seen_at


def _looks_different(report: Report, known: Known) -> bool:
    told = (report.receipt, moments_of(report)[0], words_of(report))
    return told != (known.seen, known.seen_at, known.seen_words)


def _tickets(reports: Sequence[Report]) -> dict[int, int]:
    return {one.reply_id: one.ticket_id for one in reports if one.reply_id}
