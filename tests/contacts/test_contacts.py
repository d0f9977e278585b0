"""Contacts below their pages: addresses, names, search, and what tickets are found by."""

from __future__ import annotations

import asyncio

import pytest

from app.accounts.models import User
from app.contacts import rules, service
from app.contacts.errors import ContactNotFound, ContactRefused
from app.database import Connection, Database
from app.tickets import listing
from app.tickets import service as tickets
from app.tickets.listing_rules import TicketQuery


async def _made(db: Database, name: str, email: str) -> int:
    async with db.transaction() as conn:
        return await service.find_or_create_contact(conn, name=name, email=email)


async def _names(query: str = "") -> list[str]:
    return [row.name for row in (await service.list_contacts(query)).rows]


async def test_one_address_is_one_contact_in_any_case(db: Database) -> None:
    bob = await _made(db, "Bob Builder", "bob@example.org")
    assert await _made(db, "Robert", "BOB@example.org") == bob
    assert (await service.contact(bob)).name == "Bob Builder"


async def test_a_contact_without_a_name_is_called_by_the_address(db: Database) -> None:
    assert (await service.contact(await _made(db, "  ", "jane.doe@example.org"))).name == "jane.doe"


async def test_contacts_made_at_once_for_one_address_are_one(db: Database) -> None:
    async def make() -> int:
        async def work(conn: Connection) -> int:
            return await service.find_or_create_contact(conn, name="Bob", email="bob@example.org")

        return await db.run(work)

    ids = await asyncio.gather(*(make() for _ in range(6)))
    assert len(set(ids)) == 1
    assert len((await service.list_contacts()).rows) == 1


async def test_a_contact_with_several_addresses_is_found_by_each(db: Database) -> None:
    bob = await _made(db, "Bob Builder", "bob@example.org")
    assert await service.add_address(bob, " Bob@WORK.example ") == "Bob@work.example"
    assert await _made(db, "", "bob@work.example") == bob
    await service.make_primary(bob, "Bob@work.example")
    contact = await service.contact(bob)
    assert (contact.email, contact.addresses) == ("Bob@work.example", ("Bob@work.example", "bob@example.org"))
    assert await _names("work") == ["Bob Builder"]


async def test_an_address_of_somebody_else_is_refused_with_their_name(db: Database) -> None:
    bob, eve = await _made(db, "Bob", "bob@example.org"), await _made(db, "Eve", "eve@example.org")
    with pytest.raises(ContactRefused) as refused:
        await service.add_address(bob, "EVE@example.org")
    assert "belongs to Eve" in refused.value.fields["email"]
    assert refused.value.owner_id == eve
    assert (await service.contact(bob)).addresses == ("bob@example.org",)


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("bob@example.org", "of this contact already"),
        ("bob", "has no @"),
        ("a b@example.org", "spaces"),
        ("x@y.example\r\nBcc: z@y.example", "line break"),
        ("", "has no @"),
    ],
)
async def test_an_address_that_is_none_is_refused_with_the_rule(db: Database, email: str, words: str) -> None:
    bob = await _made(db, "Bob", "bob@example.org")
    with pytest.raises(ContactRefused) as refused:
        await service.add_address(bob, email)
    assert words in refused.value.fields["email"]


async def test_the_first_address_stays_until_another_one_is_first(db: Database) -> None:
    bob = await _made(db, "Bob", "bob@example.org")
    await service.add_address(bob, "bob@work.example")
    with pytest.raises(ContactRefused, match="Make another one the first"):
        await service.remove_address(bob, "bob@example.org")
    await service.remove_address(bob, "bob@work.example")
    assert (await service.contact(bob)).addresses == ("bob@example.org",)
    assert await _names("work") == []
    assert await _made(db, "New", "bob@work.example") != bob


async def test_one_contact_cannot_take_or_use_the_address_of_another(db: Database) -> None:
    bob = await _made(db, "Bob", "bob@example.org")
    await _made(db, "Eve", "eve@example.org")
    for change in (service.make_primary, service.remove_address):
        with pytest.raises(ContactRefused, match="not an address of Bob"):
            await change(bob, "eve@example.org")
    assert await _names("eve") == ["Eve"]


async def test_there_is_an_end_to_addresses(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_ADDRESSES", 2)
    bob = await _made(db, "Bob", "bob@example.org")
    await service.add_address(bob, "bob2@example.org")
    with pytest.raises(ContactRefused, match="has 2 addresses"):
        await service.add_address(bob, "bob3@example.org")


async def test_two_contacts_who_get_one_address_at_once_do_not_share_it(db: Database) -> None:
    bob, eve = await _made(db, "Bob", "bob@example.org"), await _made(db, "Eve", "eve@example.org")
    outcomes = await asyncio.gather(
        *(service.add_address(one, "shared@example.org") for one in (bob, eve)), return_exceptions=True
    )
    assert [isinstance(outcome, ContactRefused) for outcome in outcomes].count(True) == 1
    owners = [one for one in (bob, eve) if "shared@example.org" in (await service.contact(one)).addresses]
    assert len(owners) == 1


async def test_name_and_notes_are_kept_as_written(db: Database) -> None:
    bob = await _made(db, "Bob", "bob@example.org")
    version = (await service.contact(bob)).version
    await service.save(bob, name=" Roberta  Ünlü ", notes="Calls on Fridays.\r\nLikes <b>tea</b>\x00", version=version)
    contact = await service.contact(bob)
    assert (contact.name, contact.notes) == ("Roberta  Ünlü", "Calls on Fridays.\nLikes <b>tea</b>")
    assert await _names("unlu") == ["Roberta  Ünlü"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "is empty"),
        ("name", "x" * 201, "has 201 characters, at most 200"),
        ("name", "Bob\r\nBcc: eve@example.org", "line break"),
        ("notes", "x" * 20_001, "have 20,001 characters, at most 20,000"),
    ],
)
async def test_name_and_notes_that_do_not_fit_are_refused_at_their_field(
    db: Database, field: str, value: str, words: str
) -> None:
    bob = await _made(db, "Bob", "bob@example.org")
    before = await service.contact(bob)
    with pytest.raises(ContactRefused) as refused:
        await service.save(bob, **{"name": "Bob", "notes": "", field: value}, version=before.version)
    assert words in refused.value.fields[field]
    assert await service.contact(bob) == before


