"""The demo mailbox's mails: one file each, in a folder that survives a restart."""

from __future__ import annotations

import email
import email.policy
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

NAME = re.compile(r"\d{17}-[0-9a-f]{8}")
ENVELOPE = "X-Demo-Envelope-To"
PATIENCE = 9.5
"""Seconds after a mail's arrival before which no images are loaded: who does that at once is taken for a machine."""


@dataclass(frozen=True)
class StoredMail:
    """One received copy."""

    id: str
    recipient: str
    """The envelope's recipient: whose copy this is."""
    received_at: datetime
    message: EmailMessage

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message.get("Subject", "(no subject)"))

    @property
    def sender(self) -> str:
        """The decoded From."""
        return str(self.message.get("From", ""))

    @property
    def sender_name(self) -> str:
        """The From's display name, or its address."""
        name, address = parseaddr(self.sender)
        return name or address

    def seconds_too_young(self) -> float:
        """How long to wait until a person may have seen it."""
        return max(0.0, PATIENCE - (datetime.now(UTC) - self.received_at).total_seconds())

    def body(self, kind: str) -> str | None:
        """The part of type text/`kind`, decoded; None where the mail has none."""
        part = self.message.get_body(preferencelist=(kind,))
        content = part.get_content() if part is not None else None
        return content if isinstance(content, str) else None

    def part(self, content_id: str) -> tuple[str, bytes] | None:
        """Type and content of the inline part with this Content-ID."""
        for part in self.message.walk():
            if (part.get("Content-ID") or "").strip("<> ") == content_id and isinstance(part, EmailMessage):
                content = part.get_content()
                return part.get_content_type(), content if isinstance(content, bytes) else str(content).encode()
        return None

    def attachments(self) -> list[tuple[str, int]]:
        """Names and sizes of the attached files."""
        found = []
        for part in self.message.iter_attachments():
            content = part.get_payload(decode=True)
            found.append((part.get_filename() or part.get_content_type(), len(content or b"")))
        return found


class MailStore:
    """A folder of received mails, newest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, recipient: str, content: bytes) -> None:
        """Keep one copy; on the disk before the mail server says 250."""
        stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")[:17]
        path = self._folder / f"{stamp}-{secrets.token_hex(4)}.eml"
        draft = path.with_suffix(".part")
        draft.write_bytes(f"{ENVELOPE}: {recipient}\r\n".encode() + content)
        draft.rename(path)

    def list(self, *, limit: int = 200) -> list[StoredMail]:
        """The newest mails."""
        names = sorted((path.stem for path in self._folder.glob("*.eml")), reverse=True)[:limit]
        return [mail for name in names if (mail := self.get(name)) is not None]

    def get(self, mail_id: str) -> StoredMail | None:
        """One mail, or None."""
        path = self._folder / f"{mail_id}.eml"
        if not NAME.fullmatch(mail_id) or not path.is_file():
            return None
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)  # noqa: S101
        received = datetime.strptime(mail_id[:17] + "000", "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
        return StoredMail(mail_id, str(message.get(ENVELOPE, "")), received, message)

    def source(self, mail_id: str) -> str | None:
        """The raw text of one mail."""
        path = self._folder / f"{mail_id}.eml"
        return path.read_text(errors="replace") if NAME.fullmatch(mail_id) and path.is_file() else None
