"""/announcements/…: looking at one as it will arrive, sending it, and watching it go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from quart import Blueprint, Response, flash, g, jsonify, redirect, render_template, request
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.services import mailings
from app.services.web import User, absolute, page_policy, zone
from plugins.announcements import audience, drafts, enclosures, flow, rules, statistics
from plugins.announcements.errors import AnnouncementRefused
from plugins.announcements.finding import announcement
from plugins.announcements.handles import Handles
from plugins.announcements.models import REASONS, STATES, Announcement, Progress
from plugins.announcements.pages import blueprint
from plugins.announcements.routes import LABELS, PATH, reach_words

# A srcdoc frame inherits the page's policy, and a mail without its inline styles is not what a customer sees.
PAGE_CSP = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; frame-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
FRAME = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
    "<style>img{max-width:100%;height:auto}</style>"
    '<base target="_blank"><body style="margin:16px;font:15px/1.5 sans-serif;color:#1c1c1c;background:#fff">'
)
DONE = {
    "pause": "Paused. Nothing more goes out until you resume it.",
    "resume": "It goes on.",
    "stop": "Stopped. What had not reached the mail server was taken back.",
    "unschedule": "It is a draft again.",
}
ANSWERS = 20


def flow_routes(handles: Handles) -> Blueprint:
    """For everybody who is logged in; sending is for those who may."""
    routes = blueprint("flow", handles)
    steps: Mapping[str, Callable[..., Awaitable[Announcement]]] = {
        "pause": flow.pause,
        "resume": flow.resume,
        "stop": flow.stop,
        "unschedule": flow.unschedule,
    }

    @routes.get(f"{PATH}/<int:number>/preview")
    async def preview(number: int) -> ResponseReturnValue:
        """The mail as one contact will get it."""
        return await _preview(await announcement(handles, number), request.args.get("contact", ""))

    async def _preview(known: Announcement, who: str, errors: Mapping[str, str] | None = None) -> Response:
        try:
            person, mail = await drafts.preview(handles, known, who)
        except AnnouncementRefused as error:
            errors = {**(errors or {}), **error.fields}
            person, mail = await drafts.preview(handles, known, "")
        page = await render_template(
            "announcements/preview.html",
            known=known,
            person=person,
            mail=mail,
            frame=FRAME + await enclosures.shown(handles, known, mail),
            files=await enclosures.attached(handles, known),
            typed=who or person.email,
            errors=errors or {},
            labels=LABELS,
            may_send=flow.may_send(handles, g.user),
        )
        return Response(page, 422 if errors else 200, headers={"Content-Security-Policy": page_policy(PAGE_CSP)})

    @routes.post(f"{PATH}/<int:number>/test")
    async def test(number: int) -> ResponseReturnValue:
        """Send it to oneself."""
        known = await announcement(handles, number)
        who = (await request.form).get("contact", "")
        try:
            sent = await drafts.send_test(handles, known, who, to=g.user)
        except AnnouncementRefused as error:
            return await _preview(known, who, error.fields)
        words = f"The test mail is on its way to {g.user.email}."
        if not sent:
            words = f"The mail server did not take the test mail to {g.user.email} now. The worker tries again."
        await flash(words, "good" if sent else "warning")
        return redirect(f"{PATH}/{number}/preview", 303)

    @routes.get(f"{PATH}/<int:number>/send")
    async def confirm(number: int) -> ResponseReturnValue:
        """Whom it goes to, and when: the last page before it goes."""
        return await _confirm(await announcement(handles, number), {})

    @routes.post(f"{PATH}/<int:number>/send")
    async def send(number: int) -> ResponseReturnValue:
        """Let it go, now or later."""
        form = await request.form
        at = None
        try:
            if form.get("when") == "later":
                at = _time(form.get("send_at", ""))
            known = await flow.send(handles, number, by=g.user, at=at)
        except AnnouncementRefused as error:
            return await _confirm(await announcement(handles, number), error.fields, typed=form), 422
        words = "It goes out now." if at is None else f"It goes out on {absolute(at)}."
        await flash(words, "good")
        return redirect(f"{PATH}/{known.id}/progress", 303)

    def _time(typed: str) -> Any:
        try:
            return rules.send_time(typed, zone(), utcnow())
        except ValueError as error:
            raise AnnouncementRefused({"send_at": str(error)}) from None

    async def _confirm(
        known: Announcement, errors: Mapping[str, str], *, typed: Mapping[str, str] | None = None
    ) -> str:
        found, problems, elsewhere = None, dict(errors), {}
        try:
            await drafts.check_ready(known)
            found = await audience.reach(handles.database, known.audience)
            if handles.context.settings.portal_url is None:
                problems.setdefault("", flow.NO_ADDRESS)
        except AnnouncementRefused as error:
            problems |= error.fields
            elsewhere = dict.fromkeys(error.fields, f"{PATH}/{known.id}")
        weight = await enclosures.weight(handles, known)
        rate = rules.effective_rate(known.per_minute, handles.settings.mails_per_minute)
        return await render_template(
            "announcements/send.html",
            known=known,
            found=found,
            reach=reach_words(found) if found else "",
            errors=problems,
            labels={**LABELS, "send_at": "Time"},
            pages=elsewhere,
            typed=typed or {},
            zone=zone().key,
            rate=rate,
            weight=weight,
            together=weight * found.recipients if found else 0,
            takes=_duration(found.recipients, rate) if found and rate else "",
            may_send=flow.may_send(handles, g.user),
        )

    @routes.get(f"{PATH}/<int:number>/progress")
    async def progress(number: int) -> ResponseReturnValue:
        """How far it has come; as JSON for the page that stays open."""
        known = await announcement(handles, number)
        now = await flow.progress(handles, known)
        if request.accept_mimetypes.best == "application/json":
            return jsonify({"state": known.state, "moving": now.is_moving, "html": await _line(known, now)})
        if known.is_open:
            return redirect(f"{PATH}/{number}", 303)
        _, mail = await drafts.preview(handles, known, "")
        async with handles.database.connection() as conn:
            answers = await mailings.answers(conn, known.mailing, limit=ANSWERS)
        page = await render_template(
            "announcements/progress.html",
            known=known,
            now=now,
            line=await _line(known, now),
            state=STATES[known.state],
            reasons=await statistics.left_out(handles, number),
            reason_words=REASONS,
            answers=answers,
            frame=FRAME + await enclosures.shown(handles, known, mail),
            files=await enclosures.attached(handles, known),
            may_send=flow.may_send(handles, g.user),
        )
        return Response(page, headers={"Content-Security-Policy": page_policy(PAGE_CSP)})

    async def _line(known: Announcement, now: Progress) -> str:
        return await render_template("announcements/_line.html", known=known, now=now)

    @routes.post(f"{PATH}/<int:number>/<any(pause, resume, stop, unschedule):step>")
    async def steer(number: int, step: str) -> ResponseReturnValue:
        """Pause, resume or stop it."""
        user: User = g.user
        known = await steps[step](handles, number, by=user)
        await flash(DONE[step], "good")
        return redirect(f"{PATH}/{number}" if known.is_open else f"{PATH}/{number}/progress", 303)

    return routes


def _duration(count: int, per_minute: int) -> str:
    """How long it takes at least: "about 2 hours"."""
    minutes = count / per_minute
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {round(minutes)} minute{'s' if round(minutes) != 1 else ''}"
    return f"about {round(minutes / 60)} hours"
