"""What the self-test says of the way from outside to pixel and links."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.database import utcnow
from app.hookspecs import CheckResult
from app.outbound import ourselves
from app.outbound.guard import Resolver
from app.runtime import Runtime
from app.settings import Settings
from plugins.plausible import selftest
from plugins.plausible.events import CLICK, OPEN, TrackingEvent
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import Links
from plugins.plausible.selftest.address import visited
from plugins.plausible.tokens import Signer
from tests.conftest import SECRET_KEY
from tests.outbound.test_client import names
from tests.plausible.recording import stored
from tests.plausible.selftest import Answers, answering, by_name, given, http
from tests.support.certificates import certificates

Visit = Callable[..., Any]


def portal_at(
    target: str, pixel: bytes = http(GIF, cache_control="no-store"), click: bytes | None = None
) -> Callable[[str], bytes]:
    """A portal as it answers, but for what the test changes. target: its own address."""
    led = http(status="302 Found", location=f"{target}/") if click is None else click
    return lambda path: led if "/click" in path else pixel


@pytest.fixture
def visit(portal: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Visit a portal at `portal_url` that stands on loopback, whatever its name leads to."""

    async def run(
        portal_url: str,
        tracking_url: str | None = None,
        *,
        resolver: Resolver | None = None,
        verify: ssl.SSLContext | None = None,
    ) -> Mapping[str, CheckResult]:
        one = given(settings, portal.database, portal_url=portal_url, tracking_url=tracking_url)
        monkeypatch.setattr(portal, "settings", one.settings)
        found = resolver or names(["127.0.0.1"])

        async def through(url: str, paths: list[str], *, timeout: float) -> ourselves.Visit:
            return await ourselves.visit(url, paths, timeout=timeout, resolver=found, verify=verify)

        monkeypatch.setattr("app.services.outbound.visit", through)
        return by_name(await visited(one.settings, one.links))

    return run


async def answered(visit: Visit, answers: Answers) -> Mapping[str, CheckResult]:
    """What is found where the portal's address answers so."""
    async with answering(answers) as url:
        found: Mapping[str, CheckResult] = await visit(url)
        return found


async def test_without_an_address_it_says_which_variable_to_set(settings: Settings, portal: Runtime) -> None:
    for run in (selftest.check, selftest.test):
        found = by_name(await run(given(settings, portal.database)))
        assert not found["Portal address"].ok
        assert "PORTAL_URL is not set" in found["Portal address"].message
    assert not found["Pixel"].ok


async def test_all_is_good_on_loopback_for_trying_out(visit: Visit, settings: Settings) -> None:
    pixel, clicks = http(GIF, cache_control="no-store"), []

    def answer(path: str) -> bytes:
        if "/click" in path:
            clicks.append(path)
            return http(status="302 Found", location=f"{address}/")
        return pixel

    async with answering(answer) as address:
        found = await visit(address)
    assert all(step.ok for step in found.values())
    assert "trying out" in found["Portal address"].message
    assert list(found) == ["Portal address", "Pixel", "Links"]
    assert len(clicks) == 1
    assert "https" in (selftest.address_problem(settings) or "")


async def test_a_look_at_a_page_asks_nobody(settings: Settings, portal: Runtime) -> None:
    asked = []

    def answer(path: str) -> bytes:
        asked.append(path)
        return http(GIF)

    async with answering(answer) as url:
        found = by_name(await selftest.check(given(settings, portal.database, portal_url=url)))
    assert "Pixel" not in found
    assert not asked


async def test_https_is_fine() -> None:
    assert selftest.address_problem(Settings(_env_file=None, portal_url="https://help.example.com")) is None


@pytest.mark.parametrize(
    ("tracking_url", "words"),
    [
        ("https://t.example.com", None),
        ("http://t.example.com", "TRACKING_URL is http://t.example.com: many mail clients"),
        ("http://127.0.0.1:8000", "TRACKING_URL is http://127.0.0.1:8000, which only this machine reaches"),
    ],
)
async def test_the_tracking_host_is_what_counts_where_there_is_one(tracking_url: str, words: str | None) -> None:
    settings = Settings(_env_file=None, portal_url="http://localhost:8000", tracking_url=tracking_url)
    problem = selftest.address_problem(settings)
    assert (problem or "").startswith(words or "")
    assert (problem is None) == (words is None)


