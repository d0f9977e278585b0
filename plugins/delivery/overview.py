"""SQL for the pages: what each provider told, and what was not taken of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.database import Database, Row, utcnow
from plugins.delivery.providers import PROVIDERS

PERIOD = timedelta(days=30)
MOST_FAILURES = 20


@dataclass(frozen=True)
class Last:
    """The newest event of all."""

    at: datetime
    label: str


@dataclass(frozen=True)
class Told:
    """What one provider told. Counts are of the last 30 days."""

    last_at: datetime | None
    counts: Sequence[Row]
    """kind, bounce, number, matched; the most frequent first."""
    failures: Sequence[Row]
    """reason, times, last_at, raw; the newest first."""
    subscriptions: Sequence[Row]

    @property
    def number(self) -> int:
        """Of all events."""
        return sum(int(row["number"]) for row in self.counts)

    @property
    def unmatched(self) -> int:
        """Of events whose mail is not known."""
        return sum(int(row["number"]) - int(row["matched"]) for row in self.counts)


async def last_event(database: Database) -> Last | None:
    """The newest event of all providers."""
    async with database.connection() as conn:
        row = await conn.fetch_one(
            "SELECT provider, received_at FROM delivery_events ORDER BY received_at DESC, id DESC LIMIT 1"
        )
    if row is None:
        return None
    provider = PROVIDERS.get(row["provider"])
    return Last(row["received_at"], provider.label if provider else "a bounce mail")


async def last_times(database: Database) -> dict[str, datetime]:
    """When each provider last told something."""
    async with database.connection() as conn:
        rows = await conn.fetch_all("SELECT provider, MAX(received_at) AS at FROM delivery_events GROUP BY provider")
    return {row["provider"]: row["at"] for row in rows}


async def failure_times(database: Database) -> dict[str, datetime]:
    """When something of each provider was last not taken."""
    async with database.connection() as conn:
        rows = await conn.fetch_all("SELECT provider, MAX(last_at) AS at FROM delivery_failures GROUP BY provider")
    return {row["provider"]: row["at"] for row in rows}


async def told(database: Database, provider: str) -> Told:
    """Everything about one provider."""
    values = {"provider": provider, "since": utcnow() - PERIOD}
    async with database.connection() as conn:
        last_at = await conn.fetch_value(
            "SELECT MAX(received_at) FROM delivery_events WHERE provider = %(provider)s", values
        )
        counts = await conn.fetch_all(
            """
            SELECT kind, bounce, COUNT(*) AS number, COUNT(recipient_id) AS matched FROM delivery_events
             WHERE provider = %(provider)s AND received_at >= %(since)s GROUP BY kind, bounce ORDER BY number DESC
            """,
            values,
        )
        failures = await conn.fetch_all(
            f"""
            SELECT reason, times, last_at, raw FROM delivery_failures WHERE provider = %(provider)s
             ORDER BY last_at DESC, id DESC LIMIT {MOST_FAILURES}
            """,  # noqa: S608
            values,
        )
        subscriptions = await conn.fetch_all(
            "SELECT topic, state, changed_at FROM delivery_subscriptions ORDER BY topic LIMIT 100"
        )
    return Told(last_at, counts, failures, subscriptions if provider == "ses" else ())
