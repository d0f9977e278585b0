"""Limiting agents to departments, in the transaction that adds or changes them."""

from __future__ import annotations

from collections.abc import Collection

from app.accounts import repository
from app.accounts.errors import AccountError
from app.database import Connection

MOST = 100
"""Departments of one agent; the server joins their ids into at most 1,024 characters."""


async def limit(conn: Connection, user_id: int, department_ids: Collection[int], *, had: Collection[int]) -> str:
    """Limit a user to these departments, to none for all of them; what they are limited to now, in words.

    had: what they were limited to. Raises AccountError with the field `departments` for one that is gone, or too many.
    """
    wanted = frozenset(department_ids)
    if len(wanted) > MOST:
        raise AccountError(
            f"{len(wanted)} departments are chosen, at most {MOST} are kept; choose none for all.", field="departments"
        )
    names = await repository.department_names(conn, wanted)
    if gone := wanted - names.keys():
        words = f"There is no department {min(gone)} any more; choose among those that are left."
        raise AccountError(words, field="departments")
    if wanted != frozenset(had):
        await repository.set_departments(conn, user_id=user_id, department_ids=wanted)
    return words_of(names.values())


async def words(conn: Connection, department_ids: Collection[int]) -> str:
    """What somebody is limited to, in words."""
    return words_of((await repository.department_names(conn, department_ids)).values())


def words_of(names: Collection[str]) -> str:
    """The departments' names, or that it is all of them."""
    return ", ".join(names) or "all"
