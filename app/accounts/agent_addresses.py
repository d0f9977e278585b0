"""From where people who are logged in work: kept as keyed hashes for 30 days, never in clear.

Opens that come from there are more likely our own than the customer's.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta

import pymysql
import structlog

from app.accounts import agent_address_repository as repository
from app.crypto import derive
from app.database import Connection, Database, DatabaseUnavailable
from app.settings import Network, Settings

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=30)
WRITTEN_EVERY = 3600.0
"""Seconds in which one process writes an address once."""
MOST_NOTED = 10_000
"""Addresses that one process remembers to have written."""


def hash_keys(secrets: Sequence[str]) -> list[bytes]:
    """The keys of the hash, the present one first; what was hashed under an earlier one is still found."""
    return [derive(secret, "agent-addresses") for secret in secrets]


def hashed(address: str, key: bytes) -> bytes:
    """16 bytes for an address in its normal form (RFC 5952): keyed BLAKE2b (RFC 7693)."""
    return hashlib.blake2b(address.encode(), digest_size=16, key=key).digest()


def tells_who(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address can say who is there: it is one, not this machine's own, and not a proxy's of ours."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or any(found in network for network in trusted))


class AgentAddresses:
    """Notes the addresses of people who are logged in. One per web process."""

    def __init__(self, settings: Settings) -> None:
        self._key = hash_keys([settings.key])[0]
        self._trusted = settings.trusted_proxies
        self._noted: OrderedDict[bytes, float] = OrderedDict()

    async def note(self, database: Database, address: str) -> None:
        """Store that somebody who is logged in works from `address` now, at most once an hour.

        A database that does not take it costs nobody the page: the next request tries again.
        """
        digest = hashed(address, self._key)
        now = time.monotonic()
        if now - self._noted.get(digest, float("-inf")) < WRITTEN_EVERY or not tells_who(address, self._trusted):
            return
        # Before the database has answered: of a page's many requests one writes.
        self._noted[digest] = now
        self._noted.move_to_end(digest)
        if len(self._noted) > MOST_NOTED:
            self._noted.popitem(last=False)

        async def work(conn: Connection) -> None:
            await repository.note(conn, digest)

        try:
            await database.run(work)
        except (DatabaseUnavailable, pymysql.err.Error) as error:
            self._noted.pop(digest, None)
            log.warning("the address of an agent is not noted", error=str(error))
