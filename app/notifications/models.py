"""What a user is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.notifications import rules


@dataclass(frozen=True)
class Notification:
    """One piece of news about a ticket."""

    id: int
    user_id: int
    kind: str
    """One of `rules.KINDS`."""
    ticket_id: int
    reply_id: int | None
    subject: str
    """Of the ticket."""
    who: str
    """Name or address of who did it; '' where nobody is named: the portal did it, or they are erased."""
    author: str
    """Of a read reply, who wrote it: '' for the user who is told, or where nobody knows."""
    is_own: bool
    """Of a read reply, whether the user who is told wrote it."""
    own_words: str
    """What the rest does not say, in words; '' for nothing."""
    created_at: datetime
    seen_at: datetime | None
    is_taken_back: bool
    """Of a read reply, whether the badge says meanwhile that nobody read it."""

    @property
    def words(self) -> str:
        """In one sentence: "Bob Miller likely read your reply in #12 Printer on fire"."""
        return f"{self.who} {self.what} #{self.ticket_id} {self.subject}".lstrip()

    @property
    def what(self) -> str:
        """What happened, up to the ticket: "likely read your reply in"."""
        return rules.what(self.kind, who=self.who, words=self.own_words, author=self.author, is_own=self.is_own)

    @property
    def detail(self) -> str:
        """What the sentence leaves out; '' for nothing."""
        return "" if self.kind == "due" else self.own_words

    @property
    def path(self) -> str:
        """Where to look."""
        return f"/tickets/{self.ticket_id}" + (f"#reply-{self.reply_id}" if self.reply_id else "")


@dataclass(frozen=True)
class NotificationPage:
    """Some of a user's notifications, newest first."""

    rows: tuple[Notification, ...]
    unseen: int
    """Of all that the user has."""
    next: int = 0
    """The id before which the next page starts; 0 on the last."""
