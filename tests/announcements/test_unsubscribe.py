"""The way out: looking changes nothing, one click is heeded, and quotes carry no link that works."""

from __future__ import annotations

import re

from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.runtime import Runtime
from app.services import modules
from plugins.announcements.handles import Handles
from tests.announcements.builders import people, sent


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
        rows = await conn.fetch_all("SELECT email, source FROM announcement_unsubscribes")
    return [f"{row['email']} {row['source']}" for row in rows]


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
    assert await _out(runtime) == ["bob.builder@x.org page"]
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
    assert (answer.status_code, await _out(runtime)) == (200, ["bob.builder@x.org one-click"])


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
