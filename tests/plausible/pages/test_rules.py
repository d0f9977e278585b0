"""Which pages carry Plausible's script, what it is told, and what of an event is passed on."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from app.hookspecs import PageView
from app.plugin_pages import fault_of
from plugins.plausible.disclosure import paragraphs
from plugins.plausible.pages import rules
from plugins.plausible.settings import PlausibleSettings

SITE = "help.example.com"
ORIGIN = "https://help.example.com"
PATHS = {"/login", "/tickets/:id"}
LOGIN = PageView("public", "/login", sensitive=True)
ABOUT = PageView("public", "/about")
TICKET = PageView("agent", "/tickets/:id")
USERS = PageView("admin", "/admin/users")
PROFILE = PageView("agent", "/profile", sensitive=True)
EVENT: dict[str, Any] = {"n": "pageview", "v": 27, "u": f"{ORIGIN}/tickets/:id", "d": SITE, "r": None}
TODAY = date(2026, 3, 1)
KEY = b"k" * 32


def settings(**values: Any) -> PlausibleSettings:
    return PlausibleSettings(**{"page_analytics": "all", "site_domain": SITE, **values})


def problems(**values: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        PlausibleSettings(**values)
    return {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}


@pytest.mark.parametrize(
    ("values", "carrying"),
    [
        ({"page_analytics": "off"}, []),
        ({"page_analytics": "customers"}, [LOGIN, ABOUT]),
        ({"page_analytics": "customers", "page_proxy": False}, [ABOUT]),
        ({"page_analytics": "all"}, [LOGIN, ABOUT, TICKET, USERS, PROFILE]),
        ({"page_analytics": "all", "page_proxy": False}, [ABOUT, TICKET, USERS]),
    ],
    ids=str,
)
def test_customers_pages_alone_unless_chosen_and_none_with_a_secret_but_by_way_of_the_portal(
    values: dict[str, Any], carrying: list[PageView]
) -> None:
    every = [LOGIN, ABOUT, TICKET, USERS, PROFILE]
    assert [page for page in every if rules.carries(page, settings(**values))] == carrying


def test_by_way_of_the_portal_a_page_names_nobody_else() -> None:
    found = rules.scripts(TICKET, settings(), origin=ORIGIN, version="abc")
    assert found is not None
    assert found.connect == ()
    own, script = found.scripts
    assert (own.src, script.src) == ("/pages/setup.js?v=abc", "/js/pages.js")
    assert own.attributes == {"async": "", "data-url": f"{ORIGIN}/tickets/:id", "data-api": "/api/event"}
    assert script.attributes == {"async": "", "data-domain": SITE, "data-api": "/api/event"}
    assert fault_of(found, https=True) == ""


def test_without_it_script_and_events_go_to_plausible() -> None:
    found = rules.scripts(TICKET, settings(page_proxy=False, page_script="pa-x_Y-1.js"), origin=ORIGIN, version="abc")
    assert found is not None
    assert found.connect == ("https://plausible.io",)
    assert found.scripts[1].src == "https://plausible.io/js/pa-x_Y-1.js"
    assert found.scripts[1].attributes == {"async": "", "crossorigin": "anonymous", "referrerpolicy": "no-referrer"}
    assert found.scripts[0].attributes["data-api"] == "https://plausible.io/api/event"
    assert fault_of(found, https=True) == ""


def test_what_browsers_would_refuse_is_left_out() -> None:
    given = settings(page_proxy=False, base_url="http://stats.lan:8000")
    assert rules.scripts(TICKET, given, origin=ORIGIN, version="abc") is None
    assert rules.scripts(TICKET, given, origin="http://help.lan", version="abc")


@pytest.mark.parametrize("name", ["script.manual.js", "script.local.manual.js", "plausible.manual.js", "pa-AbC_1-x.js"])
def test_scripts_that_can_be_told_an_address_are_taken(name: str) -> None:
    assert settings(page_script=f" {name} ").page_script == name


@pytest.mark.parametrize(
    "name",
    [
        "script.js",
        "script.hash.manual.js",
        "script.manual.outbound-links.js",
        "https://plausible.io/js/pa-x.js",
        "../pa-x.js",
        "pa-x.js?y",
        "pa-.js",
        "",
    ],
)
def test_others_are_refused_at_their_field(name: str) -> None:
    assert list(problems(page_script=name)) == ["page_script"]


def test_the_switch_is_off_at_first_and_needs_the_site() -> None:
    assert PlausibleSettings().page_analytics == "off"
    assert "is needed to count visits" in problems(page_analytics="all")["site_domain"]


@pytest.mark.parametrize(
    ("portal_url", "origin"),
    [("https://Help.example.com", ORIGIN), ("http://127.0.0.1:8000", "http://127.0.0.1:8000"), (None, ORIGIN)],
)
def test_pages_are_where_the_portal_is(portal_url: str | None, origin: str) -> None:
    assert rules.origin_of(portal_url, settings()) == origin


def read(given: Any) -> dict[str, Any]:
    body = given if isinstance(given, bytes) else json.dumps(given).encode()
    found: dict[str, Any] = json.loads(rules.read_event(body, site=SITE, origin=ORIGIN, paths=PATHS))
    return found


def test_of_an_event_only_what_is_known_is_passed_on() -> None:
    given = {**EVENT, "r": "https://mail.example.org:8443/inbox/CANARY?q=CANARY", "p": {"x": "CANARY"}, "m": "CANARY"}
    found = read({**given, "$": {"amount": "CANARY"}, "h": 1, "revenue": 1, "title": "CANARY", "e": True})
    assert found == {
        "n": "pageview",
        "d": SITE,
        "u": f"{ORIGIN}/tickets/:id",
        "r": "https://mail.example.org/",
        "v": 27,
    }
    assert read({**EVENT, "n": "engagement", "sd": 40, "e": 3000.7, "r": "https://x.example/"}) == {
        "n": "engagement",
        "d": SITE,
        "u": f"{ORIGIN}/tickets/:id",
        "v": 27,
        "sd": 40,
        "e": 3000,
    }


@pytest.mark.parametrize("referrer", [f"{ORIGIN}/tickets/4711", "android-app://x/4711", "4711", 4711, "https://[", ""])
def test_a_referrer_of_ours_or_of_no_web_page_stays_here(referrer: object) -> None:
    assert "r" not in read({**EVENT, "r": referrer})


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"no json",
        b"\xff",
        b"[" * 5000,
        b'{"n": NaN',
        [EVENT],
        {**EVENT, "n": "Outbound Link: Click"},
        {**EVENT, "n": None},
        {**EVENT, "n": ["pageview"]},
        {**EVENT, "d": "evil.example"},
        {**EVENT, "d": f"{SITE},evil.example"},
        {**EVENT, "d": 5},
        {**EVENT, "u": f"{ORIGIN}/tickets/4711"},
        {**EVENT, "u": f"{ORIGIN}/tickets/:id?x=4711"},
        {**EVENT, "u": f"{ORIGIN}/tickets/:id#reply-4711"},
        {**EVENT, "u": "https://evil.example/tickets/:id"},
        {**EVENT, "u": f"{ORIGIN}.evil.example/login"},
        {**EVENT, "u": f"{ORIGIN}@evil.example/login"},
        {**EVENT, "u": None},
        {},
    ],
    ids=lambda given: repr(given)[:80],
)
def test_what_is_no_event_of_ours_is_refused(given: Any) -> None:
    with pytest.raises(rules.BadEvent):
        read(given)


def headers(address: str = "198.51.100.7", day: date = TODAY, **values: Any) -> dict[str, str]:
    return rules.visitor_headers(rules.Visitor(address, "Firefox\u2603\n/1"), settings(**values), key=KEY, today=day)


def test_plausible_is_told_of_a_visitor_what_the_settings_allow() -> None:
    first = headers()
    assert first["X-Forwarded-For"].startswith("10.")
    assert first["X-Plausible-IP"] == first["X-Forwarded-For"]
    assert first == headers(), "the same all day"
    assert first["X-Forwarded-For"] not in {
        headers(day=date(2026, 3, 2))["X-Forwarded-For"],
        headers("198.51.100.8")["X-Forwarded-For"],
    }
    assert first["User-Agent"] == "Firefox? /1", "nothing that ends a header"
    assert headers(visitor_mode="real")["X-Forwarded-For"].startswith("10."), "whole addresses are not allowed"
    assert headers(visitor_mode="real", ip_mode="full")["X-Forwarded-For"] == "198.51.100.7"
    assert set(headers(visitor_mode="none")) == {"User-Agent"}
    assert "Firefox" not in headers(visitor_mode="none")["User-Agent"]


def told(**values: Any) -> str:
    found = {paragraph.title: paragraph.text for paragraph in paragraphs(settings(**values), enabled=True)}
    return found.get("Visits to our pages", "")


def test_the_disclosure_tells_of_it_while_it_is_on() -> None:
    assert told(page_analytics="off") == ""
    assert "plausible.io" in told()
    assert "your IP address" in told(page_proxy=False)
    assert "another one each day" in told()
    assert "Your IP address and" in told(visitor_mode="real", ip_mode="full")
    assert "without your IP address" in told(visitor_mode="none")
    assert "need no login" in told(page_analytics="customers")
    assert paragraphs(settings(), enabled=False)[-1].title != "Visits to our pages"
