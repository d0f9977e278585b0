"""/api/announcements/…/imports: a CSV file of addresses, told line by line before it counts."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field
from quart import Blueprint, Response, g, request
from quart_schema import document_response

from app.services.api import Answer, Given, Refused, answer, asks
from plugins.announcements import csv_file, enclosures, flow, imports
from plugins.announcements.api_models import AnnouncementShown, shown
from plugins.announcements.errors import AnnouncementRefused
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.imports import PAGE, VERDICTS

ONE = "/<int(max=2147483647):announcement_id>/imports"
FILE = f"{ONE}/<int(max=2147483647):import_id>"
Verdict = Literal["known", "new", "bad", "double", "same_person", "unsubscribed", "suppressed"]


class FileNamed(Given):
    """The file's name."""

    filename: str = Field("addresses.csv", min_length=1, max_length=255)


class LinesQuery(Given):
    """Which lines to tell of."""

    verdict: Verdict | Literal[""] = ""
    after: str = Field("0", pattern=r"^[0-9]{1,9}$", description="`next` of the page before.")


class ImportLine(Answer):
    """A line of the file, and what becomes of it."""

    line: int = Field(description="As an editor counts them.")
    email: str = Field(description="Empty where there is no usable address.")
    name: str
    verdict: Verdict = Field(description="`known` and `new` count: a contact, or one that is made when it is sent.")
    words: str = Field(description="The verdict in words, and what is wrong with the line.")


class ImportShown(Answer):
    """A file of addresses. It counts once it is accepted."""

    id: int
    filename: str
    encoding: str
    delimiter: str
    created_at: AwareDatetime
    accepted_at: AwareDatetime | None
    usable: int = Field(description="Lines that count.")
    counts: dict[str, int] = Field(description="Lines by verdict.")
    lines: list[ImportLine] = Field(description="100 at most, in their order.")
    next: int = Field(description="Give it as `after` for more lines; 0 where these are the last.")


def add_import_routes(api: Blueprint, handles: Handles) -> None:
    """Add them to the routes of announcements."""

    @api.post(ONE)
    @document_response(ImportShown, 201)
    @asks(FileNamed)
    async def upload_addresses(*, announcement_id: int, query: FileNamed) -> Response:
        """Read a CSV file for a draft: the body is its content. Nothing counts before it is accepted."""
        if (request.content_length or 0) > csv_file.MAX_BYTES:
            raise _refused(f"The file has more than {csv_file.MAX_BYTES // 1_000_000} MB; split it.", 413)
        content = await request.get_data(cache=False)
        if not isinstance(content, bytes) or not content:
            raise _refused("The body is empty; send the file's content as the body.")
        try:
            made = await imports.upload(handles, announcement_id, filename=query.filename, content=content, by=g.user)
        except AnnouncementRefused as error:
            raise _refused(str(error)) from None
        return answer(await _report(announcement_id, made, LinesQuery()), 201)

    @api.get(FILE)
    @document_response(ImportShown)
    @asks(LinesQuery)
    async def read_addresses(*, announcement_id: int, import_id: int, query: LinesQuery) -> Response:
        """Tell what becomes of each line."""
        return answer(await _report(announcement_id, import_id, query))

    @api.post(f"{FILE}/accept")
    @document_response(AnnouncementShown)
    async def accept_addresses(announcement_id: int, import_id: int) -> Response:
        """Make the lines that count the draft's audience, in place of what it was."""
        try:
            await imports.accept(handles, announcement_id, import_id)
        except AnnouncementRefused as error:
            raise _refused(str(error)) from None
        known = await announcement(handles, announcement_id)
        return answer(shown(known, await flow.progress(handles, known), await enclosures.attached(handles, known)))

    async def _report(announcement_id: int, import_id: int, query: LinesQuery) -> ImportShown:
        found = await imports.one(handles, announcement_id, import_id)
        rows = await imports.lines(handles, import_id, verdict=query.verdict, after=int(query.after), limit=PAGE + 1)
        return ImportShown(
            id=found.id,
            filename=found.filename,
            encoding=found.encoding,
            delimiter=found.delimiter,
            created_at=found.created_at,
            accepted_at=found.accepted_at,
            usable=found.usable,
            counts=dict(found.counts),
            lines=[
                ImportLine(
                    line=row["line"],
                    email=row["email"],
                    name=row["name"],
                    verdict=row["verdict"],
                    words=f"{VERDICTS[row['verdict']]}{': ' if row['words'] else ''}{row['words']}",
                )
                for row in rows[:PAGE]
            ],
            next=rows[PAGE - 1]["line"] if len(rows) > PAGE else 0,
        )


def _refused(words: str, status: int = 422) -> Refused:
    return Refused(status, words, {"body": words})
