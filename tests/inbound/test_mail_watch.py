"""What monitoring sees of mail, in and out."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from app.accounts.models import User
from app.inbound import store
from app.web import mail_watch
from app.web.watch import Watch
from tests.inbound.conftest import Inbox, mail

ADD_MAILBOX = """
    INSERT INTO mailboxes (address, signature, fetches, password, last_error, created_at, updated_at)
    VALUES (%(address)s, '', 1, '', %(error)s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
"""


def value(name: str, **labels: str) -> float:
    """What a scrape would find."""
    found = REGISTRY.get_sample_value(f"myportal_{name}", labels)
    assert found is not None
    return found


async def test_the_figures_are_those_of_the_database(inbox: Inbox, agent: User) -> None:
    row = await inbox.take(mail("first"))
    await inbox.take(b"From: a@x.example, b@x.example\r\n\r\nwho?")
    await store.receive(inbox.runtime, mail("second"), source="pipe")
    await inbox.replied(agent, row["ticket_id"])
    async with inbox.runtime.database.connection() as conn:
        await conn.execute(
            "UPDATE email_recipients SET state = 'retry', next_attempt_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR"
        )
        await conn.execute("UPDATE inbound_mails SET received_at = received_at - INTERVAL 1 HOUR")
        for address, error in (("a@portal.test", "no"), ("b@portal.test", "")):
            values = {"address": address, "error": error}
            await conn.execute(ADD_MAILBOX, values)
    await mail_watch.read(inbox.runtime)
    assert (value("inbound_mails", state="new"), value("inbound_mails", state="quarantined")) == (1, 1)
    assert value("inbound_oldest_waiting_seconds") == pytest.approx(3600, abs=60)
    assert value("outbox_copies") == 1
    assert value("outbox_late_seconds") == pytest.approx(3600, abs=60)
    assert value("mailboxes_failing") == 1


async def test_a_watch_goes_on_after_a_fault() -> None:
    looks = 0

    async def read() -> None:
        nonlocal looks
        looks += 1
        raise RuntimeError("gone")

    watch = Watch("nothing", read)
    watch.start()
    await asyncio.sleep(0)
    await watch.look()
    await watch.close()
    assert looks == 2
