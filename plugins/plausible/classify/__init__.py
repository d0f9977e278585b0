"""Who made the requests for one recipient's copy, and whether a person read it. Pure: no I/O, no clock, no portal."""

from plugins.plausible.classify.engine import classify
from plugins.plausible.classify.headers import chosen_headers
from plugins.plausible.classify.model import Class, Context, CopyHistory, Judgement, Request, State, Verdict
from plugins.plausible.classify.rule import Rule
from plugins.plausible.classify.rules import RULES

__all__ = [
    "RULES",
    "Class",
    "Context",
    "CopyHistory",
    "Judgement",
    "Request",
    "Rule",
    "State",
    "Verdict",
    "chosen_headers",
    "classify",
]
