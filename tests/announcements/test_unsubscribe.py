"""The way out: looking changes nothing, one click is heeded, and quotes carry no link that works."""

from __future__ import annotations

import hashlib
import re

from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.migrations import FOLDER, read_folder
from app.runtime import Runtime
from app.services import contacts, modules, suppressions
from plugins.announcements import audience, statistics
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.models import Person
from tests.announcements.builders import people, sent
from tests.support.web import get, post


async def _link(runtime: Runtime, handles: Handles, ada: User) -> str:
    await people(runtime, "bob.builder@x.org")
    known = await sent(handles, ada)
    async with runtime.database.connection() as conn:
        row = await conn.fetch_value(
            "SELECT id FROM announcement_recipients WHERE announcement_id = %(id)s", {"id": known.id}
        )
    url = handles.unsubscribe_url(int(row))
    assert url is not None
    return url.removeprefix("http://portal.test")


async def _out(runtime: Runtime) -> list[str]:
    async with runtime.database.connection() as conn:
        rows = await conn.fetch_all("SELECT email, detail FROM suppressions WHERE removed_at IS NULL")
    return [f"{row['email']} {row['detail'].partition(':')[0]}" for row in rows]


async def test_looking_changes_nothing_and_the_button_does_without_a_login(
    runtime: Runtime, handles: Handles, ada: User, world: Client
) -> None:
    link = await _link(runtime, handles, ada)
    for _ in range(2):
        answer = await world.get(link)
        page = await answer.get_data(as_text=True)
    assert "bo…@x.org" in page
    assert "bob.builder" not in page
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert (await world.head(link)).status_code == 200
    assert await _out(runtime) == []

    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form is not None
    refused = await world.post(link, form={"decision": "unsubscribe", "form": "guessed"})
    assert refused.status_code == 400
    assert await _out(runtime) == []
    done = await world.post(link, form={"decision": "unsubscribe", "form": form[1]})
    assert done.status_code == 303
    assert await _out(runtime) == ["bob.builder@x.org On the page that the link opens"]
    assert "You get no more announcements" in await (await world.get(link)).get_data(as_text=True)
    await world.post(link, form={"decision": "subscribe", "form": form[1]})
    assert await _out(runtime) == []


