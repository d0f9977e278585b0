"""A ticket of Bob's, and a second agent."""

from __future__ import annotations

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.accounts.service import create_user, user_by_id
from app.runtime import Runtime
from app.tickets import service
from tests.support.web import log_in


@pytest.fixture
async def ticket_id(runtime: Runtime) -> int:
    """A ticket that Bob Builder opened by a plain-text message."""
    return await service.create_ticket(
        subject="Printer on fire",
        requester="Bob Builder <bob@example.org>",
        text_body="It burns.\n\nBob",
        created_by=None,
    )


@pytest.fixture
async def other_agent(runtime: Runtime) -> User:
    """Mei, an agent."""
    user = await user_by_id(await create_user(email="mei@portal.test", name="Mei Chen", role="agent", password=None))
    assert user is not None
    return user


@pytest.fixture
async def other_client(app: Quart, other_agent: User) -> Client:
    """A browser in which Mei is logged in."""
    return await log_in(app, other_agent)
