"""Pages that show every piece of the visual language, rendered without the app.

The templates in `pages/` stand on the real shell and macros; the data here are made up to be
awkward where real data are: long, right-to-left, many. Shared by the tests of this folder and by
`tools/style_preview.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "app" / "static"
PAGES = sorted(path.stem for path in (Path(__file__).parent / "pages").glob("*.html"))
LONG_SUBJECT = (
    "Re: Fwd: Re: Invoice 2024-0817 was charged twice to our account and the refund that support promised "
    "on 3 May has still not arrived, although your colleague said that it would take at most five days now"
)
ALL_STATES = (
    ("queued", "Queued"),
    ("sending", "Sending"),
    ("sent", "Sent 10:32"),
    ("delivered", "Delivered 10:33"),
    ("machine", "Opened by a machine"),
    ("read", "Read by 1 of 3"),
    ("replied", "Replied 11:02"),
    ("bounced", "Bounced: mailbox unknown"),
    ("failed", "Failed: mailbox full"),
    ("complained", "Marked as spam"),
    ("untracked", "Not tracked"),
    ("unknown", "Unknown: connection lost"),
)


MACHINE_WORDS = "Apple Mail loads images ahead: this does not say that a person read it."
CORRECTIONS = {"read": "unread", "sent": "read", "machine": "read", "untracked": "read"}


@dataclass(frozen=True)
class Receipt:
    """What macros/badge.html shows of one reply."""

    state: str
    word: str
    detail_id: str | None = None


@dataclass(frozen=True)
class Judgement:
    """An agent's correction."""

    verdict: str
    by: str
    at: datetime


@dataclass(frozen=True)
class RecipientRow:
    """One recipient in the panel behind a badge."""

    role: str
    email: str
    state: str
    word: str
    detail: str = ""
    first_opened: datetime | None = None
    last_opened: datetime | None = None
    opens: int = 0
    machine_opens: int = 0
    links: Sequence[tuple[str, int]] = ()
    id: int = 1
    words: str = ""
    machine_clicks: int = 0
    replied_at: datetime | None = None
    judged: Judgement | None = None
    can_judge: str = ""


@dataclass(frozen=True)
class TimelineEntry:
    """One line under the recipients."""

    at: datetime
    words: str
    reason: str = ""
    kind: str = "open"
    machine: bool = False


@dataclass(frozen=True)
class User:
    """Who is logged in."""

    name: str = "Ada Lindqvist"
    email: str = "ada@helpdesk.example"
    role: str = "admin"
    timezone: str = "Asia/Kolkata"
    told_of: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TicketLine:
    """One line of the ticket list."""

    subject: str
    contact: str
    snippet: str
    at: datetime
    state: str = "open"
    state_word: str = "Open"
    waiting: bool = False
    receipt: Receipt | None = None
    assignee: str = ""
    priority: str = ""
    number: int = field(default=0)


def ago(value: datetime) -> str:
    """Say how long ago something was, in the words of app.web.formats, without anybody's time zone."""
    seconds = int((datetime.now(UTC) - value).total_seconds())
    if seconds < 60:
        return "now"
    for limit, divisor, unit in ((3600, 60, "min"), (86400, 3600, "h"), (7 * 86400, 86400, "d")):
        if seconds < limit:
            return f"{seconds // divisor} {unit}"
    return f"{value.day} {value:%b}" if value.year == datetime.now(UTC).year else f"{value.day} {value:%b %Y}"


