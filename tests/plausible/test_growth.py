"""Monthly partitions of the table of events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from app.database import Database
from app.runtime import Runtime
from plugins.plausible import growth
from plugins.plausible.events import CLICK, OPEN, TrackingEvent
from tests.plausible.recording import stored
from tests.receipts.builders import mailed_reply


@pytest.fixture
async def database(portal: Runtime) -> AsyncIterator[Database]:
    """As it is after the migrations, and again afterwards: other tests have the same schema, and run workers too."""
    await _forget_months(portal.database)
    yield portal.database
    await _forget_months(portal.database)


async def _forget_months(database: Database) -> None:
    async with database.connection() as conn:
        await conn.execute(
            "ALTER TABLE email_tracking_events "
            "PARTITION BY RANGE COLUMNS (occurred_at) (PARTITION p_rest VALUES LESS THAN (MAXVALUE))"
        )


async def names(database: Database) -> list[str]:
    async with database.connection() as conn:
        return await growth.partitions(conn)


async def tend(database: Database, moment: datetime, keep: int = 730) -> None:
    await growth.tend(database, keep=lambda: keep, now=lambda: moment)


@pytest.mark.parametrize(
    ("start", "count", "month"),
    [
        (date(2026, 11, 20), 0, date(2026, 11, 1)),
        (date(2026, 11, 20), 3, date(2027, 2, 1)),
        (date(2026, 1, 31), -1, date(2025, 12, 1)),
        (date(2026, 1, 31), -24, date(2024, 1, 1)),
    ],
)
def test_months_are_counted_over_the_years(start: date, count: int, month: date) -> None:
    assert growth.later(start, count) == month


async def test_months_ahead_get_a_partition_before_they_begin(database: Database) -> None:
    assert await names(database) == ["p_rest"]
    await tend(database, datetime(2026, 11, 20, tzinfo=UTC))
    assert await names(database) == ["p202611", "p202612", "p202701", "p202702", "p_rest"]
    await tend(database, datetime(2026, 11, 30, tzinfo=UTC))
    assert len(await names(database)) == 5
    await tend(database, datetime(2027, 1, 1, tzinfo=UTC))
    assert await names(database) == ["p202611", "p202612", "p202701", "p202702", "p202703", "p202704", "p_rest"]


async def test_after_years_of_rest_the_months_go_on_where_they_are(database: Database) -> None:
    await tend(database, datetime(2026, 11, 20, tzinfo=UTC))
    await tend(database, datetime(2029, 1, 5, tzinfo=UTC), keep=0)
    assert (await names(database))[3:] == ["p202702", "p202901", "p202902", "p202903", "p202904", "p_rest"]


async def test_old_events_go_with_their_month_and_the_counts_stay(database: Database, portal: Runtime) -> None:
    reply = await mailed_reply(database)
    [bob] = reply.recipients
    await tend(database, datetime(2026, 10, 1, tzinfo=UTC))
    moments = [datetime(2026, 10, 31, 23, 59, 59, 999999, UTC), datetime(2026, 11, 1, tzinfo=UTC)]
    for moment in moments:
        assert await stored(portal, TrackingEvent(OPEN, bob.tracking_id, moment))
    assert await stored(portal, TrackingEvent(CLICK, bob.tracking_id, moments[1], "https://example.org/"))

    await tend(database, datetime(2027, 1, 31, tzinfo=UTC), keep=92)
    assert await _rows(database) == 3, "the oldest month has a day that is not 92 days ago"
    await tend(database, datetime(2027, 2, 1, tzinfo=UTC), keep=0)
    assert await _rows(database) == 3, "0 keeps all"
    await tend(database, datetime(2027, 2, 1, tzinfo=UTC), keep=92)

    assert await _rows(database) == 2
    async with database.connection() as conn:
        sums = await conn.fetch_one("SELECT open_count, first_opened_at FROM email_tracking_recipients")
        days = await conn.fetch_all("SELECT event_type, SUM(events) AS n FROM email_tracking_daily GROUP BY event_type")
    assert sums == {"open_count": 2, "first_opened_at": moments[0]}
    assert {row["event_type"]: int(row["n"]) for row in days} == {"open": 2, "click": 1}


async def test_an_event_of_any_time_finds_a_place(database: Database, portal: Runtime) -> None:
    reply = await mailed_reply(database)
    await tend(database, datetime(2026, 11, 20, tzinfo=UTC))
    for year in (1999, 2026, 2099):
        moment = datetime(year, 11, 20, tzinfo=UTC)
        assert await stored(portal, TrackingEvent(OPEN, reply.recipients[0].tracking_id, moment))
    assert await _rows(database) == 3


async def test_a_busy_table_is_left_for_the_next_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "PATIENCE", 1)
    async with database.transaction() as conn:
        await conn.fetch_all("SELECT id FROM email_tracking_events")
        await tend(database, datetime(2026, 11, 20, tzinfo=UTC))
        assert await names(database) == ["p_rest"]
    await tend(database, datetime(2026, 11, 20, tzinfo=UTC))
    assert len(await names(database)) == 5


async def _rows(database: Database) -> int:
    async with database.connection() as conn:
        return int(await conn.fetch_value("SELECT COUNT(*) FROM email_tracking_events"))
