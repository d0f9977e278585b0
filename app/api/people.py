"""/api/users and /api/departments: whom a ticket can be given to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from quart import Blueprint, Response
from quart_schema import document_response

from app.accounts import service as accounts
from app.api.answers import answer
from app.api.models import Answer
from app.departments import service as departments_service
from app.tickets import access

users = Blueprint("api_users", __name__, url_prefix="/users")
departments = Blueprint("api_departments", __name__, url_prefix="/departments")


class Account(Answer):
    """Somebody of us."""

    id: int
    name: str
    email: str
    role: Literal["admin", "agent"]


class Accounts(Answer):
    """Everybody who may log in."""

    users: list[Account]


class DepartmentEntry(Answer):
    """A part of the house that answers tickets."""

    id: int
    name: str
    email: str = Field(description="Empty where it has none of its own.")


class Departments(Answer):
    """All of them, in the alphabet's order."""

    departments: list[DepartmentEntry]


@users.get("")
@document_response(Accounts)
async def list_users() -> Response:
    """List who may be given a ticket."""
    found = [one for one in await accounts.list_users(include_disabled=False) if access.knows(one)]
    return answer(Accounts(users=[Account(id=one.id, name=one.name, email=one.email, role=one.role) for one in found]))


@departments.get("")
@document_response(Departments)
async def list_departments() -> Response:
    """List the departments that tickets can be given to."""
    found = [one for one in await departments_service.departments() if access.may_use(one.id)]
    return answer(
        Departments(departments=[DepartmentEntry(id=one.id, name=one.name, email=one.email) for one in found])
    )
