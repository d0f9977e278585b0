"""The spool's one error."""

from __future__ import annotations


class SpoolUnavailable(Exception):
    """The spool could not keep, read or remove something; the message says what failed, where, and what helps."""
