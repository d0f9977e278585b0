"""Tags: looking them up, renaming, merging, removing. Putting them on a ticket is `tickets.service.change`."""

from __future__ import annotations

from app import audit
from app.accounts.models import User
from app.database import Connection
from app.runtime import current
from app.tags import repository, rules
from app.tags.errors import TagNotFound, TagRefused
from app.tags.models import Tag

OFFERED = 50


async def tags() -> list[Tag]:
    """All tags with their numbers of tickets, by name."""
    async with current().database.connection() as conn:
        return await repository.tags(conn)


async def tag(tag_id: int) -> Tag:
    """One tag. Raises TagNotFound."""
    async with current().database.connection() as conn:
        return await _found(conn, tag_id)


async def suggest(typed: str = "", *, limit: int = OFFERED) -> list[str]:
    """Tags that begin with what is being typed."""
    async with current().database.connection() as conn:
        return await repository.names(conn, beginning=" ".join(typed.split()).lower(), limit=limit)


async def rename(tag_id: int, name: str, *, by: User, merge: bool = False) -> bool:
    """Give a tag another name; whether it was merged into the tag that had the name already.

    Raises TagNotFound; TagRefused for a name that does not hold, or that another tag has while `merge` is not said.
    """
    try:
        name = rules.tidy(name)
    except ValueError as error:
        raise TagRefused({"name": str(error)}) from None

    async def work(conn: Connection) -> bool:
        found = await _found(conn, tag_id, lock=True)
        other = (await repository.ids(conn, [name])).get(name)
        if other == tag_id:
            return False
        if other is not None and not merge:
            words = f"There is a tag {name!r} already. Choose another name, or merge the two into one."
            raise TagRefused({"name": words})
        detail = {"from": found.name, "to": name}
        if other is None:
            await repository.rename(conn, tag_id, name)
        else:
            await repository.merge(conn, tag_id, other)
        action = "tag.rename" if other is None else "tag.merge"
        await audit.record(conn, user_id=by.id, action=action, subject=f"tag:{tag_id}", detail=detail)
        return other is not None

    return await current().database.run(work)


async def delete(tag_id: int, *, by: User) -> str:
    """Remove a tag for good, from its tickets too, and return its name. Raises TagNotFound."""

    async def work(conn: Connection) -> str:
        found = await _found(conn, tag_id, lock=True)
        await repository.delete(conn, tag_id)
        detail = {"name": found.name}
        await audit.record(conn, user_id=by.id, action="tag.delete", subject=f"tag:{tag_id}", detail=detail)
        return found.name

    return await current().database.run(work)


async def _found(conn: Connection, tag_id: int, *, lock: bool = False) -> Tag:
    found = await repository.tag(conn, tag_id, lock=lock)
    if found is None:
        raise TagNotFound(f"There is no tag {tag_id}; somebody may have deleted it.")
    return found
