"""Events that were set aside are looked at, put back once, or let go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from app.database import Database
from app.runtime import Runtime
from plugins.plausible.commands_quarantine import quarantine_command
from plugins.plausible.events import CLICK, TrackingEvent
from plugins.plausible.recording import set_aside, statements
from plugins.plausible.recording.codec import encode
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store
from tests.plausible.recording import count, event, rows
from tests.receipts.builders import MailedReply, mailed_reply

T = TypeVar("T")
CANARY = "https://canary.example.org/secret"


@pytest.fixture
async def reply(portal: Runtime) -> MailedReply:
    return await mailed_reply(portal.database, *(f"bob{number}@example.org" for number in range(5)))


async def quarantine(portal: Runtime, *records: bytes | TrackingEvent, error: str = "DataError 1406") -> None:
    """As recording does it when the database has refused them."""
    for record in records:
        async with portal.database.transaction() as conn:
            await statements.quarantine(conn, encode(record) if isinstance(record, TrackingEvent) else record, error)


def opens(reply: MailedReply) -> list[TrackingEvent]:
    return [event(one.tracking_id) for one in reply.recipients]


async def test_what_is_put_back_counts_once_however_often(portal: Runtime, reply: MailedReply) -> None:
    events = opens(reply)
    await Store(portal.database, KnownCopies()).put(events[:1])
    await quarantine(portal, *events)

    assert await set_aside.retry(portal.database) == {"stored": 4, "duplicate": 1}

    assert await count(portal.database, "email_tracking_quarantine") == 0
    await quarantine(portal, *events)
    assert await set_aside.retry(portal.database) == {"duplicate": 5}
    assert await count(portal.database, "email_tracking_events") == 5
    [sums] = await rows(portal.database, "SELECT SUM(open_count) AS opens FROM email_tracking_recipients")
    assert sums["opens"] == 5


async def test_two_who_put_back_at_the_same_time_store_each_event_once(portal: Runtime, reply: MailedReply) -> None:
    await quarantine(portal, *opens(reply))
    await asyncio.gather(*(set_aside.retry(portal.database) for _ in range(3)))
    assert await count(portal.database, "email_tracking_events") == 5
    assert await count(portal.database, "email_tracking_quarantine") == 0


async def test_what_fails_again_stays_with_its_new_reason(portal: Runtime, reply: MailedReply) -> None:
    good, *_ = opens(reply)
    poisonous = event(reply.recipients[1].tracking_id, CLICK, url="https://example.org/\ud800")
    stranger = event("nobody" * 7)
    await quarantine(portal, good, poisonous, stranger, b"no event", error="before")

    assert await set_aside.retry(portal.database) == {"stored": 1, "quarantined": 2, "unknown": 1}

    left = await set_aside.listed(portal.database, most=10)
    assert {(one.kind, one.error) for one in left} == {
        ("click", "UnicodeEncodeError"),
        ("open", "no tracked copy has this id"),
        (None, "BadRecord"),
    }
    assert await count(portal.database, "email_tracking_events") == 1


async def test_a_record_of_an_older_release_that_fails_again_is_there_once(portal: Runtime, reply: MailedReply) -> None:
    poisonous = event(reply.recipients[1].tracking_id, CLICK, url="https://example.org/\ud800")
    await quarantine(portal, encode(poisonous).replace(b"{", b'{"gone":1,', 1), error="before")
    assert await set_aside.retry(portal.database) == {"quarantined": 1}
    assert [one.error for one in await set_aside.listed(portal.database, most=10)] == ["UnicodeEncodeError"]


async def test_only_those_that_are_named_are_put_back_or_let_go(portal: Runtime, reply: MailedReply) -> None:
    await quarantine(portal, *opens(reply))
    numbers = [one.number for one in await set_aside.listed(portal.database, most=10)]
    assert await set_aside.retry(portal.database, numbers[:2]) == {"stored": 2}
    assert await set_aside.drop(portal.database, [numbers[2], 10**9]) == 1
    assert [one.number for one in await set_aside.listed(portal.database, most=10)] == numbers[3:]
    assert await set_aside.drop(portal.database) == 2
    assert await set_aside.count(portal.database) == 0
    assert await count(portal.database, "email_tracking_events") == 2


async def test_more_than_fit_into_one_transaction_are_all_put_back(
    portal: Runtime, reply: MailedReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_aside, "BATCH", 2)
    await quarantine(portal, *opens(reply))
    assert await set_aside.retry(portal.database) == {"stored": 5}


# --- the commands ----------------------------------------------------------------------------------------------------


@pytest.fixture
def invoke(portal: Runtime) -> Callable[..., Awaitable[Result]]:
    """Runs the command in a thread, as a process of its own would."""

    def run(work: Callable[[Database], Awaitable[T]]) -> T:
        async def inside() -> T:
            database = portal.database.sibling(size=2, deadline=10, acquire=10)
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(inside())

    group = quarantine_command(run)

    async def invoke(*arguments: object) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, group, [str(argument) for argument in arguments])

    return invoke


Invoke = Callable[..., Awaitable[Result]]


async def test_the_list_shows_time_kind_and_error_and_nothing_of_people(
    portal: Runtime, reply: MailedReply, invoke: Invoke
) -> None:
    copy = reply.recipients[0].tracking_id
    click = event(copy, CLICK, url=CANARY, user_agent="canary agent", ip_address="203.0.113.77")
    await quarantine(portal, click, b'canary "no event"')

    result = await invoke("list")

    first, second = result.output.splitlines()
    assert first.split()[3:] == ["click", "DataError", "1406"]
    assert second.split()[3:5] == ["no", "event"]
    assert not [word for word in (copy, "canary", "203.0.113", "bob0") if word in result.output]


async def test_a_long_list_says_how_many_are_left(portal: Runtime, reply: MailedReply, invoke: Invoke) -> None:
    await quarantine(portal, *opens(reply))
    result = await invoke("list", "--most", 2)
    assert result.output.splitlines()[2:] == ["3 more are not shown; see --most."]
    await set_aside.drop(portal.database)
    assert (await invoke("list")).output == "No events are set aside.\n"


async def test_retry_says_what_became_of_them_and_fails_while_some_are_left(
    portal: Runtime, reply: MailedReply, invoke: Invoke
) -> None:
    await quarantine(portal, *opens(reply), event("nobody" * 7))
    result = await invoke("retry", "--all")
    assert result.output == "5 stored.\n1 of no tracked copy, still set aside.\n"
    assert result.exit_code == 1
    result = await invoke("drop", "--all")
    assert (result.output, result.exit_code) == ("1 deleted.\n", 0)


@pytest.mark.parametrize("arguments", [(), ("7", "--all")])
@pytest.mark.parametrize("command", ["retry", "drop"])
async def test_all_must_be_asked_for(invoke: Invoke, command: str, arguments: Sequence[str]) -> None:
    result = await invoke(command, *arguments)
    assert result.exit_code == 2
    assert "or give --all" in result.output
