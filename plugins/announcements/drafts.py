"""Writing: drafts are made, saved, copied, deleted, looked at as they will arrive, and sent to oneself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.database import Connection
from app.services import audit, contacts, files, mailings
from app.services.email import AddressRefused, EmailRefused, NewMail, check_mail, parse_address, send_email
from app.services.files import Upload
from app.services.text import ContentTooLarge, check_placeholders, clean_reply_async, html_to_text_async
from app.services.web import User
from plugins.announcements import audience, enclosures, imports, repository, rules
from plugins.announcements.content import Template
from plugins.announcements.errors import AnnouncementRefused, NotAllowed, NotNow
from plugins.announcements.finding import check_draft, found
from plugins.announcements.handles import Handles
from plugins.announcements.models import Announcement, Audience, Person, mailing_of

PAGE = 50
CHANGED_MEANWHILE = "Somebody else changed this draft while you were writing. Save again to replace what they wrote."
TEST_NAME = "[Test] "


@dataclass(frozen=True)
class Given:
    """A draft as it was typed."""

    subject: str = ""
    body_html: str = ""
    audience: str = "all"
    value: str = ""
    per_minute: str = ""
    is_tracked: bool = True
    attachment_ids: tuple[int, ...] | None = ()
    """Of files that are stored; None for those that it has."""
    uploads: tuple[Upload, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ListPage:
    """One page of announcements, newest first. The places are ids, 0 where there is no such page."""

    rows: tuple[Announcement, ...]
    counts: Mapping[str, int]
    newer: int = -1
    """What to start behind for the page before; 0 for the first one, -1 where this is the first."""
    older: int = 0


async def page(handles: Handles, *, words: str = "", state: str = "", before: int = 0) -> ListPage:
    """One page. before: the id to start behind."""
    async with handles.database.connection() as conn:
        rows = await repository.page(conn, words=words, state=state, before=before, limit=PAGE + 1)
        counts = await repository.counts(conn)
        newer = -1
        if before:
            ids = await repository.newer(conn, words=words, state=state, than=before - 1, limit=PAGE + 1)
            newer = ids[-1] if len(ids) > PAGE else 0
    shown = rows[:PAGE]
    return ListPage(tuple(shown), counts, newer, shown[-1].id if len(rows) > PAGE else 0)


async def create(handles: Handles, given: Given, *, by: User) -> int:
    """Add a draft, and return its id. Raises AnnouncementRefused with each field that does not hold."""
    values = await _checked(given)

    async def work(conn: Connection) -> int:
        number = await repository.insert(conn, user_id=by.id, values=values)
        await enclosures.put(conn, number, given, values["body_html"], by=by)
        return number

    return await handles.database.run(work)


async def save(handles: Handles, number: int, given: Given, *, by: User, version: str | None = None) -> Announcement:
    """Replace what a draft says, and return it as it is then.

    version: `Announcement.version` as the form was shown; None to replace whatever is there. Raises
    AnnouncementNotFound, NotNow where it is no draft any more, AnnouncementRefused.
    """
    values = await _checked(given)

    async def work(conn: Connection) -> Announcement:
        known = await found(conn, number, lock=True)
        check_draft(known)
        if version is not None and version != known.version:
            raise AnnouncementRefused({"": CHANGED_MEANWHILE})
        if values["audience"] == "import":
            await imports.check_accepted(conn, number, values["audience_value"])
        await enclosures.put(conn, number, given, values["body_html"], by=by, before=known)
        await repository.change(conn, number, **values)
        return await found(conn, number)

    return await handles.database.run(work)


async def duplicate(handles: Handles, number: int, *, by: User) -> int:
    """Make a draft with the same content and audience, and return its id; a CSV file is not taken over.

    Raises AnnouncementNotFound.
    """

    async def work(conn: Connection) -> int:
        known = await found(conn, number, lock=True)
        who = known.audience if known.audience.kind != "import" else Audience()
        values = {
            "subject": known.subject,
            "body_html": known.body_html,
            "audience": who.kind,
            "audience_value": who.value,
            "per_minute": known.per_minute,
            "is_tracked": known.is_tracked,
        }
        made = await repository.insert(conn, user_id=by.id, values=values)
        await files.copy(conn, known.mailing, to=mailing_of(made))
        return made

    return await handles.database.run(work)


async def delete(handles: Handles, number: int, *, by: User, may_send: bool) -> str:
    """Remove one for good, and return its subject. Its mails that went out stay in the recipients' mailboxes.

    Drafts may be deleted by their author and whoever may send. Raises AnnouncementNotFound, NotAllowed, and NotNow
    while it is being sent, or some of its mails wait.
    """

    async def work(conn: Connection) -> str:
        known = await found(conn, number, lock=True)
        if not may_send and not (known.state == "draft" and known.created_by == by.id):
            raise NotAllowed("This draft is somebody else's. Ask them, or an admin, to delete it.")
        if known.state in {"sending", "paused", "scheduled"}:
            raise NotNow("It is on its way. Stop it first, then delete it.")
        if waiting := (await mailings.counts(conn, known.mailing)).waiting:
            raise NotNow(f"{waiting:,} of its mails still wait in the outbox. Stop it first, then delete it.")
        await repository.delete(conn, number)
        await files.forget(conn, known.mailing)
        detail = {"subject": known.subject, "state": known.state}
        await audit.record(
            conn, user_id=by.id, action="announcement.delete", subject=f"announcement:{number}", detail=detail
        )
        return known.subject or "The draft"

    return await handles.database.run(work)


async def preview(handles: Handles, known: Announcement, who: str) -> tuple[Person, NewMail]:
    """The mail as one contact will get it, and who that is. who: a contact's address; '' for the first of the audience.

    Raises AnnouncementRefused with the field `contact`.
    """
    person = await _person(handles, known, who)
    template = await Template.of(known, handles)
    return person, template.mail(person, unsubscribe=handles.unsubscribe_url(0))


async def send_test(handles: Handles, known: Announcement, who: str, *, to: User) -> bool:
    """Send it to oneself, as one contact would get it; whether the mail server took it now. Untracked.

    Raises AnnouncementRefused.
    """
    person = await _person(handles, known, who)
    template = await Template.of(replace(known, sender_name=to.name, sender_email=to.email), handles)
    mail = template.mail(person, unsubscribe=handles.unsubscribe_url(0))
    try:
        check_mail(replace(mail, to=(parse_address(to.email),)))
        sent, _ = await send_email(
            subject=TEST_NAME + mail.subject,
            recipients=to.email,
            html_body=mail.html_body,
            text_body=mail.text_body,
            headers=mail.headers,
            attachment_ids=await enclosures.carried(handles, known),
        )
    except EmailRefused as error:
        raise AnnouncementRefused({"": f"The test mail could not be made: {error}."}) from None
    return sent


async def _person(handles: Handles, known: Announcement, who: str) -> Person:
    typed = who.strip()
    if not typed:
        async with handles.database.connection() as conn:
            people = await audience.page(conn, known.audience, after=0, limit=20)
        shown = [person for _, person in people if not person.reason]
        return shown[0] if shown else Person(0, "Sam Sample", "sam.sample@example.com")
    try:
        email = parse_address(typed).email
    except AddressRefused as error:
        raise AnnouncementRefused({"contact": f"{str(error)[:1].upper()}{str(error)[1:]}."}) from None
    contact_id = await contacts.of_address(email)
    if contact_id is None:
        raise AnnouncementRefused({"contact": f"{email} is no contact's address; choose one that is suggested."})
    contact = await contacts.contact(contact_id)
    stored = next((one for one in contact.addresses if one.lower() == email.lower()), email)
    return Person(contact.id, contact.name, stored)


async def _checked(given: Given) -> dict[str, Any]:
    errors: dict[str, str] = {}
    values: dict[str, Any] = {"is_tracked": given.is_tracked}
    try:
        values["subject"] = rules.check_subject(given.subject)
    except ValueError as error:
        errors["subject"] = str(error)
    try:
        values["body_html"] = await clean_reply_async(given.body_html)
        check_placeholders(values["body_html"], rules.PLACEHOLDERS)
    except (ContentTooLarge, ValueError) as error:
        errors["body"] = str(error)
    try:
        who = rules.check_audience(given.audience, given.value)
        values |= {"audience": who.kind, "audience_value": who.value}
    except ValueError as error:
        errors["audience"] = str(error)
    try:
        values["per_minute"] = rules.check_rate(given.per_minute)
    except ValueError as error:
        errors["per_minute"] = str(error)
    if errors:
        raise AnnouncementRefused(errors)
    return values


async def check_ready(known: Announcement) -> None:
    """Raise AnnouncementRefused, with each field, where a draft cannot be sent yet."""
    errors: dict[str, str] = {}
    if not known.subject:
        errors["subject"] = "The subject is empty; write what it is about."
    if not (await html_to_text_async(known.body_html)).strip() and "<img" not in known.body_html:
        errors["body"] = "The text is empty; write what to tell."
    try:
        rules.check_complete(known.audience)
    except ValueError as error:
        errors["audience"] = str(error)
    if errors:
        raise AnnouncementRefused(errors)
