"""/announcements: the list, and writing one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from quart import Blueprint, Response, flash, g, jsonify, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.services import contacts, files, tags
from app.services.email import Address
from app.services.text import html_to_text_async, text_to_html_async
from plugins.announcements import audience, drafts, enclosures, flow, imports, rules
from plugins.announcements.drafts import Given
from plugins.announcements.errors import AnnouncementNotFound, AnnouncementRefused
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.models import REASONS, STATES, Announcement, Audience, Reach
from plugins.announcements.pages import blueprint

PATH = "/announcements"
LABELS = {
    "subject": "Subject",
    "body": "Text",
    "files": "Files",
    "audience": "Who gets it",
    "per_minute": "Mails per minute",
    "contact": "Contact",
}
MAX_QUERY = 200


def draft_routes(handles: Handles) -> Blueprint:
    """For everybody who is logged in."""
    routes = blueprint("drafts", handles)

    @routes.get(PATH)
    async def index() -> ResponseReturnValue:
        """One page of announcements, newest first."""
        words = request.args.get("q", "").strip()[:MAX_QUERY]
        state = request.args.get("state", "")
        state = state if state in STATES else ""
        page = await drafts.page(handles, words=words, state=state, before=_number(request.args.get("before", "")))

        def href(**given: Any) -> str:
            kept = {name: value for name, value in {"q": words, "state": state, **given}.items() if value}
            return PATH + (f"?{urlencode(kept)}" if kept else "")

        tabs = [{"label": "All", "href": href(state=""), "active": not state, "count": sum(page.counts.values())}]
        tabs += [
            {"label": word, "href": href(state=key), "active": key == state, "count": page.counts.get(key, 0)}
            for key, word in STATES.items()
        ]
        return await render_template(
            "announcements/list.html",
            page=page,
            words=words,
            state=state,
            states=STATES,
            tabs=tabs,
            newer=href(before=page.newer) if page.newer >= 0 else "",
            older=href(before=page.older) if page.older else "",
        )

    @routes.get(f"{PATH}/new")
    async def new() -> ResponseReturnValue:
        """The empty form."""
        return await _form(handles, Given())

    @routes.post(f"{PATH}/new")
    async def create() -> ResponseReturnValue:
        """Add a draft, or show the form again with what is wrong at each field."""
        given = await _given()
        try:
            number = await drafts.create(handles, given, by=g.user)
        except AnnouncementRefused as error:
            return await _refused(handles, given, error)
        if _wants_json():
            return jsonify(await _saved(handles, await announcement(handles, number), given))
        return await _next(number)

    @routes.get(f"{PATH}/<int:number>")
    async def show(number: int) -> ResponseReturnValue:
        """A draft to write on, or what became of it."""
        known = await announcement(handles, number)
        if not known.is_open:
            return redirect(f"{PATH}/{number}/progress", 303)
        has = await enclosures.attached(handles, known)
        return await _form(handles, given_of(known, [one.id for one in has]), known=known)

    @routes.post(f"{PATH}/<int:number>")
    async def save(number: int) -> ResponseReturnValue:
        """Change a draft, or show the form again with what is wrong at each field; as JSON for the saving by itself."""
        given = await _given()
        form = await request.form
        try:
            known = await drafts.save(handles, number, given, by=g.user, version=form.get("version", ""))
        except AnnouncementRefused as error:
            return await _refused(handles, given, error, known=await announcement(handles, number))
        if _wants_json():
            return jsonify(await _saved(handles, known, given))
        return await _next(number)

    async def _next(number: int) -> Response:
        """Where the button that was pressed leads."""
        action = (await request.form).get("then", "")
        if action in {"preview", "send", "import"}:
            return _redirect(f"{PATH}/{number}/{action}")
        await flash("The draft is saved.", "good")
        return _redirect(f"{PATH}/{number}")

    @routes.post(f"{PATH}/<int:number>/duplicate")
    async def duplicate(number: int) -> ResponseReturnValue:
        """Make a draft of the same content."""
        made = await drafts.duplicate(handles, number, by=g.user)
        await flash("This is a copy. Nothing is sent before you say so.", "good")
        return redirect(f"{PATH}/{made}", 303)

    @routes.post(f"{PATH}/<int:number>/delete")
    async def delete(number: int) -> ResponseReturnValue:
        """Delete one; the page asked for a confirmation before."""
        name = await drafts.delete(handles, number, by=g.user, may_send=flow.may_send(handles, g.user))
        await flash(f"{name} is deleted.", "good")
        return redirect(PATH, 303)

    @routes.get(f"{PATH}/reach")
    async def reach() -> ResponseReturnValue:
        """How many an audience has, as JSON for the form."""
        try:
            who = rules.check_audience(request.args.get("audience", ""), request.args.get("value", ""))
            rules.check_complete(who)
        except ValueError as error:
            return jsonify({"words": str(error), "recipients": 0})
        found = await audience.reach(handles.database, who)
        return jsonify({"words": reach_words(found), "recipients": found.recipients})

    @routes.get(f"{PATH}/contacts")
    async def suggest() -> ResponseReturnValue:
        """Contacts that what was typed so far may mean, as JSON."""
        found = await contacts.suggest(request.args.get("q", "")[:MAX_QUERY], limit=8)
        return jsonify([{"value": email, "label": str(Address(name, email))} for name, email in found])

    return routes


def given_of(known: Announcement, attachment_ids: Sequence[int] = ()) -> Given:
    """A draft as its form shows it."""
    return Given(
        known.subject,
        known.body_html,
        known.audience.kind,
        known.audience.value,
        str(known.per_minute or ""),
        known.is_tracked,
        tuple(attachment_ids),
    )


def reach_words(found: Reach) -> str:
    """ "812 recipients. Left out: 3 unsubscribed." """
    people = "1 recipient" if found.recipients == 1 else f"{found.recipients:,} recipients"
    words = f"{people}, {found.new_contacts:,} of them new contacts." if found.new_contacts else f"{people}."
    if found.left_out:
        parts = [f"{count:,} {REASONS[reason].lower()}" for reason, count in sorted(found.left_out.items())]
        words += f" Left out: {'; '.join(parts)}."
    return words


async def _given() -> Given:
    form = await request.form
    body = form.get("body_html", "").strip() or await text_to_html_async(form.get("body_text", ""))
    kind = form.get("audience", "all")
    return Given(
        subject=form.get("subject", ""),
        body_html=body,
        audience=kind,
        value=form.get(f"value_{kind}", "") if kind in {"tag", "domain", "import"} else "",
        per_minute=form.get("per_minute", ""),
        is_tracked=form.get("tracked") == "1",
        attachment_ids=tuple(filter(None, map(_number, form.getlist("attachment")))),
        uploads=tuple(await files.uploads("files")),
    )


async def _refused(
    handles: Handles, given: Given, error: AnnouncementRefused, *, known: Announcement | None = None
) -> ResponseReturnValue:
    if _wants_json():
        return jsonify({"errors": error.fields}), 422
    # Files that are refused themselves have to be chosen anew; others need not.
    with contextlib.suppress(files.FilesRefused):
        kept = await files.keep(given.uploads, user=g.user)
        given = replace(given, attachment_ids=(*(given.attachment_ids or ()), *kept), uploads=())
    return await _form(handles, given, error.fields, known=known), 422


async def _saved(handles: Handles, known: Announcement, given: Given) -> Mapping[str, Any]:
    """What the form needs once it saved by itself; with its list of files where some came along."""
    found = {"id": known.id, "version": known.version, "href": f"{PATH}/{known.id}"}
    if given.uploads:
        has = await enclosures.attached(handles, known)
        found["files"] = await render_template("announcements/_files.html", files=has)
    return found


async def _form(
    handles: Handles, given: Given, errors: Mapping[str, str] | None = None, *, known: Announcement | None = None
) -> str:
    who = Audience(given.audience, given.value)  # type: ignore[arg-type]
    words, file = "", None
    try:
        checked = rules.check_audience(who.kind, who.value)
        rules.check_complete(checked)
        words = reach_words(await audience.reach(handles.database, checked))
        if checked.kind == "import" and known is not None:
            file = await imports.one(handles, known.id, int(checked.value))
    except (ValueError, AnnouncementNotFound) as error:
        words = str(error)
    return await render_template(
        "announcements/edit.html",
        known=known,
        given=given,
        values={kind: given.value if given.audience == kind else "" for kind in rules.AUDIENCES},
        file=file,
        files=await enclosures.usable(handles, given.attachment_ids or (), by=g.user),
        most_files=rules.MOST_FILES,
        most_words=files.in_mb(rules.MOST_FILES),
        text=await html_to_text_async(given.body_html) if given.body_html else "",
        errors=errors or {},
        labels=LABELS,
        audiences=rules.AUDIENCES,
        placeholders=rules.PLACEHOLDERS,
        reach=words,
        tags=[one.name for one in await tags.tags()],
        most=handles.settings.mails_per_minute,
        may_send=flow.may_send(handles, g.user),
        may_delete=known is not None and (flow.may_send(handles, g.user) or known.created_by == g.user.id),
    )


def _redirect(path: str) -> Response:
    response = redirect(path, 303)
    assert isinstance(response, Response)  # noqa: S101
    return response


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
