"""From a file to people: what becomes of each line, and contacts that are made when it is sent."""

from __future__ import annotations

import io

from quart import Quart
from quart.datastructures import FileStorage
from quart.typing import TestClientProtocol as Client

from app.accounts import profile
from app.accounts.models import User
from app.runtime import Runtime
from app.services import suppressions
from plugins.announcements import flow, imports
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from tests.announcements.builders import draft, handed_over, people
from tests.support.web import get, post

FILE = (
    "email;name\n"
    "bob@x.org;Bob in the file\n"
    "new@z.org;=New Person\n"
    "new@Z.org;Double\n"
    "bob2@x.org;Second address of Bob\n"
    "gone@x.org;\n"
    "no address;\n"
)


async def test_each_line_is_told_and_nothing_counts_before_it_is_accepted(
    runtime: Runtime, handles: Handles, ada: User, ada_client: Client
) -> None:
    from app.services import contacts

    bob, _ = await people(runtime, "Bob <bob@x.org>", "gone@x.org")
    await contacts.add_address(bob, "bob2@x.org")
    async with runtime.database.transaction() as conn:
        await suppressions.unsubscribe(conn, "gone@x.org", contact_id=None, mailing=None)
    number = await draft(handles, ada)
    path = f"/announcements/{number}/import"

    upload = FileStorage(io.BytesIO(FILE.encode("cp1252")), filename="people.csv")
    answer = await post(ada_client, path, files={"file": upload})
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    report = answer.headers["Location"]
    page = await (await get(ada_client, report)).get_data(as_text=True)
    assert "semicolons" in page
    assert "<b>2</b> of 6 lines count" in page
    for words in ("A new contact is made", "Stands in the file before", "The same contact under another address"):
        assert words in page
    csv = await (await get(ada_client, f"{report}/report.csv")).get_data(as_text=True)
    assert csv.startswith("\ufeffline,email,name,verdict,reason")
    assert "new@z.org,New Person,A new contact is made" in csv
    assert (await announcement(handles, number)).audience.kind == "all"
    assert await contacts.of_address("new@z.org") is None

    assert (await post(ada_client, f"{report}/accept")).status_code == 303
    await flow.send(handles, number, by=ada)
    await handed_over(handles, number)
    async with runtime.database.connection() as conn:
        rows = await conn.fetch_all("SELECT email, name, state FROM announcement_recipients ORDER BY id")
    assert [(row["email"], row["name"], row["state"]) for row in rows] == [
        ("bob@x.org", "Bob", "queued"),
        ("new@z.org", "New Person", "queued"),
    ]
    assert await contacts.of_address("new@z.org") is not None


async def test_a_bad_file_is_refused_at_its_field_and_keeps_what_was_accepted(
    handles: Handles, ada: User, ada_client: Client
) -> None:
    number = await draft(handles, ada)
    first = await imports.upload(handles, number, filename="a.csv", content=b"email\na@x.org\n", by=ada)
    await imports.accept(handles, number, first)
    path = f"/announcements/{number}/import"
    upload = FileStorage(io.BytesIO(b"\x00\x01"), filename="x.xlsx")
    answer = await post(ada_client, path, files={"file": upload})
    assert answer.status_code == 422
    assert "is no text" in await answer.get_data(as_text=True)
    assert (await post(ada_client, path)).status_code == 422
    assert (await announcement(handles, number)).audience.value == str(first)


async def test_the_api_tells_the_same_and_accepts(portal: Quart, runtime: Runtime, handles: Handles, ada: User) -> None:
    await people(runtime, "Bob <bob@x.org>")
    number = await draft(handles, ada)
    token = await profile.create_api_token(ada, name="tests")
    client, headers = portal.test_client(), {"Authorization": f"Bearer {token}", "Host": "portal.test"}
    base = f"/api/announcements/{number}/imports"

    sent = await client.post(f"{base}?filename=people.csv", data=FILE.encode("cp1252"), headers=headers)
    made = await sent.get_json()
    assert (sent.status_code, made["filename"], made["usable"], made["accepted_at"]) == (201, "people.csv", 4, None)
    assert [(one["line"], one["verdict"]) for one in made["lines"]] == [
        (2, "known"), (3, "new"), (4, "double"), (5, "new"), (6, "new"), (7, "bad"),
    ]  # fmt: skip
    assert made["lines"][5]["words"].startswith("No usable address: ")
    one = f"{base}/{made['id']}"
    found = await (await client.get(f"{one}?verdict=new&after=3", headers=headers)).get_json()
    assert ([line["line"] for line in found["lines"]], found["next"]) == ([5, 6], 0)
    accepted = await client.post(f"{one}/accept", headers=headers)
    assert (await accepted.get_json())["audience"] == {"kind": "import", "value": str(made["id"])}

    for body, words in ((b"", "empty"), (b"\xff\xfe\x00", ""), (b"name\nBob\n", "")):
        refused = await client.post(base, data=body, headers=headers)
        error = (await refused.get_json())["error"]
        assert (refused.status_code, list(error["fields"])) == (422, ["body"])
        assert words in error["fields"]["body"]
    assert (await client.get(f"{base}/999999", headers=headers)).status_code == 404
    assert (await client.get(f"{one}?verdict=rain", headers=headers)).status_code == 422
