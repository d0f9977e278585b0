"""Mentions in internal notes: "@mei" tells Mei of it, and lets her follow the ticket.

An agent is called by what stands before the @ of their address, or by the whole address where two share that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.accounts import repository as accounts
from app.accounts.models import User
from app.database import Connection
from app.notifications import service as notifications
from app.runtime import current
from app.tickets import audience

MOST = 20
"""Agents whom one note tells; more are no mention but a circular."""
SUGGESTED = 8

_MENTION = re.compile(r"(?<![\w@.+-])@([\w.+-]{1,64}(?:@[\w.-]{1,255})?)")


@dataclass(frozen=True)
class Mentionable:
    """An agent who can be mentioned, and how."""

    id: int
    name: str
    handle: str
    """What stands behind the @."""


async def tell(conn: Connection, ticket_id: int, reply_id: int, *, author: User, text: str) -> tuple[str, ...]:
    """Tell the agents whom a note mentions, and let them follow its ticket, in the caller's transaction; their names.

    Who may not see the ticket is told nothing, and so is the author.
    """
    called = written(text)
    if not called:
        return ()
    found = [one for one in await _all(conn, ticket_id) if one.handle in called and one.id != author.id][:MOST]
    ids = [one.id for one in found]
    await audience.follow(conn, ticket_id, ids)
    await notifications.add(conn, kind="mention", user_ids=ids, ticket_id=ticket_id, reply_id=reply_id, by=author.id)
    return tuple(one.name for one in found)


async def suggest(ticket_id: int, typed: str, *, user: User) -> list[Mentionable]:
    """Other agents who may see a ticket, whose handle or a word of whose name begins so; at most SUGGESTED.

    Whose handle begins so comes first: that is what the note will say.
    """
    begin = typed.strip().lower()
    async with current().database.connection() as conn:
        agents = await _all(conn, ticket_id)
    found = [
        one
        for one in agents
        if one.id != user.id
        and (one.handle.startswith(begin) or any(word.startswith(begin) for word in one.name.lower().split()))
    ]
    return sorted(found, key=lambda one: not one.handle.startswith(begin))[:SUGGESTED]


def written(text: str) -> frozenset[str]:
    """What stands behind each @ that begins a word, in lower case."""
    return frozenset(found.lower().rstrip(".-+_") for found in _MENTION.findall(text))


def handles(users: Iterable[tuple[int, str, str]]) -> list[Mentionable]:
    """How each of these users (id, name, address), all that there are, is mentioned."""
    known: Sequence[tuple[int, str, str]] = list(users)
    shared = Counter(email.lower().partition("@")[0] for _, _, email in known)
    return [
        Mentionable(number, name, short if shared[short := email.lower().partition("@")[0]] == 1 else email.lower())
        for number, name, email in known
    ]


async def _all(conn: Connection, ticket_id: int) -> list[Mentionable]:
    users = await accounts.list_users(conn, include_disabled=False)
    may = set(await audience.may_see(conn, ticket_id, [one.id for one in users]))
    return [one for one in handles((one.id, one.name, one.email) for one in users) if one.id in may]
