"""Live updates of open pages: server-sent events, and polling where those do not get through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog
from quart import Blueprint, Response, abort, current_app, g, jsonify, request
from quart.blueprints import BlueprintSetupState
from quart.typing import ResponseReturnValue

from app.database import DatabaseUnavailable
from app.live.events import ME, BadTopics, Cursor, read_topics, user_topic
from app.live.hub import Hub, TooManyListeners
from app.live.sight import Sight
from app.server import stopping

log = structlog.get_logger(__name__)

live = Blueprint("live", __name__)

HEARTBEAT = 15.0
"""Seconds of silence after which a ping is sent, so that proxies keep the connection and the page trusts it."""
STREAM_LIFE = 300.0
"""Seconds after which a stream ends; the browser comes back with its cursor, and who was logged out stays out."""
RETRY = 1000
"""Milliseconds after which a browser comes back."""


@live.record_once
def _make_hub(state: BlueprintSetupState) -> None:
    state.app.extensions["live_hub"] = Hub(state.app.extensions["runtime"].database, stopping=stopping)


@live.after_app_serving
async def _close_hub() -> None:
    await hub().close()


def hub() -> Hub:
    """The open pages of this process."""
    found: Hub = current_app.extensions["live_hub"]
    return found


@live.get("/live")
async def stream() -> ResponseReturnValue:
    """Changes of the topics as server-sent events, from `Last-Event-ID` or else the cursor `after` on.

    Each is `event: change` with `id:` the cursor after it and JSON data {"id", "topic", "kind", "ticket_id",
    "reply_id"}, where the topic "me" has "user_id" for the last two; `event: ping` shows that the line lives. The
    stream ends after some minutes, when the reader is too slow, and when the server stops.
    """
    topics = _topics()
    cursor = None
    with suppress(ValueError):
        # What a page kept from another server or an older release is no reason to turn it away for ever.
        cursor = Cursor.parse(request.headers.get("Last-Event-ID") or request.args.get("after", ""))
    response = Response(
        _events(hub(), topics, cursor),
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    # Longer than the stream lives: only a reader that takes nothing at all is cut off by it.
    response.timeout = STREAM_LIFE + 2 * HEARTBEAT
    return response


@live.get("/live/poll")
async def poll() -> ResponseReturnValue:
    """The same changes for pages that ask again and again: {"cursor": "...", "events": [...]}.

    `after` is the cursor of the answer before; without it the answer starts now.
    """
    topics = _topics()
    after = request.args.get("after", "")
    try:
        cursor = Cursor.parse(after) if after else None
    except ValueError as error:
        abort(400, f"{str(error).capitalize()}; leave `after` out to start now.")
    events, then = await hub().missed(topics, cursor)
    told = await Sight().of(events)
    return jsonify({"cursor": str(then), "events": [event.as_json() for event in told]})


def _topics() -> frozenset[str]:
    try:
        topics = read_topics(request.args.get("topics", ""))
    except BadTopics as error:
        abort(400, str(error))
    return topics - {ME} | {user_topic(g.user.id)} if ME in topics else topics


async def _events(hub: Hub, topics: frozenset[str], cursor: Cursor | None) -> AsyncIterator[str]:
    yield f"retry: {RETRY}\n\n"
    end = asyncio.get_running_loop().time() + STREAM_LIFE
    sight = Sight()
    try:
        async with hub.listen(topics, cursor) as (listener, heard):
            # At once, so that the page and every proxy know that the stream stands.
            yield _ping(heard.cursor)
            while asyncio.get_running_loop().time() < end:
                try:
                    event = await listener.next(HEARTBEAT)
                except TimeoutError:
                    yield _ping(heard.cursor)
                    continue
                if event is None:
                    return
                if not await sight.of([event]):
                    heard.add(event)
                    continue
                yield f"event: change\nid: {heard.add(event)}\ndata: {json.dumps(event.as_json())}\n\n"
    except (DatabaseUnavailable, TooManyListeners) as error:
        log.warning("live stream not opened", error=str(error))


def _ping(cursor: Cursor) -> str:
    return f"event: ping\nid: {cursor}\ndata: {{}}\n\n"
