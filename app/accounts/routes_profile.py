"""One's own profile: name, signature, time zone, notifications, password, API tokens, sessions."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.accounts import profile as service
from app.accounts import rules
from app.accounts.errors import AccountError, NoSuchAccount, TooManyTries
from app.accounts.session_cookie import session_token
from app.notifications import rules as kinds
from app.notifications.rules import KINDS
from app.web.access import request_address, sensitive
from app.web.errors import error_response

profile = Blueprint("profile", __name__, url_prefix="/profile")

FIELDS = {
    "name": "Name",
    "signature": "Signature",
    "timezone": "Time zone",
    "present": "Present password",
    "password": "New password",
    "repeat": "The same again",
    "notifications": "Notifications",
    "undo_seconds": "Undo send",
    "token_name": "What the token is for",
}


@profile.errorhandler(NoSuchAccount)
async def not_there(error: NoSuchAccount) -> ResponseReturnValue:
    """Another's session or token looks just like one that is not there."""
    return await error_response(404, str(error))


@profile.get("")
@sensitive
async def show() -> ResponseReturnValue:
    """All of it on one page."""
    return await _page()


@profile.post("")
async def change() -> ResponseReturnValue:
    """Save name, signature and time zone."""
    form = await request.form
    given = {name: form.get(name, "") for name in ("name", "signature", "timezone")}
    try:
        await service.change(g.user, **given)
    except AccountError as error:
        return await _page({error.field: str(error)}, given)
    return await _done("Your profile is saved.")


@profile.post("/notifications")
async def change_notifications() -> ResponseReturnValue:
    """Save what to be told."""
    form = await request.form
    try:
        await service.change_notifications(g.user, {kind: form.get(f"tell_{kind}", "") or kinds.OFF for kind in KINDS})
    except AccountError as error:
        return await _page({error.field: str(error)})
    return await _done("Saved what you want to be told.", "notifications")


@profile.post("/sending")
async def change_sending() -> ResponseReturnValue:
    """Save how long replies can be taken back."""
    try:
        await service.change_undo(g.user, (await request.form).get("undo_seconds", ""))
    except AccountError as error:
        return await _page({error.field: str(error)})
    return await _done("Saved how your replies are sent.", "sending")


@profile.post("/away")
async def change_away() -> ResponseReturnValue:
    """Save whether assignment rules leave one out."""
    is_away = "is_away" in await request.form
    await service.change_away(g.user, is_away=is_away)
    words = "You are away: rules give you no new tickets." if is_away else "You are back: rules give you tickets again."
    return await _done(words, "away")


@profile.post("/password")
async def change_password() -> ResponseReturnValue:
    """Change the password; all other sessions end."""
    form = await request.form
    new = form.get("password", "")
    if new != form.get("repeat", ""):
        return await _page({"repeat": "The two new passwords differ; type both again."})
    try:
        ended = await service.change_password(
            g.user, present=form.get("present", ""), new=new, session=session_token(), address=request_address()
        )
    except TooManyTries as error:
        page, _ = await _page({"present": str(error)})
        return page, 429, {"Retry-After": str(error.retry_after)}
    except AccountError as error:
        return await _page({error.field: str(error)})
    return await _done(f"Your password is changed. {_ended(ended)}")


@profile.post("/tokens")
async def create_token() -> ResponseReturnValue:
    """Make an API token and show it this once."""
    name = (await request.form).get("token_name", "")
    try:
        token = await service.create_api_token(g.user, name=name)
    except AccountError as error:
        return await _page({error.field: str(error)}, {"token_name": name})
    page, _ = await _page(new_token=token)
    return page, 201


@profile.post("/tokens/<int:token_id>/revoke")
async def revoke_token(token_id: int) -> ResponseReturnValue:
    """Revoke an API token."""
    await service.revoke_api_token(g.user, token_id)
    return await _done("The token is revoked; programs that used it are shut out.", "tokens")


@profile.post("/sessions/<int:session_id>/end")
async def end_session(session_id: int) -> ResponseReturnValue:
    """Log out one of one's own browsers."""
    await service.end_session(g.user, session_id)
    return await _done("That session is logged out.", "sessions")


@profile.post("/sessions/end-others")
async def end_other_sessions() -> ResponseReturnValue:
    """Log out everywhere else."""
    return await _done(_ended(await service.end_other_sessions(g.user, session=session_token())), "sessions")


def _ended(count: int) -> str:
    if count == 0:
        return "You were logged in nowhere else."
    return "One other session is logged out." if count == 1 else f"{count} other sessions are logged out."


async def _done(words: str, anchor: str | None = None) -> ResponseReturnValue:
    await flash(words, "info")
    return redirect(url_for("profile.show", _anchor=anchor), 303)


async def _page(
    errors: dict[str, str] | None = None, given: dict[str, Any] | None = None, *, new_token: str = ""
) -> tuple[str, int]:
    told = kinds.chosen(g.user.told_of, g.user.mailed_of)
    page = await render_template(
        "accounts/profile.html",
        errors=errors or {},
        labels=FIELDS,
        given={"name": g.user.name, "signature": g.user.signature, "timezone": g.user.timezone, **(given or {})},
        time_zones=[("", "As in the browser"), *((name, name.replace("_", " ")) for name in rules.time_zones())],
        undo_choices=[
            (seconds, f"{seconds} seconds" if seconds else "Off: send at once") for seconds in service.UNDO_SECONDS
        ],
        told=[(kind, told[key]) for key, kind in KINDS.items()],
        tell_choices=list(kinds.CHOICES.items()),
        tokens=await service.api_tokens(g.user),
        new_token=new_token,
        sessions=await service.sessions(g.user, session=session_token()),
        device_words=rules.device_words,
    )
    return page, 422 if errors else 200
