"""What tells that a request comes from one of us, for plugins that answer strangers: cheap, and never waited for."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict

import pymysql
import structlog

from app.accounts import agent_address_repository, token_repository
from app.accounts.agent_addresses import KEPT_FOR, hash_keys, hashed, tells_who
from app.accounts.service import SESSION_IDLE
from app.crypto import sha256
from app.database import DatabaseUnavailable, utcnow
from app.hookspecs import PluginContext
from app.web.access import session_cookie

log = structlog.get_logger(__name__)

FRESH = 60.0
"""Seconds for which what the database said is believed."""
DEADLINE = 0.05
"""Seconds that a request waits for its session to be looked up."""
MOST_SESSIONS = 1000
"""Sessions whose answer is remembered."""
MOST_LOOKUPS = 4
"""Sessions that are looked up at once; strangers may send any cookie they like, and as many."""
LONGEST_HEADER = 16_384
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class AgentSigns:
    """Signs that a request is an agent's or admin's own. Build one per web process; `close` it at the end."""

    def __init__(self, context: PluginContext) -> None:
        self._database = context.database
        self._keys = hash_keys(context.settings.keys)
        self._trusted = context.settings.trusted_proxies
        self._cookie = session_cookie(context.settings)
        self._addresses: frozenset[bytes] = frozenset()
        self._refresh_at = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None
        self._sessions: OrderedDict[bytes, tuple[bool, float]] = OrderedDict()
        self._lookups: dict[bytes, asyncio.Task[bool]] = {}

    def is_agent_address(self, address: str) -> bool:
        """Whether somebody who was logged in worked from this address within the last 30 days.

        address: as `client_address` gives it. Never waits: it answers from what was read at most a minute ago, and
        what is older is read again meanwhile. Where nothing could be read yet, the answer is False; while the
        database is away, what was read last still holds. Call it on the event loop.
        """
        if time.monotonic() >= self._refresh_at and self._refreshing is None:
            self._refreshing = asyncio.create_task(self.refresh())
        if not self._addresses:
            return False
        # Looked at last: the settings may name a proxy that was an agent's address before.
        return any(hashed(address, key) in self._addresses for key in self._keys) and tells_who(address, self._trusted)

    async def refresh(self) -> None:
        """Read the addresses now, for a process that wants to know them before its first request."""
        try:
            async with self._database.connection() as conn:
                self._addresses = await agent_address_repository.since(conn, utcnow() - KEPT_FOR)
        except (DatabaseUnavailable, pymysql.err.Error) as error:
            log.warning("the addresses of agents could not be read", error=str(error))
        finally:
            self._refresh_at = time.monotonic() + FRESH
            self._refreshing = None

    def session_cookie_names(self) -> frozenset[str]:
        """The names of the cookies that carry a session of this portal."""
        return frozenset({self._cookie})

    async def is_agent_session(self, cookie_header: bytes) -> bool:
        """Whether a Cookie header carries a live session.

        At most a minute old; False where the database does not answer within 50 ms, and where too many are asked for.
        """
        token = _token(cookie_header, self._cookie)
        if token is None:
            return False
        digest = sha256(token)
        known = self._sessions.get(digest)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        lookup = self._lookups.get(digest)
        if lookup is None:
            if len(self._lookups) >= MOST_LOOKUPS:
                return False
            lookup = self._lookups[digest] = asyncio.create_task(self._look_up(digest))
        # A lookup that is late is left to itself: to cut it off would cost a connection, and the next request may use
        # its answer.
        done, _ = await asyncio.wait({lookup}, timeout=DEADLINE)
        return bool(done) and lookup.result()

    async def close(self) -> None:
        """End what is under way."""
        tasks = [*self._lookups.values(), *([self._refreshing] if self._refreshing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_up(self, digest: bytes) -> bool:
        try:
            async with self._database.connection() as conn:
                idle_since = utcnow() - SESSION_IDLE
                found = await token_repository.user_of_session(conn, digest, idle_since=idle_since) is not None
        except (DatabaseUnavailable, pymysql.err.Error):
            return False
        finally:
            del self._lookups[digest]
        self._sessions[digest] = found, time.monotonic() + FRESH
        self._sessions.move_to_end(digest)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return found


def _token(header: bytes, name: str) -> str | None:
    """The value of the first cookie of this name (RFC 6265, 5.4), where it looks like a session's token."""
    if len(header) > LONGEST_HEADER:
        return None
    for part in header.decode("latin-1").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value if TOKEN.fullmatch(value) else None
    return None
