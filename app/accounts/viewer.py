"""Who looks: the user in whose name this request, or this piece of work, is done.

Set once for each request, before its view. What reads tickets asks here rather than each caller, so that a page, an
endpoint or a module that forgets to ask shows no more than it may.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.accounts.models import User

_VIEWER: ContextVar[User | None] = ContextVar("viewer", default=None)


def viewer() -> User | None:
    """The user, or None where the portal works by itself: the worker, the command line, a customer's page."""
    return _VIEWER.get()


def set_viewer(user: User | None) -> None:
    """From now on in this task, and in those that it starts, this user looks."""
    _VIEWER.set(user)


@contextmanager
def viewing(user: User | None) -> Iterator[None]:
    """Inside the block this user looks; None for the portal itself."""
    token = _VIEWER.set(user)
    try:
        yield
    finally:
        _VIEWER.reset(token)
