"""Mailboxes: adding, changing, removing, and which one an address belongs to."""

from __future__ import annotations

from collections.abc import Mapping

import pymysql

from app import audit
from app.accounts.models import User
from app.crypto import SecretBox
from app.database import DUPLICATE, Connection
from app.departments import repository as departments
from app.inbound import mailbox_repository as repository
from app.inbound import mailbox_rules as rules
from app.inbound.errors import InboundNotFound, MailboxRefused
from app.inbound.mailbox_models import ImapPlace, Mailbox
from app.inbound.mailbox_rules import Form
from app.runtime import Runtime, current


async def of_recipient(runtime: Runtime, recipient: str) -> int | None:
    """The mailbox that an envelope's recipient means."""
    if not recipient:
        return None
    async with runtime.database.connection() as conn:
        found = await repository.of_address(conn, recipient[:320])
    return found.id if found else None


async def mailboxes() -> list[Mailbox]:
    """All mailboxes, by address."""
    async with current().database.connection() as conn:
        return await repository.mailboxes(conn)


async def mailbox(mailbox_id: int) -> Mailbox:
    """One mailbox. Raises InboundNotFound."""
    async with current().database.connection() as conn:
        return await _found(conn, mailbox_id)


async def add(form: Form, *, by: User) -> int:
    """Add a mailbox, and return its id. Raises MailboxRefused with each field that does not hold."""
    values = rules.check(form, has_password=False)

    async def work(conn: Connection) -> int:
        await _check_department(conn, values["department_id"])
        try:
            mailbox_id = await repository.insert(conn, password=_sealed(form.password), **values)
        except pymysql.err.IntegrityError as error:
            raise _taken(error, values["address"]) from None
        await _record(conn, by, "create", mailbox_id, values)
        return mailbox_id

    return await current().database.run(work)


async def change(mailbox_id: int, form: Form, *, by: User) -> None:
    """Replace what is set. Raises InboundNotFound, or MailboxRefused with each field that does not hold."""
    known = await mailbox(mailbox_id)
    # A password goes only where it was meant for: another host must ask for it anew.
    moved = (form.host.strip().lower(), form.username.strip()) != (known.host, known.username)
    values = rules.check(form, has_password=bool(known.password) and not moved)

    async def work(conn: Connection) -> None:
        await _check_department(conn, values["department_id"])
        password = _sealed(form.password) or ("" if moved else known.password)
        folder = moved or values["folder"] != known.folder
        try:
            await repository.update(conn, mailbox_id, password=password, moved=folder, **values)
        except pymysql.err.IntegrityError as error:
            raise _taken(error, values["address"]) from None
        detail = {name: new for name, new in values.items() if getattr(known, name) != new}
        await _record(conn, by, "change", mailbox_id, {**detail, **({"password": "new"} if form.password else {})})

    await current().database.run(work)


async def delete(mailbox_id: int, *, by: User) -> str:
    """Remove a mailbox, and return its address; mails that came by it stay. Raises InboundNotFound."""

    async def work(conn: Connection) -> str:
        found = await _found(conn, mailbox_id)
        await repository.delete(conn, mailbox_id)
        await _record(conn, by, "delete", mailbox_id, {"address": found.address})
        return found.address

    return await current().database.run(work)


def place_of(runtime: Runtime, found: Mailbox) -> ImapPlace:
    """Where and how to log in. Raises ValueError where the password cannot be decrypted."""
    password = SecretBox(runtime.settings.keys).open(found.password) if found.password else ""
    return ImapPlace(found.host, found.port, found.security, found.username, password, found.folder)


def _sealed(password: str) -> str:
    return SecretBox(current().settings.keys).seal(password) if password else ""


async def _found(conn: Connection, mailbox_id: int) -> Mailbox:
    found = await repository.mailbox(conn, mailbox_id)
    if found is None:
        raise InboundNotFound(f"There is no mailbox {mailbox_id}; somebody may have deleted it.")
    return found


async def _check_department(conn: Connection, department_id: int | None) -> None:
    if department_id is not None and await departments.department(conn, department_id) is None:
        raise MailboxRefused({"department": f"There is no department {department_id} any more; choose another."})


async def _record(conn: Connection, by: User, action: str, mailbox_id: int, detail: Mapping[str, object]) -> None:
    subject = f"mailbox:{mailbox_id}"
    await audit.record(conn, user_id=by.id, action=f"mailbox.{action}", subject=subject, detail=dict(detail))


def _taken(error: pymysql.err.IntegrityError, address: str) -> Exception:
    if error.args[0] != DUPLICATE:
        return error
    return MailboxRefused({"address": f"There is a mailbox {address} already; change that one."})
