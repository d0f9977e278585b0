"""Every reason for which an assignment rule is not shown or changed."""

from __future__ import annotations

from collections.abc import Mapping


class AssignmentError(ValueError):
    """What was asked cannot be done with this rule; the message says why and what to do."""


class RuleNotFound(AssignmentError):
    """There is no such rule."""


class RuleRefused(AssignmentError):
    """Something that was given breaks a rule. fields: the form field → what is wrong with it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)
