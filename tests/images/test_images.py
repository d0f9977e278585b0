"""Remote images of a mail: taken out, shown when asked, fetched by the portal only, and made anew."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field

import httpx
import pytest
from PIL import Image
from quart.typing import TestClientProtocol as Client

from app.images import service
from app.images.reencoding import NoPicture, reencoded
from app.runtime import Runtime
from app.services import outbound
from app.tickets import display
from app.tickets import service as tickets
from tests.support.web import get, post

HTML = (
    '<p>Look</p><img src="http://pics.example/a.png?to=bob"><img alt="b" src="//pics.example/b.jpg">'
    '<img src="data:image/png;base64,AAAA"><img src="javascript:x()"><img src="https://pics.example/c.gif">'
)


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 6), colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


@dataclass
class Elsewhere:
    """Answers in place of the network, by address; keeps what was asked."""

    answers: dict[str, httpx.Response] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answers.get(str(request.url), httpx.Response(404))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    found = Elsewhere()
    monkeypatch.setattr(outbound, "client", lambda **options: httpx.AsyncClient(transport=httpx.MockTransport(found)))
    return found


@pytest.fixture
async def message(runtime: Runtime) -> str:
    """The address of a mail with three remote images."""
    ticket_id = await tickets.create_ticket(
        subject="Pictures", requester="Bob <bob@example.org>", html_body=HTML, created_by=None
    )
    [one] = (await tickets.conversation(ticket_id)).messages
    return f"/tickets/{ticket_id}/messages/{one.id}"


def test_images_are_numbered_and_asked_over_https() -> None:
    assert display.remote_images(HTML) == (
        "https://pics.example/a.png?to=bob",
        "https://pics.example/b.jpg",
        "https://pics.example/c.gif",
    )
    shown = display.clean_mail(HTML, images_at="/here/").html
    assert [f'src="/here/{number}"' in shown for number in range(4)] == [True, True, True, False]
    assert "pics.example" not in shown


async def test_nothing_is_loaded_until_the_agent_asks(agent_client: Client, message: str, elsewhere: Elsewhere) -> None:
    response = await get(agent_client, f"{message}/frame")
    page = await response.get_data(as_text=True)
    assert "3 remote images are not shown" in page
    assert f'href="{message}/frame?images=1"' in page
    assert "/images/0" not in page
    assert f"{'portal.test'}/tickets/" not in response.headers["Content-Security-Policy"]
    response = await get(agent_client, f"{message}/frame?images=1")
    page = await response.get_data(as_text=True)
    assert f'src="{message}/images/0"' in page
    assert "pics.example" not in page
    assert "portal.test/tickets/" in response.headers["Content-Security-Policy"]
    assert not elsewhere.asked


async def test_an_image_comes_through_the_portal_and_is_made_anew(
    agent_client: Client, message: str, elsewhere: Elsewhere
) -> None:
    trailer = b"<script>alert(1)</script>"
    elsewhere.answers["https://pics.example/a.png?to=bob"] = httpx.Response(200, content=picture() + trailer)
    response = await get(agent_client, f"{message}/images/0")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cache-Control"].startswith("private")
    data = await response.get_data(as_text=False)
    assert trailer not in data
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (8, 6)
    [request] = elsewhere.asked
    assert not {"cookie", "referer", "authorization"} & {name.lower() for name in request.headers}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(200, content=b"<svg onload=x>"), "no picture"),
        (httpx.Response(200, content=picture("JPEG")[:-200]), "damaged"),
        (httpx.Response(500), "answered 500"),
        (httpx.Response(302, headers={"location": "https://pics.example/c.gif"}), "led on more than 3 times"),
    ],
)
async def test_what_is_no_picture_is_not_shown(
    agent_client: Client, message: str, elsewhere: Elsewhere, answer: httpx.Response, words: str
) -> None:
    elsewhere.answers["https://pics.example/c.gif"] = answer
    response = await get(agent_client, f"{message}/images/2")
    assert response.status_code == 404
    assert response.content_type == "image/svg+xml", "a frame shows words instead of a broken image"
    drawn = await response.get_data(as_text=True)
    assert words in drawn
    assert "This image could not be loaded" in drawn
    assert response.headers["Cache-Control"] == "no-store"


async def test_addresses_inside_are_refused(agent_client: Client, runtime: Runtime) -> None:
    ticket_id = await tickets.create_ticket(
        subject="Inside",
        requester="Bob <bob@example.org>",
        html_body='<img src="http://169.254.169.254/latest/meta-data/"><img src="https://127.0.0.1:1/x.png">',
        created_by=None,
    )
    [one] = (await tickets.conversation(ticket_id)).messages
    for number in (0, 1):
        response = await get(agent_client, f"/tickets/{ticket_id}/messages/{one.id}/images/{number}")
        assert response.status_code == 404
        assert "not allowed" in await response.get_data(as_text=True)


async def test_a_number_that_the_message_does_not_have(agent_client: Client, message: str) -> None:
    response = await get(agent_client, f"{message}/images/3")
    assert response.status_code == 404
    assert (await get(agent_client, "/tickets/999999/messages/1/images/0")).status_code == 404


async def test_a_sender_is_remembered_per_agent(agent_client: Client, admin_client: Client, message: str) -> None:
    assert "Always show" in await (await get(agent_client, f"{message}/images")).get_data(as_text=True)
    assert (await post(agent_client, f"{message}/images", {"show": "1"})).status_code == 303
    page = await (await get(agent_client, f"{message}/frame")).get_data(as_text=True)
    assert "/images/0" in page
    assert "Ask again for this sender" in page
    assert "/images/0" not in await (await get(admin_client, f"{message}/frame")).get_data(as_text=True)
    await post(agent_client, f"{message}/images", {"show": ""})
    assert "/images/0" not in await (await get(agent_client, f"{message}/frame")).get_data(as_text=True)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_pictures_are_made_anew(kind: str) -> None:
    data, content_type = reencoded(picture(kind))
    assert content_type == ("image/jpeg" if kind == "JPEG" else "image/png")
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (8, 6)


def test_a_large_picture_is_made_smaller_and_a_bomb_is_refused() -> None:
    data, _ = reencoded(picture("JPEG", (4000, 1000)))
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (2000, 500)
    bomb = picture("PNG", (6000, 6000))
    assert len(bomb) < 200_000
    with pytest.raises(NoPicture, match="6000 × 6000"):
        reencoded(bomb)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM"])
def test_other_kinds_are_not_even_read(kind: str) -> None:
    with pytest.raises(NoPicture, match="no picture of the kinds"):
        reencoded(picture(kind, (16, 16)))


async def test_many_images_are_fetched_a_few_at_a_time(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = most = 0

    async def slow(address: str) -> bytes:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.02)
        busy -= 1
        return picture()

    monkeypatch.setattr(service, "_fetch", slow)
    _, _, ticket_id, _, message_id = message.split("/")
    await asyncio.gather(*(service.image(int(ticket_id), int(message_id), 0) for _ in range(20)))
    assert most == 8
