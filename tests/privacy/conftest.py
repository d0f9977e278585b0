"""A portal with the Plausible module on, and a person who left traces everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.accounts.models import User
from app.contacts import service as contacts
from app.runtime import Runtime
from app.services import notifications, tickets
from app.settings import Settings
from app.tickets import drafts
from app.tickets import holding_repository as holding
from plugins.plausible.events import CLICK
from plugins.plausible.recording import statements
from plugins.plausible.recording.codec import encode
from tests.conftest import PASSWORD
from tests.plausible.recording import event, stored
from tests.support.portal import plausible_portal
from tests.support.web import log_in

NAME = "Quirina Zabelthau"
FIRST, SECOND = "quirina.zabelthau@canary.example", "qz-private@second-canary.example"
BODY = "My Wunschkennzeichen is XKCD-4711"
CANARIES = ("quirina", "zabelthau", "canary", "wunschkennzeichen", "xkcd-4711", "198.51.100", "geheimnisvoll")
"""What must be nowhere afterwards."""


@dataclass(frozen=True)
class Person:
    """Ids of what a person left behind."""

    contact_id: int
    ticket_id: int
    other_ticket_id: int
    reply_id: int
    tracking_id: str


@pytest.fixture
async def site(settings: Settings, empty_database: None) -> AsyncIterator[Quart]:
    """The started application."""
    async with plausible_portal(settings) as app:
        yield app


@pytest.fixture
async def portal(site: Quart) -> Runtime:
    """Its runtime."""
    runtime: Runtime = site.extensions["runtime"]
    return runtime


async def _user(email: str, name: str, role: str) -> User:
    user = await accounts.user_by_id(await accounts.create_user(email=email, name=name, role=role, password=PASSWORD))
    assert user is not None
    return user


@pytest.fixture
async def ada(portal: Runtime) -> User:
    """Ada, an admin."""
    return await _user("ada@portal.test", "Ada Admin", "admin")


@pytest.fixture
async def gus(portal: Runtime) -> User:
    """Gus, an agent."""
    return await _user("gus@portal.test", "Gus", "agent")


@pytest.fixture
async def ada_client(site: Quart, ada: User) -> Client:
    """A browser in which Ada is logged in."""
    return await log_in(site, ada)


@pytest.fixture
async def person(portal: Runtime, ada: User, gus: User) -> Person:
    """Quirina: two addresses, a ticket with files and a draft, a message elsewhere, mails, opens and clicks."""
    database = portal.database
    ticket_id = await tickets.create_ticket(
        subject="Quirina's geheimnisvoll matter",
        requester=f"{NAME} <{FIRST}>",
        text_body=BODY,
        created_by=gus,
        uploads=[tickets.Upload("=zabelthau.txt", "text/plain", b"canary " * 1000)],
    )
    contact_id = (await tickets.ticket(ticket_id)).contact_id
    await contacts.add_address(contact_id, SECOND)
    await contacts.save(
        contact_id, name=NAME, notes="=geheimnisvoll\nlikes tea", version=(await contacts.contact(contact_id)).version
    )
    sent = await tickets.add_reply(
        ticket_id, author=gus, html_body=f"<p>Dear Quirina, {BODY}!</p>", cc="Eve <eve@example.org>",
        enable_tracking=True,
    )  # fmt: skip
    await tickets.add_reply(ticket_id, author=gus, html_body="<p>Quirina sounds geheimnisvoll</p>", internal=True)
    await drafts.save(ticket_id, user=gus, kind="reply", body_html="<p>Dear Zabelthau</p>", to=FIRST)
    other = await tickets.create_ticket(
        subject="Eve's matter", requester="Eve <eve@example.org>", text_body="Mine", created_by=None
    )
    await tickets.add_customer_message(other, email=f"{NAME} <{SECOND}>", text_body=f"I am with Eve. {BODY}")
    await drafts.save(
        other, user=gus, kind="reply", body_html=f"<p>Tell {SECOND} too</p>", to="eve@example.org", cc=SECOND
    )
    async with database.transaction() as conn:
        await conn.execute(
            """
            UPDATE email_recipients SET state = 'sent', reports = 'opens,clicks', sent_at = created_at,
                   smtp_text = IF(email = %(email)s, 'ok for quirina', 'ok')
            """,
            {"email": FIRST},
        )
        row = await conn.fetch_one(
            "SELECT id, tracking_id FROM email_recipients WHERE email = %(email)s", {"email": FIRST}
        )
        assert row is not None
        await conn.execute(
            "INSERT INTO email_copy_notes (recipient_id, slug, note) VALUES (%(id)s, 'plausible', %(note)s)",
            {"id": row["id"], "note": '{"links":["https://canary.example/geheimnisvoll"]}'},
        )
        await conn.execute("UPDATE outgoing_emails SET reference_ids = '<abc@canary.example>'")
        await conn.execute(
            "UPDATE ticket_replies SET message_id = '<abc@canary.example>' WHERE ticket_id = %(id)s "
            "AND kind = 'customer'",
            {"id": ticket_id},
        )
        subject = f"#{ticket_id} Quirina's geheimnisvoll matter"
        for one, old, new in ((ticket_id, "", f"#{other} Eve's matter"), (other, subject, "")):
            await conn.execute(
                "INSERT INTO ticket_history (ticket_id, happened_at, field, old_value, new_value) "
                "VALUES (%(one)s, UTC_TIMESTAMP(6), 'split', %(old)s, %(new)s)",
                {"one": one, "old": old, "new": new},
            )
        told: dict[str, Any] = {"kind": "bounce", "user_ids": [gus.id], "words": f"{FIRST}: mailbox unknown"}
        await notifications.add(conn, **told, ticket_id=ticket_id)
        form = {"html": f"<p>{BODY}</p>"}
        await holding.insert(conn, reply_id=sent.id, user_id=gus.id, seconds=0, form=form)
    tracking_id = row["tracking_id"]
    for number in range(3):
        assert await stored(portal, event(tracking_id, ip_address=f"198.51.100.{number}"))
    assert await stored(portal, event(tracking_id, CLICK, url="https://canary.example/geheimnisvoll"))
    async with database.transaction() as conn:
        await statements.quarantine(conn, encode(event(tracking_id, user_agent="geheimnisvoll")), "DataError")
    return Person(contact_id, ticket_id, other, sent.id, tracking_id)


async def found_in(portal: Runtime) -> dict[str, set[str]]:
    """The canaries that are anywhere in the database: by canary the columns."""
    found: dict[str, set[str]] = {}
    async with portal.database.connection() as conn:
        columns = await conn.fetch_all(
            """
            SELECT table_name AS place, column_name AS name FROM information_schema.columns
             WHERE table_schema = DATABASE() AND data_type IN
                   ('char', 'varchar', 'text', 'tinytext', 'mediumtext', 'longtext', 'json', 'enum', 'binary',
                    'varbinary', 'blob', 'tinyblob', 'mediumblob', 'longblob')
            """
        )
        for column in columns:
            rows = await conn.fetch_all(f"SELECT `{column['name']}` AS value FROM `{column['place']}`")  # noqa: S608
            for row in rows:
                value = row["value"]
                text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
                for canary in CANARIES:
                    if canary in text.lower():
                        found.setdefault(canary, set()).add(f"{column['place']}.{column['name']}")
    return found
