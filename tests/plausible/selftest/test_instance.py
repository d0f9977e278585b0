"""What the self-test says of Plausible: a test event, the API key, the clock."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from app.database import utcnow
from app.hookspecs import CheckResult
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.plausible import selftest
from plugins.plausible.selftest import instance
from plugins.plausible.selftest.instance import Heard, ask
from plugins.plausible.settings import PlausibleSettings
from tests.plausible.selftest import answering, by_name, given, http
from tests.support.certificates import certificates
from tests.support.plausible import PlausibleServer

SITE = "help.example.com"
SECRET = "canary-key-5d81f0"
FIGURES = b'{"results":[{"metrics":[3],"dimensions":[]}],"meta":{},"query":{}}'
JSON = "application/json"


@pytest.fixture
def portal_settings(settings: Settings) -> Settings:
    """This machine may be called."""
    return settings.model_copy(update={"outbound_allowed": ["127.0.0.1"]})


@pytest.fixture
async def plausible_there(portal: Runtime) -> AsyncIterator[PlausibleServer]:
    """A strict stand-in."""
    async with PlausibleServer(site=SITE) as server:
        yield server


def module(base_url: str, *, key: str | None = None, sends: bool = True, **values: Any) -> PlausibleSettings:
    """Settings of the module."""
    return PlausibleSettings(
        base_url=base_url, **{"site_domain": SITE, "send_to_plausible": sends, "api_key": key, **values}
    )


async def asked(settings: PlausibleSettings, **options: Any) -> tuple[Mapping[str, CheckResult], Heard]:
    """The steps by name, and all that was heard."""
    heard = await ask(settings, b"k" * 32, **options)
    return by_name(heard.steps), heard


async def test_an_event_of_its_own_name_is_taken_and_names_nobody(plausible_there: PlausibleServer) -> None:
    found, heard = await asked(module(plausible_there.base_url))
    assert found["Test event"] == CheckResult(
        "Test event", True, "Plausible took it, as myportal_test, which no goal counts"
    )
    assert heard.clock == ""
    [request] = plausible_there.requests
    assert json.loads(request.body) == {"name": "myportal_test", "domain": SITE, "url": f"https://{SITE}/email/test"}
    assert (request.header("x-forwarded-for") or "").startswith("10.")
    await asked(module(plausible_there.base_url, visitor_mode="none"))
    assert plausible_there.requests[-1].header("x-forwarded-for") is None


async def test_a_drop_is_explained_and_an_unknown_site_is_the_first_cause(plausible_there: PlausibleServer) -> None:
    found, _ = await asked(module(plausible_there.base_url, site_domain="other.example.com"))
    assert not found["Test event"].ok
    words = found["Test event"].message
    assert words.startswith("Plausible answered 202 and dropped it")
    assert "Likely: it has no site called exactly other.example.com" in words
    assert "lacks other.example.com" in words
    assert "subscription" not in words, "a Plausible of one's own has none"


async def test_a_key_that_reads_the_site_takes_the_unknown_site_off_the_causes() -> None:
    settings = module("https://plausible.io")
    assert "no site called" in instance.why_dropped(settings, site_is_known=False)
    known = instance.why_dropped(settings, site_is_known=True)
    assert known.startswith(f"The site {SITE} exists, as the API key shows. Likely: the subscription has ended; or")
    assert "data centre" in known
    real = settings.model_copy(update={"visitor_mode": "real"})
    assert "data centre" not in instance.why_dropped(real, site_is_known=True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            http(b'{"errors":{"domain":["is odd"]}}', "400 Bad Request", content_type=JSON),
            "answered 400: domain is odd",
        ),
        (http(b"<html>", "200 OK", content_type="text/html"), "with a web page"),
        (http(status="301 Moved", location="https://other.example/x"), "set the Base URL to where Plausible is itself"),
        (http(status="503 Down"), "answered 503"),
        (http(status="404 Not Found"), "there is no Plausible at the Base URL"),
        (b"", "the connection broke"),
    ],
)
async def test_what_is_no_answer_of_plausibles_is_named(portal: Runtime, answer: bytes, words: str) -> None:
    async with answering(answer) as url:
        found, _ = await asked(module(url))
    assert not found["Test event"].ok
    assert words in found["Test event"].message


async def test_nobody_there_and_not_allowed(portal: Runtime) -> None:
    async with answering(b"") as url:
        pass
    found, heard = await asked(module(url))
    assert "Plausible could not be reached" in found["Test event"].message
    assert "Is the Base URL right" in found["Test event"].message
    assert heard.clock is None
    found, _ = await asked(module("https://10.0.0.1"))
    assert "name it in OUTBOUND_ALLOWED" in found["Test event"].message


async def test_an_instance_that_hangs_is_given_up_in_time(
    portal: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "TIMEOUT", 0.1)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found, _ = await asked(module(url, key=SECRET))
        assert "did not answer in time" in found["Test event"].message
        assert not found["API key"].ok
        monkeypatch.setattr(instance, "TIMEOUT", 20)
        monkeypatch.setattr(selftest, "DEADLINE", 0.2)
        steps = by_name(await selftest.test(given(settings, portal.database, module(url))))
        assert "does not answer within 0.2 s" in steps["Test event"].message
        assert "Events" in steps, "the other steps are told all the same"


async def test_a_certificate_that_is_not_known_is_said(portal: Runtime, tmp_path: Path) -> None:
    _, context = certificates(tmp_path, name="localhost", days=1)
    assert isinstance(context, ssl.SSLContext)
    async with answering(http(b"ok", "202 Accepted"), context) as url:
        found, _ = await asked(module(url))
    assert "its certificate" in found["Test event"].message
    assert "SSL_CERT_FILE" in found["Test event"].message


@pytest.mark.parametrize(
    ("answer", "good", "words"),
    [
        (http(FIGURES, content_type=JSON), True, f"reads the figures of {SITE}"),
        (
            http(f'{{"error":"Invalid API key {SECRET}"}}'.encode(), "401 Unauthorized", content_type=JSON),
            False, "it was revoked or mistyped",
        ),
        (http(b'{"error":"no access"}', "402 Payment", content_type=JSON), False, "plan does not cover the Stats API"),
        (http(status="404 Not Found"), False, "There is no Stats API at the Base URL"),
        (http(b'{"error":"The limit is 6"}', "429 Stop", content_type=JSON), False, "The limit is 6"),
        (http(b'{"error":"#/x: odd"}', "400 Bad", content_type=JSON), False, "#/x: odd"),
        (http(b"<html>", content_type="text/html"), False, "A web page came"),
        (http(b"[1]", content_type=JSON), False, "none that Plausible gives"),
        (http(b'{"results":[]}', content_type=JSON), False, "none that Plausible gives"),
        (http(status="502 Bad Gateway"), False, "Plausible failed (502)"),
        (http(status="302 Found", location="https://sso.example/"), False, "to https://sso.example"),
    ],
)  # fmt: skip
async def test_the_key_is_tried_on_a_figure(portal: Runtime, answer: bytes, good: bool, words: str) -> None:
    async with answering(answer) as url:
        found, _ = await asked(module(url, key=SECRET, sends=False))
    assert "Test event" not in found, "sending is off"
    assert found["API key"].ok == good
    assert words in found["API key"].message
    assert SECRET not in found["API key"].message


async def test_the_strict_stand_in_takes_the_question(plausible_there: PlausibleServer) -> None:
    found, heard = await asked(module(plausible_there.base_url, key=plausible_there.stats_key))
    assert all(step.ok for step in found.values())
    assert heard.clock == ""
    found, _ = await asked(module(plausible_there.base_url, key="revoked"))
    assert not found["API key"].ok
    found, _ = await asked(module(plausible_there.base_url, key=plausible_there.stats_key, site_domain="x.example"))
    assert "no site called exactly x.example" in found["Test event"].message


@pytest.mark.parametrize("key", ["schlüssel", "canary\r\nX-Other: 1"])
async def test_a_key_that_can_be_none_is_not_sent_and_not_repeated(portal: Runtime, key: str) -> None:
    found, heard = await asked(module("http://127.0.0.1:9", key=key, sends=False))
    assert "holds characters that none has: copy it from Plausible again" in found["API key"].message
    assert heard.clock is None


async def test_event_and_key_go_together_and_the_key_only_where_it_belongs(portal: Runtime) -> None:
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        heads.append(head)
        is_event = head.startswith("post /api/event")
        writer.write(
            http(b"ok", "202 Accepted", x_plausible_dropped="1") if is_event else http(FIGURES, content_type=JSON)
        )
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found, heard = await asked(module(url, key=SECRET))
    assert "exists, as the API key shows" in found["Test event"].message
    assert heard.clock is None, "no answer had a time in it"
    assert [f"authorization: bearer {SECRET}" in head for head in sorted(heads)] == [False, True]


@pytest.mark.parametrize(
    ("shift", "words"),
    [(timedelta(minutes=1), ""), (timedelta(days=1), "1 day behind"), (-timedelta(hours=2), "ahead")],
)
async def test_the_clock_is_told_from_the_answers(portal: Runtime, shift: timedelta, words: str) -> None:
    date = format_datetime(datetime.now(UTC), usegmt=True)
    async with answering(http(b"ok", "202 Accepted", date=date)) as url:
        _, heard = await asked(module(url), now=lambda: utcnow() + shift)
    assert heard.clock is not None
    assert (words in heard.clock) if words else not heard.clock


async def test_nothing_is_sent_where_sending_is_off(portal: Runtime, plausible_there: PlausibleServer) -> None:
    found, heard = await asked(module(plausible_there.base_url, sends=False))
    assert found["Test event"].ok
    assert "Send to Plausible is off" in found["Test event"].message
    assert not heard.asked
    found, _ = await asked(module(plausible_there.base_url, sends=False, site_domain="", key=SECRET))
    assert "without the site domain" in found["API key"].message
    assert not (await asked(module(plausible_there.base_url, sends=False, site_domain="")))[0]
    assert not plausible_there.requests


async def test_a_look_at_the_modules_page_asks_nobody_and_the_button_does(
    portal: Runtime, plausible_there: PlausibleServer
) -> None:
    values = module(plausible_there.base_url).model_dump(
        mode="json", include={"base_url", "site_domain", "send_to_plausible"}
    )
    await modules.save("plausible", values, user=None)
    await portal.plugins.check("plausible")
    assert not plausible_there.requests
    found = by_name(await portal.plugins.check("plausible", thorough=True))
    assert found["Test event"].ok
    assert len(plausible_there.requests) == 1
