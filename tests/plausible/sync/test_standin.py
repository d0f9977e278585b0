"""The stand-in for Plausible validates, drops and counts visitors as the real one; the sync's tests rest on that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.plausible import PlausibleServer, Site

SITE = "help.example.com"
GOOD = {"name": "email_open", "url": f"https://{SITE}/email/open", "domain": SITE}
AGENT = "Mozilla/5.0 (compatible; MyPortal/1.0)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.fixture
async def ce() -> AsyncIterator[PlausibleServer]:
    async with PlausibleServer(edition="ce", site=SITE, sites=["other.example.com"]) as server:
        yield server


async def post(server: PlausibleServer, body: Any, **headers: str) -> httpx.Response:
    """One event as our sync sends it, unless told otherwise."""
    sent = {"User-Agent": AGENT} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(trust_env=False) as client:
        if isinstance(body, bytes):
            return await client.post(f"{server.base_url}/api/event", content=body, headers=sent)
        return await client.post(f"{server.base_url}/api/event", json=body, headers=sent)


async def test_a_good_event_counts(ce: PlausibleServer) -> None:
    answer = await post(ce, GOOD | {"props": {"client": "Thunderbird", "empty": " ", "number": 7, "yes": True}})
    assert (answer.status_code, answer.text, answer.headers.get("x-plausible-dropped")) == (202, "ok", None)
    assert "date" in answer.headers
    [event] = ce.events
    assert (event.name, event.pathname, event.hostname) == ("email_open", "/email/open", SITE)
    assert event.props == {"client": "Thunderbird", "number": "7", "yes": "true"}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": None}, "event_name", "can't be blank"),
        ({"name": "x" * 121}, "event_name", "should be at most 120 character(s)"),
        ({"url": None}, "url", "is required"),
        ({"url": "https://x.example/" + "y" * 2000}, "url", "must be a valid url"),
        ({"url": "data:text/html,x"}, "url", "scheme is not allowed"),
        ({"domain": " ", "url": "/email"}, "domain", "can't be blank"),
        ({"props": {"k" * 301: "v"}}, "props", "keys should have at most 300 bytes and values 2000 bytes"),
        ({"props": {"k": "v" * 2001}}, "props", "keys should have at most 300 bytes and values 2000 bytes"),
    ],
)
async def test_a_wrong_field_is_named(ce: PlausibleServer, change: dict[str, Any], field: str, words: str) -> None:
    body = {name: value for name, value in (GOOD | change).items() if value is not None}
    answer = await post(ce, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][field] == [words]
    assert not ce.events


async def test_a_body_that_cannot_be_read_is_refused(ce: PlausibleServer) -> None:
    assert (await post(ce, b"{", Content_Type="application/json")).status_code == 400
    assert (await post(ce, b"x", Content_Type="text/html")).status_code == 400
    assert (await post(ce, b"{}" + b" " * 8_000_001, Content_Type="application/json")).status_code == 413
    assert (await post(ce, GOOD, Accept="text/html")).status_code == 406
    assert not ce.events


async def test_more_than_thirty_props_lose_some(ce: PlausibleServer) -> None:
    await post(ce, GOOD | {"props": {f"p{number}": "v" for number in range(31)}})
    assert len(ce.events[0].props) == 30


@pytest.mark.parametrize(
    ("domain", "agent", "reason"),
    [
        ("unknown.example.com", AGENT, "not_found"),
        (SITE.upper(), AGENT, "not_found"),
        (SITE, GMAIL, "bot"),
        (SITE, "Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"),
    ],
)
async def test_what_is_dropped_is_answered_202(ce: PlausibleServer, domain: str, agent: str, reason: str) -> None:
    answer = await post(ce, GOOD | {"domain": domain}, User_Agent=agent)
    assert (answer.status_code, answer.headers["x-plausible-dropped"]) == (202, "1")
    assert [one.reason for one in ce.dropped] == [reason]
    assert not ce.events


async def test_one_of_two_sites_may_be_dropped(ce: PlausibleServer) -> None:
    answer = await post(ce, GOOD | {"domain": f"{SITE},unknown.example.com,other.example.com"})
    assert answer.headers["x-plausible-dropped"] == "1"
    assert [event.domain for event in ce.events] == [SITE, "other.example.com"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"locked": True}, "payment_required"),
        ({"limit": 0}, "block"),
        ({"hostnames": ("www.example.com",)}, "site_hostname_allowlist"),
        ({"pages": ("/email/*",)}, "site_page_blocklist"),
        ({"addresses": ("10.1.1.1",)}, "site_ip_blocklist"),
        ({"created": datetime.now(UTC) + timedelta(hours=1)}, "not_found"),
    ],
)
async def test_switches_of_a_site_drop(change: dict[str, Any], reason: str) -> None:
    async with PlausibleServer(edition="ce", site=Site(SITE, **change)) as server:
        answer = await post(server, GOOD, X_Plausible_IP="10.1.1.1")
        assert answer.headers["x-plausible-dropped"] == "1"
        assert [one.reason for one in server.dropped] == [reason]


async def test_a_site_has_a_limit_a_minute() -> None:
    async with PlausibleServer(edition="ce", site=Site(SITE, limit=2)) as server:
        for _ in range(3):
            await post(server, GOOD)
        assert (len(server.events), [one.reason for one in server.dropped]) == (2, ["throttle"])


async def test_visitors_are_told_apart_by_address_and_agent_and_change_at_midnight(ce: PlausibleServer) -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    ce.instance.clock = lambda: now
    for address in ("10.1.1.1", "10.1.1.1", "10.1.1.2"):
        await post(ce, GOOD, X_Plausible_IP=address)
    await post(ce, GOOD, X_Plausible_IP="10.1.1.1", User_Agent="Mozilla/5.0 Thunderbird/140")
    assert [ce.events[0].visitor == event.visitor for event in ce.events] == [True, True, False, False]
    now += timedelta(days=1)
    await post(ce, GOOD, X_Plausible_IP="10.1.1.1")
    assert ce.events[-1].visitor != ce.events[0].visitor


async def test_cloud_drops_data_centres_and_takes_no_address_of_ours() -> None:
    async with PlausibleServer(edition="cloud", site=SITE) as server:
        await post(server, GOOD)
        assert [one.reason for one in server.dropped] == ["dc_ip"]
        await post(server, GOOD, X_Plausible_IP="10.9.9.9", X_Forwarded_For="198.51.100.7")
        assert [event.client_ip for event in server.events] == ["198.51.100.7"]
