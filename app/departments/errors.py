"""Every reason for which a department is not shown or changed."""

from __future__ import annotations

from collections.abc import Mapping


class DepartmentError(ValueError):
    """What was asked cannot be done with this department; the message says why and what to do."""


class DepartmentNotFound(DepartmentError):
    """There is no such department."""


class DepartmentRefused(DepartmentError):
    """Something that was given breaks a rule. fields: the form field → what is wrong with it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)
