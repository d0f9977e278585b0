"""Scripts of modules on pages: what a module may give, and what the page's policy then allows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart
from werkzeug.routing import Map, Rule

from app import create_app
from app.hookspecs import ModuleInfo, PageScript, PageScripts, PageView, hookimpl
from app.plugin_pages import fault_of
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from app.web.access import admin_required, anonymous, sensitive
from app.web.page_scripts import page_of
from tests.support.web import get

STATS = "https://stats.example.com"
GOOD = PageScripts((PageScript(f"{STATS}/js/count.js?v=1", {"async": "", "data-x": 'a "b" <c>'}),), (STATS,))


class Counts:
    """A module with a script; `answer` is what its hook gives or raises."""

    def __init__(self) -> None:
        self.answer: Any = GOOD
        self.asked: list[PageView] = []

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("counts", "Counts", "Counts.", "🧮")

    @hookimpl
    def page_scripts(self, page: PageView) -> PageScripts | None:
        self.asked.append(page)
        if isinstance(self.answer, Exception):
            raise self.answer
        found: PageScripts | None = self.answer
        return found


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
async def app(settings: Settings, counts: Counts, empty_database: None) -> AsyncIterator[Quart]:
    app = create_app(settings, plugins={"counts": counts})
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        await runtime.register_modules()
        await modules.set_enabled("counts", enabled=True, user=None)
        await app.startup()
        yield app
        await app.shutdown()


@pytest.fixture
async def runtime(app: Quart) -> Runtime:
    found: Runtime = app.extensions["runtime"]
    return found


async def test_a_page_carries_the_script_and_its_policy_lets_exactly_that_run(app: Quart, counts: Counts) -> None:
    response = await get(app.test_client(), "/login?next=/tickets/4711")
    page = await response.get_data(as_text=True)
    assert f' src="{STATS}/js/count.js?v=1" async data-x="a &#34;b&#34; &lt;c&gt;"></script>' in page
    policy = response.headers["Content-Security-Policy"]
    assert re.search(rf"script-src 'nonce-[\w-]{{22}}' {STATS}/js/count.js;", policy)
    assert policy.endswith(f"connect-src 'self' {STATS}")
    assert {"DNT", "Sec-GPC"} <= set(response.vary)
    assert counts.asked == [PageView("public", "/login", sensitive=True)], "asked once, without the query"


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
async def test_who_asks_not_to_be_tracked_gets_no_script_that_tracks(app: Quart, counts: Counts, header: str) -> None:
    response = await get(app.test_client(), "/login", headers={header: "1"})
    assert "count.js" not in await response.get_data(as_text=True)
    assert STATS not in response.headers["Content-Security-Policy"]
    assert {"DNT", "Sec-GPC"} <= set(response.vary), "a cache must not give this answer to others"
    counts.answer = PageScripts(GOOD.scripts, tracks=False)
    response = await get(app.test_client(), "/login", headers={header: "1"})
    assert "count.js" in await response.get_data(as_text=True)
    assert "DNT" not in response.vary


@pytest.mark.parametrize("value", ["0", "", "null"])
async def test_another_word_in_the_header_is_no_wish(app: Quart, value: str) -> None:
    response = await get(app.test_client(), "/login", headers={"DNT": value, "Sec-GPC": value})
    assert "count.js" in await response.get_data(as_text=True)


@pytest.mark.parametrize(
    "answer", [RuntimeError("broken"), "<script>", PageScripts((PageScript("javascript:alert(1)"),))], ids=repr
)
async def test_a_module_that_fails_costs_its_script_and_never_the_page(
    app: Quart, counts: Counts, runtime: Runtime, answer: Any
) -> None:
    counts.answer = answer
    response = await get(app.test_client(), "/login")
    assert response.status_code == 200
    assert "Log in" in await response.get_data(as_text=True)
    assert re.search(r"script-src 'nonce-[\w-]{22}';", response.headers["Content-Security-Policy"])


async def test_a_module_without_a_script_for_it_or_switched_off_changes_nothing(app: Quart, counts: Counts) -> None:
    counts.answer = None
    response = await get(app.test_client(), "/login")
    assert ("connect-src" in response.headers["Content-Security-Policy"], "DNT" in response.vary) == (False, False)
    counts.answer = GOOD
    await modules.set_enabled("counts", enabled=False, user=None)
    assert "count.js" not in await (await get(app.test_client(), "/login")).get_data(as_text=True)


async def test_an_error_or_a_form_shown_again_is_no_page_view(app: Quart, counts: Counts) -> None:
    client = app.test_client()
    shown = await (await get(client, "/login")).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', shown)
    assert token
    counts.asked.clear()
    form = {"csrf_token": token[1], "email": "nobody@portal.test", "password": "wrong"}
    again = await client.post("/login", form=form, headers={"Host": "portal.test"})
    assert again.status_code == 422
    for response in (again, await get(client, "/welcome/wrong")):
        assert "count.js" not in await response.get_data(as_text=True)
        assert STATS not in response.headers["Content-Security-Policy"]
    assert response.status_code == 404
    assert counts.asked == []


@pytest.mark.parametrize(
    "given",
    [
        PageScripts((PageScript("//evil.example/x.js"),)),
        PageScripts((PageScript("http://stats.example.com/x.js"),)),
        PageScripts((PageScript("https://stats.example.com"),)),
        PageScripts((PageScript("https://u:p@stats.example.com/x.js"),)),
        PageScripts((PageScript("https://stats.example.com/x.js; default-src *"),)),
        PageScripts((PageScript("https://stats.example.com/x.js', 'unsafe-inline'"),)),
        PageScripts((PageScript("/x.js\nSet-Cookie: a=b"),)),
        PageScripts((PageScript("/x.js", {"onload": "alert(1)"}),)),
        PageScripts((PageScript("/x.js", {"nonce": "x"}),)),
        PageScripts((PageScript("/x.js", {"data-x": "a\nb"}),)),
        PageScripts((PageScript("/x.js", {"data-x": 5}),)),  # type: ignore[dict-item]
        PageScripts((PageScript("/" + "x" * 600),)),
        PageScripts(("/x.js",)),  # type: ignore[arg-type]
        PageScripts([PageScript("/x.js")]),  # type: ignore[arg-type]
        PageScripts((PageScript("/x.js"),) * 6),
        PageScripts((), ("*",)),
        PageScripts((), ("'unsafe-inline'",)),
        PageScripts((), ("https:",)),
        PageScripts((), ("https://stats.example.com/path",)),
        PageScripts((), ("https://stats.example.com; script-src *",)),
        PageScripts((), ("http://stats.example.com",)),
    ],
    ids=lambda given: str(given.scripts or given.connect)[:60],
)
def test_what_would_weaken_the_policy_or_is_no_script_is_refused(given: PageScripts) -> None:
    assert fault_of(given, https=True)


def test_a_portal_without_tls_may_load_from_a_server_without_tls() -> None:
    given = PageScripts((PageScript("http://stats.lan:8000/js/x.js"),), ("http://stats.lan:8000",))
    assert fault_of(given, https=False) == ""
    assert fault_of(given, https=True)
    assert fault_of(GOOD, https=True) == ""


def view() -> None:
    """A view of nothing."""


def admins() -> None:
    """Another."""


def strangers() -> None:
    """Another."""


def password() -> None:
    """Another."""


admin_required(admins)
anonymous(strangers)
sensitive(password)


@pytest.mark.parametrize(
    ("rule", "shown_by", "page"),
    [
        ("/tickets", view, PageView("agent", "/tickets")),
        ("/tickets/<int:ticket_id>", view, PageView("agent", "/tickets/:id")),
        ("/tickets/<int:ticket_id>/files/<path:name>", view, PageView("agent", "/tickets/:id/files/:name")),
        ("/x/<any(a, b):kind>/<string(length=3):code>", view, PageView("agent", "/x/:kind/:code")),
        ("/admin/users", admins, PageView("admin", "/admin/users")),
        ("/about", strangers, PageView("public", "/about")),
        ("/welcome/<token>", strangers, PageView("public", "/welcome/:token", sensitive=True)),
        ("/profile", password, PageView("agent", "/profile", sensitive=True)),
    ],
)
def test_a_page_is_told_by_its_route_alone(rule: str, shown_by: Any, page: PageView) -> None:
    bound = Rule(rule, endpoint="x")
    Map([bound])
    assert page_of(bound, shown_by) == page
