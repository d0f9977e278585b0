"""Files and pasted images: what is taken, who may see them, and that a browser only ever saves them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from quart.datastructures import FileStorage
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database
from app.tickets import attachments, files, service
from app.tickets.files import Upload
from tests.support.web import get, post

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


async def _upload(client: Client, ticket_id: int | str, content: bytes, name: str = "shot.png") -> Any:
    image = FileStorage(BytesIO(content), filename=name, name="image", content_type="image/png")
    return await post(client, f"/tickets/{ticket_id}/images", files={"image": image})


async def _attached(agent: User, ticket_id: int, name: str, content: bytes, content_type: str = "text/html") -> int:
    sent = await service.add_reply(
        ticket_id, author=agent, html_body="<p>See the file</p>", uploads=[Upload(name, content_type, content)]
    )
    return (await service.conversation(ticket_id)).attachments[sent.id][0].id


@pytest.mark.parametrize("content", [b"<script>alert(document.domain)</script>", SVG, b"alert(1)", b"%PDF-1.4"])
async def test_a_file_is_only_ever_saved(agent_client: Client, agent: User, ticket_id: int, content: bytes) -> None:
    file_id = await _attached(agent, ticket_id, "Rechnung “ü”.html", content)
    response = await get(agent_client, f"/attachments/{file_id}")
    assert await response.get_data() == content
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == (
        "attachment; filename=\"Rechnung ___.html\"; filename*=UTF-8''Rechnung%20%E2%80%9C%C3%BC%E2%80%9D.html"
    )
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
async def test_a_raster_image_is_taken_and_shown_by_what_it_is(
    agent_client: Client, ticket_id: int, content: bytes, content_type: str
) -> None:
    response = await _upload(agent_client, ticket_id, content, name="no-idea.bin")
    body = await response.get_json()
    assert response.status_code == 201
    assert body["url"] == f"/attachments/{body['id']}/inline"
    shown = await get(agent_client, body["url"])
    assert shown.headers["Content-Type"] == content_type
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]


@pytest.mark.parametrize("content", [SVG, b"<html><script>alert(1)</script>", b"", b"BM not a bitmap we take"])
async def test_anything_else_is_no_image(agent_client: Client, ticket_id: int, db: Database, content: bytes) -> None:
    response = await _upload(agent_client, ticket_id, content)
    assert response.status_code == 422
    assert (await response.get_json())["error"] == (
        "shot.png is no PNG, JPEG, GIF or WebP image; attach it as a file instead."
    )


async def test_an_attached_page_is_never_shown_inline(agent_client: Client, agent: User, ticket_id: int) -> None:
    file_id = await _attached(agent, ticket_id, "x.png", SVG, "image/png")
    assert (await get(agent_client, f"/attachments/{file_id}/inline")).status_code == 404


async def test_an_image_needs_a_ticket_a_token_and_a_login(
    agent_client: Client, client: Client, ticket_id: int
) -> None:
    assert (await _upload(agent_client, 4711, PNG)).status_code == 404
    image = FileStorage(BytesIO(PNG), filename="a.png", name="image")
    bare = await agent_client.post(
        f"/tickets/{ticket_id}/images", files={"image": image}, headers={"Host": "portal.test"}
    )
    assert bare.status_code == 403
    assert "error" in await bare.get_json()
    stranger = await client.post(f"/tickets/{ticket_id}/images", headers={"Host": "portal.test"})
    assert stranger.status_code == 401


async def test_an_unsent_image_is_its_uploaders_alone_and_a_sent_one_everybodys(
    agent_client: Client, other_client: Client, agent: User, ticket_id: int, db: Database
) -> None:
    image = await (await _upload(agent_client, ticket_id, PNG)).get_json()
    assert (await get(agent_client, image["url"])).status_code == 200
    assert (await get(other_client, image["url"])).status_code == 404

    sent = await service.add_reply(ticket_id, author=agent, html_body=f'<p>Look</p><img src="{image["url"]}" alt="">')
    assert (await get(other_client, image["url"])).status_code == 200
    async with db.connection() as conn:
        rows = await conn.fetch_all("SELECT attachment_id FROM email_attachments")
        reply_id = await conn.fetch_value("SELECT reply_id FROM attachments")
    assert [row["attachment_id"] for row in rows] == [image["id"]]
    assert reply_id == sent.id


@pytest.mark.parametrize("send_mail", [{"send_mail": "1"}, {}])
async def test_an_image_pasted_before_there_is_a_ticket_belongs_to_it_once_it_is_opened(
    agent_client: Client, other_client: Client, db: Database, send_mail: dict[str, str]
) -> None:
    image = await (await _upload(agent_client, "new", PNG)).get_json()
    assert (await get(agent_client, image["url"])).status_code == 200
    assert (await get(other_client, image["url"])).status_code == 404
    body = f'<p>Look</p><img src="{image["url"]}" alt="">'
    form = {"requester": "bob@x.org", "subject": "s", "body_html": body, "assignee": "", **send_mail}

    stolen = await post(other_client, "/tickets/new", form)
    assert stolen.status_code == 422
    opened = await post(agent_client, "/tickets/new", form)

    assert opened.status_code == 303
    async with db.connection() as conn:
        [row] = await conn.fetch_all("SELECT ticket_id, reply_id FROM attachments")
        mailed = await conn.fetch_all("SELECT attachment_id FROM email_attachments")
    assert opened.location == f"/tickets/{row['ticket_id']}#reply-{row['reply_id']}"
    assert [one["attachment_id"] for one in mailed] == ([image["id"]] if send_mail else [])
    assert (await get(other_client, image["url"])).status_code == 200
    again = await post(agent_client, "/tickets/new", form)
    assert again.status_code == 422, "it is that ticket's now"


async def test_an_image_for_a_new_ticket_has_the_same_limits(agent_client: Client, client: Client) -> None:
    assert (await _upload(agent_client, "new", SVG)).status_code == 422
    stranger = await client.post("/tickets/new/images", headers={"Host": "portal.test"})
    assert stranger.status_code == 401


async def test_a_quoted_image_of_the_ticket_goes_along_and_stays_with_its_first_reply(
    agent: User, other_agent: User, ticket_id: int, db: Database
) -> None:
    image_id = await attachments.store_image(ticket_id, Upload("a.png", "", PNG), user=agent)
    html = f'<p>See</p><img src="/attachments/{image_id}/inline">'
    first = await service.add_reply(ticket_id, author=agent, html_body=html)
    second = await service.add_reply(ticket_id, author=other_agent, html_body=html)
    assert first.mail is not None
    assert second.mail is not None
    async with db.connection() as conn:
        assert await conn.fetch_value("SELECT reply_id FROM attachments") == first.id
        rows = await conn.fetch_all("SELECT email_id FROM email_attachments ORDER BY email_id")
    assert [row["email_id"] for row in rows] == [first.mail.id, second.mail.id]


async def test_a_file_of_ten_megabytes_survives_whole(agent: User, ticket_id: int) -> None:
    content = bytes(range(256)) * 39_062
    file_id = await _attached(agent, ticket_id, "big.bin", content)
    _, read = await attachments.read(file_id, user=agent)
    assert read == content


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\report.pdf", "report.pdf"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        ("\u202efdp.exe", "fdp.exe"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_names_of_files_lose_what_could_mislead(given: str, clean: str) -> None:
    assert files.clean_filename(given) == clean
