"""Who may call which route. Secure by default: a route without a decorator needs a logged-in user.

Order for each request: Host, then who it is (session cookie, or bearer token below /api), then role, then CSRF.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from quart import Quart, abort, current_app, g, redirect, request, url_for
from quart.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import RequestRedirect

from app.accounts import service as accounts
from app.accounts.agent_addresses import AgentAddresses
from app.accounts.models import User
from app.crypto import derive
from app.runtime import Runtime, current
from app.settings import LOOPBACK_HOSTS, Settings
from app.web.client_address import client_address

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ACCESS = "_portal_access"
SENSITIVE = "_portal_sensitive"
F = TypeVar("F", bound=Callable[..., Any])


def open_to_all(view: F) -> F:
    """A route for strangers (pixel, click, health): no session, no CSRF token, any Host."""
    setattr(view, ACCESS, "open")
    return view


def anonymous(view: F) -> F:
    """A page for people who are not logged in (login, invitation); Host and CSRF are checked."""
    setattr(view, ACCESS, "anonymous")
    return view


def admin_required(view: F) -> F:
    """A page for admins only."""
    setattr(view, ACCESS, "admin")
    return view


def sensitive(view: F) -> F:
    """A page on which a password is typed, or whose address alone opens something. Modules' scripts are told so; a
    page without login whose address differs from reader to reader counts as one anyhow.
    """
    setattr(view, SENSITIVE, True)
    return view


def session_cookie(settings: Settings) -> str:
    """The cookie's name; __Host- (RFC 6265bis) binds it to the host, and needs TLS."""
    return "__Host-myportal" if settings.is_https else "myportal"


def visitor_cookie(settings: Settings) -> str:
    """Cookie that CSRF tokens of people who are not logged in hang on."""
    return "__Host-myportal-visitor" if settings.is_https else "myportal-visitor"


def install(app: Quart) -> None:
    """Check every request of `app`."""
    runtime: Runtime = app.extensions["runtime"]
    app.extensions["agent_addresses"] = AgentAddresses(runtime.settings)
    app.before_request(_admit)


async def _admit() -> ResponseReturnValue | None:
    view = current_app.view_functions.get(request.endpoint or "")
    access = getattr(view, ACCESS, "user")
    g.user = None
    g.csrf_source = ""
    settings = current().settings
    if access == "open":
        return None
    if not host_is_ours(request.host, settings):
        abort(400, _wrong_host(settings))
    if request.endpoint == "static":
        return None
    if _quart_answers():
        # Known all the same where it is a page: the 405 that a reload can lead to must not look logged out.
        if not request.path.startswith("/api/"):
            g.user = await _session(settings)
        return None
    if request.path.startswith("/api/"):
        by_token = await _bearer()
        if by_token:
            g.user = by_token
            return _role(access, by_token)
    user = await _session(settings)
    if user is None and access != "anonymous":
        if request.path.startswith("/api/"):
            abort(401, "Send a session cookie or the header `Authorization: Bearer <API token>`.")
        if request.method not in SAFE_METHODS:
            abort(401, "You are logged out. Log in again in another tab; what you wrote is still in this one.")
        return redirect(url_for("accounts.login", next=request.full_path.rstrip("?")), 303)
    g.user = user
    if user is not None:
        denied = _role(access, user)
        if denied is not None:
            return denied
    if request.method not in SAFE_METHODS:
        await _check_csrf(settings)
    return None


def _quart_answers() -> bool:
    """Whether no view will run: the address knows other methods (405 with Allow), ends in another way, or was asked
    by OPTIONS what it knows. Such a request has no endpoint of its own, and none of its answers tells a secret.
    """
    if isinstance(request.routing_exception, MethodNotAllowed | RequestRedirect):
        return True
    rule = request.url_rule
    return request.method == "OPTIONS" and rule is not None and bool(rule.provide_automatic_options)


def _role(access: str, user: User) -> ResponseReturnValue | None:
    if access == "admin" and not user.is_admin:
        abort(403, "This page is for admins. Ask one of them to do it, or to give you the role.")
    return None


async def _bearer() -> User | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    user = await accounts.user_of_api_token(token.strip()) if token.strip() else None
    if user is None:
        abort(401, "The API token is unknown, revoked, or its user is disabled.")
    return user


async def _session(settings: Settings) -> User | None:
    token = request.cookies.get(session_cookie(settings), "")
    user = await accounts.user_of_session(token) if token else None
    g.csrf_source = token if user else request.cookies.get(visitor_cookie(settings), "")
    if user:
        addresses: AgentAddresses = current_app.extensions["agent_addresses"]
        await addresses.note(current().database, request_address())
    return user


def csrf_token() -> str:
    """The token that forms of this request carry; bound to the session, or to the visitor cookie before login."""
    source = g.get("csrf_source", "")
    if not source:
        return ""
    return hmac.digest(derive(current().settings.key, "csrf"), source.encode(), "sha256").hex()


async def _check_csrf(settings: Settings) -> None:
    origin = request.headers.get("Origin")
    if origin and origin != "null" and not host_is_ours(urlsplit(origin).netloc, settings):
        abort(403, f"The form came from {origin}, which is not this portal.")
    given = request.headers.get("X-CSRF-Token") or (await request.form).get("csrf_token", "")
    expected = csrf_token()
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        abort(403, "The form is out of date or did not come from this portal. Go back, reload the page, try again.")


def host_is_ours(host: str, settings: Settings) -> bool:
    """Whether a Host header names this portal.

    The host and port of PORTAL_URL; where that is a loopback address, or is not set, any loopback name.
    """
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return False
    portal = settings.portal
    if name is None or "@" in host or "/" in host:
        return False
    if portal is None:
        return name in LOOPBACK_HOSTS
    default = 443 if portal.scheme == "https" else 80
    if (port or default) != (portal.port or default):
        return False
    return name == portal.hostname or (portal.hostname in LOOPBACK_HOSTS and name in LOOPBACK_HOSTS)


def _wrong_host(settings: Settings) -> str:
    where = settings.portal_url or "a loopback address, because PORTAL_URL is not set"
    return f"This portal answers at {where}; the request named another host."


def request_address() -> str:
    """The client's address: the peer, or what trusted proxies say of it."""
    peer = request.scope.get("client")
    return client_address(
        peer[0] if peer else "",
        request.headers.getlist("X-Forwarded-For"),
        current().settings.trusted_proxies,
    )
