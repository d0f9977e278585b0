"""All rules in the order in which they are asked; the first that holds decides. Pure."""

from __future__ import annotations

from plugins.plausible.classify.model import Context
from plugins.plausible.classify.rule import Rule
from plugins.plausible.classify.rules_alone import MACHINES, OURSELVES, PREVIEWS, PROXIES
from plugins.plausible.classify.rules_late import LOOKING_BACK, READERS, SUSPECTS
from plugins.plausible.classify.sight import Sight

RULES: tuple[Rule, ...] = OURSELVES + PREVIEWS + PROXIES + MACHINES + LOOKING_BACK + SUSPECTS + READERS
"""In the order of asking. The last one always holds."""


def candidates(sight: Sight, context: Context) -> list[tuple[int, Rule]]:
    """The rules that a request of these looks can meet, by their places, up to the first that asks for nothing else.

    context: only `agent_copy` and `recipient_internal` may matter (`looks` remembers by them).
    """
    found: list[tuple[int, Rule]] = []
    for number, rule in enumerate(RULES):
        if rule.when(sight, context):
            found.append((number, rule))
            if rule.before is None and rule.after is None and rule.mark is None and rule.unless is None:
                break
    return found
