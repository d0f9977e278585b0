"""Admin → Assignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.accounts import service as accounts
from app.assignment import rules, service
from app.assignment.errors import RuleNotFound, RuleRefused
from app.assignment.models import Opened, Rule
from app.departments import service as departments
from app.inbound import mailbox_repository as mailboxes
from app.runtime import current
from app.tags import rules as tag_rules
from app.web.access import admin_required
from app.web.errors import error_response

assignment = Blueprint("assignment", __name__, url_prefix="/admin/assignment")

LABELS = {
    "name": "Name",
    "mailboxes": "Mailboxes",
    "departments": "Departments",
    "tags": "Tags",
    "agents": "Agents",
}


@dataclass(frozen=True)
class Given:
    """The form as it was sent; what is wrong in it is kept as it was typed."""

    name: str = ""
    mailboxes: tuple[int, ...] = ()
    departments: tuple[int, ...] = ()
    tags: str = ""
    agents: tuple[int, ...] = ()


@assignment.errorhandler(RuleNotFound)
async def not_found(error: RuleNotFound) -> ResponseReturnValue:
    """A rule that is gone, or never was."""
    return await error_response(404, str(error))


@assignment.get("")
@admin_required
async def index() -> ResponseReturnValue:
    """All rules in their order, and a line to try them: `mailbox`, `department`, `tags`."""
    places = await _places()
    args = request.args
    tried: str | None = None
    if "try" in args:
        tried = await _try(args)
    return await render_template(
        "assignment/list.html",
        rules=[(one, _when(one, places)) for one in await service.rules()],
        next_agent=rules.next_agent,
        places=places,
        asked=args,
        tried=tried,
    )


@assignment.get("/new")
@admin_required
async def new() -> ResponseReturnValue:
    """The empty form."""
    return await _form(Given())


@assignment.post("/new")
@admin_required
async def create() -> ResponseReturnValue:
    """Add a rule, or show the form again with what is wrong at each field."""
    return await _save(None, "The rule is added, behind all others.")


@assignment.get("/<int:rule_id>")
@admin_required
async def edit(rule_id: int) -> ResponseReturnValue:
    """One rule, to change or to delete it."""
    found = await service.rule(rule_id)
    agents = tuple(one.id for one in found.agents)
    given = Given(found.name, found.mailbox_ids, found.department_ids, ", ".join(found.tags), agents)
    return await _form(given, rule=found)


@assignment.post("/<int:rule_id>")
@admin_required
async def save(rule_id: int) -> ResponseReturnValue:
    """Change a rule, or show the form again with what is wrong at each field."""
    return await _save(rule_id, "Saved.")


@assignment.post("/<int:rule_id>/move")
@admin_required
async def move(rule_id: int) -> ResponseReturnValue:
    """Move a rule one place: `to` is "up" or "down"."""
    up = (await request.form).get("to") == "up"
    await service.move(rule_id, by=g.user, up=up)
    return redirect(url_for("assignment.index", _anchor=f"rule-{rule_id}-{'up' if up else 'down'}"), 303)


@assignment.post("/<int:rule_id>/delete")
@admin_required
async def delete(rule_id: int) -> ResponseReturnValue:
    """Delete a rule; the page asked for a confirmation before."""
    name = await service.delete(rule_id, by=g.user)
    await flash(f"{name} is deleted. Tickets stay with whom they have.", "good")
    return redirect(url_for("assignment.index"), 303)


async def _save(rule_id: int | None, words: str) -> ResponseReturnValue:
    form = await request.form
    given = Given(
        name=form.get("name", ""),
        mailboxes=_numbers(form, "mailboxes"),
        departments=_numbers(form, "departments"),
        tags=form.get("tags", ""),
        agents=_numbers(form, "agents"),
    )
    try:
        await service.save(
            rule_id,
            by=g.user,
            name=given.name,
            mailbox_ids=given.mailboxes,
            department_ids=given.departments,
            tags=[one for one in given.tags.split(",") if one.strip()],
            agent_ids=given.agents,
        )
    except RuleRefused as error:
        rule = await service.rule(rule_id) if rule_id is not None else None
        return await _form(given, error.fields, rule=rule), 422
    await flash(words, "good")
    return redirect(url_for("assignment.index"), 303)


def _numbers(form: MultiDict[str, str], name: str) -> tuple[int, ...]:
    return tuple(int(one) for one in form.getlist(name) if one.isascii() and one.isdecimal() and len(one) < 10)


async def _try(args: MultiDict[str, str]) -> str:
    try:
        tags = tag_rules.parse(args.get("tags", ""))
    except ValueError as error:
        return str(error)
    mailbox, department = ((_numbers(args, name) or (None,))[0] for name in ("mailbox", "department"))
    found = await service.try_it(Opened(mailbox, department, tags))
    if found is None:
        return "Nobody: no rule fits that has an agent who takes tickets now and may see this one."
    return f"{found.agent.name}, by the rule “{found.rule.name}”."


async def _places() -> dict[str, dict[int, str]]:
    async with current().database.connection() as conn:
        boxes = {one.id: one.address for one in await mailboxes.mailboxes(conn)}
    return {"mailbox": boxes, "department": {one.id: one.name for one in await departments.departments()}}


def _when(rule: Rule, places: Mapping[str, Mapping[int, str]]) -> list[str]:
    """When a rule fits, each condition in words; nothing where it always does."""
    return [
        *(places["mailbox"].get(one, "a mailbox that is deleted") for one in rule.mailbox_ids),
        *(places["department"].get(one, "a department that is deleted") for one in rule.department_ids),
        *(f"tag {one}" for one in rule.tags),
    ]


async def _form(given: Given, errors: Mapping[str, str] | None = None, *, rule: Rule | None = None) -> str:
    places = await _places()
    users = await accounts.list_users()
    agents: list[tuple[int, str]] = []
    for user in users:
        if user.disabled_at is None:
            agents.append((user.id, f"{user.name} (away)" if user.is_away else user.name))
        elif user.id in given.agents:
            agents.append((user.id, f"{user.name} (disabled)"))
    values: dict[str, Any] = {"given": given, "errors": dict(errors or {}), "labels": LABELS, "rule": rule}
    return await render_template("assignment/edit.html", **values, places=places, agents=agents)