async def test_one_click_is_heeded_also_while_the_module_is_off(
    runtime: Runtime, handles: Handles, ada: User, world: Client
) -> None:
    link = await _link(runtime, handles, ada)
    await modules.set_enabled("announcements", enabled=False, user=None)
    await runtime.modules.refresh()
    answer = await world.post(link, form={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, await _out(runtime)) == (200, ["bob.builder@x.org One click in their mail program"])


async def test_a_link_that_we_did_not_sign_opens_nothing(
    runtime: Runtime, handles: Handles, ada: User, world: Client
) -> None:
    link = await _link(runtime, handles, ada)
    number, _, signature = link.rpartition("/")[2].partition("-")
    for token in (f"{int(number) + 1}-{signature}", f"{number}-{'A' * 24}", "1", "x" * 500):
        path = f"/announcements/unsubscribe/{token}"
        assert (await world.get(path)).status_code == 404
        assert (await world.post(path, form={"List-Unsubscribe": "One-Click"})).status_code == 404
    assert (
        await world.post("/announcements/unsubscribe/test", form={"List-Unsubscribe": "One-Click"})
    ).status_code == 200
    assert await _out(runtime) == []


async def test_in_a_body_that_comes_back_the_link_is_void(runtime: Runtime, handles: Handles, ada: User) -> None:
    link = await _link(runtime, handles, ada)
    quoted = f'<p>Thanks</p><blockquote><a href="http://portal.test{link}">Unsubscribe</a></blockquote>'
    found = await runtime.plugins.restore_html(quoted)
    assert "/announcements/unsubscribe/removed" in found
    assert link not in found


async def test_who_left_stands_on_the_list_of_suppressed_addresses_and_an_admin_may_take_them_off(
    runtime: Runtime, handles: Handles, ada: User, ada_client: Client, world: Client
) -> None:
    link = await _link(runtime, handles, ada)
    await world.post(link, form={"List-Unsubscribe": "One-Click"})
    async with runtime.database.connection() as conn:
        known = await announcement(handles, int(await conn.fetch_value("SELECT MAX(id) FROM announcements")))
    assert (await statistics.count(handles, known)).figures.unsubscribed_count == 1
    query = "/admin/suppressions?reason=unsubscribed&scope=announcements"
    page = await (await get(ada_client, query)).get_data(as_text=True)
    assert "bob.builder" in page
    assert "One click in their mail program: “Outage on Sunday”" in page
    assert "Announcements only" in page
    assert "Let it get them again only if they ask you to" in page, "the button asks first"

    # Replies still go, and the person is out by whichever of their addresses.
    bob = await contacts.of_address("bob.builder@x.org")
    assert bob is not None
    await contacts.add_address(bob, "bob@home.org")
    async with runtime.database.connection() as conn:
        await suppressions.check(conn, ["bob.builder@x.org"])
        number = await conn.fetch_value("SELECT id FROM suppressions")
        (person,) = await audience.sift(conn, [Person(bob, "", "bob@home.org")])
        assert person.reason == "unsubscribed"

    await post(ada_client, f"/suppressions/{number}/remove", {"back": "?"})
    assert await _out(runtime) == []
    removed = await (await get(ada_client, "/admin/suppressions?show=removed")).get_data(as_text=True)
    assert "by Ada Admin" in removed
    assert "Put back" in removed
    assert "bob.builder@x.org" in await (await get(ada_client, "/admin/suppressions.csv?show=removed")).get_data(
        as_text=True
    )
    async with runtime.database.connection() as conn:
        assert await conn.fetch_value("SELECT action FROM audit_log ORDER BY id DESC LIMIT 1") == "suppression.remove"
        (person,) = await audience.sift(conn, [Person(bob, "", "bob@home.org")])
        assert person.reason == ""
    # They may leave again by the same link.
    await world.post(link, form={"List-Unsubscribe": "One-Click"})
    assert len(await _out(runtime)) == 1


async def test_the_migration_takes_over_who_left_before(runtime: Runtime) -> None:
    folder = {one.name: one.statements for one in read_folder(FOLDER)}
    (table,) = [one for one in folder["0036_announcements"] if "announcement_unsubscribes" in one]
    moves = [one for one in folder["0041_unsubscribed"] if not one.startswith("ALTER")]
    (bob,) = await people(runtime, "bob@x.org")
    async with runtime.database.transaction() as conn:
        for email, removed in (("back@x.org", "2026-01-01"), ("later@x.org", "2026-03-01")):
            await conn.execute(
                "INSERT INTO suppressions (email, scope, reason, source, since, removed_at, created_at) VALUES "
                "(%(email)s, 'announcements', 'manual', 'agent', '2025-01-01', %(removed)s, NOW())",
                {"email": email, "removed": removed},
            )
    async with runtime.database.connection() as conn:
        await conn.execute(table)
        for address in ("Bob@x.org", "back@x.org", "later@x.org", None):
            await conn.execute(
                "INSERT INTO announcement_unsubscribes (email_hash, email, contact_id, announcement_id, source, "
                "happened_at) VALUES (%(hash)s, %(email)s, %(bob)s, 7, 'page', '2026-02-02')",
                {
                    "hash": hashlib.sha256((address or "gone@x.org").lower().encode()).digest(),
                    "email": address,
                    "bob": bob if address == "Bob@x.org" else None,
                },
            )
        for statement in moves:
            await conn.execute(statement)
        asked = ["bob@x.org", "Gone@x.org", "back@x.org", "later@x.org", "else@x.org"]
        found = await suppressions.find(conn, asked, scope="announcements")
        assert list(found) == ["bob@x.org", "Gone@x.org", "back@x.org"]
        assert {one.reason for one in found.values()} == {"unsubscribed"}
        assert await suppressions.unsubscribed(conn, [bob]) == {bob}
        assert await suppressions.count_of_mailing(conn, "announcement:7") == 3
