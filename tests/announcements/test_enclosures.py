"""Pictures and files: kept with the draft, shown before sending, carried by each mail, read once, gone in the end."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import timedelta
from email.message import EmailMessage

import pytest
from quart.datastructures import FileStorage
from quart.typing import TestClientProtocol as Client

from app import housekeeping
from app.accounts.models import User
from app.database import utcnow
from app.files import contents
from app.privacy.erasure_steps import _drop_files
from app.runtime import Runtime
from plugins.announcements import drafts, enclosures, flow, rules
from plugins.announcements.errors import AnnouncementRefused, NotNow
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from tests.announcements.builders import deliver, handed_over, mail_to, parsed, part, people
from tests.support.scripted_smtp import ScriptedSmtp
from tests.support.web import HOST, get, post


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\xff\0\0\xff\0\0" * 2))
    + _chunk(b"IEND", b"")
)
FILE = b"%PDF-1.4 the plan"


def upload(content: bytes, name: str) -> FileStorage:
    """A file as a form sends it."""
    return FileStorage(io.BytesIO(content), filename=name)


async def pasted(client: Client, content: bytes = PNG) -> str:
    """A picture put into the editor: the address by which it is shown."""
    answer = await post(client, "/tickets/new/images", files={"image": upload(content, "plan.png")})
    assert answer.status_code == 201, await answer.get_data(as_text=True)
    return str((await answer.get_json())["url"])


async def written(client: Client, picture: str, **files: FileStorage) -> int:
    """A draft with a picture in its text, and files."""
    form = {"subject": "Move", "body_html": f'<p>Look: <img src="{picture}" alt="the plan"></p>', "audience": "all"}
    answer = await post(client, "/announcements/new", form, files=files or None, headers={"Accept": "application/json"})
    assert answer.status_code == 200, await answer.get_data(as_text=True)
    return int((await answer.get_json())["id"])


def enclosed(mail: EmailMessage) -> dict[str, EmailMessage]:
    """The parts with a file name."""
    return {str(one.get_filename()): one for one in mail.walk() if one.get_filename()}


async def test_pictures_and_files_go_from_the_editor_to_each_mail_and_are_read_once(
    runtime: Runtime, handles: Handles, ada_client: Client, ada: User, gus_client: Client, smtp: ScriptedSmtp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await people(runtime, *(f"p{n}@x.org" for n in range(12)))
    picture = await pasted(ada_client)
    assert (await get(gus_client, picture)).status_code == 404, "a picture of nothing yet is its uploader's"
    number = await written(ada_client, picture, files=upload(FILE, "plan.pdf"))
    assert (await get(gus_client, picture)).status_code == 200, "the draft is everybody's"
    page = await (await get(gus_client, f"/announcements/{number}")).get_data(as_text=True)
    assert "plan.pdf" in page
    shown = await (await get(ada_client, f"/announcements/{number}/preview")).get_data(as_text=True)
    assert "data:image/png;base64,iVBOR" in shown
    assert "plan.pdf" in shown
    assert "all of them together about" in await (await get(ada_client, f"/announcements/{number}/send")).get_data(True)

    await post(ada_client, f"/announcements/{number}/test")
    test = parsed(smtp.accepted[0])
    assert set(enclosed(test)) == {"plan.png", "plan.pdf"}

    reads = []
    read = contents.read

    async def counting(conn: object, ids: object) -> dict[int, bytes]:
        reads.append(list(ids))  # type: ignore[call-overload]
        return await read(conn, ids)  # type: ignore[arg-type]

    runtime.contents = contents.Contents()
    monkeypatch.setattr(contents, "read", counting)
    await flow.send(handles, number, by=ada)
    await handed_over(handles, number)
    await deliver(runtime, smtp, 13)
    assert sum(map(len, reads)) == 2, "12 mails, two files, each read once"
    async with runtime.database.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM attachments") == 2
        assert await conn.fetch_value("SELECT COUNT(*) FROM mailing_files") == 2
    for place in range(12):
        mail = mail_to(smtp.accepted, f"p{place}@x.org")
        found = enclosed(mail)
        assert found["plan.png"].get_content() == PNG
        assert found["plan.png"].get_content_disposition() == "inline"
        assert found["plan.pdf"].get_content() == FILE
        assert found["plan.pdf"].get_content_disposition() == "attachment"
        assert f'src="cid:{str(found["plan.png"]["Content-ID"]).strip("<>")}"' in part(mail, "html")
        assert "/inline" not in part(mail, "html")


async def test_a_draft_keeps_what_it_shows_and_a_deleted_one_leaves_nothing(
    runtime: Runtime, handles: Handles, ada_client: Client, ada: User, smtp: ScriptedSmtp
) -> None:
    await people(runtime, "a@x.org")
    picture = await pasted(ada_client)
    number = await written(ada_client, picture, files=upload(FILE, "plan.pdf"))
    known = await announcement(handles, number)
    (file,) = await enclosures.attached(handles, known)
    # By itself, with the file ticked off: it goes, and "undo" may still bring it back.
    form = {"subject": "Move", "body_html": known.body_html, "audience": "all", "version": known.version}
    await _age(runtime)
    assert (await post(ada_client, f"/announcements/{number}", form)).status_code == 303
    await housekeeping.tidy(runtime)
    assert await enclosures.attached(handles, known) == []
    now = (await announcement(handles, number)).version
    await post(ada_client, f"/announcements/{number}", {**form, "version": now, "attachment": str(file.id)})
    assert await enclosures.attached(handles, known) == [file]
    kept = await post(ada_client, f"/announcements/{number}", {**form, "version": "x", "attachment": str(file.id)})
    assert kept.status_code == 422
    assert f'value="{file.id}" checked' in await kept.get_data(as_text=True), "a form that is refused keeps its files"

    copy = await drafts.duplicate(handles, number, by=ada)
    await drafts.delete(handles, number, by=ada, may_send=True)
    assert (await get(ada_client, picture)).status_code == 200, "the copy shows it too"
    async with runtime.database.transaction() as conn:
        assert await _drop_files(conn, [file.id]) == 0, "erasing a ticket that quotes it takes it from nobody"
    await flow.send(handles, copy, by=ada)
    await handed_over(handles, copy)
    with pytest.raises(NotNow, match="1 of its mails still wait in the outbox"):
        await drafts.delete(handles, copy, by=ada, may_send=True)
    await deliver(runtime, smtp, 1)
    await drafts.delete(handles, copy, by=ada, may_send=True)
    async with runtime.database.connection() as conn:
        assert await conn.fetch_value("SELECT COUNT(*) FROM attachments") <= 1, "only what was ticked off is left"
    assert (await get(ada_client, picture)).status_code == 404


async def _age(runtime: Runtime) -> None:
    async with runtime.database.transaction() as conn:
        await conn.execute("UPDATE attachments SET created_at = %(at)s", {"at": utcnow() - timedelta(days=9)})


async def test_what_a_text_cannot_have_is_named_at_the_field(
    runtime: Runtime, handles: Handles, ada_client: Client, gus_client: Client
) -> None:
    theirs = await pasted(gus_client)
    form = {"subject": "x", "body_html": f'<p><img src="{theirs}"></p>', "audience": "all"}
    headers = {"Accept": "application/json"}
    answer = await post(ada_client, "/announcements/new", form, headers=headers)
    assert (answer.status_code, list((await answer.get_json())["errors"])) == (422, ["body"])
    many = {"files": upload(b"x" * (rules.MOST_FILES - 10), "large.zip")}
    form["body_html"] = f'<p><img src="{await pasted(ada_client)}"></p>'
    answer = await post(ada_client, "/announcements/new", form, files=many, headers=headers)
    words = (await answer.get_json())["errors"]["files"]
    assert words == "Pictures and files have 10.1 MB together, 10 MB fit; remove some, or make the pictures smaller."
    assert (
        await post(ada_client, "/tickets/new/images", files={"image": upload(b"<svg/>", "x.png")})
    ).status_code == 422
    with pytest.raises(AnnouncementRefused, match="attach it again"):
        user = await _user(runtime, "ada@portal.test")
        await drafts.create(handles, drafts.Given(attachment_ids=(99999,)), by=user)


async def _user(runtime: Runtime, email: str) -> User:
    from app.accounts import service as accounts

    async with runtime.database.connection() as conn:
        number = await conn.fetch_value("SELECT id FROM users WHERE email = %(email)s", {"email": email})
    found = await accounts.user_by_id(int(number))
    assert found is not None
    return found


async def test_by_the_api_files_come_and_stay(ada_client: Client) -> None:
    token = ada_client.csrf_token  # type: ignore[attr-defined]
    headers = {"Host": HOST, "X-CSRF-Token": token}
    sent = await ada_client.post("/api/attachments?filename=plan.pdf", data=FILE, headers=headers)
    file = (await sent.get_json())["id"]

    async def call(method: str, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        answer = await ada_client.open(path, method=method, json=body, headers=headers)
        return answer.status_code, await answer.get_json()

    status, made = await call("POST", "/api/announcements", {"subject": "Move", "attachments": [file]})
    assert (status, [one["filename"] for one in made["attachments"]]) == (201, ["plan.pdf"])  # type: ignore[attr-defined]
    path = f"/api/announcements/{made['id']}"
    _, changed = await call("PATCH", path, {"subject": "Moved"})
    assert changed["attachments"] == made["attachments"]
    _, changed = await call("PATCH", path, {"attachments": []})
    assert changed["attachments"] == []
    status, refused = await call("PATCH", path, {"attachments": [987654]})
    assert (status, list(refused["error"]["fields"])) == (422, ["attachments"])  # type: ignore[index]
