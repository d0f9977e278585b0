"""What holds for tickets, without database or web: words, limits, subjects, threads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from app.email.markup_limits import MAX_HTML
from app.tags import rules as tags
from app.tickets.errors import BodyTooLarge, TicketRefused

STATUSES = {"open": "Open", "pending": "Waiting for the customer", "closed": "Closed"}
PRIORITIES = {"low": "Low", "normal": "Normal", "high": "High", "urgent": "Urgent"}

MAX_SUBJECT = 400
"""Characters of a ticket's subject; a mail's may have 500, and "Re:" and the number need room."""
MAX_CUSTOMER_BODY = MAX_HTML
"""Characters of a customer's message, as of a reply."""
MAX_SNIPPET = 200
MAX_REFERENCES = 40
"""Message ids that a mail refers to: the first and the latest."""

_INLINE_IMAGE = re.compile(r"""src\s*=\s*["']?/attachments/([0-9]{1,10})/inline\b""", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_SPACES = re.compile(r"\s+")


def check_subject(subject: str) -> str:
    """The subject without outer spaces.

    Raises TicketRefused where it is empty, too long, or holds a line break or control character, which could start
    another mail header.
    """
    subject = subject.strip(" \t")
    if not subject:
        raise TicketRefused({"subject": "The subject is empty; say in a few words what it is about."})
    if len(subject) > MAX_SUBJECT:
        raise TicketRefused(
            {"subject": f"The subject has {len(subject)} characters, at most {MAX_SUBJECT} fit; shorten it."}
        )
    for position, char in enumerate(subject, start=1):
        if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}:
            raise TicketRefused(
                {
                    "subject": f"The subject holds a line break or control character (U+{ord(char):04X}) at position "
                    f"{position}; remove it."
                }
            )
    return subject


def check_choice(field: str, value: str, choices: Sequence[str]) -> str:
    """`value`, if it is one of `choices`; raises TicketRefused naming them otherwise."""
    if value not in choices:
        raise TicketRefused({field: f"{field} must be one of {', '.join(choices)}, got {value[:40]!r}."})
    return value


def number(text: str | None) -> int | None:
    """An id as a form or address gives it; None for anything else, however long."""
    return int(text) if text and len(text) <= 10 and text.isascii() and text.isdigit() else None


def assignee_number(text: str) -> int:
    """The id of an assignee as a form gives it; raises TicketRefused for anything else."""
    found = number(text)
    if found is None:
        raise TicketRefused({"assignee": f"The assignee must be one of the list, got {text[:40]!r}."})
    return found


def department_number(text: str) -> int | None:
    """The id of a department as a form gives it, '' for none; raises TicketRefused for anything else."""
    found = number(text)
    if found is None and text:
        raise TicketRefused({"department": f"The department must be one of the list, got {text[:40]!r}."})
    return found


def check_customer_body(body: str) -> str:
    """A customer's text or HTML as it can be stored; raises TicketRefused where it is empty, BodyTooLarge."""
    if not body.strip():
        raise TicketRefused({"body": "The message is empty; write something."})
    if len(body) > MAX_CUSTOMER_BODY:
        raise BodyTooLarge(
            {
                "body": f"The message has {len(body):,} characters, at most {MAX_CUSTOMER_BODY:,} fit; "
                "send the long part as a file."
            }
        )
    return storable(body)


def storable(text: str) -> str:
    """Text without halves of characters (lone surrogates, which JSON can carry) and NULs: neither can be stored."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def snippet(text: str) -> str:
    """A message's first words on one line, quoted lines left out, at most 200 characters."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(">")]
    words = _SPACES.sub(" ", " ".join(lines)).strip()
    return words if len(words) <= MAX_SNIPPET else words[: MAX_SNIPPET - 1].rstrip() + "…"


def mail_subject(subject: str, ticket_id: int, *, first: bool) -> str:
    """The subject of a mail about a ticket: "Re: Printer on fire [#123]"; `first` opens the conversation."""
    tagged = f"{subject} [#{ticket_id}]"
    return tagged if first or subject.lower().startswith("re:") else f"Re: {tagged}"


def thread(message_ids: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """In-Reply-To and References (RFC 5322, 3.6.4) of an answer to these messages, given oldest first."""
    if not message_ids:
        return "", ()
    if len(message_ids) > MAX_REFERENCES:
        message_ids = [message_ids[0], *message_ids[-(MAX_REFERENCES - 1) :]]
    return message_ids[-1], tuple(message_ids)


def inline_image_ids(html: str) -> list[int]:
    """Ids of the portal's own images that cleaned HTML shows, each once, in order."""
    return list(dict.fromkeys(int(found) for found in _INLINE_IMAGE.findall(html)))


def history_words(who: str, field: str, old: str, new: str) -> str:
    """What a history entry says after the name of `who` did it: "set the status to Closed"."""
    if field == "status":
        if old == "closed":
            return f"reopened it: {STATUSES.get(new, new)}" if new != "open" else "reopened it"
        return "closed it" if new == "closed" else f"set the status to {STATUSES.get(new, new)}"
    if field == "verdict":
        mark = {"read": "read", "unread": "not read"}.get(new)
        return f"marked the reply to {old} as {mark}" if mark else f"took back the mark on the reply to {old}"
    if field == "priority":
        return f"set the priority to {PRIORITIES.get(new, new)}"
    if field == "department":
        return f"moved it to {new}" if new else f"took it out of {old}"
    if field == "due":
        return f"set the due date to {new}" if new else "took the due date away"
    if field == "snooze":
        return f"snoozed it until {new}" if new else "ended the snooze"
    if field == "tags":
        words = ([f"added {_tag_words(new)}"] if new else []) + ([f"removed {_tag_words(old)}"] if old else [])
        return " and ".join(words)
    if field == "mailing":
        return f"answered our announcement “{new}”"
    if field == "split":
        return f"split off {new}" if new else f"split this off {old}"
    if field == "merged":
        return f"merged it into {new}" if new else f"took in {old}"
    if not new:
        return "gave it back" if old == who else f"took it from {old}"
    return "took it" if new == who else f"assigned it to {new}"


def retag(add: Sequence[str], remove: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tags to add and to remove, as they are stored. Raises TicketRefused naming the field `tags`."""
    try:
        return tags.check(add), tuple(dict.fromkeys(tags.tidy(name) for name in remove))
    except ValueError as error:
        raise TicketRefused({"tags": str(error)}) from None


def tag_line(line: str, was: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was added to and removed from a line of tags. Raises TicketRefused naming the field `tags`."""
    try:
        now, before = tags.parse(line), tags.parse(was)
    except ValueError as error:
        raise TicketRefused({"tags": str(error)}) from None
    return tuple(one for one in now if one not in before), tuple(one for one in before if one not in now)


def listed(parts: Sequence[str]) -> str:
    """Names or half-sentences (at least one) in a row: "Ann", "Ann and Bob", "Ann, Bob and Cid"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _tag_words(names: str) -> str:
    return f"the tag{'s' if ',' in names else ''} {names}"


def form_name(text: str | None) -> str | None:
    """The name of a form as it can be stored; None for none, or one that is not of our making."""
    return text if text and re.fullmatch(r"[A-Za-z0-9_-]{8,32}", text) else None


def usable_message_id(message_id: str | None) -> str | None:
    """A Message-ID that can be stored and answered to; None for one that is missing, too long or no id at all."""
    text = (message_id or "").strip()
    return text if len(text) <= 255 and _MESSAGE_ID.fullmatch(text) else None
