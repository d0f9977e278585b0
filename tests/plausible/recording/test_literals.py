"""Values written into SQL as texts come back as they were, and nothing of them is read as SQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.database import Database
from app.localdb import LocalDatabase
from app.runtime import Runtime
from app.sql import derived, literal
from plugins.plausible.events import CLICK
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store
from tests.plausible.recording import event, rows
from tests.receipts.builders import mailed_reply

NASTY = [
    *("", "\0", "\x1a", "'", '"', "\\", "\\'", "`", "/*", "?", ":a", "\b\t", "a\r\nb", "\\0", "\\x27", "%s %(a)s %%"),
    *("'; DROP TABLE users; -- ", "😀", "\u2028", "\u2019", "¿'", "\ufeff", "\uffff"),
]
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(NASTY)
times = st.datetimes(
    datetime(1000, 1, 2),  # noqa: DTZ001
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11))]),
)
values = texts | st.binary() | st.integers(-(2**63), 2**64 - 1) | times | st.none()


@pytest.fixture
async def database(database_server: LocalDatabase) -> AsyncIterator[Database]:
    database = Database(database_server.url)
    yield database
    await database.close()


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(values, min_size=1, max_size=20))
@example(NASTY)
@example([b"", b"\0'\\", 0, -1, True, None])
async def test_any_value_comes_back_equal(database: Database, values: Sequence[Any]) -> None:
    async with database.connection() as conn:
        columns = ", ".join(f"{literal(value)} AS c{number}" for number, value in enumerate(values))
        found = await conn.fetch_one(f"SELECT {columns}")
        table = derived(("number", "value"), [(str(number), f"HEX({literal(v)})") for number, v in enumerate(values)])
        hexes = await conn.fetch_all(f"SELECT * FROM {table} AS t ORDER BY number")  # noqa: S608
    assert found is not None
    assert list(found.values()) == list(values)
    for value, row in zip(values, hexes, strict=True):
        if isinstance(value, str | bytes):
            raw = value.encode() if isinstance(value, str) else value
            assert bytes.fromhex(row["value"]) == raw


@pytest.mark.parametrize("tail", ["", "'", "\\"])
@pytest.mark.parametrize("surrogate", [0xD800, 0xDBFF, 0xDC27, 0xDCE2, 0xDCFF])
async def test_a_lone_surrogate_never_reaches_a_table(portal: Runtime, surrogate: int, tail: str) -> None:
    reply = await mailed_reply(portal.database)
    bad = event(reply.recipients[0].tracking_id, user_agent=chr(surrogate) + tail)
    assert await Store(portal.database, KnownCopies()).put([bad]) == {bad.key: "quarantined"}
    assert await rows(portal.database, "SELECT 1 FROM email_tracking_events") == []


async def test_every_column_of_an_event_takes_any_text(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    made = [
        event(reply.recipients[0].tracking_id, CLICK, url=one, user_agent=one, ip_address=one, referrer=one)
        for one in NASTY
    ]
    assert set((await Store(portal.database, KnownCopies()).put(made)).values()) == {"stored"}
    found = await rows(
        portal.database,
        "SELECT event_key, event_url, user_agent, ip_address, referrer, occurred_at FROM email_tracking_events "
        "ORDER BY id",
    )
    assert [tuple(row.values()) for row in found] == [
        (one.key, one.url, one.user_agent, one.ip_address, one.referrer, one.occurred_at) for one in made
    ]


async def test_the_session_reads_backslashes_as_literals_are_written(database: Database) -> None:
    async with database.connection() as conn:
        mode = await conn.fetch_value("SELECT @@sql_mode")
    assert "NO_BACKSLASH_ESCAPES" not in mode


async def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        literal(datetime(2026, 11, 20))  # noqa: DTZ001


async def test_a_parameter_that_cannot_be_written_does_not_cost_the_transaction_its_beginning(
    portal: Runtime,
) -> None:
    with pytest.raises(asyncio.CancelledError):
        async with portal.database.transaction() as conn:
            with pytest.raises(ValueError, match="naive"):
                await conn.fetch_value("SELECT %(at)s", {"at": datetime(2026, 11, 20)})  # noqa: DTZ001
            await conn.execute("INSERT INTO contacts (name, email, notes, created_at, updated_at) "
                               "VALUES ('', 'x@y.example', '', NOW(6), NOW(6))")  # fmt: skip
            raise asyncio.CancelledError
    assert await rows(portal.database, "SELECT 1 FROM contacts") == []
