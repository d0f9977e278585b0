"""Contacts: finding, changing, and the addresses that say who wrote."""

from __future__ import annotations

from dataclasses import replace

import pymysql

from app import words
from app.contacts import repository, rules
from app.contacts.errors import ContactNotFound, ContactRefused
from app.contacts.models import Contact, ContactPage
from app.database import DUPLICATE, Connection
from app.runtime import current
from app.tickets import access, search_index

PAGE = 50
CHANGED_MEANWHILE = "Somebody else changed this contact while you were writing. Save again to replace what they wrote."


async def find_or_create_contact(conn: Connection, *, name: str, email: str) -> int:
    """The contact who writes from `email`, made where there is none; in the caller's transaction.

    name: used for a new contact only; the address's first part where it is empty.
    Two callers who make the same contact at once both get the one that was committed first.
    """
    found = await repository.contact_of_address(conn, email)
    if found is not None:
        return found
    name = name.strip()[: rules.MAX_NAME] or email.partition("@")[0]
    contact_id = await repository.insert_contact(conn, name=name, email=email, words=rules.words_of(name, [email]))
    try:
        await repository.insert_address(conn, contact_id=contact_id, email=email)
    except pymysql.err.IntegrityError as error:
        if error.args[0] != DUPLICATE:
            raise
        await repository.delete_contact(conn, contact_id)
        winner = await repository.contact_of_address(conn, email)
        if winner is None:
            raise
        return winner
    return contact_id


async def contact(contact_id: int) -> Contact:
    """One contact. Raises ContactNotFound."""
    async with current().database.connection() as conn:
        return await _contact(conn, contact_id)


async def of_address(email: str) -> int | None:
    """The id of the contact who writes from an address, whatever its case; None where it is nobody's."""
    async with current().database.connection() as conn:
        return await repository.contact_of_address(conn, email)


async def list_contacts(query: str = "", *, after: int = 0, before: int = 0, limit: int = PAGE) -> ContactPage:
    """Contacts by name; each word of `query` starts a word of the name or of an address.

    after, before: the contact behind or before whom the page starts; a contact who is gone starts from the first.
    """
    needles = words.beginnings(query)
    async with current().database.connection() as conn:
        place = await repository.contact(conn, after or before) if after or before else None
        if place is not None and not await access.sees_contact(conn, place.id):
            place = None
        back = bool(before and place)
        beyond = (place.name, place.id) if place else None
        rows = await repository.page(conn, needles, limit=limit + 1, beyond=beyond, descending=back)
        if back and len(rows) < limit:
            place, back = None, False
            rows = await repository.page(conn, needles, limit=limit + 1, beyond=None, descending=False)
        more, rows = len(rows) > limit, rows[:limit]
        if back:
            rows.reverse()
        activities = await repository.last_activities(conn, [row.id for row in rows])
    has_previous, has_next = (more, True) if back else (place is not None, more)
    return ContactPage(
        tuple(replace(row, last_activity_at=activities.get(row.id)) for row in rows),
        previous=rows[0].id if rows and has_previous else 0,
        next=rows[-1].id if rows and has_next else 0,
    )


async def suggest(typed: str, *, limit: int) -> list[tuple[str, str]]:
    """Names and addresses of contacts that what was typed so far may mean."""
    needles = words.beginnings(typed)
    if not needles:
        return []
    async with current().database.connection() as conn:
        return await repository.addresses_matching(conn, needles, limit=limit)


async def save(contact_id: int, *, name: str, notes: str, version: str) -> None:
    """Replace name and notes.

    version: `Contact.version` as the form was shown. Raises ContactNotFound, or ContactRefused with the fields `name`,
    `notes`, or "" where somebody else changed the contact meanwhile.
    """
    name, notes = rules.check_name(name), rules.check_notes(notes)

    async def work(conn: Connection) -> None:
        found = await _locked(conn, contact_id)
        if version != found.version:
            raise ContactRefused({"": CHANGED_MEANWHILE})
        await repository.update_contact(conn, contact_id=contact_id, name=name, notes=notes)
        if name != found.name:
            await _remember(conn, replace(found, name=name), new=name)

    await current().database.run(work)


async def add_address(contact_id: int, email: str) -> str:
    """Add an address that the contact writes from, and return it as stored.

    Raises ContactNotFound, or ContactRefused with the field `email`; its `owner_id` is who has the address already.
    """
    email = rules.check_address(email)

    async def work(conn: Connection) -> None:
        found = await _locked(conn, contact_id)
        if len(found.addresses) >= rules.MAX_ADDRESSES:
            raise ContactRefused(
                {"email": f"{found.name} has {len(found.addresses)} addresses, more are not kept; remove one first."}
            )
        await _check_free(conn, email, contact_id)
        try:
            await repository.insert_address(conn, contact_id=contact_id, email=email)
        except pymysql.err.IntegrityError as error:
            if error.args[0] != DUPLICATE:
                raise
            await _check_free(conn, email, contact_id)
            raise
        await _remember(conn, replace(found, addresses=(*found.addresses, email)), new=email)

    await current().database.run(work)
    return email


async def make_primary(contact_id: int, email: str) -> None:
    """Write to one of the contact's addresses first. Raises ContactNotFound or ContactRefused."""

    async def work(conn: Connection) -> None:
        found = await _locked(conn, contact_id)
        await repository.set_primary(conn, contact_id=contact_id, email=_own(found, email))

    await current().database.run(work)


async def remove_address(contact_id: int, email: str) -> None:
    """Take an address from a contact; mail from it makes a new contact. Raises ContactNotFound or ContactRefused."""

    async def work(conn: Connection) -> None:
        found = await _locked(conn, contact_id)
        own = _own(found, email)
        if own == found.email:
            raise ContactRefused(
                {"": f"{own} is the address we write to first. Make another one the first, then remove it."}
            )
        await repository.delete_address(conn, contact_id=contact_id, email=own)
        left = tuple(address for address in found.addresses if address != own)
        await repository.set_words(conn, contact_id=contact_id, words=rules.words_of(found.name, left))

    await current().database.run(work)


async def _contact(conn: Connection, contact_id: int) -> Contact:
    found = await repository.contact(conn, contact_id)
    if found is None:
        raise ContactNotFound(f"There is no contact {contact_id}.")
    return found


async def _locked(conn: Connection, contact_id: int) -> Contact:
    await repository.lock_contact(conn, contact_id)
    return await _contact(conn, contact_id)


async def _check_free(conn: Connection, email: str, contact_id: int) -> None:
    owner_id = await repository.contact_of_address(conn, email)
    if owner_id == contact_id:
        raise ContactRefused({"email": f"{email} is an address of this contact already."})
    if owner_id is not None:
        if not await access.sees_contact(conn, owner_id):
            raise ContactRefused({"email": f"{email} belongs to somebody else; ask an admin to look who that is."})
        owner = await _contact(conn, owner_id)
        raise ContactRefused(
            {"email": f"{email} belongs to {owner.name}. Remove it there first, or write to them under that name."},
            owner_id=owner_id,
        )


def _own(found: Contact, email: str) -> str:
    for address in found.addresses:
        if address.lower() == email.strip().lower():
            return address
    raise ContactRefused({"": f"{email[:80]!r} is not an address of {found.name} any more; reload the page."})


async def _remember(conn: Connection, found: Contact, *, new: str) -> None:
    """Let the contact and their tickets be found by a new name or address; tickets stay found by the old ones too."""
    await repository.set_words(conn, contact_id=found.id, words=rules.words_of(found.name, found.addresses))
    await search_index.add_to_tickets_of(conn, found.id, new)
