"""What `myportal doctor` says of mail that comes in."""

from __future__ import annotations

import pytest

from app.inbound import checks, store
from app.runtime import Runtime

RAW = b"From: bob@example.org\r\nTo: support@portal.test\r\nSubject: Hi\r\n\r\nHello\r\n"


async def told(runtime: Runtime) -> dict[str, tuple[bool, str]]:
    return {check.name: (check.ok, check.message) for check in await checks.examine(runtime)}


async def test_nothing_waits(runtime: Runtime) -> None:
    assert await told(runtime) == {"Inbound mail": (True, "0 wait, 0 in quarantine")}


async def test_mail_that_nobody_reads_is_told(runtime: Runtime) -> None:
    await store.receive(runtime, RAW, source="pipe")
    assert (await told(runtime))["Inbound mail"] == (True, "1 waits, 0 in quarantine")
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE inbound_mails SET received_at = received_at - INTERVAL 1 HOUR")
    ok, words = (await told(runtime))["Inbound mail"]
    assert not ok
    assert "does `myportal worker` run?" in words


async def test_a_quarantine_is_told_and_no_fault(runtime: Runtime) -> None:
    await store.receive(runtime, RAW, source="pipe")
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE inbound_mails SET state = 'quarantined'")
    assert (await told(runtime))["Inbound mail"] == (True, "0 wait, 1 in quarantine; see Admin → Inbound mail")


@pytest.mark.parametrize(
    ("values", "ok", "words"),
    [
        ("fetches = 0", True, "pipe or LMTP"),
        ("fetches = 1, last_error = 'The login was refused.'", False, "The login was refused."),
        ("fetches = 1, last_error = '', last_look_at = NULL", False, "is not looked at"),
        ("fetches = 1, last_error = '', last_look_at = UTC_TIMESTAMP(6)", True, "is looked at"),
    ],
)
async def test_each_mailbox_is_told(runtime: Runtime, values: str, ok: bool, words: str) -> None:
    async with runtime.database.transaction() as conn:
        await conn.execute(
            "INSERT INTO mailboxes SET address = 'help@portal.test', signature = '', host = 'imap.example', "
            f"username = 'help', password = '', created_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6), {values}"
        )
    found = (await told(runtime))["Mailbox help@portal.test"]
    assert found[0] is ok
    assert words in found[1]
