"""Opens and clicks that only a mail provider tells of: in the reports once, and as it tells them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import utcnow
from app.hookspecs import ContactData
from app.reports import rates, reading_repository
from app.reports.models import Filter
from app.runtime import Runtime
from plugins.delivery import personal
from plugins.delivery.module import DeliveryEvents
from tests.delivery.test_module import seen, tell
from tests.receipts.builders import MailedReply, mailed_reply, set_copy
from tests.reports.figures import counted_anew, empty, summary, total

LINK = "https://shop.example/deal?for=bob"
AT = 1_763_600_000


async def by_link(portal: Runtime) -> list[tuple[str, int, int, int]]:
    today = utcnow().date()
    async with portal.database.connection() as conn:
        found = await reading_repository.by_item(conn, Filter(today - timedelta(days=2), today), "link", 10)
    return [(name, one.clicks, one.machine_clicks, one.unknown_clicks) for name, one in found]


@pytest.mark.parametrize(
    ("reports", "opens", "clicks"),
    [("", True, True), ("opens", False, True), ("clicks", True, False), ("clicks,opens", False, False)],
)
async def test_what_our_own_picture_and_links_count_does_not_count_twice(
    world: Client, portal: Runtime, reports: str, opens: bool, clicks: bool
) -> None:
    reply = await mailed_reply(portal.database, reports=reports)
    for number, machine in enumerate((False, True, None, False)):
        await tell(world, reply, "opened", machine=machine, timestamp=AT + 10 * number)
        await tell(world, reply, "clicked", machine=machine, timestamp=AT + 10 * number, url=LINK)
    found = await total(portal)
    names = ("opens", "machine_opens", "unknown_opens", "clicked", "clicks", "machine_clicks", "unknown_clicks")
    assert [found.get(name, 0) for name in names] == [
        *([2, 1, 1] if opens else [0] * 3),
        *([1, 2, 1, 1] if clicks else [0] * 4),
    ]
    assert await by_link(portal) == ([("shop.example/deal", 2, 1, 1)] if clicks else [])
    assert [one.corrected for one in await counted_anew(portal) if one.corrected] == []
    kept = await summary(portal)
    await empty(portal)
    await counted_anew(portal)
    assert await summary(portal) == kept


async def test_a_person_who_followed_a_link_has_read_the_mail(world: Client, portal: Runtime) -> None:
    reply = await mailed_reply(portal.database, reports="")
    await tell(world, reply, "clicked", machine=True, url=LINK)
    await tell(world, reply, "clicked", url=LINK)
    assert await seen(portal.database, reply) == (None, "")
    await tell(world, reply, "clicked", machine=False, url=LINK)
    assert await seen(portal.database, reply) == ("read", "Generic JSON says that a person followed a link.")
    found = await total(portal)
    assert (found["opened"], found["readers"], found["clicked"]) == (1, 1, 1)


async def test_one_look_told_by_two_pixels_and_an_event_told_twice_count_once(world: Client, portal: Runtime) -> None:
    reply = await mailed_reply(portal.database, reports="")
    told = [
        tell(world, reply, "opened", machine=False, timestamp=AT + second, event_id=f"e{second}")
        for second in (1, 2, 60)
    ]
    await asyncio.gather(*told, tell(world, reply, "opened", machine=False, timestamp=AT + 60, event_id="e60"))
    assert (await total(portal))["opens"] == 2
    assert [one.corrected for one in await counted_anew(portal) if one.corrected] == []


async def test_figures_outlive_events_and_links_of_the_erased_do_not(
    world: Client, portal: Runtime, plugin: DeliveryEvents
) -> None:
    bob = await mailed_reply(portal.database, "bob@example.org", "cc:ann@example.org", reports="")
    await tell(world, bob, "clicked", machine=False, url=LINK)
    await tell(world, bob, "opened", timestamp=AT)
    await counted_anew(portal)
    kept = await summary(portal)
    while not (
        await personal.purge(portal.database, keep_days=1, keep_raw_days=1, now=utcnow() + timedelta(days=9))
    ).done:
        pass
    assert [one.corrected for one in await counted_anew(portal) if one.corrected] == []
    assert await summary(portal) == kept
    await set_copy(portal.database, bob.recipients[0].id, erased_at=utcnow(), email="erased-1@invalid")
    assert (await plugin.erase_contact(ContactData(1, "Bob", (), (bob.recipients[0].id,)))).done
    await counted_anew(portal)
    assert await by_link(portal) == []
    assert (await total(portal))["clicks"] == 1


@pytest.mark.parametrize("order", list(permutations(("delivered", "bounced"))))
async def test_a_bounce_after_delivery_is_no_delivery_and_shows_that_somebody_tells_of_them(
    world: Client, portal: Runtime, order: tuple[str, ...]
) -> None:
    reply: MailedReply = await mailed_reply(portal.database, reports="")
    for kind in order:
        fields = {"bounce_type": "hard"} if kind == "bounced" else {}
        await tell(world, reply, kind, timestamp=AT + (60 if kind == "bounced" else 0), **fields)
    found = await total(portal)
    assert (found.get("delivered", 0), found["bounced"], found["reported"]) == (0, 1, 1)
    today = utcnow().date()
    async with portal.database.connection() as conn:
        figures = await reading_repository.total(conn, Filter(today, today))
    assert rates.base_of(figures) == "delivered"
    shares = rates.rates(figures, rates.base_of(figures))
    assert (shares.delivery, shares.bounce, shares.open) == (0.0, 1.0, None)
    assert [one.corrected for one in await counted_anew(portal) if one.corrected] == []
