"""Departments: adding, changing, removing. Tickets belong to one or to none."""

from __future__ import annotations

from collections.abc import Mapping

import pymysql

from app import audit
from app.accounts import repository as accounts
from app.accounts.models import User
from app.database import DUPLICATE, Connection
from app.departments import repository, rules
from app.departments.errors import DepartmentNotFound, DepartmentRefused
from app.departments.models import Department
from app.runtime import current

SHOWN = 3
"""Names in one sentence."""


async def departments() -> list[Department]:
    """All departments, by name."""
    async with current().database.connection() as conn:
        return await repository.departments(conn)


async def department(department_id: int) -> Department:
    """One department. Raises DepartmentNotFound."""
    async with current().database.connection() as conn:
        return await _found(conn, department_id)


async def named(wanted: int | str) -> Department | None:
    """The department with this id or name."""
    async with current().database.connection() as conn:
        if isinstance(wanted, int):
            return await repository.department(conn, wanted)
        return await repository.of_name(conn, wanted)


async def count_tickets(department_id: int) -> int:
    """How many tickets a department has."""
    async with current().database.connection() as conn:
        return await repository.count_tickets(conn, department_id)


async def add(*, by: User, name: str, email: str = "", tracking: str = "inherit") -> int:
    """Add a department, and return its id. Raises DepartmentRefused with each field that does not hold."""
    name, email, tracking = rules.check(name=name, email=email, tracking=tracking)

    async def work(conn: Connection) -> int:
        try:
            department_id = await repository.insert(conn, name=name, email=email, tracking=tracking)
        except pymysql.err.IntegrityError as error:
            raise _taken(error, name) from None
        detail = {"name": name, "email": email, "tracking": tracking}
        await _record(conn, by, "create", department_id, detail)
        return department_id

    return await current().database.run(work)


async def change(department_id: int, *, by: User, name: str, email: str, tracking: str) -> None:
    """Replace what is set. Raises DepartmentNotFound, or DepartmentRefused with each field that does not hold."""
    name, email, tracking = rules.check(name=name, email=email, tracking=tracking)

    async def work(conn: Connection) -> None:
        found = await _found(conn, department_id, lock=True)
        after = {"name": name, "email": email, "tracking": tracking}
        changed = {field: new for field, new in after.items() if getattr(found, field) != new}
        if not changed:
            return
        try:
            await repository.update(conn, department_id, **after)
        except pymysql.err.IntegrityError as error:
            raise _taken(error, name) from None
        detail = {field: {"from": getattr(found, field), "to": new} for field, new in changed.items()}
        await _record(conn, by, "change", department_id, detail)

    await current().database.run(work)


async def delete(department_id: int, *, by: User) -> str:
    """Remove a department for good, and return its name; its tickets belong to none then.

    Raises DepartmentNotFound, and DepartmentRefused with the field "" while agents are limited to it.
    """

    async def work(conn: Connection) -> str:
        found = await _found(conn, department_id, lock=True)
        if names := await accounts.limited_to(conn, department_id):
            who = f"{', '.join(names[:SHOWN])}{f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''}"
            raise DepartmentRefused(
                {
                    "": f"{found.name} stays: {who} {'is' if len(names) == 1 else 'are'} limited to it, and might see "
                    "everything without it. Change what they see under Admin → Users first."
                }
            )
        await repository.delete(conn, department_id)
        await _record(conn, by, "delete", department_id, {"name": found.name})
        return found.name

    return await current().database.run(work)


async def _found(conn: Connection, department_id: int, *, lock: bool = False) -> Department:
    found = await repository.department(conn, department_id, lock=lock)
    if found is None:
        raise DepartmentNotFound(f"There is no department {department_id}; somebody may have deleted it.")
    return found


async def _record(conn: Connection, by: User, action: str, department_id: int, detail: Mapping[str, object]) -> None:
    subject = f"department:{department_id}"
    await audit.record(conn, user_id=by.id, action=f"department.{action}", subject=subject, detail=detail)


def _taken(error: pymysql.err.IntegrityError, name: str) -> Exception:
    if error.args[0] != DUPLICATE:
        return error
    return DepartmentRefused({"name": f"There is a department {name!r} already; choose another name."})
