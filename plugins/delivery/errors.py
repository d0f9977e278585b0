"""Why a request, or one member of it, is not taken."""

from __future__ import annotations


class Refused(Exception):
    """The whole request; `status` is answered, and the words name what is wrong and the way out."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Unavailable(Exception):
    """Nothing is wrong with the request, but it cannot be taken now: the provider shall come again."""


class BadMember(ValueError):
    """One member of a request, in words; the others are not concerned."""
