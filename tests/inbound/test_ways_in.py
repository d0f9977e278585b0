"""Pipe and LMTP as a mail server uses them: it is told that we have a mail only once it is committed."""

from __future__ import annotations

import asyncio
import os
import smtplib
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from app.inbound import processing, repository, store
from app.inbound.lmtp import Listener
from app.settings import Settings
from tests.inbound.conftest import Inbox, mail


def receive(settings: Settings, raw: bytes, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """`myportal receive < mail`."""
    environment = {
        **os.environ,
        "DATABASE_URL": str(settings.database_url),
        "SECRET_KEY": settings.key,
        "VAR_DIR": str(settings.var_dir),
        **changes,
    }
    command = [sys.executable, "-m", "app", "receive", "--recipient", "support@portal.test"]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(command, input=raw, env=environment, cwd=root, capture_output=True, timeout=60, check=False)


async def test_the_pipe_stores_and_says_so(inbox: Inbox, settings: Settings) -> None:
    raw = mail("by pipe")
    for _ in range(2):
        done = await anyio.to_thread.run_sync(receive, settings, raw)
        assert (done.returncode, done.stderr) == (0, b"")
    rows = await inbox.all("SELECT id, recipient, state FROM inbound_mails")
    assert [(row["recipient"], row["state"]) for row in rows] == [("support@portal.test", "new")]
    assert await store.load(inbox.runtime, rows[0]["id"]) == raw
    assert await processing.run_due(inbox.runtime) == 1


async def test_the_pipe_asks_for_another_try_where_anything_of_ours_is_wrong(settings: Settings) -> None:
    gone = await anyio.to_thread.run_sync(
        lambda: receive(settings, mail(), DATABASE_URL="mysql://nobody@127.0.0.1:1/none")
    )
    assert gone.returncode == 75
    assert b"127.0.0.1:1" in gone.stderr
    wrong = await anyio.to_thread.run_sync(lambda: receive(settings, mail(), INBOUND_MAX_MB="much"))
    assert (wrong.returncode, b"INBOUND_MAX_MB" in wrong.stderr) == (75, True)


async def test_the_pipe_refuses_what_is_empty_or_too_large(inbox: Inbox, settings: Settings) -> None:
    assert (await anyio.to_thread.run_sync(receive, settings, b"\n")).returncode == 65
    large = await anyio.to_thread.run_sync(lambda: receive(settings, b"x" * 1_100_000, INBOUND_MAX_MB="1"))
    assert (large.returncode, b"INBOUND_MAX_MB" in large.stderr) == (65, True)
    assert await inbox.count("inbound_mails") == 0


def talk(port: int, raw: bytes, recipients: list[str], *, smtp: bool = False) -> list[tuple[int, bytes]]:
    """Hand a mail over; one answer for each recipient in LMTP."""
    kind: Any = smtplib.SMTP if smtp else smtplib.LMTP
    with kind("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        client.mail("bob@example.org")
        for recipient in recipients:
            assert client.rcpt(recipient)[0] == 250
        code, words = client.data(raw)
        answers = [(code, words)]
        if not smtp:
            answers += [client.getreply() for _ in recipients[1:]]
        return answers


async def test_lmtp_answers_each_recipient_after_the_commit(inbox: Inbox) -> None:
    raw = mail("long line " + "x" * 5_000)
    async with Listener(inbox.runtime, host="127.0.0.1", port=0) as listener:
        answers = await anyio.to_thread.run_sync(talk, listener.port, raw, ["support@portal.test", "x@portal.test"])
        assert [code for code, _ in answers] == [250, 250]
        assert await inbox.count("inbound_mails") == 1
    assert await processing.run_due(inbox.runtime) == 1
    assert await inbox.count("tickets") == 1


@pytest.mark.parametrize("smtp", [False, True])
async def test_the_listener_keeps_nothing_that_it_did_not_store(inbox: Inbox, smtp: bool) -> None:
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"inbound_max_mb": 1})
    async with Listener(inbox.runtime, host="127.0.0.1", port=0, smtp=smtp) as listener:
        large = mail("x" * 900 + "\n" * 1) + b"y\r\n" * 600_000
        answers = await anyio.to_thread.run_sync(lambda: talk(listener.port, large, ["a@portal.test"], smtp=smtp))
        assert answers[0][0] == 552
        await inbox.runtime.database.close()
        there, inbox.runtime.database._address = inbox.runtime.database._address, _nowhere()
        answers = await anyio.to_thread.run_sync(lambda: talk(listener.port, mail(), ["a@portal.test"], smtp=smtp))
        assert answers[0][0] == 451
        inbox.runtime.database._address = there
        answers = await anyio.to_thread.run_sync(lambda: talk(listener.port, mail(), ["a@portal.test"], smtp=smtp))
        assert answers[0][0] == 250
    assert await inbox.count("inbound_mails") == 1


def _nowhere() -> Any:
    from app.settings import DatabaseAddress

    return DatabaseAddress("mysql://nobody@127.0.0.1:1/none")


async def test_a_mail_whose_worker_died_is_read_by_another_and_held_in_the_end(inbox: Inbox) -> None:
    stored = await store.receive(inbox.runtime, mail(), source="pipe")
    for _ in range(5):
        claimed = await inbox.runtime.database.run(
            lambda conn: repository.claim(conn, owner="dead", lease=timedelta(seconds=0), limit=1)
        )
        assert [one.id for one in claimed] == [stored.id]
    await processing.run_due(inbox.runtime)
    row = await inbox.row(stored.id)
    assert (row["state"], "ended 5 times" in row["reason"]) == ("quarantined", True)


async def test_a_worker_that_lost_its_lease_adds_nothing(inbox: Inbox) -> None:
    stored = await store.receive(inbox.runtime, mail(), source="pipe")
    [late] = await inbox.runtime.database.run(
        lambda conn: repository.claim(conn, owner="late", lease=timedelta(seconds=0), limit=1)
    )
    assert await processing.run_due(inbox.runtime) == 1
    await processing._process(inbox.runtime, late, "late")
    assert await inbox.count("ticket_replies") == 1
    assert (await inbox.row(stored.id))["state"] == "processed"


async def test_a_fault_of_ours_is_tried_again_and_the_next_mail_flows(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("app.tickets.incoming.search_index.add", lambda *_: 1 / 0)
        row = await inbox.take(mail("first"))
    assert (row["state"], row["attempts"]) == ("new", 1)
    assert await inbox.count("tickets") == 0
    assert (await inbox.take(mail("second")))["state"] == "processed"
    await inbox.all("UPDATE inbound_mails SET next_attempt_at = UTC_TIMESTAMP(6)")
    await processing.run_due(inbox.runtime)
    assert (await inbox.row(row["id"]))["state"] == "processed"


async def test_two_workers_read_each_mail_once(inbox: Inbox) -> None:
    for number in range(12):
        await store.receive(inbox.runtime, mail(f"number {number}"), source="pipe")
    done = await asyncio.gather(*(processing.run_due(inbox.runtime) for _ in range(3)))
    assert sum(done) == 12
    assert await inbox.count("tickets") == 12
