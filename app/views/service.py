"""Saved views: saving, renaming, sharing, removing."""

from __future__ import annotations

from app.accounts.models import User
from app.database import Connection
from app.runtime import current
from app.views import repository, rules
from app.views.errors import ViewNotFound, ViewRefused
from app.views.models import View


async def views(user: User) -> list[View]:
    """The agent's own views and the shared ones, by name, their own first."""
    async with current().database.connection() as conn:
        return await repository.seen_by(conn, user.id)


async def view(view_id: int, *, user: User) -> View:
    """One that the agent may change. Raises ViewNotFound."""
    async with current().database.connection() as conn:
        return await _own(conn, view_id, user)


async def save(query: str, *, user: User, name: str, is_shared: bool) -> int:
    """Save a list under a name; its id. query: arguments of /tickets.

    Raises ViewRefused for a name that does not hold or is taken, a list that there cannot be, or too many views.
    """
    kept, name = rules.query_of(query, user_id=user.id), rules.check_name(name)

    async def work(conn: Connection) -> int:
        known = await repository.names(conn, user.id)
        if len(known) >= rules.MOST:
            raise ViewRefused({"": f"You have {rules.MOST} saved views, as many as there may be; delete one first."})
        if name.casefold() in known:
            raise _taken(name)
        return await repository.insert(conn, user_id=user.id, name=name, query=kept, is_shared=is_shared)

    return await current().database.run(work)


async def change(view_id: int, *, user: User, name: str, is_shared: bool) -> None:
    """Rename a view, share it, or share it no more. Raises ViewNotFound, or ViewRefused as `save` does."""
    name = rules.check_name(name)

    async def work(conn: Connection) -> None:
        found = await _own(conn, view_id, user)
        known = await repository.names(conn, found.user_id)
        if known.get(name.casefold(), view_id) != view_id:
            raise _taken(name)
        await repository.update(conn, view_id, name=name, is_shared=is_shared)

    await current().database.run(work)


async def delete(view_id: int, *, user: User) -> str:
    """Remove a view and return its name; its tickets stay. Raises ViewNotFound."""

    async def work(conn: Connection) -> str:
        found = await _own(conn, view_id, user)
        await repository.delete(conn, view_id)
        return found.name

    return await current().database.run(work)


async def _own(conn: Connection, view_id: int, user: User) -> View:
    found = await repository.view(conn, view_id)
    if found is None or not (found.user_id == user.id or (user.is_admin and found.is_shared)):
        raise ViewNotFound(f"There is no saved view {view_id} that you may change.")
    return found


def _taken(name: str) -> ViewRefused:
    return ViewRefused({"name": f"There is a view {name!r} already; choose another name, or delete that one first."})