async def test_the_tracking_host_is_visited_and_the_portals_own_for_older_mails(visit: Visit) -> None:
    good = http(GIF, cache_control="no-store")
    async with answering(http(status="404 Not Found")) as old, answering(portal_at(old)) as new:
        found = await visit(old, new)
        assert (found["Pixel"].ok, found["Links"].ok, found["PORTAL_URL"].ok) == (True, True, False)
        assert found["Pixel"].message.startswith(new)
        assert "before TRACKING_URL was set" in found["PORTAL_URL"].message
    async with answering(good) as old, answering(portal_at(old)) as new:
        found = await visit(old, new)
        assert not found["PORTAL_URL"].ok, "only this machine reaches it"
        assert "not reached from outside" in found["PORTAL_URL"].message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(b"<h1>Log in</h1>", content_type="text/html"), "a web page: a login in front of it"),
        (http(status="302 Found", location="https://sso.example.com/login?next=x"), "redirects to https://sso.example"),
        (http(status="301 Moved", location="/"), "redirects to another path"),
        (http(status="401 Unauthorized"), "answers 401: a login, a firewall"),
        (http(status="404 Not Found"), "answers 404"),
        (http(status="429 Too Many Requests"), "limits requests"),
        (http(status="502 Bad Gateway"), "does not get through to the portal"),
        (http(b"RIFF....WEBP", content_type="image/webp"), "another picture"),
        (http(GIF), "without Cache-Control: no-store"),
        (http(GIF, cache_control="no-store", age="12"), "out of a cache (Age: 12)"),
        (http(GIF, cache_control="no-store", cf_cache_status="HIT"), "out of a cache (CF-Cache-Status: HIT)"),
        (http(GIF, cache_control="no-store", x_cache="Hit from cloudfront"), "out of a cache (X-Cache"),
        (http(GIF, cache_control="no-store", set_cookie="__cf=1"), "with a cookie"),
        (http(b"x" * 300_000), "too large to be the portal's"),
        (b"", "breaks the connection"),
    ],
)
async def test_what_answers_in_the_place_of_the_pixel_is_named(visit: Visit, answer: bytes, words: str) -> None:
    found = await answered(visit, answer)
    assert not found["Pixel"].ok
    assert words in found["Pixel"].message


@pytest.mark.parametrize("status", ["BYPASS", "DYNAMIC"])
async def test_cloudflare_in_front_is_fine_while_it_keeps_nothing(visit: Visit, status: str) -> None:
    found = await answered(visit, http(GIF, cache_control="no-store", cf_cache_status=status, age="0"))
    assert found["Pixel"].ok


@pytest.mark.parametrize(
    ("click", "words"),
    [
        (http(b"refused", status="400 Bad Request"), "another SECRET_KEY"),
        (http(status="302 Found", location="https://sso.example.com/"), "redirects to https://sso.example.com"),
        (http(status="403 Forbidden"), "a bot filter"),
    ],
)
async def test_links_that_do_not_lead_on_are_told_apart(visit: Visit, click: bytes, words: str) -> None:
    found = await answered(visit, portal_at("any", click=click))
    assert found["Pixel"].ok
    assert not found["Links"].ok
    assert words in found["Links"].message


async def test_an_address_that_does_not_answer_is_noticed(visit: Visit) -> None:
    async with answering(b"") as address:
        pass
    found = await visit(address)
    assert "takes no connection" in found["Pixel"].message
    assert "is the web process running" in found["Pixel"].message


@pytest.mark.parametrize(
    ("host", "leads_to", "words"),
    [
        ("help.example.com", ["10.0.0.5"], "from here help.example.com leads inside (10.0.0.5 is a private network)"),
        ("helpdesk", ["127.0.0.1"], "without a dot"),
        ("help.corp.lan", ["127.0.0.1"], "names that end in .lan exist in no public name server"),
        ("192.168.7.7", ["192.168.7.7"], "192.168.7.7 is a private network"),
    ],
)
async def test_an_address_that_leads_inside_is_not_reached_from_outside(
    visit: Visit, host: str, leads_to: list[str], words: str
) -> None:
    found = await visit(f"https://{host}:9", resolver=names(leads_to))
    assert not found["Portal address"].ok
    assert "cannot be reached from outside" in found["Portal address"].message
    assert words in found["Portal address"].message


async def test_a_name_that_does_not_exist_is_said(visit: Visit) -> None:
    found = await visit("https://help.example.com", resolver=names([]))
    assert "help.example.com has no address. Check its spelling" in found["Portal address"].message


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("", ""),
        ("another name", "its certificate is for another name"),
        ("expired", "its certificate has expired"),
        ("unknown authority", "its certificate"),
    ],
)
async def test_the_certificate_is_looked_at(visit: Visit, tmp_path: Path, fault: str, words: str) -> None:
    authority, context = certificates(
        tmp_path,
        name="other.example.org" if fault == "another name" else "help.example.org",
        days=-1 if fault == "expired" else 1,
    )
    verify = ssl.create_default_context(cafile=None if fault == "unknown authority" else str(authority))
    async with answering(http(GIF, cache_control="no-store"), context) as address:
        port = address.rpartition(":")[2]
        found = await visit(f"https://help.example.org:{port}", verify=verify)
    assert words in found["Portal address"].message
    assert found["Pixel"].ok == (not fault)


async def test_a_server_without_tls_at_an_https_address_is_said(visit: Visit) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http(status="400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        found = await visit(f"https://help.example.org:{server.sockets[0].getsockname()[1]}")
    assert "does not speak TLS" in found["Portal address"].message


async def test_its_own_look_at_pixel_and_links_is_no_event(portal: Runtime) -> None:
    assert not await stored(portal, TrackingEvent(OPEN, selftest.PROBE, utcnow()))
    assert not await stored(portal, TrackingEvent(CLICK, selftest.PROBE, utcnow(), "http://portal.test/"))


async def test_nothing_but_our_own_addresses_is_visited(portal: Runtime, settings: Settings) -> None:
    with pytest.raises(ValueError, match="must be PORTAL_URL or TRACKING_URL"):
        await visited(
            settings.model_copy(update={"portal_url": "https://10.0.0.1"}), Links("https://x", Signer([SECRET_KEY]))
        )
