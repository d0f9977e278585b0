"""What the composer's form holds: read from a request, from a draft, or as a new answer starts."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from quart import request

from app import richtext
from app.accounts.models import User
from app.email.errors import ContentTooLarge
from app.tickets import attachments, rules
from app.tickets.errors import BodyTooLarge, TicketRefused, sentence
from app.tickets.files import Upload
from app.tickets.models import AttachmentInfo, Draft


@dataclass(frozen=True)
class Composer:
    """The fields of the composer, as text: what is wrong in them is kept as it was typed."""

    kind: str = "reply"
    to: str = ""
    cc: str = ""
    bcc: str = ""
    body_html: str = ""
    """From the editor; empty where it did not run."""
    body_text: str = ""
    track: bool | None = None
    """None where the form did not offer the choice, or nobody made one."""
    then_close: bool = False
    attachment_ids: Sequence[int] = ()
    """Files that were stored when the form was sent before."""
    uploads: Sequence[Upload] = field(default=(), repr=False)
    once: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    """Names this form, so that sending it twice answers once."""
    seen: int | None = None
    """The newest message that was on the page."""
    kept: Sequence[AttachmentInfo] = ()
    """What `attachment_ids` name, for the page."""

    async def html(self) -> str:
        """The message as HTML; made from the text where the editor did not run. Raises BodyTooLarge."""
        if self.body_html.strip():
            return self.body_html
        try:
            return await richtext.text_to_html_async(self.body_text)
        except ContentTooLarge as error:
            raise BodyTooLarge({"body": sentence(error)}) from None

    async def text(self) -> str:
        """The message as plain text, for the field that works without a script."""
        if not self.body_html.strip():
            return self.body_text
        try:
            return await richtext.html_to_text_async(self.body_html)
        except ContentTooLarge:
            return self.body_html

    async def keep_files(self, *, ticket_id: int | None, user: User) -> Composer:
        """Store the files that came with a form that was refused, so that they need not be chosen again."""
        ids = list(self.attachment_ids)
        # Files that are refused themselves have to be chosen anew.
        with contextlib.suppress(TicketRefused):
            ids += [info.id for info in await attachments.keep(self.uploads, ticket_id=ticket_id, user=user)]
        kept = await attachments.unsent(ids, user=user)
        return replace(self, attachment_ids=[info.id for info in kept], uploads=(), kept=kept)


async def from_draft(draft: Draft, *, user: User) -> Composer:
    """The composer as its draft was kept, with those of its files that are not sent or thrown away meanwhile."""
    kept = await attachments.unsent(draft.attachment_ids, user=user)
    return Composer(
        kind=draft.kind,
        to=draft.to_line,
        cc=draft.cc_line,
        bcc=draft.bcc_line,
        body_html=draft.body_html,
        track=draft.track,
        attachment_ids=[info.id for info in kept],
        kept=kept,
    )


async def from_request() -> Composer:
    """The composer as it was sent."""
    form = await request.form
    return Composer(
        kind="note" if form.get("kind") == "note" else "reply",
        to=form.get("to", ""),
        cc=form.get("cc", ""),
        bcc=form.get("bcc", ""),
        body_html=form.get("body_html", ""),
        body_text=form.get("body_text", ""),
        track=_track(form),
        then_close=form.get("after") == "close",
        attachment_ids=[one for value in form.getlist("attachment") if (one := rules.number(value)) is not None],
        uploads=await uploads("files"),
        once=request.args.get("once", ""),
        seen=rules.number(form.get("seen", "")),
    )


def _track(form: Mapping[str, str]) -> bool | None:
    """What the switch says; None where there was none, or nobody touched it: then what it stands for counts."""
    if "track_offered" not in form:
        return None
    chosen = "track" in form
    return None if chosen == {"1": True, "0": False}.get(form.get("track_default", "")) else chosen


async def uploads(name: str) -> list[Upload]:
    """The files of one form field; an empty file input sends a part without a name, which counts as none."""
    found = []
    for file in (await request.files).getlist(name):
        if file.filename:
            found.append(Upload(file.filename, file.content_type or "", file.read()))
        file.close()
    return found
