"""Saved views: what a name keeps, who sees it, who changes it."""

from __future__ import annotations

from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.views import rules, service
from app.views.errors import ViewNotFound, ViewRefused
from tests.support.web import get, post
from tests.tickets.list_support import add_tickets


async def _text(client: Client, path: str) -> str:
    return unescape(await (await get(client, path)).get_data(as_text=True))


async def test_a_list_is_saved_shown_renamed_and_deleted(db: Database, agent_client: Client, agent: User) -> None:
    await add_tickets(db, [{"priority": "urgent"}])
    list_now = "view=all&priority=urgent&sort=created&after=1.1"
    page = await _text(agent_client, f"/tickets?{list_now}")
    assert 'name="query" value="view=all&priority=urgent&sort=created"' in page, "without its page"
    answer = await post(agent_client, "/saved-views", {"query": f"?{list_now}", "name": "  Burning   things "})
    assert parse_qs(urlsplit(answer.location).query) == {"view": ["all"], "priority": ["urgent"], "sort": ["created"]}
    page = await _text(agent_client, answer.location)
    assert f'href="{answer.location}" aria-current="true" dir="auto">Burning things<' in page
    [view] = await service.views(agent)
    await post(agent_client, f"/saved-views/{view.id}", {"name": "Fires"})
    assert "Fires" in await _text(agent_client, "/saved-views")
    await post(agent_client, f"/saved-views/{view.id}/delete")
    assert await service.views(agent) == []
    assert (await get(agent_client, f"/saved-views/{view.id}")).status_code == 404


async def test_only_the_owner_and_admins_change_what_all_see(
    app: Quart, agent: User, admin: User, agent_client: Client, admin_client: Client
) -> None:
    own = await service.save("view=closed", user=admin, name="Admin's own", is_shared=False)
    shared = await service.save(f"assignee={admin.id}", user=admin, name="Each one's", is_shared=True)
    mine = await service.save("view=mine", user=agent, name="Gus's", is_shared=True)
    assert [(one.name, one.query) for one in await service.views(agent)] == [
        ("Gus's", "view=mine"),
        ("Each one's", "assignee=me"),
    ]
    for view_id in (own, shared):
        with pytest.raises(ViewNotFound):
            await service.view(view_id, user=agent)
        assert (await post(agent_client, f"/saved-views/{view_id}", {"name": "x"})).status_code == 404
        assert (await post(agent_client, f"/saved-views/{view_id}/delete")).status_code == 404
    assert (await post(admin_client, f"/saved-views/{mine}/delete")).status_code == 303
    private = await service.save("", user=agent, name="Private", is_shared=False)
    assert (await post(admin_client, f"/saved-views/{private}/delete")).status_code == 404


async def test_a_name_that_does_not_hold_keeps_the_form(agent: User, agent_client: Client) -> None:
    await service.save("view=all", user=agent, name="Mine", is_shared=False)
    for name, words in (("", "is empty"), ("x" * 61, "61 characters"), ("mine", "already"), ("a\x07b", "control")):
        answer = await post(agent_client, "/saved-views", {"query": "view=closed", "name": name, "shared": "1"})
        page = unescape(await answer.get_data(as_text=True))
        assert answer.status_code == 422
        assert words in page
        assert 'name="query" value="view=closed"' in page, "nothing is lost"
    with pytest.raises(ViewRefused, match="cannot be saved: `view` must be one of"):
        await service.save("view=secret", user=agent, name="x", is_shared=False)


async def test_there_is_an_end_to_them(agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST", 1)
    await service.save("", user=agent, name="One", is_shared=False)
    with pytest.raises(ViewRefused, match="delete one first"):
        await service.save("", user=agent, name="Two", is_shared=False)
