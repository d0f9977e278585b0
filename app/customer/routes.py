"""/conversation/…: a ticket as its customer sees it.

Mail scanners follow links, and some press buttons: without a session every address here shows the question for the
email address and nothing else, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from quart import Blueprint, Response, flash, g, make_response, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.accounts.errors import TooManyTries
from app.accounts.throttle_rules import in_words
from app.consent import optout
from app.customer import page, refusals, service
from app.customer.errors import NotShown, WrongAddress
from app.customer.links import PATH
from app.customer.models import Place, Sight
from app.customer.session_cookie import drop_session, session_token, set_session
from app.runtime import current
from app.tickets import composer, display, files, rules
from app.tickets.errors import TicketRefused
from app.tickets.routes_files import locked
from app.web.access import anonymous, request_address

customer = Blueprint("customer", __name__, url_prefix=PATH)
refusals.install(customer)

WRONG = (
    "This address does not open the page. Enter the one that our mail was sent to; perhaps it is another one of yours."
)
"""For every address but the right one, whatever the reason."""
OVER = "The page was closed, because nothing happened on it for an hour. Enter your address to open it again."


@customer.after_request
async def keep_private(response: Response) -> Response:
    """The address of the page is a secret: it goes into no Referer, no index and no cache."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response


@customer.get("/<token>")
@anonymous
async def show(token: str) -> ResponseReturnValue:
    """The conversation for who gave the address; the question for it to everybody else."""
    place = await service.place_of(token)
    if not await _is_in(place):
        return await _ask(notice=OVER if session_token(place.recipient_id) else "")
    return await _page(token, place, before=rules.number(request.args.get("before")))


@customer.post("/<token>")
@anonymous
async def enter(token: str) -> ResponseReturnValue:
    """Open the page for who knows the address that the link was mailed to."""
    place = await service.place_of(token)
    form = await request.form
    kept = form.get("kept", "")
    try:
        session = await service.enter(
            place,
            form.get("email", ""),
            address=request_address(),
            replaces=session_token(place.recipient_id),
        )
    except WrongAddress:
        return await _ask(given=form.get("email", ""), kept=kept, error=WRONG), 422
    except TooManyTries as error:
        words = f"Too many wrong addresses. Wait {in_words(error.retry_after)}, then try again."
        answer = await _ask(given=form.get("email", ""), kept=kept, error=words)
        return answer, 429, {"Retry-After": str(error.retry_after)}
    # What was typed when the session ended goes on where it stood.
    answered = await _page(token, place, text=kept) if kept else redirect(f"{PATH}/{token}", 303)
    response = await make_response(answered)
    set_session(response, place.recipient_id, session)
    return response


@customer.post("/<token>/answer")
@anonymous
async def answer(token: str) -> ResponseReturnValue:
    """Add what they wrote; where something is wrong, the page again with all that was typed."""
    place = await service.place_of(token)
    form = await request.form
    text = form.get("body_text", "")
    if not await _is_in(place):
        return await _ask(kept=text, notice=OVER), 401
    try:
        await service.answer(place, text, await composer.uploads("files"), once=form.get("once", ""))
    except TicketRefused as error:
        return await _page(token, place, text=text, errors=error.fields), 422
    await flash("Your answer is with us.", "good")
    return redirect(f"{PATH}/{token}", 303)


@customer.post("/<token>/close")
@anonymous
async def close(token: str) -> ResponseReturnValue:
    """Close the ticket; the page asked for a confirmation before."""
    return await _set_status(token, "closed", "The conversation is closed. An answer opens it again.")


@customer.post("/<token>/reopen")
@anonymous
async def reopen(token: str) -> ResponseReturnValue:
    """Open the ticket again."""
    return await _set_status(token, "open", "The conversation is open again.")


@customer.post("/<token>/leave")
@anonymous
async def leave(token: str) -> ResponseReturnValue:
    """End the session, as on a computer that others use too."""
    place = await service.place_of(token)
    await service.leave(session_token(place.recipient_id))
    response = await make_response(redirect(f"{PATH}/{token}", 303))
    drop_session(response, place.recipient_id)
    return response


@customer.get("/<token>/messages/<int:message_id>/frame")
@anonymous
async def frame(token: str, message_id: int) -> ResponseReturnValue:
    """A message's HTML, as the page that its sandboxed frame loads."""
    message = await service.message(await _sight(token), message_id)
    base = f"{PATH}/{token}"
    html = await current().plugins.restore_html(message.body_html)
    document = await asyncio.to_thread(display.frame_document, html, message.body_text)
    policy = display.frame_policy(request.host, own=f"{base}/images/")
    return page.own_images(document, base), {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN"}


@customer.get("/<token>/files/<int:file_id>")
@anonymous
async def download(token: str, file_id: int) -> ResponseReturnValue:
    """A file of the conversation, to save."""
    info, content = await service.file(await _sight(token), file_id)
    return locked(content, "application/octet-stream", {"Content-Disposition": files.disposition(info.filename)})


@customer.get("/<token>/images/<int:file_id>")
@anonymous
async def image(token: str, file_id: int) -> ResponseReturnValue:
    """A PNG, JPEG, GIF or WebP image of the conversation, by its bytes."""
    _, content = await service.file(await _sight(token), file_id)
    content_type = files.raster_type(content)
    if content_type is None:
        raise NotShown
    return locked(content, content_type, {"Content-Disposition": "inline"})


async def _is_in(place: Place) -> bool:
    return await service.is_in(place, session_token(place.recipient_id))


async def _sight(token: str) -> Sight:
    """What somebody with a session may see. Raises NotShown for everybody else."""
    place = await service.place_of(token)
    if not await _is_in(place):
        raise NotShown
    return await service.sight_of(place)


async def _set_status(token: str, status: str, words: str) -> ResponseReturnValue:
    place = await service.place_of(token)
    if not await _is_in(place):
        return await _ask(notice=OVER), 401
    await service.set_status(place, status)
    await flash(words, "good")
    return redirect(f"{PATH}/{token}", 303)


async def _ask(*, given: str = "", kept: str = "", notice: str = "", error: str = "") -> str:
    errors = {"email": error} if error else {}
    # Always to the page itself: a form of it that came too late has another address.
    action = f"{PATH}/{request.view_args['token']}" if request.view_args else ""
    return await render_template(
        "customer/ask.html", action=action, given=given, kept=kept, notice=notice, errors=errors
    )


async def _page(
    token: str,
    place: Place,
    *,
    before: int | None = None,
    text: str = "",
    errors: Mapping[str, str] | None = None,
) -> str:
    sight = await service.sight_of(place)
    stretch = await service.conversation(sight, before=before)
    context = await page.context(sight, stretch, base=f"{PATH}/{token}")
    if g.user is None and context["recorded"] and _is_looked_at():
        await service.note_reading(sight, stretch.messages)
    return await render_template(
        "customer/show.html",
        **context,
        before=before,
        text=text,
        errors=errors or {},
        once=composer.Composer().once,
        is_agent=g.user is not None,
        opt_out=optout.address(current(), place.recipient_id),
    )


def _is_looked_at() -> bool:
    """Whether a person gets the page, and not a program that asks for its headers or loads it ahead."""
    ahead = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return request.method != "HEAD" and "prefetch" not in ahead.lower()
