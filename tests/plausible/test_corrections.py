"""The download of agents' corrections: the labelled sequences' shape, and nothing that leads back to anybody."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.database import Database, utcnow
from app.runtime import Runtime
from bench.opens import history_of, prediction
from plugins.plausible import corrections
from plugins.plausible.classify import Context, Request
from plugins.plausible.clients import client_of
from plugins.plausible.export import Correction, Told, line, scrubbed
from plugins.plausible.links import link_mark
from plugins.plausible.networks import load
from tests.conftest import PASSWORD
from tests.receipts.builders import mailed_reply
from tests.support.opens import APPLE_AHEAD, BARRACUDA, CHROME, DELIVERED, GMAIL, IMAGE, SENT, SLACK, VISIT, YAHOO
from tests.support.web import get, log_in

PATH = "/admin/modules/plausible/corrections.jsonl"
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "opens_sample.jsonl"
GUIDE, SHOP = "https://guide.canary.example/a?token=canary-in-a-link", "https://shop.canary.example/"


@pytest.fixture
async def ada_client(plausible: Quart) -> Client:
    """A browser in which Ada, an admin, is logged in."""
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    ada = await accounts.user_by_id(user_id)
    assert ada is not None
    return await log_in(plausible, ada)


async def judge(database: Database, recipient_id: int, verdict: str | None, **columns: object) -> None:
    """As an agent does behind the badge; further columns of the copy."""
    values = {"judged": verdict, "judged_at": utcnow() if verdict else None, **columns}
    places = ", ".join(f"{name} = %({name})s" for name in values)
    async with database.transaction() as conn:
        await conn.execute(
            f"UPDATE email_recipients SET {places} WHERE id = %(id)s",  # noqa: S608
            {**values, "id": recipient_id},
        )


async def note(database: Database, recipient_id: int, text: str) -> None:
    async with database.transaction() as conn:
        await conn.execute(
            "INSERT INTO email_copy_notes (recipient_id, slug, note) VALUES (%(id)s, 'plausible', %(note)s)",
            {"id": recipient_id, "note": text},
        )


async def event(database: Database, recipient_id: int, after: float, **columns: object) -> None:
    """One stored event, so many seconds after delivery."""
    row = {
        "event_key": utcnow().isoformat().encode()[-16:],
        "tracking_id": "t" * 43,
        "recipient_id": recipient_id,
        "event_type": "open",
        "event_url": None,
        "user_agent": CHROME,
        "ip_address": "198.51.100.0",
        "referrer": None,
        "occurred_at": DELIVERED + timedelta(seconds=after),
        "class": "human",
        "rule": "browser",
        "confidence": 0.9,
        "reason": "opened in Chrome",
        "evidence": json.dumps({"h": [["accept", "*/*"]]}),
        **columns,
    }
    names = ", ".join(f"`{name}`" for name in row)
    values = ", ".join(f"%({name})s" for name in row)
    async with database.transaction() as conn:
        await conn.execute(f"INSERT INTO email_tracking_events ({names}) VALUES ({values})", row)  # noqa: S608


async def downloaded(client: Client) -> list[dict[str, Any]]:
    response = await get(client, PATH)
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == 'attachment; filename="corrections.jsonl"'
    return [json.loads(one) for one in (await response.get_data(as_text=True)).splitlines()]


async def one_copy(database: Database, email: str = "ann@customer.test") -> int:
    reply = await mailed_reply(database, [email])
    async with database.connection() as conn:
        found: int = await conn.fetch_value(
            "SELECT r.id FROM email_recipients AS r JOIN outgoing_emails AS e ON e.id = r.email_id "
            "WHERE e.reply_id = %(id)s",
            {"id": reply},
        )
    return found
