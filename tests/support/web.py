"""Test clients that are logged in and post forms with the right token."""

from __future__ import annotations

import hmac
from typing import Any

from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.accounts.models import User
from app.crypto import derive
from app.runtime import Runtime
from app.web.access import session_cookie

HOST = "portal.test"


async def log_in(app: Quart, user: User) -> Client:
    """A client that carries a fresh session of `user`."""
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        token = await accounts.start_session(user, address="127.0.0.1", user_agent="test")
    client = app.test_client()
    client.set_cookie(HOST, session_cookie(runtime.settings), token)
    client.csrf_token = hmac.digest(  # type: ignore[attr-defined]
        derive(runtime.settings.key, "csrf"), token.encode(), "sha256"
    ).hex()
    return client


async def post(client: Client, path: str, form: dict[str, Any] | None = None, **options: Any) -> Response:
    """Post a form as the page would: with the CSRF token and the portal's Host."""
    token = client.csrf_token  # type: ignore[attr-defined]
    headers = {"Host": HOST, **options.pop("headers", {})}
    return await client.post(path, form={**(form or {}), "csrf_token": token}, headers=headers, **options)


async def get(client: Client, path: str, **options: Any) -> Response:
    """Get a page with the portal's Host."""
    return await client.get(path, headers={"Host": HOST, **options.pop("headers", {})}, **options)
