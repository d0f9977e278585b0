"""What can be refused around accounts; each message says why and what to do."""

from __future__ import annotations


class AccountError(ValueError):
    """What was asked cannot be done with this account."""

    def __init__(self, message: str, *, field: str = "") -> None:
        """field: the form field that the message is about; empty where it is about the whole."""
        super().__init__(message)
        self.field = field


class NoSuchAccount(LookupError):
    """There is no such user, session or token, or it is another person's."""


class LoginRefused(AccountError):
    """Wrong password, unknown address, invited or disabled: the words do not tell which."""


class TooManyTries(AccountError):
    """Too many failed logins; `retry_after` is the number of whole seconds to wait."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LinkUnusable(AccountError):
    """A one-time link that was used, replaced, has expired, or never existed."""
