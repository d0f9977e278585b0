"""How long failed logins have to wait."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.accounts import throttle
from app.accounts.errors import TooManyTries
from app.accounts.throttle_rules import Failures, in_words, network_of, next_try
from app.database import Database, utcnow

LAST = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NONE = Failures(0, 0, 0, None, None)


def test_four_failures_cost_no_wait() -> None:
    assert (
        next_try(replace(NONE, of_account=4, of_pair=4, of_address=4, last_of_pair=LAST, last_of_address=LAST)) is None
    )


@pytest.mark.parametrize(("count", "seconds"), [(5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (400, 900)])
def test_from_the_fifth_failure_on_the_wait_doubles_up_to_a_quarter_of_an_hour(count: int, seconds: int) -> None:
    failures = replace(NONE, of_account=count, of_pair=count, last_of_pair=LAST)
    assert next_try(failures) == LAST + timedelta(seconds=seconds)


def test_an_account_under_attack_lets_an_address_without_failures_in() -> None:
    assert next_try(replace(NONE, of_account=5000)) is None


def test_an_address_that_failed_once_waits_while_the_account_is_under_attack() -> None:
    assert next_try(replace(NONE, of_account=5, of_pair=1, last_of_pair=LAST)) == LAST + timedelta(seconds=30)


@pytest.mark.parametrize(("count", "seconds"), [(20, 30), (21, 60), (40, 900)])
def test_an_address_that_tries_many_accounts_waits(count: int, seconds: int) -> None:
    assert next_try(replace(NONE, of_address=count, last_of_address=LAST)) == LAST + timedelta(seconds=seconds)
    assert next_try(replace(NONE, of_address=19, last_of_address=LAST)) is None


def test_an_ipv6_network_counts_as_one_address() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("") == network_of("unix:") == ""


def test_a_wait_is_said_in_whole_words() -> None:
    assert [in_words(n) for n in (1, 30, 60, 61)] == ["a second", "30 seconds", "a minute", "2 minutes"]


async def test_many_tries_at_once_do_not_slip_past_the_count(db: Database) -> None:
    tries = [throttle.begin("ada@portal.test", "192.0.2.1") for _ in range(20)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    # Two that are stored in the same millisecond may not see each other; all twenty must not get through.
    assert 5 <= sum(not isinstance(result, BaseException) for result in ended) <= 8
    assert all(isinstance(result, TooManyTries) for result in ended if isinstance(result, BaseException))


async def test_a_refused_try_does_not_make_the_wait_longer(db: Database) -> None:
    for _ in range(5):
        await throttle.begin("ada@portal.test", "192.0.2.1")
    for _ in range(10):
        with pytest.raises(TooManyTries) as refused:
            await throttle.begin("ada@portal.test", "192.0.2.1")
        assert 1 <= refused.value.retry_after <= 30


async def test_case_does_not_make_another_account(db: Database) -> None:
    for email in ("ada@portal.test", "ADA@portal.test", " Ada@Portal.Test ", "ada@PORTAL.test", "aDa@portal.test"):
        await throttle.begin(email, "192.0.2.1")
    with pytest.raises(TooManyTries):
        await throttle.begin("ada@portal.test", "192.0.2.1")


async def test_success_forgets_this_address_and_account_only(db: Database) -> None:
    for email in ("ada@portal.test", "ada@portal.test", "gus@portal.test"):
        attempt = await throttle.begin(email, "192.0.2.1")
    other = await throttle.begin("ada@portal.test", "192.0.2.99")
    await throttle.succeeded(await throttle.begin("ada@portal.test", "192.0.2.1"))
    async with db.connection() as conn:
        left = await conn.fetch_all("SELECT id FROM login_failures ORDER BY id")
    assert [row["id"] for row in left] == [attempt.id, other.id]


async def test_failures_older_than_an_hour_are_deleted_with_the_next_try(db: Database) -> None:
    await throttle.begin("ada@portal.test", "192.0.2.1")
    async with db.transaction() as conn:
        await conn.execute("UPDATE login_failures SET failed_at = %(at)s", {"at": utcnow() - timedelta(hours=2)})
    await throttle.begin("gus@portal.test", "192.0.2.2")
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM login_failures") == 1
