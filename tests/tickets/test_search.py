"""Searching the ticket list: which words find what, in which of two ways, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from app.accounts.models import User
from app.database import Database
from app.tickets import listing, search, service
from app.tickets import listing_rules as rules
from app.tickets.errors import SearchTooBroad
from app.tickets.listing_models import Jump
from app.tickets.listing_rules import TicketQuery
from app.words import Needle
from tests.tickets.list_support import add_tickets


@pytest.fixture(params=["looking through", "full-text index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to find the same."""
    monkeypatch.setattr(search, "TOGETHER", 0.0 if request.param == "looking through" else 2.0)
    monkeypatch.setattr(search, "RARE", 1.0)
    return str(request.param)


async def _found(agent: User, words: str, **asked: Any) -> list[int]:
    page = await listing.list_tickets(TicketQuery(user_id=agent.id, view="all", words=words, **asked))
    return [row.id for row in page.rows]


@pytest.mark.parametrize(
    "words",
    [
        "invoice",
        "INVOICE",
        "inv",
        "bob invoice",
        "café",
        "cafe",
        "bob.builder@example.org",
        "the invoice",
        "vw",
        "acme.com",
        "R-2026/17",
        "東京",
        '+invoice -"café*" (bob) ~vw < > @',
        "invoice'); DROP TABLE tickets; -- vw",
    ],
)
async def test_a_ticket_is_found_by_words_of_its_subject_messages_and_contact(
    db: Database, agent: User, way: str, words: str
) -> None:
    text = "About the VW: see acme.com, R-2026/17; drop table tickets 東京都"
    [ticket, _] = await add_tickets(
        db, [{"subject": "Invoice from Café", "text": text}, {"contact": "Eve", "minute": 1}]
    )
    assert await _found(agent, words) == [ticket]


@pytest.mark.parametrize("words", ["voice", "invoice refund", "invo ice", "thee", "2", "京東", "'", "+++", "%", "_"])
async def test_a_ticket_that_lacks_a_word_is_not_found(db: Database, agent: User, way: str, words: str) -> None:
    await add_tickets(db, [{"subject": "Invoice for the VW", "text": "東京都 R21"}, {}])
    assert await _found(agent, words) == []


async def test_what_is_found_keeps_the_order_filters_and_pages_of_the_list(db: Database, agent: User, way: str) -> None:
    rows = [
        {"minute": n, "text": "refund" if n % 2 else "other", "priority": "high" if n % 3 else "low"} for n in range(20)
    ]
    ids = await add_tickets(db, rows)
    expected = [ids[n] for n in reversed(range(20)) if n % 2 and n % 3]
    query = TicketQuery(user_id=agent.id, view="all", words="refund ", priority="high")

    first = await listing.list_tickets(query, limit=4)
    second = await listing.list_tickets(_turned(query, after=first.next), limit=4)
    back = await listing.list_tickets(_turned(query, before=second.previous), limit=4)

    assert [row.id for row in (*first.rows, *second.rows)] == expected
    assert (second.next, [row.id for row in back.rows]) == ("", expected[:4])


@pytest.mark.parametrize(
    ("words", "asked"), [("please", False), ("please red", False), ("xylophone", True), ("please xylophone", True)]
)
async def test_the_full_text_index_is_asked_for_rare_words_only(
    db: Database, agent: User, monkeypatch: pytest.MonkeyPatch, words: str, asked: bool
) -> None:
    """Of common words it would read all places before anything else, and nothing could stop it."""
    await add_tickets(db, [{"text": "please " + ("red" if n % 2 else "blue")} for n in range(20)])
    needles = []

    async def tickets_with(_: object, needle: Needle, **__: object) -> list[int]:
        needles.append(needle.word)
        return []

    monkeypatch.setattr("app.tickets.search_repository.tickets_with", tickets_with)
    await _found(agent, words)
    assert needles == (["xylophone"] if asked else [])


async def test_more_hits_than_are_looked_at_are_said(
    db: Database, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "TOGETHER", 2.0)
    monkeypatch.setattr(search, "RARE", 1.0)
    monkeypatch.setattr(search, "FOUND", 3)
    ids = await add_tickets(db, [{"minute": n, "text": "refund"} for n in range(5)])
    page = await listing.list_tickets(TicketQuery(user_id=agent.id, view="all", words="refund"))
    assert ([row.id for row in page.rows], page.capped) == (ids[:1:-1], 3)


async def test_a_search_that_takes_too_long_is_stopped_with_the_way_out(
    db: Database, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    [ticket] = await add_tickets(db, [{}])
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE ticket_words SET words = CONCAT(' ', REPEAT('abcd ', 3000000)) WHERE ticket_id = %(id)s",
            {"id": ticket},
        )
    monkeypatch.setattr(search, "SECONDS", 0.001)
    with pytest.raises(SearchTooBroad, match="Add a word that fewer tickets have"):
        await _found(agent, "abcde ")
    monkeypatch.setattr(search, "SECONDS", 2.0)
    assert await _found(agent, "abcd ") == [ticket]


async def test_what_is_written_later_is_found_too(db: Database, agent: User) -> None:
    ticket_id = await service.create_ticket(
        subject="Printer", requester="Jane Doe <jane@kunde.example>", text_body="It smokes", created_by=None
    )
    await service.add_customer_message(ticket_id, email="Max <max@neighbour.example>", text_body="Now it burns")
    await service.add_reply(ticket_id, author=agent, html_body="<p>Use the extinguisher</p>")
    await service.add_reply(ticket_id, author=agent, html_body="<p>Customer is insured</p>", internal=True)
    for words in ("printer", "jane kunde", "max neighbour", "smokes", "burns", "extinguisher", "jane insured printer"):
        assert await _found(agent, words) == [ticket_id], words


async def test_a_ticket_that_came_another_way_is_complete_after_its_next_message(db: Database, agent: User) -> None:
    [ticket_id] = await add_tickets(db, [{"subject": "Imported"}])
    async with db.transaction() as conn:
        await conn.execute("DELETE FROM ticket_words")
        await conn.execute("DELETE FROM ticket_new_words")
    assert await _found(agent, "imported") == []
    await service.add_reply(ticket_id, author=agent, html_body="<p>Welcome</p>", internal=True)
    assert await _found(agent, "imported welcome bob") == [ticket_id]


async def test_a_number_or_an_address_leads_there_at_once(db: Database) -> None:
    ticket_id = await service.create_ticket(
        subject="Printer", requester="jane@kunde.example", text_body="It smokes", created_by=None
    )
    contact_id = (await service.ticket(ticket_id)).contact_id
    assert await listing.jump(f" #{ticket_id} ") == Jump(ticket_id=ticket_id)
    assert await listing.jump("JANE@kunde.example") == Jump(contact_id=contact_id)
    for words in (
        f"#{ticket_id + 1}",
        str(ticket_id),
        "#99999999999",
        "eve@kunde.example",
        "write to jane@kunde.example",
    ):
        assert await listing.jump(words) is None


def _turned(query: TicketQuery, **cursor: str) -> TicketQuery:
    return rules.parse({**query.arguments(), **cursor}, user_id=query.user_id)
