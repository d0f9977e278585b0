"""A cache whose number of entries and whose size are bounded, for keys that strangers write. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """What was asked for lately. When it is full, what was not asked for since it last was goes.

    Two generations instead of a list by age: a hit in the newer one costs one dictionary look and changes nothing.
    Safe for several threads: at worst something is worked out twice.
    """

    def __init__(self, most: int) -> None:
        """most: entries of one generation; twice as many are held."""
        self._most = most
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        found = self._new.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        if len(self._new) >= self._most:
            self._old, self._new = self._new, {}
        self._new[key] = value

    def clear(self) -> None:
        self._old, self._new = {}, {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old.keys() - self._new.keys())
