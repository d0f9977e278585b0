"""What a mail is by its headers: written by a person, or by a program (RFC 3834, 3464, 5965, 8098, 2369). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message

from app.inbound import header_values as values

_REPORTS = {
    "delivery-status": "bounce",
    "disposition-notification": "receipt",
    "feedback-report": "complaint",
}
_REPORT_TYPES = {
    "message/delivery-status": "bounce",
    "message/global-delivery-status": "bounce",
    "message/disposition-notification": "receipt",
    "message/feedback-report": "complaint",
}
_DAEMON = re.compile(r"(?i)^(mailer-daemon|postmaster|mail-daemon|mdaemon)(@|$)")
_BOUNCE_SUBJECT = re.compile(
    r"(?i)\b(undeliver|delivery (status|fail)|returned mail|failure notice|mail delivery fail)"
)
# Alone, or before a colon: a customer may well have a question about their absence.
_ABSENCE = re.compile(
    r"(?i)^\s*(auto(matic|matische)?[ -]?(reply|response|antwort)|out of (the )?office|abwesenheit(snotiz|smeldung)?|"
    r"réponse automatique|respuesta automática|absence)\b((\s+\w+){0,3}\s*[:\uff1a]|\s*$)"
)
_AUTO_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "junk"})
_LIST_HEADERS = ("List-Id", "List-Post", "List-Unsubscribe-Post")


def kind_of(message: Message, part_types: Mapping[str, int], *, sender: str, subject: str) -> str:
    """One of `models.KINDS`, by what the mail says of itself. part_types: how often each type is among its parts."""
    report = str(message.get_param("report-type", "") or "").lower()
    if message.get_content_type() == "multipart/report" and report in _REPORTS:
        return _REPORTS[report]
    for name, kind in _REPORT_TYPES.items():
        if part_types.get(name):
            return kind
    return_path = values.raw(message, "Return-Path").replace(" ", "")
    is_daemon = _DAEMON.match(sender) is not None
    if is_daemon and (return_path in {"", "<>"} or _BOUNCE_SUBJECT.search(subject)):
        return "bounce"
    said = values.raw(message, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = values.raw(message, "Precedence").lower()
    if (
        said.startswith("auto-replied")
        or precedence in _AUTO_PRECEDENCE
        or values.raw(message, "X-Autoreply")
        or values.raw(message, "X-Autorespond")
        or values.raw(message, "X-Auto-Reply-From")
        or _ABSENCE.match(subject)
        or (return_path == "<>" and said != "no")
    ):
        return "auto_reply"
    if any(values.raw(message, name) for name in _LIST_HEADERS) or precedence in {"list", "bulk"}:
        return "list"
    return "automatic" if said and said != "no" else "person"
