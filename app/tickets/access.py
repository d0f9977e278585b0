"""Which tickets and contacts somebody may see: the one place that decides.

An agent who is limited to departments sees the tickets of these, and of tickets without a department those that are
assigned to them; also where an assignment or a number says otherwise, never a ticket of another department. Of contacts
they see those with a ticket that they see. Admins, and agents without a limit, see everything.

What cannot be seen is answered like what does not exist. Who looks is `app.accounts.viewer`.
"""

from __future__ import annotations

from collections.abc import Collection

from app.accounts.models import User
from app.accounts.viewer import viewer
from app.database import Connection
from app.tickets.errors import TicketRefused

EVERYTHING = "TRUE"
"""The condition of who is not limited."""


def sees(user: User, *, department_id: int | None, assignee_id: int | None) -> bool:
    """Whether a user may see a ticket. department_id: None also where its department is gone. Pure."""
    if not user.is_limited:
        return True
    return assignee_id == user.id if department_id is None else department_id in user.departments


def condition(ticket: str = "t") -> str:
    """SQL: the row of `tickets` that is called `ticket` is one that the viewer may see."""
    user = viewer()
    if user is None or not user.is_limited:
        return EVERYTHING
    departments = ",".join(str(int(one)) for one in sorted(user.departments))
    return f"({ticket}.department_id IN ({departments}) OR {_own(ticket, str(int(user.id)))})"


def contact_condition(contact: str = "c") -> str:
    """SQL: the row of `contacts` that is called `contact` is one that the viewer may see."""
    seen = condition("seen")
    if seen == EVERYTHING:
        return EVERYTHING
    return f"EXISTS (SELECT 1 FROM tickets AS seen WHERE seen.contact_id = {contact}.id AND {seen})"  # noqa: S608


def user_condition(user: str = "u", ticket: str = "t") -> str:
    """SQL: the row of `users` called `user` may see the row of `tickets` called `ticket`, whoever looks."""
    return (
        f"({user}.role = 'admin' OR NOT EXISTS (SELECT 1 FROM user_departments AS lim WHERE lim.user_id = {user}.id) "  # noqa: S608
        f"OR EXISTS (SELECT 1 FROM user_departments AS lim WHERE lim.user_id = {user}.id "
        f"AND lim.department_id = {ticket}.department_id) "
        f"OR {_own(ticket, f'{user}.id')})"
    )


def _own(ticket: str, user_id: str) -> str:
    # The number of a department that is gone stays in the ticket, and means none.
    gone = f"NOT EXISTS (SELECT 1 FROM departments AS own WHERE own.id = {ticket}.department_id)"  # noqa: S608
    return f"({ticket}.assignee_id = {user_id} AND {gone})"


def departments() -> frozenset[int] | None:
    """Those that the viewer is limited to; None where they see all."""
    user = viewer()
    return user.departments if user is not None and user.is_limited else None


def is_limited() -> bool:
    """Whether the viewer sees the tickets of some departments only."""
    user = viewer()
    return user is not None and user.is_limited


def may_use(department_id: int | None) -> bool:
    """Whether the viewer may give a ticket to a department, or with None take it out of all of them."""
    user = viewer()
    return user is None or not user.is_limited or department_id in user.departments


def home(department_id: int | None) -> int | None:
    """The department of a ticket that the viewer opens: the one given, or the only one that they have.

    Raises TicketRefused with the field `department` where a limited agent has several to choose from.
    """
    user = viewer()
    if department_id is not None or user is None or not user.is_limited:
        return department_id
    if len(user.departments) > 1:
        raise TicketRefused({"department": "Choose one of your departments; a ticket without one would not be yours."})
    return next(iter(user.departments))


def can_have(user: User, department_id: int | None) -> bool:
    """Whether a user would see a ticket of this department that is assigned to them."""
    return sees(user, department_id=department_id, assignee_id=user.id)


def knows(user: User) -> bool:
    """Whether the viewer is offered a user as one who may have tickets: somebody with whom they share one."""
    by = viewer()
    if by is None or not by.is_limited or not user.is_limited:
        return True
    return bool(by.departments & user.departments)


async def visible(conn: Connection, ticket_ids: Collection[int]) -> set[int]:
    """Those of these tickets that there are and that the viewer may see."""
    if not ticket_ids:
        return set()
    sql = f"SELECT t.id FROM tickets AS t WHERE t.id IN %(ids)s AND {condition()}"  # noqa: S608
    return {int(row["id"]) for row in await conn.fetch_all(sql, {"ids": list(ticket_ids)})}


async def who_sees(conn: Connection, ticket_id: int, user_ids: Collection[int]) -> set[int]:
    """Those of these users who may see a ticket, whoever looks: whom to tell of it."""
    if not user_ids:
        return set()
    sql = f"""
        SELECT u.id FROM users AS u JOIN tickets AS t ON t.id = %(ticket)s
         WHERE u.id IN %(ids)s AND {user_condition()}
    """  # noqa: S608
    return {int(row["id"]) for row in await conn.fetch_all(sql, {"ticket": ticket_id, "ids": list(user_ids)})}


async def sees_contact(conn: Connection, contact_id: int) -> bool:
    """Whether there is such a contact and the viewer may see them."""
    sql = f"SELECT c.id FROM contacts AS c WHERE c.id = %(id)s AND {contact_condition()}"  # noqa: S608
    return await conn.fetch_value(sql, {"id": contact_id}) is not None


async def sees_file(conn: Connection, attachment_id: int) -> bool:
    """Whether there is such a file, and it is of no ticket yet or of one that the viewer may see."""
    sql = f"""
        SELECT a.id FROM attachments AS a LEFT JOIN tickets AS t ON t.id = a.ticket_id
         WHERE a.id = %(id)s AND (a.ticket_id IS NULL OR (t.id IS NOT NULL AND {condition()}))
    """  # noqa: S608
    return await conn.fetch_value(sql, {"id": attachment_id}) is not None