def absolute(value: datetime) -> str:
    """Write a point in time out in full."""
    return f"{value.astimezone(UTC):%A, %d %B %Y, %H:%M} UTC"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Give a Jinja environment as strict as can be: a macro that reads a missing value fails here."""
    env = Environment(
        loader=FileSystemLoader([ROOT / "templates", Path(__file__).parent / "pages"]),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(ago=ago, absolute=absolute)
    return env


def rows_of(count: int, now: datetime) -> list[RecipientRow]:
    """Make recipients in all sorts of states, the first of them a reader with clicked links."""
    reader = RecipientRow(
        role="To",
        email="bettina.hohenstein@kunde.example",
        state="read",
        word="Read",
        first_opened=now - timedelta(minutes=42),
        last_opened=now - timedelta(minutes=6),
        opens=3,
        machine_opens=1,
        can_judge="unread",
        words="A person opened it through Gmail's image proxy, 36 minutes after it was delivered.",
        links=[
            ("https://docs.helpdesk.example/refunds/how-long-does-a-refund-take", 2),
            ("https://status.helpdesk.example/", 1),
        ],
    )
    others = [
        RecipientRow(
            role="Cc" if number < 12 else "Bcc",
            email=f"{name}.{number}@a-rather-long-department-name.kunde.example",
            state=state,
            word=word,
            id=number,
            machine_opens=2 if state == "machine" else 0,
            machine_clicks=4 if state == "machine" else 0,
            words=MACHINE_WORDS if state == "machine" else "",
            replied_at=now - timedelta(minutes=2) if state == "replied" else None,
            judged=Judgement("unread", "Jonas Weber", now - timedelta(minutes=3)) if state == "delivered" else None,
            can_judge=CORRECTIONS.get(state, ""),
            detail="552 5.2.2 Mailbox full, try again later" if state == "failed" else "",
        )
        for number, (name, (state, word)) in enumerate(
            zip(["m.okafor", "jürgen", "accounts-payable", "x"] * count, ALL_STATES * count, strict=False),
            start=2,
        )
    ]
    return [reader, *others][:count]


def timeline_of(now: datetime) -> list[TimelineEntry]:
    """Make the story of one reply, newest first."""
    return [
        TimelineEntry(
            now - timedelta(minutes=6),
            "bettina.hohenstein@kunde.example opened the mail",
            "Images loaded through Gmail's proxy 36 min after delivery: a person opened it.",
        ),
        TimelineEntry(
            now - timedelta(minutes=12), "Marked as not read by Jonas Weber (jürgen.3@kunde.example)", kind="judged"
        ),
        TimelineEntry(
            now - timedelta(minutes=30),
            "Followed a link (bettina.hohenstein@kunde.example)",
            "https://docs.helpdesk.example/refunds/how-long-does-a-refund-take?" + "averylongquery" * 6,
            kind="click",
        ),
        TimelineEntry(
            now - timedelta(minutes=47),
            "A machine loaded the images",
            "Two seconds after delivery, from a data centre, all links at once: a mail scanner.",
            machine=True,
        ),
        TimelineEntry(now - timedelta(minutes=48), "The mail server of kunde.example accepted the mail", kind="sent"),
    ]


def tickets_of(now: datetime) -> list[TicketLine]:
    """Make a ticket list with everything that can be awkward in a line."""
    plain = TicketLine(
        subject="The export button does nothing in Firefox",
        contact="Marcus Okafor",
        snippet="Thanks, clearing the cache helped. One more question about the weekly report",
        at=now - timedelta(minutes=4),
        waiting=True,
        receipt=Receipt("replied", "Replied"),
        assignee="Ada Lindqvist",
    )
    return [
        plain,
        replace(
            plain,
            subject=LONG_SUBJECT,
            contact="Bettina von Hohenstein-Wertheim und zu Löwenstein",
            priority="Urgent",
            receipt=Receipt("read", "Read by 1 of 3"),
            at=now - timedelta(minutes=42),
        ),
        replace(
            plain,
            subject="لا أستطيع تسجيل الدخول إلى حسابي",
            contact="ليلى الحسن",
            waiting=True,
            snippet="مرحبا، منذ صباح اليوم لا أستطيع تسجيل الدخول",
            receipt=None,
            assignee="",
            state="new",
            state_word="New",
            at=now - timedelta(hours=1),
        ),
        replace(
            plain,
            subject="Two-factor codes arrive late",
            contact="Priya Natarajan",
            waiting=False,
            snippet="We have asked the operator and will write as soon as",
            receipt=Receipt("sent", "Sent 10:32"),
            state="pending",
            state_word="Waiting for the customer",
            at=now - timedelta(hours=3),
        ),
        replace(
            plain,
            subject="Change the billing address",
            contact="accounts-payable@kunde.example",
            waiting=False,
            snippet="Done: the next invoice carries the new address.",
            receipt=Receipt("failed", "Failed: mailbox full"),
            assignee="Jonas Weber",
            priority="High",
            at=now - timedelta(hours=9),
        ),
        replace(
            plain,
            subject="Is there an API for the address book?",
            contact="Tomás Ibarra",
            waiting=False,
            snippet="There is: see the guide that I link below.",
            receipt=Receipt("machine", "Opened by a machine"),
            state="on_hold",
            state_word="On hold",
            assignee="Mei Chen",
            at=now - timedelta(days=1),
        ),
        replace(
            plain,
            subject="Invoice for April",
            contact="Ola Nordmann",
            waiting=False,
            snippet="Attached.",
            receipt=Receipt("delivered", "Delivered"),
            state="solved",
            state_word="Solved",
            at=now - timedelta(days=4),
        ),
        replace(
            plain,
            subject="Old question",
            contact="Q",
            waiting=False,
            snippet="ok",
            receipt=Receipt("untracked", "Not tracked"),
            state="closed",
            state_word="Closed",
            assignee="Mei Chen",
            at=now - timedelta(days=400),
        ),
        *[
            replace(
                plain,
                subject=f"Sync stops after {number} contacts",
                contact="Hana Suzuki",
                waiting=number % 3 == 0,
                receipt=Receipt("read", "Read"),
                at=now - timedelta(days=number),
            )
            for number in range(2, 14)
        ],
    ]


def context(page: str, theme: str, now: datetime) -> Mapping[str, object]:
    """Give what the app gives to every template, and the data of the gallery."""
    nav = [
        ("Tickets", "/tickets", "inbox", 12),
        ("Contacts", "/contacts", "contacts", 0),
        ("Admin", "/admin", "settings", 0),
    ]
    here = {"modules": "Admin", "module_form": "Admin"}.get(page, "Tickets")
    return {
        "user": None if page in ("login", "error_alone") else User(),
        "csrf_token": "gallery",
        "unseen_notifications": lambda: "3",
        "theme": theme,
        "static": lambda path: f"/static/{path}",
        "nav_items": [
            {"href": href, "label": label, "icon": icon, "active": label == here, "count": count}
            for label, href, icon, count in nav
        ],
        "get_flashed_messages": lambda with_categories=False: (
            [("success", "Saved. The change counts from now on.")] if page in ("ticket", "modules") else []
        ),
        "now": now,
        "minutes": lambda number: now - timedelta(minutes=number),
        "long_subject": LONG_SUBJECT,
        "all_states": ALL_STATES,
        "Receipt": Receipt,
        "rows_of": lambda count: rows_of(count, now),
        "timeline": timeline_of(now),
        "tickets": tickets_of(now),
    }


def render(page: str, theme: str = "", now: datetime | None = None) -> str:
    """Render one page of the gallery; theme "light", "dark" or "" for the system's choice."""
    env = environment()
    now = now or datetime.now(UTC).replace(microsecond=0)
    return env.get_template(f"{page}.html").render(context(page, theme, now))
