"""/api/accounts: who works here, and which departments they are limited to. For admins."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.accounts import admin, service
from app.accounts.errors import AccountError, NoSuchAccount
from app.accounts.models import User as Account
from app.api import models
from app.api.answers import answer
from app.api.errors import Refused
from app.api.models import Answer, Given, NamedDepartment
from app.api.requests import takes
from app.departments.service import departments
from app.web.access import admin_required

accounts = Blueprint("api_accounts", __name__, url_prefix="/accounts")


class AccountChange(Given):
    """What to change; what is left out stays."""

    departments: list[Annotated[int, Field(ge=1, le=models.MAX_ID)]] | None = Field(
        None,
        max_length=1000,
        description="Ids of the departments that the agent is limited to; an empty list for all of them.",
    )


class AccountWithLimits(Answer):
    """An admin or agent."""

    id: int
    email: str
    name: str
    role: str = Field(description="admin or agent")
    state: str = Field(description="active, invited or disabled")
    departments: list[NamedDepartment] = Field(
        description="Those that the agent is limited to; empty where they see everything. Admins always do."
    )


class AccountList(Answer):
    """Everybody with an account, by name."""

    accounts: list[AccountWithLimits]


@accounts.get("")
@admin_required
@document_response(AccountList)
async def list_accounts() -> Response:
    """List who works here."""
    names = await _names()
    return answer(AccountList(accounts=[_user(one, names) for one in await service.list_users()]))


@accounts.patch(f"/<int(min=1, max={models.MAX_ID}):user_id>")
@admin_required
@document_response(AccountWithLimits)
@takes(AccountChange)
async def change_account(*, user_id: int, body: AccountChange) -> Response:
    """Limit an agent to departments; it counts from their next request on, and is in the audit log."""
    found = await service.user_by_id(user_id)
    try:
        if found is None:
            raise NoSuchAccount(f"There is no user {user_id}.")
        await admin.change(by=g.user, user_id=user_id, name=found.name, role=found.role, departments=body.departments)
    except NoSuchAccount as error:
        raise Refused(404, str(error)) from None
    except AccountError as error:
        raise Refused(422, str(error), {error.field: str(error)}) from None
    changed = await service.user_by_id(user_id)
    assert changed is not None  # noqa: S101
    return answer(_user(changed, await _names()))


async def _names() -> dict[int, str]:
    return {one.id: one.name for one in await departments()}


def _user(found: Account, names: dict[int, str]) -> AccountWithLimits:
    limits = [NamedDepartment(id=one, name=name) for one, name in names.items() if one in found.departments]
    return AccountWithLimits(
        id=found.id, email=found.email, name=found.name, role=found.role, state=found.state, departments=limits
    )
