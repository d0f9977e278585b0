"""Who else has a ticket open, and who writes."""

from __future__ import annotations

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.accounts.service import create_user, user_by_id
from app.database import Database
from app.presence import service
from app.presence.repository import Present
from tests.support.web import log_in, post
from tests.tickets.list_support import add_tickets


@pytest.fixture
async def ticket_id(db: Database) -> int:
    [ticket_id] = await add_tickets(db, [{"subject": "Printer"}])
    return ticket_id


@pytest.fixture
async def mei(app: Quart) -> User:
    user = await user_by_id(await create_user(email="mei@portal.test", name="Mei Chen", role="agent", password=None))
    assert user is not None
    return user


async def say(client: Client, ticket_id: int, state: str = "viewing") -> str:
    response = await post(client, f"/tickets/{ticket_id}/presence", {"state": state})
    assert response.status_code == 200
    return str((await response.get_json())["words"])


async def events(db: Database) -> int:
    async with db.connection() as conn:
        return int(await conn.fetch_value("SELECT COUNT(*) FROM live_events"))


async def test_two_agents_hear_of_each_other(app: Quart, agent_client: Client, mei: User, ticket_id: int) -> None:
    meis = await log_in(app, mei)
    assert await say(agent_client, ticket_id) == ""
    assert await say(meis, ticket_id, "writing") == "Gus Agent is looking at this ticket."
    assert await say(agent_client, ticket_id) == "Mei Chen is writing an answer."
    await say(meis, ticket_id, "left")
    assert await say(agent_client, ticket_id) == ""


async def test_only_news_is_published(app: Quart, agent_client: Client, db: Database, ticket_id: int) -> None:
    before = await events(db)
    await say(agent_client, ticket_id)
    assert await events(db) == before + 1
    await say(agent_client, ticket_id)
    assert await events(db) == before + 1
    await say(agent_client, ticket_id, "writing")
    await say(agent_client, ticket_id, "left")
    await say(agent_client, ticket_id, "left")
    assert await events(db) == before + 3


async def test_who_says_nothing_more_is_gone(app: Quart, agent: User, mei: User, db: Database, ticket_id: int) -> None:
    await service.here(ticket_id, user=mei, is_writing=True)
    assert await service.here(ticket_id, user=agent, is_writing=False) != ""
    async with db.transaction() as conn:
        await conn.execute("UPDATE ticket_presence SET seen_at = seen_at - INTERVAL 46 SECOND")
    assert await service.here(ticket_id, user=agent, is_writing=False) == ""


async def test_a_ticket_that_is_gone_is_told(agent_client: Client) -> None:
    response = await post(agent_client, "/tickets/999999/presence", {"state": "viewing"})
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("present", "words"),
    [
        ([], ""),
        ([("Ann", True), ("Bob", True)], "Ann and Bob are writing an answer."),
        (
            [("Ann", True), ("Bob", False), ("Cid", False), ("Dee", False)],
            "Ann is writing an answer. Bob, Cid and Dee are looking at this ticket.",
        ),
    ],
)
def test_words(present: list[tuple[str, bool]], words: str) -> None:
    assert service.words([Present(1, name, is_writing) for name, is_writing in present]) == words
