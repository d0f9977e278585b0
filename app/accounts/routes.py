"""Logging in and out, and the page behind a one-time link."""

from __future__ import annotations

from quart import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.accounts import links, rules, service
from app.accounts.errors import AccountError, LinkUnusable, LoginRefused, TooManyTries
from app.accounts.login import log_in
from app.accounts.models import User
from app.accounts.session_cookie import drop_session, session_token, set_session
from app.web.access import anonymous, request_address, sensitive

accounts = Blueprint("accounts", __name__)


@accounts.get("/")
async def home() -> ResponseReturnValue:
    """The start page."""
    return redirect(rules.START, 303)


@accounts.get("/login")
@anonymous
@sensitive
async def login() -> ResponseReturnValue:
    """Ask for address and password."""
    target = rules.local_path(request.args.get("next", ""))
    if g.user:
        return redirect(target, 303)
    return await render_template("accounts/login.html", errors={}, email="", next=target)


@accounts.post("/login")
@anonymous
async def submit_login() -> ResponseReturnValue:
    """Start a session and go where the reader wanted to, or say what is wrong."""
    form = await request.form
    email, target = form.get("email", "").strip(), rules.local_path(form.get("next", ""))
    try:
        token = await log_in(
            email=email,
            password=form.get("password", ""),
            address=request_address(),
            user_agent=request.headers.get("User-Agent", ""),
            replaces=session_token(),
        )
    except (LoginRefused, TooManyTries) as error:
        page = await render_template("accounts/login.html", errors={"": str(error)}, email=email, next=target)
        return (page, 429, {"Retry-After": str(error.retry_after)}) if isinstance(error, TooManyTries) else (page, 422)
    return _into_session(token, target)


@accounts.post("/logout")
async def log_out() -> ResponseReturnValue:
    """End this session."""
    await service.end_session(session_token())
    await flash("You are logged out.", "info")
    response: Response = redirect(url_for("accounts.login"), 303)
    drop_session(response)
    return response


@accounts.get("/welcome/<token>")
@anonymous
async def welcome_form(token: str) -> ResponseReturnValue:
    """Ask for name and password of an invited user, or for a new password. Looking uses nothing up."""
    return await _welcome_page(token, {}, None)


@accounts.post("/welcome/<token>")
@anonymous
async def welcome(token: str) -> ResponseReturnValue:
    """Set name and password, use the link up, and log in."""
    form = await request.form
    name, password = form.get("name", ""), form.get("password", "")
    if password != form.get("repeat", ""):
        return await _welcome_page(token, {"repeat": "The two passwords differ; type both again."}, name)
    try:
        user = await links.accept(token, name=name, password=password)
    except LinkUnusable as error:
        abort(404, str(error))
    except AccountError as error:
        return await _welcome_page(token, {error.field: str(error)}, name)
    return _into_session(await _new_session(user), rules.START)


async def _new_session(user: User) -> str:
    return await service.start_session(
        user,
        address=request_address(),
        user_agent=request.headers.get("User-Agent", ""),
        replaces=session_token(),
    )


async def _welcome_page(token: str, errors: dict[str, str], name: str | None) -> ResponseReturnValue:
    try:
        found = await links.behind(token)
    except LinkUnusable as error:
        abort(404, str(error))
    page = await render_template(
        "accounts/welcome.html",
        person=found.user,
        purpose=found.purpose,
        expires_at=found.expires_at,
        name=found.user.name if name is None else name,
        errors=errors,
    )
    # The address of this page is a secret: it must not travel on as a referrer.
    return page, 422 if errors else 200, {"Referrer-Policy": "no-referrer"}


def _into_session(token: str, target: str) -> Response:
    response: Response = redirect(target, 303)
    set_session(response, token)
    return response
