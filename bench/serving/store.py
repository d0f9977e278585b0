"""The other side of the count: what a server has written into its table of events."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pymysql

from app.settings import DatabaseAddress

QUIET = 0.3
"""Seconds without a new row after which nothing more is expected."""


@dataclass(frozen=True)
class Store:
    """The table `email_tracking_events` of one database.

    ours: whether a row can stand for several events (column `repeats`), and events may wait elsewhere to be judged.
    """

    url: str
    ours: bool = False

    @classmethod
    def of(cls, url: str) -> Store:
        """The table as it is there."""
        plain = cls(url)
        return cls(url, ours=bool(plain.rows("SHOW TABLES LIKE 'email_tracking_arrivals'")))

    def rows(self, sql: str) -> tuple[tuple[object, ...], ...]:
        """The rows of one statement; what it writes is committed. Raises pymysql's errors where nobody answers."""
        address = DatabaseAddress(self.url)
        connection = pymysql.connect(
            unix_socket=address.unix_socket, user=address.user, database=address.name, autocommit=True
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return tuple(cursor.fetchall())
        finally:
            connection.close()

    def value(self, sql: str) -> int:
        """The one number of a statement."""
        return int(str(self.rows(sql)[0][0] or 0))

    def mark(self) -> int:
        """Everything up to here is there already."""
        return self.value("SELECT MAX(id) FROM email_tracking_events")

    def events(self, mark: int) -> int:
        """Events stored after a mark."""
        what = "SUM(repeats)" if self.ours else "COUNT(*)"
        return self.value(f"SELECT {what} FROM email_tracking_events WHERE id > {mark}")  # noqa: S608

    def folded_events(self, mark: int) -> int:
        """Events stored after a mark that have no row of their own."""
        if not self.ours:
            return 0
        return self.value(f"SELECT SUM(repeats) - COUNT(*) FROM email_tracking_events WHERE id > {mark}")  # noqa: S608

    def deferred(self) -> int:
        """Events of ours that are stored and not judged yet."""
        return self.value("SELECT SUM(events) FROM email_tracking_arrivals") if self.ours else 0

    def newest_deferred(self) -> int:
        """Of these; 0 where there is none."""
        return self.value("SELECT MAX(id) FROM email_tracking_arrivals")

    def settled(self, mark: int, *, expected: int = 0, patience: float = 10.0) -> int:
        """Events after a mark, once none is to be judged, they are as many as expected and no more come; or nothing has
        happened for `patience` seconds.
        """
        since, before = time.monotonic(), (-1, -1)
        while True:
            waiting, found = self.deferred(), self.events(mark)
            if (waiting, found) != before:
                since = time.monotonic()
            elif (not waiting and found >= expected) or time.monotonic() > since + patience:
                return found
            before = waiting, found
            time.sleep(QUIET)
