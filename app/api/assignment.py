"""/api/assignment-rules: who gets new tickets that nobody has. For admins."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from quart import Blueprint, Response, g
from quart_schema import document_response

from app.api import models
from app.api.answers import answer
from app.api.errors import refusal
from app.api.models import Answer, Given
from app.api.requests import takes
from app.assignment import service
from app.assignment.errors import RuleNotFound, RuleRefused
from app.assignment.models import Rule
from app.web.access import admin_required

RULE = f"<int(min=1, max={models.MAX_ID}):rule_id>"
MOST_IDS = 200

Id = Annotated[int, Field(ge=1, le=models.MAX_ID)]

assignment_rules = Blueprint("api_assignment_rules", __name__, url_prefix="/assignment-rules")


class RuleAgent(Answer):
    """Who gets tickets by a rule."""

    id: int
    name: str
    takes_tickets: bool = Field(description="false: away or disabled; the rule leaves them out.")


class AssignmentRule(Answer):
    """A rule. It fits where one of mailboxes, departments and tags does, or always where it names none."""

    id: int
    name: str
    mailboxes: list[int]
    departments: list[int]
    tags: list[str]
    agents: list[RuleAgent]
    last_agent: int | None = Field(description="Who got the last ticket by it.")


class AssignmentRules(Answer):
    """All rules, in the order in which they are tried."""

    assignment_rules: list[AssignmentRule]


class NewAssignmentRule(Given):
    """A rule."""

    name: str = Field(description="At most 100 characters; a ticket's history shows it.", examples=["Billing"])
    mailboxes: list[Id] = Field([], max_length=MOST_IDS)
    departments: list[Id] = Field([], max_length=MOST_IDS)
    tags: list[str] = Field([], max_length=20)
    agents: list[Id] = Field(max_length=MOST_IDS, description="At least one; several take turns.")


class RuleMove(Given):
    """Where a rule goes."""

    to: Literal["up", "down"] = Field(description="One place before or behind; at the end it stays.")


class DeletedRule(Answer):
    """It is gone; tickets stay with whom they have."""

    name: str


@assignment_rules.errorhandler(RuleNotFound)
async def not_found(error: RuleNotFound) -> Response:
    """A rule that is gone."""
    return refusal(404, str(error))


@assignment_rules.errorhandler(RuleRefused)
async def refused(error: RuleRefused) -> Response:
    """What does not hold, by field."""
    return refusal(422, str(error), error.fields)


@assignment_rules.get("")
@admin_required
@document_response(AssignmentRules)
async def list_assignment_rules() -> Response:
    """List the rules, in the order in which they are tried."""
    return await _all()


@assignment_rules.post("")
@admin_required
@document_response(AssignmentRule, 201)
@takes(NewAssignmentRule)
async def create_assignment_rule(*, body: NewAssignmentRule) -> Response:
    """Add a rule, behind all others."""
    return answer(await _saved(None, body), 201)


@assignment_rules.put(f"/{RULE}")
@admin_required
@document_response(AssignmentRule)
@takes(NewAssignmentRule)
async def replace_assignment_rule(*, rule_id: int, body: NewAssignmentRule) -> Response:
    """Set a rule anew; it keeps its place."""
    return answer(await _saved(rule_id, body))


@assignment_rules.delete(f"/{RULE}")
@admin_required
@document_response(DeletedRule)
async def delete_assignment_rule(*, rule_id: int) -> Response:
    """Delete a rule."""
    return answer(DeletedRule(name=await service.delete(rule_id, by=g.user)))


@assignment_rules.post(f"/{RULE}/move")
@admin_required
@document_response(AssignmentRules)
@takes(RuleMove)
async def move_assignment_rule(*, rule_id: int, body: RuleMove) -> Response:
    """Let a rule change places with the one before or behind it."""
    await service.move(rule_id, by=g.user, up=body.to == "up")
    return await _all()


async def _all() -> Response:
    return answer(AssignmentRules(assignment_rules=[_shown(one) for one in await service.rules()]))


async def _saved(rule_id: int | None, body: NewAssignmentRule) -> AssignmentRule:
    number = await service.save(
        rule_id,
        by=g.user,
        name=body.name,
        mailbox_ids=body.mailboxes,
        department_ids=body.departments,
        tags=body.tags,
        agent_ids=body.agents,
    )
    return _shown(await service.rule(number))


def _shown(rule: Rule) -> AssignmentRule:
    return AssignmentRule(
        id=rule.id,
        name=rule.name,
        mailboxes=list(rule.mailbox_ids),
        departments=list(rule.department_ids),
        tags=list(rule.tags),
        agents=[RuleAgent(id=one.id, name=one.name, takes_tickets=one.takes) for one in rule.agents],
        last_agent=rule.last_user_id,
    )
