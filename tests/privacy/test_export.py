"""Everything about a person in a zip, read back as they would."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import resource
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from quart import Quart
from quart.typing import TestClientProtocol as Client

from app.accounts.models import User
from app.cli import main
from app.contacts.errors import ContactNotFound
from app.database import utcnow
from app.hookspecs import ContactData, ModuleInfo, hookimpl
from app.plugin_host import PluginHost
from app.privacy import export as exporting
from app.privacy.archive import Archive, safe_name
from app.privacy.export import Export, export_contact
from app.runtime import Runtime
from app.spreadsheets import cell
from tests.plausible.recording import rows
from tests.privacy.conftest import BODY, FIRST, NAME, SECOND, Person
from tests.support.web import get, log_in, post


def opened(found: Export) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(found.file.read()))
    finally:
        found.close()


def table(zipped: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(zipped.read(name).decode("utf-8-sig"), newline="")))


async def test_json_and_tables_hold_the_same_and_all_of_it(portal: Runtime, person: Person) -> None:
    found = await export_contact(person.contact_id, by=None)
    zipped = opened(found)
    data = json.loads(zipped.read("data.json"))
    own, module = data["portal"], data["plausible"]
    [contact] = own["contact"]
    assert (contact["name"], contact["email"], contact["notes"]) == (NAME, FIRST, "=geheimnisvoll\nlikes tea")
    assert "words" not in contact
    assert [row["email"] for row in own["addresses"]] == [SECOND, FIRST] or len(own["addresses"]) == 2
    assert [row["id"] for row in own["tickets"]] == [person.ticket_id]
    assert [row["kind"] for row in own["messages"]] == ["customer", "reply", "note", "customer"]
    assert own["messages"][1]["written_by"] == "Gus"
    assert own["messages"][3]["ticket_id"] == person.other_ticket_id
    assert "Mine" not in str(data), "what Eve wrote in her own ticket is hers"
    [copy] = own["copies"]
    assert (copy["email"], copy["state"], copy["tracking_id"]) == (FIRST, "sent", person.tracking_id)
    assert "lease_owner" not in copy
    assert [row["module"] for row in own["notes_on_copies"]] == ["plausible"]
    assert BODY in own["mails"][0]["text_body"]
    assert len(own["drafts"]) == 1
    assert [row["kind"] for row in module["opens_and_clicks"]] == ["open", "open", "open", "click"]
    assert module["readings"][0]["open_count"] == 3
    assert len(module["events_set_aside"]) == 1
    for part, tables in data.items():
        for name, lines in tables.items():
            assert len(table(zipped, f"{part}/{name}.csv")) == len(lines), name


async def test_a_table_that_came_later_is_given_out_too(portal: Runtime, person: Person) -> None:
    async with portal.database.connection() as conn:
        await conn.execute("CREATE TABLE later_decisions (id INT PRIMARY KEY, contact_id INT, decision VARCHAR(8))")
    try:
        async with portal.database.transaction() as conn:
            await conn.execute(
                "INSERT INTO later_decisions VALUES (1, %(id)s, 'refused'), (2, 0, 'allowed')",
                {"id": person.contact_id},
            )
        data = json.loads(opened(await export_contact(person.contact_id, by=None)).read("data.json"))
    finally:
        async with portal.database.connection() as conn:
            await conn.execute("DROP TABLE later_decisions")
    assert data["portal"]["later_decisions"] == [{"id": 1, "contact_id": person.contact_id, "decision": "refused"}]


async def test_files_come_with_it_under_harmless_names(portal: Runtime, person: Person) -> None:
    zipped = opened(await export_contact(person.contact_id, by=None))
    [name] = [one for one in zipped.namelist() if one.startswith("files/")]
    assert name.endswith("-zabelthau.txt")
    assert zipped.read(name) == b"canary " * 1000


async def test_no_cell_is_a_formula(portal: Runtime, person: Person) -> None:
    zipped = opened(await export_contact(person.contact_id, by=None))
    [row] = table(zipped, "portal/contact.csv")
    assert row["notes"] == "'=geheimnisvoll\nlikes tea"
    for value in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert cell(value) == f"'{value}"
    assert (cell(-1), cell(None), cell(True)) == ("-1", "", "yes")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("a\\b\0c.txt", "a-b-c.txt"),
        ("con", "_con"),
        ("nul.txt", "_nul.txt"),
        ("", "file"),
        ("…", "file"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
    ],
)
def test_names_of_files_lead_nowhere(name: str, safe: str) -> None:
    assert safe_name(name) == safe


async def test_the_readme_names_what_is_missing(
    portal: Runtime, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        @hookimpl
        def module_info(self) -> ModuleInfo:
            return ModuleInfo("broken", "Broken", "Fails.", "💥")

        @hookimpl
        async def export_contact(self, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
            raise RuntimeError("its disk is away")

    monkeypatch.setattr(portal, "plugins", PluginHost({**portal.plugins.plugins, "broken": Broken()}))
    monkeypatch.setattr(exporting, "MOST_EXPORTED", 2)
    found = await export_contact(person.contact_id, by=None)
    text = opened(found).read("README.txt").decode()
    assert "NOT COMPLETE" in text
    assert "broken: its data is missing here, because it failed (RuntimeError: its disk is away)" in text
    assert "of opens_and_clicks only the first 2 rows" in text
    assert FIRST in text


async def test_nobody_is_not_exported(portal: Runtime) -> None:
    with pytest.raises(ContactNotFound):
        await export_contact(4711, by=None)


async def test_only_admins_get_it_as_a_download_and_the_log_says_so(
    site: Quart, portal: Runtime, person: Person, ada: User, ada_client: Client, gus: User
) -> None:
    path = f"/contacts/{person.contact_id}/export"
    gus_client = await log_in(site, gus)
    assert (await post(gus_client, path)).status_code == 403
    assert "Erase…" not in await (await get(gus_client, f"/contacts/{person.contact_id}")).get_data(as_text=True)
    assert (await get(ada_client, path)).status_code == 405, "a link that is followed exports nobody"
    response = await post(ada_client, path)
    assert response.status_code == 200
    disposition = response.headers["content-disposition"]
    assert disposition == f'attachment; filename="contact-{person.contact_id}-{utcnow():%Y-%m-%d}.zip"'
    assert response.headers["cache-control"] == "no-store"
    assert zipfile.ZipFile(io.BytesIO(await response.get_data(as_text=False))).testzip() is None
    [line] = await rows(portal.database, "SELECT user_id, subject, detail FROM audit_log WHERE action LIKE 'contact.%'")
    assert (line["user_id"], line["subject"]) == (ada.id, f"contact:{person.contact_id}")
    assert FIRST not in line["detail"]


def test_what_is_large_goes_to_the_disk_and_not_into_memory() -> None:
    archive = Archive()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(60):
        archive.add_rows("portal", "messages", [{"id": number, "body": f"{number}" * 300_000}])
    file = archive.finish("read me")
    with zipfile.ZipFile(file) as zipped:
        assert zipped.getinfo("data.json").file_size > 30_000_000
    archive.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kB"


async def test_the_command_writes_it_once(
    portal: Runtime, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", str(portal.settings.database_url))
    monkeypatch.setenv("SECRET_KEY", portal.settings.key)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    output = tmp_path / "quirina.zip"

    def call(*arguments: str) -> Any:
        try:
            return CliRunner().invoke(main, ["privacy", *arguments])
        finally:
            structlog.reset_defaults()

    first = await asyncio.to_thread(call, "export", SECOND, "--output", str(output))
    assert first.exit_code == 0, first.output
    assert zipfile.ZipFile(output).testzip() is None
    assert output.stat().st_mode & 0o777 == 0o600
    again = await asyncio.to_thread(call, "export", FIRST, "--output", str(output))
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    nobody = await asyncio.to_thread(call, "export", "nobody@example.org", "--output", str(tmp_path / "x"))
    assert (nobody.exit_code, "no contact has the address" in nobody.output) == (1, True)
    erased = await asyncio.to_thread(call, "erase", FIRST, "--yes")
    assert (erased.exit_code, "done    portal" in erased.output) == (0, True), erased.output
    assert (await asyncio.to_thread(call, "erase", FIRST, "--yes")).exit_code == 1
    purged = await asyncio.to_thread(call, "purge")
    assert (purged.exit_code, purged.output.splitlines()[-1]) == (0, "plausible: nothing to do")
    applied = await asyncio.to_thread(call, "apply")
    assert (applied.exit_code, applied.output.splitlines()[-1]) == (0, "plausible: nothing to change")
