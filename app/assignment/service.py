"""Assignment rules: choosing who gets a new ticket, and what admins do with the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import audit
from app.accounts import repository as accounts
from app.accounts.models import User
from app.assignment import repository
from app.assignment.errors import RuleNotFound, RuleRefused
from app.assignment.models import Assigned, Opened, Rule
from app.assignment.rules import MOST_CONDITIONS, MOST_RULES, check_name, fits, next_agent
from app.database import Connection
from app.departments import repository as departments
from app.inbound import mailbox_repository as mailboxes
from app.runtime import current
from app.tags import rules as tag_rules
from app.tickets import access


async def choose(conn: Connection, opened: Opened) -> Assigned | None:
    """Who gets a new ticket that nobody has, and note that it was their turn, in the caller's transaction.

    The first rule that fits and has an agent who is neither disabled nor away and would see the ticket decides. Its row
    stays locked: of two tickets that come at once, the second waits for the first and sees whose turn it was.
    """
    fitting = [one for one in await repository.rules(conn) if fits(one, opened)]
    able = await _able(conn, opened) if fitting else set()
    for found in fitting:
        rule = await repository.rule(conn, found.id, lock=True)
        if rule is None:
            continue
        agent = next_agent(rule, able)
        if agent is not None:
            await repository.set_last(conn, rule.id, agent.id)
            return Assigned(rule, agent)
    return None


async def rules() -> list[Rule]:
    """All rules in their order."""
    async with current().database.connection() as conn:
        return await repository.rules(conn)


async def rule(rule_id: int) -> Rule:
    """One rule. Raises RuleNotFound."""
    async with current().database.connection() as conn:
        return await _found(conn, rule_id)


async def try_it(opened: Opened) -> Assigned | None:
    """Who would get such a ticket now; nobody's turn is over by it."""
    async with current().database.connection() as conn:
        all_rules, able = await repository.rules(conn), await _able(conn, opened)
    for found in all_rules:
        agent = next_agent(found, able)
        if fits(found, opened) and agent is not None:
            return Assigned(found, agent)
    return None


async def save(
    rule_id: int | None,
    *,
    by: User,
    name: str,
    mailbox_ids: Sequence[int] = (),
    department_ids: Sequence[int] = (),
    tags: Sequence[str] = (),
    agent_ids: Sequence[int] = (),
) -> int:
    """Add a rule behind all others (rule_id None), or replace one; its id.

    It fits where one of mailboxes, departments and tags does, or everywhere where none is given. Raises RuleNotFound;
    RuleRefused with each of `name`, `mailboxes`, `departments`, `tags` and `agents` that does not hold.
    """
    errors: dict[str, str] = {}
    try:
        name = check_name(name)
    except RuleRefused as error:
        errors |= error.fields
    try:
        names = tag_rules.check(tags)
    except ValueError as error:
        names, errors["tags"] = (), str(error)
    boxes, parts, agents = (tuple(sorted(set(ids))) for ids in (mailbox_ids, department_ids, agent_ids))
    if not agents:
        errors["agents"] = "Choose at least one agent who gets these tickets."
    if len(boxes) + len(parts) + len(names) > MOST_CONDITIONS:
        errors["tags"] = f"A rule has at most {MOST_CONDITIONS} mailboxes, departments and tags; make a second rule."

    async def work(conn: Connection) -> int:
        before = await _found(conn, rule_id, lock=True) if rule_id is not None else None
        missing = await _missing(conn, before, boxes, parts, agents)
        if errors or missing:
            raise RuleRefused({**missing, **errors})
        if before is None and len(await repository.rules(conn)) >= MOST_RULES:
            raise RuleRefused({"name": f"There are {MOST_RULES} rules, which is the most; delete one first."})
        number = rule_id if rule_id is not None else await repository.insert(conn, name=name)
        values: dict[str, Any] = {"mailbox_ids": boxes, "department_ids": parts, "tags": names, "agent_ids": agents}
        await repository.update(conn, number, name=name, **values)
        words = {key: ", ".join(map(str, value)) for key, value in values.items()}
        await _record(conn, by, "change" if before else "create", number, {"name": name, **words})
        return number

    return await current().database.run(work)


async def move(rule_id: int, *, by: User, up: bool) -> None:
    """Let a rule change places with the one before it, or behind it; at the end it stays. Raises RuleNotFound."""

    async def work(conn: Connection) -> None:
        order = [one.id for one in await repository.rules(conn, lock=True)]
        if rule_id not in order:
            raise _gone(rule_id)
        place = order.index(rule_id)
        other = place - 1 if up else place + 1
        if not 0 <= other < len(order):
            return
        order[place], order[other] = order[other], order[place]
        for position, number in enumerate(order, start=1):
            await repository.set_position(conn, number, position)
        await _record(conn, by, "change", rule_id, {"place": {"from": place + 1, "to": other + 1}})

    await current().database.run(work)


async def delete(rule_id: int, *, by: User) -> str:
    """Remove a rule, and return its name; tickets stay with whom they have. Raises RuleNotFound."""

    async def work(conn: Connection) -> str:
        found = await _found(conn, rule_id, lock=True)
        await repository.delete(conn, rule_id)
        await _record(conn, by, "delete", rule_id, {"name": found.name})
        return found.name

    return await current().database.run(work)


async def _able(conn: Connection, opened: Opened) -> set[int]:
    """Ids of the users who would see such a ticket if it were theirs."""
    users = await accounts.list_users(conn, include_disabled=False)
    return {one.id for one in users if access.can_have(one, opened.department_id)}


async def _missing(
    conn: Connection, before: Rule | None, boxes: Sequence[int], parts: Sequence[int], agents: Sequence[int]
) -> dict[str, str]:
    """What is named and not there; what the rule had already may be gone or disabled meanwhile."""
    errors: dict[str, str] = {}
    known = {one.id for one in await mailboxes.mailboxes(conn)} | set(before.mailbox_ids if before else ())
    if gone := [one for one in boxes if one not in known]:
        errors["mailboxes"] = f"There is no mailbox {gone[0]} any more; choose another."
    known = {one.id for one in await departments.departments(conn)} | set(before.department_ids if before else ())
    if gone := [one for one in parts if one not in known]:
        errors["departments"] = f"There is no department {gone[0]} any more; choose another."
    users = {one.id for one in await accounts.list_users(conn, include_disabled=False)}
    users |= {one.id for one in before.agents} if before else set()
    if gone := [one for one in agents if one not in users]:
        errors["agents"] = f"User {gone[0]} is disabled or does not exist; choose another."
    return errors


async def _found(conn: Connection, rule_id: int, *, lock: bool = False) -> Rule:
    found = await repository.rule(conn, rule_id, lock=lock)
    if found is None:
        raise _gone(rule_id)
    return found


def _gone(rule_id: int) -> RuleNotFound:
    return RuleNotFound(f"There is no assignment rule {rule_id}; it may have been deleted.")


async def _record(conn: Connection, by: User, deed: str, rule_id: int, detail: dict[str, Any]) -> None:
    await audit.record(conn, user_id=by.id, action=f"assignment.{deed}", subject=f"assignment:{rule_id}", detail=detail)
