"""What a user is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.notifications import rules


@dataclass(frozen=True)
class Notification:
    """That a customer likely read a reply for the first time, or followed a link in it."""

    id: int
    user_id: int
    ticket_id: int
    reply_id: int
    subject: str
    """Of the ticket."""
    reader: str
    """The recipient's name, or else the address."""
    author: str
    """Who wrote the reply: '' for the user who is told, or where nobody knows."""
    is_own: bool
    """Whether the user who is told wrote the reply."""
    created_at: datetime
    seen_at: datetime | None
    is_taken_back: bool
    """Whether the badge says meanwhile that nobody read it."""

    @property
    def words(self) -> str:
        """In one sentence: "Bob Miller likely read your reply in #12 Printer on fire"."""
        return f"{self.reader} {self.what} #{self.ticket_id} {self.subject}"

    @property
    def what(self) -> str:
        """What the reader did, up to the ticket: "likely read your reply in"."""
        return rules.what(author=self.author, is_own=self.is_own)

    @property
    def path(self) -> str:
        """Where the reply stands."""
        return f"/tickets/{self.ticket_id}#reply-{self.reply_id}"


@dataclass(frozen=True)
class NotificationPage:
    """Some of a user's notifications, newest first."""

    rows: tuple[Notification, ...]
    unseen: int
    """Of all that the user has."""
    next: int = 0
    """The id before which the next page starts; 0 on the last."""
