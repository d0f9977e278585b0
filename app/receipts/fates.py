"""Which of several things that are told of a mail's fate counts. Pure.

Whatever order they come in, and however often, the same one is left: the greatest by `order`.

- Marked as spam is above a hard bounce, and that above all else, whenever it came: a bounce after "delivered" is real.
  Of several the first counts.
- A soft bounce and "delivered" are alike: the later one counts, so that a mailbox that was full and took the mail on
  another try is no bounce any more.
- A delay is no fate. The latest is kept beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app.receipts.models import Fate, Report
from app.sql import derived, literal, moment

FATES = ("delivered", "bounced", "complained")
"""What plugins may report of a mail's fate."""
DELAYED = "deferred"
"""What plugins may report of its way there."""
LONGEST_SHORT, LONGEST_WORDS, LONGEST_DETAIL = 60, 300, 500
"""Characters that the columns hold."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def fate_of(report: Report) -> Fate:
    """The fate that a report tells of. Raises ValueError for one that tells of none, or not when."""
    if report.receipt not in FATES or report.at is None:
        raise ValueError(f"a fate is one of {', '.join(FATES)} with its time, got {report.receipt!r} at {report.at!r}")
    kind = report.bounce if report.receipt == "bounced" else ""
    return Fate(
        report.receipt,
        report.at,
        kind,
        cut(report.short, LONGEST_SHORT),
        cut(report.words, LONGEST_WORDS),
        cut(report.detail, LONGEST_DETAIL),
    )


def rank(fate: Fate | None) -> int:
    """0 for none, up to 4."""
    if fate is None:
        return 0
    if fate.state == "complained":
        return 4
    return 3 if fate.state == "bounced" and fate.bounce != "soft" else 2


def order(fate: Fate) -> tuple[int, int, str]:
    """What the greatest is looked for by. The words only decide between two of the same moment."""
    place = rank(fate)
    micros = (fate.at - _EPOCH) // (datetime.resolution)
    return place, micros if place == 2 else -micros, _tie(fate)


def delay_of(report: Report) -> tuple[str, str]:
    """The moment of a delay, as `app.sql.moment` writes it, and its words: of several the greatest counts."""
    return moment(report.at or _EPOCH), cut(report.detail, LONGEST_DETAIL)


def cut(text: str, longest: int) -> str:
    """A text as a column of so many characters holds it."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def update_fates(reports: Sequence[Report]) -> str:
    """The statement that keeps these fates (at least one, one per copy, by ascending id) where they rank higher.

    It compares as `order` does: what is known may have changed since it was read.
    """
    rows = []
    for one in reports:
        fate = fate_of(one)
        rows.append(
            (
                str(one.recipient_id),
                literal(fate.state),
                literal(fate.at),
                literal(fate.bounce or None),
                literal(fate.short),
                literal(fate.words),
                literal(fate.detail),
                str(rank(fate)),
                literal(_tie(fate)),
            )
        )
    names = ("id", "fate", "fate_at", "kind", "short", "words", "detail", "place", "tie")
    known = (
        "CASE WHEN r.fate IS NULL THEN 0 WHEN r.fate = 'complained' THEN 4 "
        "WHEN r.fate = 'bounced' AND COALESCE(r.fate_kind, '') <> 'soft' THEN 3 ELSE 2 END"
    )
    tie = (
        "CONCAT(IF(r.fate = 'delivered', '1', '0'), CHAR(10), r.fate_detail, CHAR(10), r.fate_words, CHAR(10), "
        "r.fate_short)"
    )
    return (
        f"UPDATE {derived(names, rows)} AS news "  # noqa: S608
        "STRAIGHT_JOIN email_recipients AS r FORCE INDEX (PRIMARY) ON r.id = news.id "
        "SET r.fate_short = news.short, r.fate_words = news.words, r.fate_detail = news.detail, "
        "r.fate_kind = news.kind, r.fate_at = news.fate_at, r.fate = news.fate "
        f"WHERE news.place > {known} OR (news.place = {known} AND ("
        "IF(news.place = 2, news.fate_at > r.fate_at, news.fate_at < r.fate_at) "
        f"OR (news.fate_at = r.fate_at AND CAST(news.tie AS BINARY) > CAST({tie} AS BINARY))))"
    )


def update_delays(reports: Sequence[Report]) -> str:
    """The statement that keeps these delays (at least one, one per copy, by ascending id) where they are later."""
    rows = [(str(one.recipient_id), literal(one.at), literal(cut(one.detail, LONGEST_DETAIL))) for one in reports]
    return (
        f"UPDATE {derived(('id', 'delayed_at', 'detail'), rows)} AS news "  # noqa: S608
        "STRAIGHT_JOIN email_recipients AS r FORCE INDEX (PRIMARY) ON r.id = news.id "
        "SET r.delayed_detail = news.detail, r.delayed_at = news.delayed_at "
        "WHERE r.delayed_at IS NULL OR news.delayed_at > r.delayed_at OR (news.delayed_at = r.delayed_at "
        "AND CAST(news.detail AS BINARY) > CAST(r.delayed_detail AS BINARY))"
    )


def _tie(fate: Fate) -> str:
    return "\n".join(("1" if fate.state == "delivered" else "0", fate.detail, fate.words, fate.short))
