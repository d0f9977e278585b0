"""Answering from the page: what is sent, what is refused, and that nothing written is lost."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from quart import Quart
from quart.datastructures import FileStorage
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.database import Database, DatabaseUnavailable, Row
from app.hookspecs import ModuleInfo, hookimpl
from app.modules import service as modules
from app.runtime import Runtime
from app.tickets import bodies, drafts, service
from tests.support.web import HOST, get, post


def _file(name: str = "plan.txt", content: bytes = b"the plan", content_type: str = "text/plain") -> FileStorage:
    return FileStorage(BytesIO(content), filename=name, name="files", content_type=content_type)


async def _rows(db: Database, sql: str) -> list[Row]:
    async with db.connection() as conn:
        return await conn.fetch_all(sql)


async def _reply(client: Client, ticket_id: int, **form: Any) -> Any:
    values = {"kind": "reply", "to": "bob@example.org", "cc": "", "bcc": "", "body_html": "<p>Hello</p>"}
    files = form.pop("files", None)
    options = {"files": files} if files else {}
    return await post(client, f"/tickets/{ticket_id}/replies", {**values, **form}, **options)


async def test_a_reply_is_queued_and_the_page_shows_it(agent_client: Client, ticket_id: int, db: Database) -> None:
    response = await _reply(agent_client, ticket_id, body_html="<p>Use <b>water</b></p>", cc="ann@example.org")
    [mail] = await _rows(db, "SELECT reply_id, html_body FROM outgoing_emails")
    assert (response.status_code, response.location) == (303, f"/tickets/{ticket_id}#reply-{mail['reply_id']}")
    assert mail["html_body"] == "<p>Use <b>water</b></p>"
    copies = await _rows(db, "SELECT role, email FROM email_recipients ORDER BY id")
    assert [(copy["role"], copy["email"]) for copy in copies] == [("to", "bob@example.org"), ("cc", "ann@example.org")]


async def test_without_a_script_plain_text_becomes_the_reply(
    agent_client: Client, ticket_id: int, db: Database
) -> None:
    await _reply(agent_client, ticket_id, body_html="", body_text="Use <water>\nnow, see https://example.org")
    [mail] = await _rows(db, "SELECT html_body FROM outgoing_emails")
    assert mail["html_body"].startswith('<p>Use &lt;water&gt;<br>now, see <a href="https://example.org"')


async def test_a_note_sends_nothing(agent_client: Client, ticket_id: int, db: Database) -> None:
    response = await _reply(agent_client, ticket_id, kind="note", to="nonsense", body_html="<p>Careful</p>")
    assert response.status_code == 303
    assert await _rows(db, "SELECT id FROM outgoing_emails") == []


async def test_send_and_close_closes(agent_client: Client, ticket_id: int) -> None:
    await _reply(agent_client, ticket_id, after="close")
    assert (await service.ticket(ticket_id)).status == "closed"


@pytest.mark.parametrize(
    ("field", "form"),
    [
        ("to", {"to": "bob@example.org\r\nBcc: eve@example.org"}),
        ("to", {"to": ""}),
        ("cc", {"cc": "not an address"}),
        ("bcc", {"bcc": "eve@example.org%0d%0aX: y, eve@"}),
        ("body", {"body_html": "  <p></p>"}),
    ],
)
async def test_what_is_wrong_is_said_at_the_field_and_everything_kept(
    agent_client: Client, ticket_id: int, db: Database, field: str, form: dict[str, str]
) -> None:
    given = {
        "to": "Bob <bob@example.org>",
        "cc": "ann@example.org",
        "body_html": "<p>My <b>long</b> answer</p>",
        **form,
    }
    response = await _reply(agent_client, ticket_id, **given)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert f'id="f-{field}-error"' in page
    assert f'href="#f-{field}"' in page, "the summary leads to the field"
    assert "<title>Error: " in page
    assert await _rows(db, "SELECT id FROM outgoing_emails") == []
    if field != "body":
        assert 'data-initial-html="&lt;p&gt;My &lt;b&gt;long&lt;/b&gt; answer&lt;/p&gt;"' in page
        assert "My long answer</textarea>" in page
    if field != "cc":
        assert 'name="cc" value="ann@example.org"' in page


async def test_files_of_a_refused_reply_need_not_be_chosen_again(
    agent_client: Client, ticket_id: int, db: Database
) -> None:
    response = await _reply(agent_client, ticket_id, cc="wrong", files={"files": _file()})
    page = await response.get_data(as_text=True)
    kept = re.search(r'name="attachment" value="(\d+)" checked>', page)
    assert response.status_code == 422
    assert kept is not None
    assert "plan.txt" in page

    again = await _reply(agent_client, ticket_id, attachment=kept[1])
    assert again.status_code == 303
    [row] = await _rows(
        db,
        """
        SELECT a.id, a.filename FROM attachments AS a JOIN email_attachments AS e ON e.attachment_id = a.id
         WHERE a.reply_id IS NOT NULL
        """,
    )
    assert (row["id"], row["filename"]) == (int(kept[1]), "plan.txt")


async def test_a_file_too_large_is_named_with_both_sizes(agent_client: Client, ticket_id: int, db: Database) -> None:
    response = await _reply(agent_client, ticket_id, files={"files": _file("film.mov", b"x" * (10 * 1024 * 1024 + 1))})
    assert response.status_code == 422
    assert "film.mov has 10.1 MB, a file may have 10 MB; send a link to it." in await response.get_data(as_text=True)
    assert await _rows(db, "SELECT id FROM attachments") == []


async def test_another_agents_unsent_file_cannot_be_sent(
    agent_client: Client, other_client: Client, ticket_id: int, db: Database
) -> None:
    await _reply(other_client, ticket_id, cc="wrong", files={"files": _file("secret.txt")})
    [row] = await _rows(db, "SELECT id FROM attachments")
    response = await _reply(agent_client, ticket_id, attachment=str(row["id"]))
    assert response.status_code == 422
    assert "secret.txt" not in await response.get_data(as_text=True)


async def test_a_form_without_its_token_is_refused_and_its_text_given_back(
    agent_client: Client, ticket_id: int, db: Database
) -> None:
    response = await agent_client.post(
        f"/tickets/{ticket_id}/replies",
        form={"kind": "reply", "to": "bob@example.org", "body_html": "<p>Precious <b>words</b></p>"},
        headers={"Host": HOST},
    )
    page = await response.get_data(as_text=True)
    assert response.status_code == 403
    assert "Precious words</textarea>" in page
    assert await _rows(db, "SELECT id FROM outgoing_emails") == []


async def test_a_disabled_agents_reply_is_refused_and_its_text_given_back(
    agent_client: Client, agent: User, ticket_id: int, db: Database
) -> None:
    async with db.transaction() as conn:
        await conn.execute("UPDATE users SET disabled_at = NOW(6) WHERE id = %(id)s", {"id": agent.id})
    response = await _reply(agent_client, ticket_id, body_html="<p>Precious <i>words</i> &lt;3</p>")
    page = await response.get_data(as_text=True)
    assert response.status_code == 401
    assert "Nothing was sent." in page
    assert "Precious words &lt;3</textarea>" in page
    assert await _rows(db, "SELECT id FROM outgoing_emails") == []


async def test_an_agent_disabled_in_the_same_moment_sends_nothing(
    agent_client: Client, ticket_id: int, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bodies.from_agent

    async def disable_then_clean(html: str, *, signature: str = "") -> Any:
        async with db.transaction() as conn:
            await conn.execute("UPDATE users SET disabled_at = NOW(6)")
        return await real(html, signature=signature)

    monkeypatch.setattr(bodies, "from_agent", disable_then_clean)
    response = await _reply(agent_client, ticket_id, body_html="<p>Precious</p>")
    page = await response.get_data(as_text=True)
    assert response.status_code == 403
    assert "gus@portal.test is disabled" in page
    assert "Precious</textarea>" in page


async def test_when_the_database_goes_away_the_text_comes_back(
    agent_client: Client, ticket_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("no connection")

    monkeypatch.setattr(service, "add_reply", away)
    response = await _reply(agent_client, ticket_id, body_html="<p>Precious</p>")
    page = await response.get_data(as_text=True)
    assert response.status_code == 503
    assert "Precious</textarea>" in page


async def test_a_body_of_five_megabytes_is_refused_with_numbers_and_a_way_out(
    agent_client: Client, ticket_id: int, db: Database
) -> None:
    response = await _reply(agent_client, ticket_id, body_html="x" * 5_000_000)
    page = await response.get_data(as_text=True)
    assert response.status_code == 422
    assert "The reply has 5000000 characters, at most 512000 fit; shorten it or attach it as a file." in page
    assert await _rows(db, "SELECT id FROM outgoing_emails") == []


async def test_so_it_is_where_the_form_itself_is_too_large_to_read(
    agent_client: Client, ticket_id: int, db: Database
) -> None:
    field = 'Content-Disposition: form-data; name="body_html"'
    body = f"--edge\r\n{field}\r\n\r\n{'x' * 5_000_000}\r\n--edge--\r\n".encode()
    response = await agent_client.post(
        f"/tickets/{ticket_id}/replies",
        data=body,
        headers={
            "Host": HOST,
            "Content-Type": "multipart/form-data; boundary=edge",
            "Content-Length": str(len(body)),
        },
    )
    page = await response.get_data(as_text=True)
    assert response.status_code == 413
    assert f"The form has {len(body):,} bytes; a message may have 512,000 characters with its formatting" in page
    assert "attach the long part as a file" in page
    assert await _rows(db, "SELECT id FROM outgoing_emails") == []


async def test_two_hundred_recipients_are_answered_and_shown(
    agent_client: Client, ticket_id: int, db: Database
) -> None:
    many = ", ".join(f"p{number}@example.org" for number in range(199))
    assert (await _reply(agent_client, ticket_id, cc=many)).status_code == 303
    assert len(await _rows(db, "SELECT id FROM email_recipients")) == 200
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "and 196 more" in page


async def test_a_form_that_is_sent_twice_answers_once(agent_client: Client, ticket_id: int, db: Database) -> None:
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    path = page.partition('id="composer" method="post" action="')[2].partition('"')[0]
    assert re.fullmatch(rf"/tickets/{ticket_id}/replies\?once=[\w-]{{16}}", path)
    form = {"kind": "reply", "to": "bob@example.org", "body_html": "<p>Once</p>"}
    first, second = [await post(agent_client, path, form) for _ in range(2)]
    assert first.location == second.location
    assert len(await _rows(db, "SELECT id FROM outgoing_emails")) == 1

    await post(agent_client, path, {**form, "body_html": "<p>once</p>"})
    assert len(await _rows(db, "SELECT id FROM outgoing_emails")) == 2, "another text is another reply"


async def test_two_agents_can_answer_the_same_ticket(
    agent_client: Client, other_client: Client, ticket_id: int
) -> None:
    await _reply(agent_client, ticket_id, body_html="<p>from Gus</p>")
    await _reply(other_client, ticket_id, body_html="<p>from Mei</p>")
    messages = (await service.conversation(ticket_id)).messages
    assert [one.author_name for one in messages] == [None, "Gus Agent", "Mei Chen"]


class _Tracker:
    """A module that would track."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("tracker", "Tracker", "Tracks.", "👁")

    @hookimpl
    def tracking_notice(self) -> str | None:
        return "opens and links"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal with a tracking module as its only one."""
    monkeypatch.setattr("app.runtime.discover", lambda: {"tracker": _Tracker()})


@pytest.mark.parametrize(("form", "tracked"), [({"track": "1"}, 1), ({}, 0)])
async def test_the_switch_decides_whether_a_reply_is_tracked(
    plugins: None, agent_client: Client, app: Quart, ticket_id: int, db: Database, form: dict[str, str], tracked: int
) -> None:
    runtime: Runtime = app.extensions["runtime"]
    with runtime.entered():
        await modules.set_enabled("tracker", enabled=True, user=None)
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "<b>Tracked:</b> opens and links" in page

    await _reply(agent_client, ticket_id, track_offered="1", **form)
    assert [row["enable_tracking"] for row in await _rows(db, "SELECT enable_tracking FROM outgoing_emails")] == [
        tracked
    ]


async def test_a_draft_is_kept_for_its_agent_alone_and_gone_once_sent(
    agent_client: Client, other_client: Client, agent: User, ticket_id: int
) -> None:
    path = f"/tickets/{ticket_id}/draft"
    response = await post(
        agent_client,
        path,
        {
            "kind": "note",
            "to": "half an addr",
            "cc": "",
            "bcc": "",
            "body_html": "<p>Half a <script>x</script>sent</p>",
        },
    )
    assert response.status_code == 204
    mine = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert 'value="half an addr"' in mine
    assert "&lt;p&gt;Half a sent&lt;/p&gt;" in mine
    assert 'value="note" checked' in mine
    theirs = await (await get(other_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    assert "Half a" not in theirs

    await _reply(agent_client, ticket_id)
    assert await drafts.load(ticket_id, user=agent) is None


async def test_an_empty_draft_forgets_the_one_before(agent_client: Client, agent: User, ticket_id: int) -> None:
    path = f"/tickets/{ticket_id}/draft"
    await post(agent_client, path, {"body_text": "something"})
    assert await drafts.load(ticket_id, user=agent) is not None
    await post(agent_client, path, {"body_html": "<p><br></p>"})
    assert await drafts.load(ticket_id, user=agent) is None


async def test_a_draft_too_long_says_so_in_json(agent_client: Client, ticket_id: int) -> None:
    response = await post(agent_client, f"/tickets/{ticket_id}/draft", {"body_html": "x" * 600_000})
    assert response.status_code == 422
    assert "600000 characters, at most 512000 fit" in (await response.get_json())["error"]


async def test_a_reply_that_crosses_another_is_stopped_and_goes_out_once_seen(
    agent_client: Client, other_agent: User, ticket_id: int, db: Database
) -> None:
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    [seen] = re.findall(r'name="seen" value="(\d+)"', page)
    await service.add_reply(ticket_id, author=other_agent, html_body="<p>Use foam</p>")
    await service.add_customer_message(ticket_id, email="Bob Builder <bob@example.org>", text_body="Still burning")
    response = await _reply(agent_client, ticket_id, body_html="<p>Use sand</p>", seen=seen)
    assert response.status_code == 422
    page = await response.get_data(as_text=True)
    assert "Nothing was sent: Mei Chen answered and Bob Builder wrote again while you were writing." in page
    assert "Use foam" in page
    assert "Use sand" in page
    assert len(await _rows(db, "SELECT id FROM outgoing_emails")) == 1
    [now] = re.findall(r'name="seen" value="(\d+)"', page)
    assert int(now) > int(seen)
    assert (await _reply(agent_client, ticket_id, body_html="<p>Use sand</p>", seen=now)).status_code == 303
    assert len(await _rows(db, "SELECT id FROM outgoing_emails")) == 2


async def test_what_one_wrote_oneself_and_notes_cross_nothing(
    agent_client: Client, agent: User, other_agent: User, ticket_id: int
) -> None:
    page = await (await get(agent_client, f"/tickets/{ticket_id}")).get_data(as_text=True)
    [seen] = re.findall(r'name="seen" value="(\d+)"', page)
    await service.add_reply(ticket_id, author=agent, html_body="<p>Mine</p>")
    assert (await _reply(agent_client, ticket_id, seen=seen)).status_code == 303
    await service.add_reply(ticket_id, author=other_agent, html_body="<p>Theirs</p>", internal=True)
    assert (await _reply(agent_client, ticket_id, kind="note", seen=seen)).status_code == 303
    response = await _reply(agent_client, ticket_id, seen=seen)
    assert "Mei Chen added a note while you were writing" in await response.get_data(as_text=True)
