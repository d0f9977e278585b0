"""The ticket list below its page: views, filters, order, paging."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.accounts.models import User
from app.database import Database
from app.tickets import listing, listing_repository
from app.tickets import listing_plan as plans
from app.tickets import listing_rules as rules
from app.tickets.listing_rules import NOBODY, TicketQuery
from tests.tickets.list_support import START, add_tickets


async def _ids(agent: User, **asked: Any) -> list[int]:
    page = await listing.list_tickets(TicketQuery(user_id=agent.id, **asked))
    return [row.id for row in page.rows]


async def test_each_view_holds_its_tickets(db: Database, agent: User, admin: User) -> None:
    mine, theirs, nobodys, waiting, closed = await add_tickets(
        db,
        [
            {"assignee_id": agent.id, "minute": 5},
            {"assignee_id": admin.id, "minute": 4},
            {"minute": 3},
            {"assignee_id": agent.id, "status": "pending", "minute": 2},
            {"assignee_id": agent.id, "status": "closed", "minute": 1},
        ],
    )
    assert await _ids(agent, view="mine") == [mine, waiting]
    assert await _ids(agent, view="unassigned") == [nobodys]
    assert await _ids(agent, view="open") == [mine, theirs, nobodys, waiting]
    assert await _ids(agent, view="all") == [mine, theirs, nobodys, waiting, closed]
    assert await _ids(agent, view="closed") == [closed]
    assert await listing.view_counts(agent.id) == {
        **{"mine": "2", "unassigned": "1", "open": "4"},
        **{"overdue": "0", "snoozed": "0"},
    }


async def test_filters_narrow_the_list_together(db: Database, agent: User, admin: User) -> None:
    fields = itertools.product(
        ("open", "pending", "closed"), ("normal", "urgent"), (agent.id, None), ("sent", "failed")
    )
    names = ("status", "priority", "assignee_id", "last_receipt")
    rows = [dict(zip(names, values, strict=True)) for values in fields]
    ids = await add_tickets(db, rows)

    def expected(**wanted: Any) -> set[int]:
        return {
            one for one, row in zip(ids, rows, strict=True) if all(row[key] == value for key, value in wanted.items())
        }

    assert set(await _ids(agent, view="all", status="pending")) == expected(status="pending")
    assert set(await _ids(agent, view="all", assignee=NOBODY)) == expected(assignee_id=None)
    assert set(await _ids(agent, view="all", receipt="failed")) == expected(last_receipt="failed")
    wanted = {"status": "pending", "priority": "urgent", "last_receipt": "failed"}
    found = await _ids(agent, view="all", status="pending", priority="urgent", receipt="failed", assignee=agent.id)
    assert found == list(expected(**wanted, assignee_id=agent.id))
    assert await _ids(agent, view="open", status="closed") == []


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", list(rules.SORTS))
@pytest.mark.parametrize("view", ["all", "open", "mine"])
async def test_pages_forward_and_back_show_every_ticket_once_in_order(
    db: Database, agent: User, view: str, sort: str, descending: bool
) -> None:
    # Equal times on purpose: only the number tells these tickets apart.
    rows: list[dict[str, Any]] = [
        {"minute": n // 3, "created": 40 - n // 4, "priority": ("low", "urgent", "normal", "high")[n % 4]}
        | {"due": START + timedelta(days=400, hours=n // 3) if n % 3 else None}
        | {"assignee_id": agent.id, "read": n // 2 if n % 5 < 3 else None}
        for n in range(23)
    ]
    ids = await add_tickets(db, rows)
    number = rules.PRIORITY_NUMBERS
    keys = {
        "activity": lambda n: (rows[n]["minute"], ids[n]),
        "created": lambda n: (rows[n]["created"], ids[n]),
        "priority": lambda n: (number[str(rows[n]["priority"])], rows[n]["minute"], ids[n]),
        "due": lambda n: (str(rows[n]["due"] or "never"), ids[n]),
        "read": lambda n: (-1 if rows[n]["read"] is None else rows[n]["read"], ids[n]),
    }
    expected = [ids[n] for n in sorted(range(23), key=keys[sort], reverse=descending)]
    query = TicketQuery(user_id=agent.id, view=view, sort=sort, descending=descending)

    pages, page = [], await listing.list_tickets(query, limit=5)
    assert page.previous == ""
    while True:
        pages.append(page)
        if not page.next:
            break
        page = await listing.list_tickets(_at(query, after=page.next), limit=5)
    assert [row.id for page in pages for row in page.rows] == expected
    assert [len(page.rows) for page in pages] == [5, 5, 5, 5, 3]

    for earlier in reversed(pages[:-1]):
        page = await listing.list_tickets(_at(query, before=page.previous), limit=5)
        assert [row.id for row in page.rows] == [row.id for row in earlier.rows]
        assert page.next
    assert page.previous == ""


async def test_tickets_without_a_mailed_reply_can_be_asked_for(db: Database, agent: User) -> None:
    without, replied = await add_tickets(db, [{}, {"last_receipt": "replied"}])
    assert await _ids(agent, receipt="none") == [without]
    assert await _ids(agent, receipt="replied") == [replied]


async def test_going_back_to_a_first_page_that_became_short_fills_it(db: Database, agent: User) -> None:
    ids = await add_tickets(db, [{"minute": n} for n in range(8)])
    query = TicketQuery(user_id=agent.id)
    second = await listing.list_tickets(_at(query, after=(await listing.list_tickets(query, limit=3)).next), limit=3)
    async with db.transaction() as conn:
        await conn.execute("UPDATE tickets SET active = 0, status = 'closed' WHERE id = %(id)s", {"id": ids[7]})

    back = await listing.list_tickets(_at(query, before=second.previous), limit=3)

    assert [row.id for row in back.rows] == [ids[6], ids[5], ids[4]]
    assert (back.previous, bool(back.next)) == ("", True)


async def test_a_count_stops_where_nobody_reads_on(db: Database, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 2)
    await add_tickets(db, [{} for _ in range(5)])
    assert (await listing.view_counts(agent.id))["open"] == "2+"


async def test_it_is_our_turn_when_the_customer_wrote_last(db: Database, agent: User) -> None:
    await add_tickets(
        db,
        [
            {"minute": 3, "last_from": "customer"},
            {"minute": 2, "last_from": "agent"},
            {"minute": 1, "last_from": "customer", "status": "closed"},
        ],
    )
    page = await listing.list_tickets(TicketQuery(user_id=agent.id, view="all"))
    assert [row.waiting for row in page.rows] == [True, False, False]


async def test_every_list_is_read_from_its_index_alone_and_in_order(db: Database, agent: User) -> None:
    ids = await add_tickets(
        db, [{"minute": n, "assignee_id": agent.id if n % 2 else None, "read": n % 31 or None} for n in range(60)]
    )
    filters: list[dict[str, Any]] = [
        {},
        {"status": "pending"},
        {"priority": "urgent"},
        {"assignee": agent.id},
        {"status": "closed", "priority": "low", "assignee": NOBODY, "receipt": "failed"},
    ]
    async with db.connection() as conn:
        middles = await listing_repository.rows(conn, ids[30:32])
        assert [row.last_read_at is None for row in middles] == [False, True]
        every = itertools.product(rules.VIEWS, rules.SORTS, filters, (True, False), middles)
        for view, sort, narrowed, turned, middle in every:
            query = TicketQuery(user_id=agent.id, view=view, sort=sort, descending=turned, **narrowed)
            cursor = rules.cursor_of(query, middle)
            for placed in (query, replace(query, after=cursor), replace(query, before=cursor)):
                plan = plans.plan(placed, frozenset({"failed"}) if query.receipt else None)
                if plan is None:
                    continue
                explained = await conn.fetch_one(
                    f"EXPLAIN {listing_repository.page_sql(plan)}", {**plan.parameters, "limit": 51}
                )
                assert explained is not None
                # What is overdue or asleep is found by an index of its own, which holds few, and sorted.
                is_few = view in {"overdue", "snoozed"}
                if is_few and explained["key"] is None and "Impossible WHERE" in explained["Extra"]:
                    continue
                assert explained["key"] == plan.index, (query, explained)
                if not is_few and not (sort == "due" and query.receipt):
                    assert "Using index" in explained["Extra"], (query, explained)
                assert is_few or "filesort" not in explained["Extra"], (query, explained)


def _at(query: TicketQuery, **cursor: str) -> TicketQuery:
    return rules.parse({**query.arguments(), **cursor}, user_id=query.user_id)
