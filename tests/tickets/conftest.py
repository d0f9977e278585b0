"""Stands in for parts that other branches bring, where they are not there yet."""

from __future__ import annotations

import importlib.util
import json
import secrets
import sys
import types
from dataclasses import dataclass
from typing import Any

from app.database import Connection, utcnow
from app.hookspecs import QueuedMail, Recipient

if importlib.util.find_spec("app.email.service") is None:
    models = types.ModuleType("app.email.models")

    @dataclass(frozen=True)
    class NewMail:
        subject: str
        to: tuple[Any, ...]
        html_body: str
        cc: tuple[Any, ...] = ()
        bcc: tuple[Any, ...] = ()
        text_body: str | None = None
        reply_id: int | None = None
        sender: str | None = None
        reply_to: str | None = None
        in_reply_to: str = ""
        references: tuple[str, ...] = ()
        enable_tracking: bool = False
        attachment_ids: tuple[int, ...] = ()

    models.NewMail = NewMail  # type: ignore[attr-defined]
    service = types.ModuleType("app.email.service")

    async def enqueue(conn: Connection, mail: NewMail) -> QueuedMail:
        mail_id = await conn.insert(
            """
            INSERT INTO outgoing_emails (reply_id, message_id, subject, sender, html_body, text_body, in_reply_to,
                                         reference_ids, headers, enable_tracking, metadata, created_at)
            VALUES (%(reply)s, %(mid)s, %(subject)s, %(sender)s, %(html)s, '', %(irt)s, %(refs)s, '{}', %(t)s, '{}',
                    %(now)s)
            """,
            {
                "reply": mail.reply_id,
                "mid": f"<{secrets.token_hex(8)}@portal.test>",
                "subject": mail.subject,
                "sender": mail.sender,
                "html": mail.html_body,
                "irt": mail.in_reply_to,
                "refs": json.dumps(mail.references),
                "t": mail.enable_tracking,
                "now": utcnow(),
            },
        )
        recipients = []
        for role in ("to", "cc", "bcc"):
            for address in getattr(mail, role):
                token = secrets.token_urlsafe(32)
                rid = await conn.insert(
                    """
                    INSERT INTO email_recipients (email_id, role, name, email, tracking_id, next_attempt_at, created_at)
                    VALUES (%(m)s, %(role)s, %(name)s, %(email)s, %(tid)s, %(now)s, %(now)s)
                    """,
                    {
                        "m": mail_id,
                        "role": role,
                        "name": address.name,
                        "email": address.email,
                        "tid": token,
                        "now": utcnow(),
                    },
                )
                recipients.append(Recipient(rid, role, address.email, token))
        return QueuedMail(mail_id, mail.reply_id, mail.subject, mail.enable_tracking, tuple(recipients))

    async def announce(queued: QueuedMail) -> None:
        return None

    async def send_again(recipient_id: int) -> None:
        return None

    service.enqueue = enqueue  # type: ignore[attr-defined]
    service.announce = announce  # type: ignore[attr-defined]
    service.send_again = send_again  # type: ignore[attr-defined]
    sys.modules["app.email.models"] = models
    sys.modules["app.email.service"] = service
