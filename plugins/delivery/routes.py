"""Where providers post their events."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Blueprint, Response, abort, jsonify, request
from quart.typing import ResponseReturnValue
from quart_schema import document_response, hide

from app.database import DatabaseUnavailable, utcnow
from app.services.web import open_to_all
from plugins.delivery import repository
from plugins.delivery.errors import Refused, Unavailable
from plugins.delivery.handles import Handles
from plugins.delivery.providers import PROVIDERS, Provider
from plugins.delivery.receiving import Heard
from plugins.delivery.store import USED, Taken
from plugins.delivery.verification.incoming import Incoming, Subscription

PATH = "/api/delivery/"
COME_AGAIN = 60
"""Seconds, for providers that heed Retry-After."""


@dataclass
class Answer:
    """What every request is answered with."""

    status: str
    """'success' or 'error'."""
    message: str
    """What became of it, or what is wrong with it."""


def delivery_routes(handles: Handles) -> Blueprint:
    """The endpoints; 404 while the module is off."""
    routes = Blueprint("delivery", __name__)

    @routes.post(f"{PATH}<provider>")
    @open_to_all
    @document_response(Answer)
    async def receive_delivery_events(provider: str) -> ResponseReturnValue:
        """Take the events that a mail provider posts, signed or authenticated as that provider does it."""
        known = PROVIDERS.get(provider)
        if known is None:
            abort(404, f"There is no provider of this name; there are {', '.join(PROVIDERS)}.")
        return await _answer(handles, known)

    @routes.post("/track/delivery", defaults={"slash": ""})
    @routes.post("/track/delivery/", defaults={"slash": "/"})
    @open_to_all
    @hide
    async def track_delivery(slash: str) -> ResponseReturnValue:
        """Take generic JSON; what names no event was delivered."""
        return await _answer(handles, PROVIDERS["generic"], event="delivered", words="Delivery recorded")

    @routes.post("/track/bounce", defaults={"slash": ""})
    @routes.post("/track/bounce/", defaults={"slash": "/"})
    @open_to_all
    @hide
    async def track_bounce(slash: str) -> ResponseReturnValue:
        """Take generic JSON; what names no event bounced."""
        return await _answer(handles, PROVIDERS["generic"], event="bounced", words="Event recorded")

    return routes


async def _answer(handles: Handles, provider: Provider, *, event: str = "", words: str = "Event recorded") -> Response:
    """Take one request, and never lose one: what cannot be kept is to come again."""
    if not handles.context.is_known():
        return _busy(provider, "The portal is starting and its database does not answer; send it again.")
    if not handles.context.is_enabled():
        return _said(404, "The module Delivery events is off.")
    try:
        body = await _body(provider)
        headers = {name.lower(): value for name, value in request.headers.items()}
        heard = await handles.receiver.hear(provider, Incoming(headers, body, utcnow()), event=event)
        if heard.subscription is not None:
            await _subscribe(handles, heard.subscription)
        taken = await handles.intake.take(heard.events, failures=heard.failures, token=heard.token)
    except Refused as error:
        await handles.refusals.note(provider.slug, str(error))
        return _said(error.status, str(error))
    except (Unavailable, DatabaseUnavailable) as error:
        return _busy(provider, f"Nothing is kept now; send it again. {error}")
    if taken.replayed_tokens:
        return _said(401, USED)
    if provider.slug == "generic" and heard.failures and not heard.events:
        return _said(422, " ".join(one.reason for one in heard.failures[:3]))
    return _said(200, _words(heard, taken, words))


async def _body(provider: Provider) -> bytes:
    """The raw bytes. Raises Refused.

    What is too long is read to its end and thrown away: a sender whose connection is closed meanwhile never sees the
    answer.
    """
    found = bytearray()
    length = 0
    async for part in request.body:
        length += len(part)
        if length <= provider.most_bytes:
            found += part
        else:
            found.clear()
    if length > provider.most_bytes:
        raise Refused(413, f"The body must have at most {provider.most_bytes:,} bytes; send fewer events at once.")
    return bytes(found)


async def _subscribe(handles: Handles, wanted: Subscription) -> None:
    if wanted.confirm_url is not None:
        await handles.receiver.certificates.confirm(wanted.confirm_url)
    state = "confirmed" if wanted.confirm_url is not None else "ended"
    async with handles.context.database.transaction() as conn:
        await repository.set_subscription(conn, wanted.topic, state, utcnow())


def _words(heard: Heard, taken: Taken, words: str) -> str:
    if heard.subscription is not None:
        return "Subscription confirmed" if heard.subscription.confirm_url else "The end of the subscription was noted"
    count = len(heard.events)
    if not count and not heard.failures:
        return "There was no event in it"
    told = [words if count == 1 and not heard.failures else f"{count} {'event' if count == 1 else 'events'} recorded"]
    if taken.duplicates and count > 1:
        told.append(f"{taken.duplicates} of them known already")
    if heard.failures:
        told.append(f"{len(heard.failures)} could not be read. {heard.failures[0].reason}")
    return "; ".join(told)


def _said(status: int, message: str) -> Response:
    response: Response = jsonify({"status": "success" if status == 200 else "error", "message": message})
    response.status_code = status
    if status == 401:
        # SNS and some others send credentials only after they were asked for them.
        response.headers["WWW-Authenticate"] = 'Basic realm="delivery events"'
    return response


def _busy(provider: Provider, message: str) -> Response:
    response = _said(provider.busy, message)
    response.headers["Retry-After"] = str(COME_AGAIN)
    return response
