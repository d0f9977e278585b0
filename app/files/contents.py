"""What files hold, read once for many mails: a picture that goes to 100,000 people is not read 100,000 times."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from app.database import Connection

MOST = 32 * 1024 * 1024
"""Bytes that a process keeps of what it read last; a single larger set is read, used and not kept."""


class Contents:
    """The contents read last, by the id of the file: a stored file is never written again."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._size = 0
        self._reading = asyncio.Lock()

    async def get(self, conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
        """The contents of files, by id; those that are gone are left out. Two who ask for the same read it once."""
        if not ids:
            return {}
        async with self._reading:
            missing = [one for one in ids if one not in self._kept]
            found = await read(conn, missing)
            for one in ids:
                if one in self._kept:
                    self._kept.move_to_end(one)
                    found[one] = self._kept[one]
            for one in missing:
                if one in found:
                    self._keep(one, found[one])
        return found

    def _keep(self, number: int, content: bytes) -> None:
        if len(content) > self._most:
            return
        self._kept[number] = content
        self._size += len(content)
        while self._size > self._most:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)


async def read(conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """The contents of files from the database, one by one: a packet holds one of the largest, and not many."""
    found: dict[int, bytes] = {}
    for one in dict.fromkeys(ids):
        value = await conn.fetch_value("SELECT a.content FROM attachments AS a WHERE a.id = %(id)s", {"id": one})
        if value is not None:
            found[one] = bytes(value)
    return found
