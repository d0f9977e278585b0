"""The mails that one text for many people has in the outbox, taken together, and what modules know of them."""

from __future__ import annotations

from app.email.mailings import (
    MailingCopy,
    MailingCounts,
    answers,
    copies,
    counts,
    date_back,
    due_now,
    hold,
    newest,
    release,
    withdraw,
)
from app.hookspecs import CopySums, MailingActivity
from app.runtime import current

__all__ = [
    "MailingCopy",
    "MailingCounts",
    "activity",
    "answers",
    "copies",
    "copy_sums",
    "counts",
    "date_back",
    "due_now",
    "hold",
    "newest",
    "release",
    "withdraw",
]


async def activity(mailing: str) -> MailingActivity | None:
    """Opens and clicks of all its copies together; None where no module tracks mails, or it did not answer."""
    return await current().plugins.mailing_activity(mailing)


async def copy_sums(mailing: str, *, after: int, limit: int) -> list[CopySums]:
    """Opens and clicks of its copies with ids greater than `after`, ascending, at most `limit`."""
    return await current().plugins.mailing_copies(mailing, after=after, limit=limit)
