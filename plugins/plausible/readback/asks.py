"""SQL of what is asked of Plausible: who wants it, who asks now, and what the last answer was.

Times that decide are the database's own, because the clocks of the processes may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.database import Connection

Topic = Literal["counts", "setup"]
LEASE = 120
"""Seconds after which another worker asks: longer than all requests of one topic may take."""
AT_LEAST = 5
"""Seconds between two times of asking, however often the button is pressed."""
LONGEST_PROBLEM = 1000
_IS_FREE = (
    "(lease_until IS NULL OR lease_until < UTC_TIMESTAMP(6)) "
    # With other settings it is another instance, site or key that is asked.
    "AND (about <> %(about)s OR ((quiet_until IS NULL OR quiet_until < UTC_TIMESTAMP(6)) "
    f"AND (asked_at IS NULL OR asked_at < UTC_TIMESTAMP(6) - INTERVAL {AT_LEAST} SECOND)))"
)


@dataclass(frozen=True)
class Ask:
    """One topic as it stands."""

    about: str = ""
    """Of which settings the answer is."""
    wanted_at: datetime | None = None
    is_asking: bool = False
    next_at: datetime | None = None
    quiet_until: datetime | None = None
    """None once it is over."""
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str = ""
    """JSON; '' for none yet."""
    problem: str = ""
    """What went wrong the last time; '' where nothing did."""


async def read(conn: Connection) -> Mapping[str, Ask]:
    """All topics that there are, by name."""
    rows = await conn.fetch_all(
        """
        SELECT topic, about, wanted_at, COALESCE(lease_until > UTC_TIMESTAMP(6), 0) AS is_asking, next_at,
               IF(quiet_until > UTC_TIMESTAMP(6), quiet_until, NULL) AS quiet_until, asked_at, answered_at, answer,
               problem
          FROM email_tracking_asks
        """
    )
    return {
        row["topic"]: Ask(
            **{key: value for key, value in row.items() if key not in ("topic", "is_asking")},
            is_asking=bool(row["is_asking"]),
        )
        for row in rows
    }


async def want(conn: Connection, topic: Topic) -> None:
    """Somebody wants it now."""
    await conn.execute(
        "INSERT INTO email_tracking_asks (topic, wanted_at, answer) VALUES (%(topic)s, UTC_TIMESTAMP(6), '') "
        "ON DUPLICATE KEY UPDATE wanted_at = VALUES(wanted_at)",
        {"topic": topic},
    )


async def is_due(conn: Connection, topic: Topic, *, about: str, by_itself: bool) -> bool:
    """Whether it is to be asked now. by_itself: also where nobody wants it and its time has come."""
    row = await conn.fetch_one(
        f"""
        SELECT {_IS_FREE} AND (wanted_at IS NOT NULL OR (%(by_itself)s AND (
                   next_at IS NULL OR next_at <= UTC_TIMESTAMP(6) OR about <> %(about)s))) AS is_due
          FROM email_tracking_asks WHERE topic = %(topic)s
        """,  # noqa: S608
        {"topic": topic, "about": about, "by_itself": by_itself},
    )
    return by_itself if row is None else bool(row["is_due"])


async def claim(conn: Connection, topic: Topic, *, about: str, by_itself: bool) -> bool:
    """Take it, where it is still due: from the commit on nobody else asks."""
    await conn.execute(
        "INSERT INTO email_tracking_asks (topic, answer) VALUES (%(topic)s, '') "
        "ON DUPLICATE KEY UPDATE topic = VALUES(topic)",
        {"topic": topic},
    )
    if not await is_due(conn, topic, about=about, by_itself=by_itself):
        return False
    touched = await conn.execute(
        f"UPDATE email_tracking_asks SET lease_until = UTC_TIMESTAMP(6) + INTERVAL {LEASE} SECOND "  # noqa: S608
        f"WHERE topic = %(topic)s AND {_IS_FREE}",
        {"topic": topic, "about": about},
    )
    return touched == 1


async def answered(conn: Connection, topic: Topic, *, about: str, answer: str, again_in: float) -> None:
    """Keep an answer. again_in: seconds until it is asked by itself."""
    await conn.execute(
        f"""
        UPDATE email_tracking_asks
           SET about = %(about)s, answer = %(answer)s, problem = '', failures = 0, asked_at = UTC_TIMESTAMP(6),
               answered_at = UTC_TIMESTAMP(6), lease_until = NULL, quiet_until = NULL, wanted_at = NULL,
               next_at = UTC_TIMESTAMP(6) + INTERVAL {int(again_in)} SECOND
         WHERE topic = %(topic)s
        """,  # noqa: S608
        {"topic": topic, "about": about, "answer": answer},
    )


async def failed(
    conn: Connection, topic: Topic, *, about: str, words: str, first: float, longest: float, quiet: float | None
) -> None:
    """Keep why there is none; an earlier answer about the same settings stays.

    first, longest: seconds until it is asked again by itself, twice as long each time. quiet: seconds for which the
    instance wants not to be asked at all.
    """
    await conn.execute(
        f"""
        UPDATE email_tracking_asks
           SET answer = IF(about = %(about)s, answer, ''), about = %(about)s, problem = %(words)s,
               asked_at = UTC_TIMESTAMP(6), lease_until = NULL, wanted_at = NULL,
               quiet_until = IF(%(is_quiet)s, UTC_TIMESTAMP(6) + INTERVAL {int(quiet or 0)} SECOND, NULL),
               next_at = UTC_TIMESTAMP(6)
                         + INTERVAL LEAST({int(longest)}, {int(first)} * POW(2, LEAST(failures, 12))) SECOND,
               failures = failures + 1
         WHERE topic = %(topic)s
        """,  # noqa: S608
        {"topic": topic, "about": about, "words": words[:LONGEST_PROBLEM], "is_quiet": quiet is not None},
    )
