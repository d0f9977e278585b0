"""Mailboxes over IMAP: each mail once, whatever breaks, and marked as read only once it is ours."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.accounts.models import User
from app.database import DatabaseUnavailable
from app.inbound import mailboxes, polling, processing
from app.inbound.errors import MailboxRefused
from app.inbound.imap import ImapFailed, Session
from app.inbound.mailbox_models import ImapPlace
from app.inbound.mailbox_rules import Form
from app.inbound.polling import Poller
from tests.inbound.conftest import Inbox, mail
from tests.inbound.imap_server import ImapServer
from tests.support.certificates import certificates

SECRET = "secret"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    """A server with IDLE."""
    with ImapServer() as server:
        yield server


@pytest.fixture
async def box(inbox: Inbox, server: ImapServer, admin: User) -> int:
    """A mailbox at it."""
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"outbound_allowed": ["127.0.0.1"]})
    form = Form(
        "help@portal.test",
        fetches=True,
        host="127.0.0.1",
        port=str(server.port),
        security="none",
        username="bob",
        password=SECRET,
    )
    return await mailboxes.add(form, by=admin)


async def look(inbox: Inbox, box: int) -> int:
    """One look at the server."""
    place = mailboxes.place_of(inbox.runtime, await mailboxes.mailbox(box))
    return await polling.look_after(inbox.runtime, box, place, threading.Event())


async def test_new_mail_is_stored_then_marked(inbox: Inbox, server: ImapServer, box: int) -> None:
    old = server.add(mail("read elsewhere before we came"))
    old.flags.add("\\Seen")
    first = server.add(mail("one"))
    assert await look(inbox, box) == 1
    assert "\\Seen" in first.flags
    server.add(mail("two")).flags.add("\\Seen")
    assert await look(inbox, box) == 1
    assert await look(inbox, box) == 0
    await processing.run_due(inbox.runtime)
    assert await inbox.count("tickets") == 2
    found = await mailboxes.mailbox(box)
    assert found.last_mail_at
    assert not found.last_error


async def test_a_connection_cut_between_storing_and_marking_gives_one_copy(
    inbox: Inbox, server: ImapServer, box: int
) -> None:
    stored = server.add(mail("once"))
    server.cut_before = "UID STORE"
    with pytest.raises(ImapFailed):
        await look(inbox, box)
    assert await inbox.count("inbound_mails") == 1
    assert "\\Seen" not in stored.flags
    assert await look(inbox, box) == 0
    assert await inbox.count("inbound_mails") == 1
    assert "\\Seen" in stored.flags


async def test_nothing_is_marked_while_the_database_is_gone(
    inbox: Inbox, server: ImapServer, box: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = server.add(mail("wait"))

    async def gone(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr("app.inbound.repository.insert", gone)
        with pytest.raises(DatabaseUnavailable):
            await look(inbox, box)
    assert "\\Seen" not in stored.flags
    assert await look(inbox, box) == 1


async def test_new_numbers_of_the_folder_bring_nothing_twice(inbox: Inbox, server: ImapServer, box: int) -> None:
    server.add(mail("one"), uid=50)
    await look(inbox, box)
    server.uid_validity, server.mails[0].uid = 8, 1
    server.add(mail("two"), uid=2)
    assert await look(inbox, box) == 1
    assert await inbox.count("inbound_mails") == 2
    server.add(mail("three"), uid=3).flags.add("\\Seen")
    assert await look(inbox, box) == 1


async def test_a_mail_that_is_too_large_is_named_and_the_next_comes(inbox: Inbox, server: ImapServer, box: int) -> None:
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"inbound_max_mb": 1})
    server.add(mail("x" * 1_200_000, subject="Large"))
    server.add(mail("small"))
    assert await look(inbox, box) == 2
    await processing.run_due(inbox.runtime)
    rows = await inbox.all("SELECT state, reason FROM inbound_mails ORDER BY id")
    assert [row["state"] for row in rows] == ["quarantined", "processed"]
    assert "still on the server" in rows[0]["reason"]


async def test_the_worker_hears_of_mail_by_idle(inbox: Inbox, server: ImapServer, box: int) -> None:
    poller = Poller(inbox.runtime)
    await poller.look()
    await _until(lambda: "IDLE" in server.commands)
    server.add(mail("now"))
    await _until(lambda: bool(server.mails[0].flags))
    await poller.close()
    assert await inbox.count("inbound_mails") == 1
    assert not await inbox.all("SELECT 1 FROM leases WHERE name LIKE 'mailbox%%'")


async def test_two_workers_do_not_look_after_one_mailbox(inbox: Inbox, server: ImapServer, box: int) -> None:
    first, second = Poller(inbox.runtime), Poller(inbox.runtime)
    await first.look()
    await second.look()
    assert not second._tasks
    await first.close()


async def test_what_is_wrong_is_said_without_the_password(inbox: Inbox, server: ImapServer, box: int) -> None:
    place = mailboxes.place_of(inbox.runtime, await mailboxes.mailbox(box))
    assert "It works: 0 mails" in await polling.examine(inbox.runtime, place)
    wrong = replace(place, password="canary-key")
    with pytest.raises(ImapFailed, match="refused the login") as caught:
        await polling.examine(inbox.runtime, wrong)
    assert "canary-key" not in str(caught.value)
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"outbound_allowed": []})
    with pytest.raises(ImapFailed, match="OUTBOUND_ALLOWED"):
        await polling.examine(inbox.runtime, place)


async def test_only_the_address_that_was_checked_is_connected_to(
    inbox: Inbox, server: ImapServer, box: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers otherwise the second time does not get us elsewhere: nobody is asked again."""
    asked = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.9", "127.0.0.1"]

    monkeypatch.setattr(polling, "resolve", resolver)
    inbox.runtime.settings = inbox.runtime.settings.model_copy(update={"outbound_allowed": ["imap.invalid"]})
    place = replace(mailboxes.place_of(inbox.runtime, await mailboxes.mailbox(box)), host="imap.invalid")
    assert "It works" in await polling.examine(inbox.runtime, place)
    assert asked == ["imap.invalid"]


@pytest.mark.parametrize("host", ["plausible.example", "other.example"])
def test_a_certificate_is_checked_against_the_name(tmp_path: Path, host: str) -> None:
    authority, context = certificates(tmp_path, name="plausible.example", days=1)
    trusting = ssl.create_default_context(cafile=str(authority))
    with ImapServer(tls=context) as server:
        place = ImapPlace(host, server.port, "tls", "bob", SECRET, "INBOX")
        if host == "plausible.example":
            session = Session(place, ["127.0.0.1"], tls=trusting)
            assert session.messages == 0
            session.close()
        else:
            with pytest.raises(ImapFailed, match="certificate"):
                Session(place, ["127.0.0.1"], tls=trusting)


async def test_a_password_is_stored_encrypted_and_stays_with_its_server(inbox: Inbox, box: int, admin: User) -> None:
    row = (await inbox.all("SELECT password FROM mailboxes"))[0]
    assert SECRET not in row["password"]
    form = Form("help@portal.test", fetches=True, host="evil.example", username="bob")
    with pytest.raises(MailboxRefused, match="password is empty"):
        await mailboxes.change(box, form, by=admin)


async def _until(found: Any) -> None:
    async with asyncio.timeout(10):
        while not found():
            await asyncio.sleep(0.05)
