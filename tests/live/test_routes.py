"""The stream and the poll as pages use them, with two processes' worth of application over one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app import create_app
from app.accounts.models import User
from app.live import routes, service
from app.live.hub import Hub
from app.runtime import Runtime
from app.settings import Settings
from tests.live.stream import SOON, listening
from tests.support.web import get, log_in


@pytest.fixture
async def other_app(settings: Settings, runtime: Runtime) -> AsyncIterator[Quart]:
    """A second web process over the same database."""
    application = create_app(settings)
    await application.startup()
    yield application
    await application.shutdown()


async def publish(app: Quart, *, ticket_id: int = 12, kind: str = "receipt", reply_id: int = 5) -> None:
    """As a request to `app` would."""
    runtime: Runtime = app.extensions["runtime"]
    async with runtime.database.transaction() as conn:
        await service.publish(conn, ticket_id=ticket_id, kind=kind, reply_id=reply_id)


async def test_a_change_in_one_process_is_heard_in_another(other_app: Quart, agent_client: Client) -> None:
    async with listening(agent_client, "ticket:12,tickets") as stream:
        await publish(other_app, reply_id=5)
        first, second = await stream.change(), await stream.change()
    assert {first.data["topic"], second.data["topic"]} == {"ticket:12", "tickets"}
    assert (first.data["kind"], first.data["reply_id"], first.data["ticket_id"]) == ("receipt", 5, 12)


async def test_a_browser_that_comes_back_to_another_process_misses_nothing_and_hears_nothing_twice(
    app: Quart, other_app: Quart, agent: User, agent_client: Client
) -> None:
    async with listening(agent_client, "tickets") as stream:
        await publish(app, reply_id=1)
        assert (await stream.change()).data["reply_id"] == 1
    await publish(app, reply_id=2)
    async with listening(await log_in(other_app, agent), "tickets", last_event_id=stream.id) as stream:
        assert (await stream.change()).data["reply_id"] == 2
        await publish(app, reply_id=3)
        assert (await stream.change()).data["reply_id"] == 3


async def test_a_page_hears_what_came_while_it_was_loading_but_not_what_it_shows(
    app: Quart, agent_client: Client
) -> None:
    await publish(app, kind="message", reply_id=1)
    cursor = await service.cursor("ticket:12")
    await publish(app, kind="message", reply_id=2)
    async with listening(agent_client, "ticket:12", after=cursor) as stream:
        assert (await stream.change()).data["reply_id"] == 2
        await publish(app, kind="message", reply_id=3)
        assert (await stream.change()).data["reply_id"] == 3


async def test_a_kept_id_that_is_none_of_ours_starts_now(app: Quart, agent_client: Client) -> None:
    async with listening(agent_client, "tickets", last_event_id="yesterday") as stream:
        await publish(app, reply_id=8)
        assert (await stream.change()).data["reply_id"] == 8


async def test_a_silent_stream_is_kept_open_by_pings(
    app: Quart, agent_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "HEARTBEAT", 0.01)
    async with listening(agent_client, "tickets") as stream:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await stream.change()
        await publish(app, reply_id=6)
        assert (await stream.change()).data["reply_id"] == 6
    assert stream.pings > 2


async def test_a_stream_ends_after_its_life_so_that_the_login_is_checked_again(
    app: Quart, agent_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "STREAM_LIFE", 0.05)
    monkeypatch.setattr(routes, "HEARTBEAT", 0.01)
    async with listening(agent_client, "tickets") as stream:
        with pytest.raises(EOFError):
            await stream.change()


async def test_a_page_that_is_closed_is_forgotten(app: Quart, agent_client: Client) -> None:
    hub: Hub = app.extensions["live_hub"]
    async with listening(agent_client, "tickets"):
        assert (hub.count, hub.is_polling) == (1, True)
    assert (hub.count, hub.is_polling) == (0, False)


async def test_the_stream_is_never_stored_or_held_back_by_a_proxy(app: Quart, agent_client: Client) -> None:
    async with listening(agent_client, "tickets") as stream:
        headers = stream.connection.headers
        assert headers is not None
        assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")


@pytest.mark.parametrize("path", ["/live", "/live/poll"])
async def test_strangers_hear_nothing(client: Client, path: str) -> None:
    response = await get(client, f"{path}?topics=tickets")
    assert response.status_code == 303
    assert response.location.startswith("/login")


@pytest.mark.parametrize("path", ["/live", "/live/poll"])
@pytest.mark.parametrize("query", ["", "?topics=", "?topics=users", "?topics=ticket:0"])
async def test_a_wrong_topic_is_refused_in_words(agent_client: Client, path: str, query: str) -> None:
    response = await get(agent_client, path + query, headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert "topic" in (await response.get_json())["error"]["message"]


async def test_a_page_that_polls_hears_each_change_once(other_app: Quart, agent_client: Client) -> None:
    async def poll(after: str) -> tuple[str, list[int]]:
        answer = await (await get(agent_client, f"/live/poll?topics=ticket:12&after={after}")).get_json()
        return answer["cursor"], [event["reply_id"] for event in answer["events"]]

    cursor, events = await poll("")
    assert events == []
    await publish(other_app, reply_id=1)
    await publish(other_app, ticket_id=13, reply_id=2)
    cursor, events = await poll(cursor)
    assert events == [1]
    await publish(other_app, reply_id=3)
    cursor, events = await poll(cursor)
    assert events == [3]
    assert (await poll(cursor))[1] == []


async def test_a_cursor_that_is_none_is_refused_with_the_way_out(agent_client: Client) -> None:
    response = await get(agent_client, "/live/poll?topics=tickets&after=soon", headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert "leave `after` out" in (await response.get_json())["error"]["message"]


async def test_the_application_stops_while_a_page_listens(settings: Settings, runtime: Runtime, agent: User) -> None:
    application = create_app(settings)
    await application.startup()
    async with listening(await log_in(application, agent), "tickets") as stream:
        async with asyncio.timeout(SOON):
            await application.shutdown()
        with pytest.raises(EOFError):
            await stream.change()
