"""Which of the plugins' reports are news. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.receipts import fates
from app.receipts.models import Known, News, Report
from app.receipts.rules import SEEN
from app.sql import moment

MAX_WORDS = 200
"""Characters that the column `seen_words` holds."""


def latest(reports: Iterable[Report]) -> tuple[dict[int, Report], dict[int, Report], dict[int, Report]]:
    """Of each copy the last report of reading, that of the mail's fate which counts, and that of its latest delay, by
    ascending recipient id.

    Raises ValueError for a receipt that the portal has no badge for, and for one without its time.
    """
    seen: dict[int, Report] = {}
    told: dict[int, Report] = {}
    delays: dict[int, Report] = {}
    for one in reports:
        _check(one)
        number = one.recipient_id
        if one.receipt == fates.DELAYED:
            if number not in delays or fates.delay_of(one) > fates.delay_of(delays[number]):
                delays[number] = one
        elif one.receipt not in fates.FATES:
            seen[number] = one
        elif number not in told or fates.order(fates.fate_of(one)) > fates.order(fates.fate_of(told[number])):
            told[number] = one
    return dict(sorted(seen.items())), dict(sorted(told.items())), dict(sorted(delays.items()))


def sift(
    seen: Mapping[int, Report], told: Mapping[int, Report], delays: Mapping[int, Report], known: Mapping[int, Known]
) -> News:
    """What of these reports, as `latest` gives them, is new beside what is known; copies that are gone are left out."""
    new_seen = [one for one in seen.values() if one.recipient_id in known and _differs(one, known[one.recipient_id])]
    new_fates = [one for one in told.values() if one.recipient_id in known and _counts(one, known[one.recipient_id])]
    new_delays = [one for one in delays.values() if one.recipient_id in known and _later(one, known[one.recipient_id])]
    looks = [one for one in new_seen if _looks_different(one, known[one.recipient_id])] + new_fates + new_delays
    stale = [one for one in new_seen if "read" in (one.receipt, known[one.recipient_id].seen)]
    stale += [one for one in new_seen if one.receipt != known[one.recipient_id].seen] + new_fates
    newly_read = [
        one.recipient_id
        for one in new_seen
        if one.receipt == "read" and known[one.recipient_id].seen != "read" and not known[one.recipient_id].settled
    ]
    return News(new_seen, new_fates, new_delays, _tickets(looks), _tickets(stale), newly_read)


def moments_of(report: Report) -> tuple[str | None, str | None]:
    """The first and the last time of a report of reading, as `app.sql.moment` writes them."""
    if report.receipt is None or report.at is None:
        return None, None
    return moment(report.at), moment(report.last_at or report.at)


def words_of(report: Report) -> str:
    """A report's words as the column holds them."""
    return fates.cut(report.words, MAX_WORDS)


def _check(report: Report) -> None:
    if report.receipt is None:
        return
    if report.receipt not in {*fates.FATES, fates.DELAYED, *SEEN}:
        allowed = ", ".join((*SEEN, *fates.FATES, fates.DELAYED))
        raise ValueError(f"a receipt must be one of {allowed}, or None for nothing seen, got {report.receipt!r}")
    if report.at is None:
        raise ValueError(f"the receipt {report.receipt!r} needs the time when that was, in `at`")
    if report.bounce not in {"", "hard", "soft"}:
        raise ValueError(f"`bounce` must be 'hard', 'soft' or '', got {report.bounce!r}")


def _counts(report: Report, known: Known) -> bool:
    return known.fate is None or fates.order(fates.fate_of(report)) > fates.order(known.fate)


def _later(report: Report, known: Known) -> bool:
    return known.delayed is None or fates.delay_of(report) > known.delayed


def _differs(report: Report, known: Known) -> bool:
    return _looks_different(report, known) or moments_of(report)[1] != known.last_seen_at


def _looks_different(report: Report, known: Known) -> bool:
    told = (report.receipt, moments_of(report)[0], words_of(report))
    return told != (known.seen, known.seen_at, known.seen_words)


def _tickets(reports: Sequence[Report]) -> dict[int, int]:
    return {one.reply_id: one.ticket_id for one in reports if one.reply_id is not None and one.ticket_id is not None}
