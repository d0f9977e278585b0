"""What holds for announcements: fields, times, rates, and the pace of sending. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.services.email import AddressRefused, check_email
from app.services.files import MB
from app.services.text import check_placeholders
from plugins.announcements.models import Audience
from plugins.announcements.settings import MOST_PER_MINUTE

MAX_SUBJECT = 300
MOST_FILES = 10 * MB
"""Bytes of pictures and files together: each recipient gets all of them."""
PLACEHOLDERS: Mapping[str, str] = {
    "contact.first_name": "the first word of the customer's name",
    "contact.name": "the customer's name",
    "contact.email": "the customer's address",
    "agent.name": "the name of who sends it",
    "agent.email": "their address",
}
"""What each stands for, in words."""
AUDIENCES: Mapping[str, str] = {
    "all": "All contacts",
    "tag": "Contacts with a ticket that has a tag",
    "domain": "Contacts of companies, by domain",
    "import": "Addresses from a CSV file",
}
MOST_DOMAINS = 20
SOONEST = timedelta(minutes=1)
LATEST = timedelta(days=366)
BURST = 2.0
"""Seconds of the rate that may be made up for after a pause."""
_DOMAIN_GAP = re.compile(r"[\s,;]+")


def check_subject(subject: str) -> str:
    """A subject as it is stored; it may be empty in a draft. Raises ValueError in words."""
    subject = " ".join(subject.split())
    if len(subject) > MAX_SUBJECT:
        raise ValueError(f"The subject has {len(subject)} characters, at most {MAX_SUBJECT} fit; shorten it.")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in subject):
        raise ValueError("The subject holds a control character; remove it.")
    check_placeholders(subject, PLACEHOLDERS, is_html=False)
    return subject


def check_rate(typed: str) -> int:
    """Mails per minute; 0 where nothing is typed. Raises ValueError in words."""
    typed = typed.strip().replace(",", "")
    if not typed:
        return 0
    if not typed.isascii() or not typed.isdigit() or len(typed) > 9 or int(typed) > MOST_PER_MINUTE:
        raise ValueError(
            f"{typed[:40]!r} is no number from 1 to {MOST_PER_MINUTE:,}; leave it empty to send as fast as the module "
            "is set."
        )
    return int(typed)


def check_audience(kind: str, value: str) -> Audience:
    """An audience as it is stored. Raises ValueError in words."""
    value = value.strip()
    if kind == "all":
        return Audience()
    if kind == "tag":
        name = " ".join(value.split()).lower()
        if len(name) > 40:
            raise ValueError(f"A tag has at most 40 characters, got {len(name)}; choose one that there is.")
        return Audience("tag", name)
    if kind == "domain":
        return Audience("domain", ", ".join(domains_of(value)))
    if kind == "import":
        if value and not (value.isascii() and value.isdigit() and len(value) < 10):
            raise ValueError("Choose a CSV file below; its addresses are shown before they count.")
        return Audience("import", value)
    raise ValueError(f"An audience is one of {', '.join(AUDIENCES)}, got {kind[:40]!r}.")


def check_complete(audience: Audience) -> None:
    """Raise ValueError, in words, where an audience does not say yet whom it means."""
    if audience.kind != "all" and not audience.value:
        missing = {"tag": "Choose a tag.", "domain": "Write a domain, such as example.com."}
        raise ValueError(missing.get(audience.kind, "Upload a CSV file, and accept what is found in it."))


def domains_of(typed: str) -> list[str]:
    """Domains as they stand in addresses. Raises ValueError in words."""
    found = []
    for one in filter(None, _DOMAIN_GAP.split(typed)):
        try:
            found.append(check_email(f"somebody@{one.removeprefix('@')}").partition("@")[2])
        except AddressRefused:
            raise ValueError(f"{one[:80]!r} is no domain; write it as in example.com.") from None
    if len(found) > MOST_DOMAINS:
        raise ValueError(f"At most {MOST_DOMAINS} domains fit, got {len(found)}; write another announcement.")
    return list(dict.fromkeys(found))


def send_time(typed: str, zone: ZoneInfo, now: datetime) -> datetime:
    """When to send, from what a field of type datetime-local gives, read in a time zone. Raises ValueError in words."""
    if not typed.strip():
        raise ValueError("No time is set; choose when it goes out, or send it now.")
    try:
        local = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise ValueError(f"{typed[:40]!r} is no date and time; write them as in 2026-12-24T09:30.") from None
    moment = (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
    check_moment(moment, now)
    return moment


def check_moment(moment: datetime, now: datetime) -> None:
    """Raise ValueError, in words, for a time that cannot be waited for."""
    if moment < now + SOONEST:
        raise ValueError("That is not in the future; choose a later time, or send it now.")
    if moment > now + LATEST:
        raise ValueError("That is more than a year away; choose an earlier time.")


def rate(part: int, whole: int) -> float:
    """Percent with two decimals; 0 of nothing."""
    return min(999.99, round(100 * part / whole, 2)) if whole > 0 else 0.0


def first_name(name: str) -> str:
    """The first word of a name; '' where there is none."""
    words = name.split()
    return words[0] if words else ""


def real_name(name: str, email: str) -> str:
    """The name, or '' where it is only what stands before the @ of somebody who never told theirs."""
    return "" if name.strip() == email.partition("@")[0] else name.strip()


def allowance(now: datetime, paced_at: datetime | None, per_minute: int, most: int) -> tuple[int, datetime]:
    """How many mails may go now, at most `most`, and up to when the rate is used up once they went.

    per_minute: 0 for no limit. Time that passed unused is made up for by BURST seconds at most, but one mail may
    always be saved up for.
    """
    if per_minute <= 0:
        return most, now
    each = timedelta(seconds=60 / per_minute)
    floor = now - max(timedelta(seconds=BURST), each)
    since = floor if paced_at is None else max(paced_at, floor)
    count = min(most, max(0, int((now - since) / each)))
    return count, since + each * count


def effective_rate(own: int, module: int) -> int:
    """The slower of both; 0 where neither limits."""
    limits = [one for one in (own, module) if one > 0]
    return min(limits, default=0)
