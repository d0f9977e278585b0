"""The demo's customer: asks the portal alone, with programs that people use."""

from __future__ import annotations

import httpx
import pytest

from app.demo.customer import BROWSER, MAIL_PROGRAM, Customer

PORTAL = "http://127.0.0.1:8000"


class Portal:
    """Remembers what it was asked."""

    def __init__(self, answer: httpx.Response) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = answer

    def customer(self) -> Customer:
        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            return self._answer

        return Customer(PORTAL, transport=httpx.MockTransport(handle))


async def test_an_image_is_loaded_as_a_mail_program_does() -> None:
    portal = Portal(httpx.Response(200, headers={"content-type": "image/gif"}, content=b"GIF89a"))
    assert await portal.customer().image(f"{PORTAL}/api/email-tracking/pixel/x.gif") == ("image/gif", b"GIF89a")
    [request] = portal.asked
    assert request.headers["user-agent"] == MAIL_PROGRAM
    assert "cookie" not in request.headers


async def test_a_link_is_followed_as_a_browser_does_as_far_as_the_portal_leads() -> None:
    portal = Portal(httpx.Response(302, headers={"location": "https://example.org/guide"}))
    assert await portal.customer().follow(f"{PORTAL}/api/email-tracking/click?x") == "https://example.org/guide"
    assert [request.headers["user-agent"] for request in portal.asked] == [BROWSER]


@pytest.mark.parametrize("location", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
async def test_only_web_addresses_are_gone_to(location: str) -> None:
    portal = Portal(httpx.Response(302, headers={"location": location}))
    assert await portal.customer().follow(f"{PORTAL}/x") in {None, f"{PORTAL}/x"}


@pytest.mark.parametrize(
    "url", ["https://example.org/a.gif", "http://127.0.0.1:80000/", "http://127.0.0.1:8000.evil.example/", ""]
)
async def test_nobody_but_the_portal_is_asked(url: str) -> None:
    portal = Portal(httpx.Response(200, headers={"content-type": "image/gif"}))
    assert await portal.customer().image(url) is None
    assert await portal.customer().follow(url) is None
    assert portal.asked == []


def test_what_lies_on_the_portal_goes_through_the_mailbox_and_nothing_else_does() -> None:
    body = (
        f"<a href=\"{PORTAL}/click?a=1&amp;b=2\">x</a><img SRC='{PORTAL}/p.gif'>"
        '<a href="https://example.org/">y</a><img src="https://example.org/l.png">'
    )
    assert Customer(PORTAL).through_mailbox(body, "/mail/7") == (
        '<a href="/mail/7/follow?url=http%3A%2F%2F127.0.0.1%3A8000%2Fclick%3Fa%3D1%26b%3D2">x</a>'
        '<img SRC="/mail/7/image?url=http%3A%2F%2F127.0.0.1%3A8000%2Fp.gif">'
        '<a href="https://example.org/">y</a><img src="https://example.org/l.png">'
    )
