"""All events: merged by time, page by page, filtered, exported."""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import UTC, date, timedelta
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts import service as accounts
from app.database import utcnow
from app.events import asking, service
from app.events.models import EventQuery, EventsRefused
from app.receipts import service as receipts
from app.runtime import Runtime
from plugins.plausible import event_list
from plugins.plausible.events import CLICK, OPEN
from plugins.plausible.recording.copies import KnownCopies
from plugins.plausible.recording.store import Store
from tests.conftest import PASSWORD
from tests.plausible.recording import SCANNER, event
from tests.receipts.builders import MailedReply, mailed_reply, set_copy
from tests.support.web import get, log_in


@pytest.fixture
async def ada_client(plausible: Quart) -> Client:
    """A browser in which an admin is logged in."""
    user_id = await accounts.create_user(email="ada@portal.test", name="Ada", role="admin", password=PASSWORD)
    user = await accounts.user_by_id(user_id)
    assert user is not None
    return await log_in(plausible, user)


@pytest.fixture
async def mailed(portal: Runtime) -> MailedReply:
    """A reply to three people with sixty events, some of them in the same instant."""
    reply = await mailed_reply(portal.database, "bob@example.org", "cc:ann@example.org", "cc:=eve@example.org")
    await set_copy(portal.database, reply.recipients[2].id, state="failed", smtp_code=550, smtp_text="=no such user")
    async with portal.database.transaction() as conn:
        await receipts.refresh(conn, reply.reply_id)
    draw = random.Random(5)  # noqa: S311
    store, now = Store(portal.database, KnownCopies()), utcnow()
    for number in range(20):
        at = now - timedelta(minutes=draw.randrange(60))
        await store.put(
            [
                event(reply.recipients[0].tracking_id, OPEN, at=at),
                event(reply.recipients[0].tracking_id, CLICK, at=at, url=f"https://example.org/{number}"),
                event(reply.recipients[1].tracking_id, OPEN, at=at, user_agent=SCANNER),
            ]
        )
    return reply


def query(**given: str) -> EventQuery:
    return asking.parse(given, today=utcnow().date())


async def all_of(asked: EventQuery, limit: int) -> list[Any]:
    first = await service.page(asked, zone=UTC, limit=limit)
    found, pages = [*first.events], 1
    page = first
    while page.next:
        page = await service.page(
            asking.parse({**asked.arguments(), "after": page.next}, today=utcnow().date()), zone=UTC, limit=limit
        )
        found += page.events
        pages += 1
        assert pages < 100
    return found


@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_pages_of_any_size_hold_every_event_once_in_order(
    portal: Runtime, mailed: MailedReply, limit: int
) -> None:
    found = await all_of(query(), limit)
    # 60 of the module; 3 queued, 2 sent, 1 failed.
    assert len(found) == 66
    assert len({(one.source, one.event.kind, one.event.position) for one in found}) == 66
    times = [one.event.happened_at for one in found]
    assert times == sorted(times, reverse=True)
    assert {one.ticket_id for one in found} == {mailed.ticket_id}
    assert {one.reply_id for one in found} == {mailed.reply_id}


async def test_each_filter_leaves_what_fits(portal: Runtime, mailed: MailedReply) -> None:
    async def count(**given: str) -> int:
        return len(await all_of(query(**given), 50))

    assert await count(type="open") == 40
    assert await count(type="click") == 20
    assert await count(type="failed") == 1
    assert await count(type="delivered") == 0
    assert await count(**{"class": "scanner"}) >= 20
    assert await count(**{"class": "preview"}) == 0
    assert await count(recipient="bob@example.org") == 42
    assert await count(recipient="an") == 22
    assert await count(recipient="%") == 0
    assert await count(ticket=str(mailed.ticket_id), type="queued") == 3
    assert await count(reply=str(mailed.reply_id + 1)) == 0
    assert await count(source="portal") == 6
    assert await count(source="plausible") == 60
    assert await count(to=str(utcnow().date() - timedelta(days=2))) == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": "x"}, "type"),
        ({"class": "x"}, "class"),
        ({"from": "x"}, "from"),
        ({"to": "2026-02-01", "from": "2026-02-02"}, "to"),
        ({"to": "2026-02-01", "from": "2020-02-02"}, "from"),
        ({"recipient": "a b"}, "recipient"),
        ({"ticket": "x"}, "ticket"),
        ({"source": "../x"}, "source"),
        ({"after": "portal"}, "after"),
    ],
)
def test_what_will_not_do_is_named(given: dict[str, str], field: str) -> None:
    with pytest.raises(EventsRefused) as refused:
        asking.parse(given, today=date(2026, 11, 26))
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize("position", ["x", "1_", "9" * 60 + "_1", "1_' OR 1=1", "00" * 16 + "'"])
async def test_a_place_that_somebody_typed_shows_nothing_and_breaks_nothing(
    portal: Runtime, mailed: MailedReply, position: str
) -> None:
    position = position.replace(" ", "")
    cursor = ",".join(f"{name}~{position}" for name in ("plausible", "portal.sent", "portal.queued", "portal.failed"))
    assert (await service.page(query(after=cursor), zone=UTC)).events == ()


async def test_a_module_that_fails_is_named(
    portal: Runtime, mailed: MailedReply, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(conn: object, query: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(event_list, "page", broken)
    found = await service.page(query(), zone=UTC)
    assert found.silent == ("plausible",)
    assert len(found.events) == 6


async def test_the_page_is_for_admins_and_links_to_the_reply(
    portal: Runtime, mailed: MailedReply, ada_client: Client, gus_client: Client
) -> None:
    assert (await get(gus_client, "/admin/events")).status_code == 403
    assert (await get(gus_client, "/api/events")).status_code == 403
    page = await (await get(ada_client, "/admin/events?class=scanner")).get_data(as_text=True)
    assert f'href="/tickets/{mailed.ticket_id}#reply-{mailed.reply_id}"' in page
    assert "A mail scanner" in page
    assert "Days: " in page
    wrong = await get(ada_client, "/admin/events?from=x")
    assert wrong.status_code == 400
    assert 'id="f-from-error"' in await wrong.get_data(as_text=True)
    assert "No events" in await (await get(ada_client, "/admin/events?type=bounced")).get_data(as_text=True)


async def test_files_hold_everything_and_no_formula(
    portal: Runtime, mailed: MailedReply, ada_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "EXPORT_PAGE", 9)
    response = await get(ada_client, "/admin/events.csv")
    rows = list(csv.DictReader(io.StringIO(str(await response.get_data(as_text=True)).removeprefix("\ufeff"))))
    assert len(rows) == 66
    [failed] = [row for row in rows if row["What"] == "Failed"]
    assert (failed["Recipient"], failed["Why"], failed["Detail"]) == ("'=eve@example.org", "'=no such user", "550")
    found = json.loads(await (await get(ada_client, "/admin/events.json?type=click")).get_data())
    assert len(found["events"]) == 20
    assert found["has_more"] is False
    page = json.loads(await (await get(ada_client, "/api/events?kind=click&limit=5")).get_data())
    assert [one["detail"] for one in page["events"]] == [one["detail"] for one in found["events"][:5]]
    again = json.loads(
        await (await get(ada_client, f"/api/events?kind=click&limit=100&cursor={page['next']}")).get_data()
    )
    assert [one["detail"] for one in again["events"]] == [one["detail"] for one in found["events"][5:]]