async def test_what_somebody_else_wrote_meanwhile_is_not_lost_unseen(db: Database) -> None:
    bob = await _made(db, "Bob", "bob@example.org")
    version = (await service.contact(bob)).version
    await service.save(bob, name="Bob", notes="From Ada", version=version)
    with pytest.raises(ContactRefused, match="Somebody else changed this contact"):
        await service.save(bob, name="Bob", notes="From Gus", version=version)
    assert (await service.contact(bob)).notes == "From Ada"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Ada Lindqvist", "Bob Builder", "Bob Carpenter"]),
        ("bob", ["Bob Builder", "Bob Carpenter"]),
        ("BUIL bo", ["Bob Builder"]),
        ("lind", ["Ada Lindqvist"]),
        ("ada@home.example", ["Ada Lindqvist"]),
        ("qvist", []),
        ("bob%", ["Bob Builder", "Bob Carpenter"]),
        ("_ %", ["Ada Lindqvist", "Bob Builder", "Bob Carpenter"]),
    ],
)
async def test_contacts_are_found_by_how_their_names_and_addresses_start(
    db: Database, query: str, found: list[str]
) -> None:
    for name, email in (
        ("Bob Carpenter", "bob.c@example.org"),
        ("Ada Lindqvist", "ada@home.example"),
        ("Bob Builder", "bob@example.org"),
    ):
        await _made(db, name, email)
    assert await _names(query) == found


async def test_pages_of_contacts_forward_and_back_show_each_once_by_name(db: Database) -> None:
    # Two of each name: only the number tells them apart.
    expected = sorted([(f"Name {n // 2}", await _made(db, f"Name {n // 2}", f"n{n}@example.org")) for n in range(7)])
    page = await service.list_contacts(limit=3)
    pages = [page]
    while page.next:
        page = await service.list_contacts(after=page.next, limit=3)
        pages.append(page)
    assert [(row.name, row.id) for one in pages for row in one.rows] == expected
    assert [len(one.rows) for one in pages] == [3, 3, 1]
    for earlier in reversed(pages[:-1]):
        page = await service.list_contacts(before=page.previous, limit=3)
        assert page.rows == earlier.rows
    assert page.previous == 0
    assert (await service.list_contacts(after=999_999_999, limit=3)).rows == pages[0].rows


async def test_the_list_says_when_something_last_happened(db: Database) -> None:
    await _made(db, "Ada", "ada@example.org")
    ticket_id = await tickets.create_ticket(
        subject="Printer", requester="Bob <bob@example.org>", text_body="It smokes", created_by=None
    )
    ada, bob = (await service.list_contacts()).rows
    assert ada.last_activity_at is None
    assert bob.last_activity_at == (await tickets.ticket(ticket_id)).last_activity_at


async def test_tickets_are_found_by_a_contact_s_new_name_and_address(db: Database, agent: User) -> None:
    ticket_id = await tickets.create_ticket(
        subject="Printer", requester="Bob <bob@example.org>", text_body="It smokes", created_by=None
    )
    contact = await service.contact((await tickets.ticket(ticket_id)).contact_id)
    await service.save(contact.id, name="Roberta Smith", notes="", version=contact.version)
    await service.add_address(contact.id, "rs@newplace.example")
    for words in ("roberta printer", "newplace smokes", "bob"):
        page = await listing.list_tickets(TicketQuery(user_id=agent.id, view="all", words=words))
        assert [row.id for row in page.rows] == [ticket_id], words


async def test_what_was_typed_so_far_suggests_addresses(db: Database) -> None:
    bob = await _made(db, "Bob Builder", "bob@example.org")
    await service.add_address(bob, "aa@work.example")
    expected = [("Bob Builder", "bob@example.org"), ("Bob Builder", "aa@work.example")]
    assert await service.suggest("bo bui", limit=10) == expected
    assert await service.suggest("work", limit=1) == expected[:1]
    assert await service.suggest("%", limit=10) == []


async def test_a_contact_that_is_not_there_is_said_to_be_not_there(db: Database) -> None:
    with pytest.raises(ContactNotFound, match="There is no contact 77"):
        await service.contact(77)
    with pytest.raises(ContactNotFound):
        await service.add_address(77, "x@example.org")


def test_a_contact_s_words_end_with_a_whole_word() -> None:
    found = rules.words_of("Bob", [f"address{n}@example{n}.org" for n in range(400)])
    assert len(found) <= rules.MAX_WORDS
    assert found.endswith(" ")
    assert found.split()[-1].startswith(("address", "example"))
