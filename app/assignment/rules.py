"""Which rule fits, and whose turn it is. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from app.assignment.errors import RuleRefused
from app.assignment.models import Agent, Opened, Rule

MAX_NAME = 100
MOST_RULES = 100
MOST_CONDITIONS = 50


def fits(rule: Rule, opened: Opened) -> bool:
    """Whether one of the rule's conditions holds, or it has none."""
    if not (rule.mailbox_ids or rule.department_ids or rule.tags):
        return True
    return (
        opened.mailbox_id in rule.mailbox_ids
        or opened.department_id in rule.department_ids
        or not set(rule.tags).isdisjoint(opened.tags)
    )


def next_agent(rule: Rule, may_see: Collection[int] | None = None) -> Agent | None:
    """Whose turn it is: the first, by id, behind who got the last ticket, of those who take tickets now.

    may_see: ids of those who may see the ticket; None for all.
    """
    takers = [one for one in rule.agents if one.takes and (may_see is None or one.id in may_see)]
    later = [one for one in takers if one.id > (rule.last_user_id or 0)]
    return next(iter(later or takers), None)


def check_name(name: str) -> str:
    """The name on one line. Raises RuleRefused where it is empty, too long, or has control characters."""
    name = " ".join(name.split(" ")).strip()
    if not name:
        raise RuleRefused({"name": "The name is empty; say what the rule is for. A ticket's history shows it."})
    if len(name) > MAX_NAME:
        raise RuleRefused({"name": f"The name has {len(name)} characters, at most {MAX_NAME} fit; shorten it."})
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in name):
        raise RuleRefused({"name": "The name holds a line break or control character; remove it."})
    return name
