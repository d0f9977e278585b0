"""Changing the tickets that are ticked in the list, and taking that back."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode, urlsplit

from quart import Blueprint, flash, g, redirect, request
from quart.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.database import utcnow
from app.tickets import bulk, moments, rules
from app.tickets.errors import TicketRefused
from app.tickets.steps import UNCHANGED, Unchanged
from app.web.formats import zone

ticket_bulk = Blueprint("ticket_bulk", __name__)
SHOWN = 3
"""Tickets whose refusal is told one by one."""


@ticket_bulk.post("/tickets/bulk")
async def change() -> ResponseReturnValue:
    """Set what is chosen for the ticked tickets, and their tags; the list says what became of it."""
    form = await request.form
    back = _back(form.get("back", ""))
    try:
        done = await bulk.change(_tickets(form), _wanted(form), user=g.user)
    except TicketRefused as error:
        await flash(str(error), "bad")
        return redirect(back, 303)
    if done.refused:
        await flash(_refusals(done), "bad")
    if done.number is None and not done.refused:
        await flash("Nothing changed: the tickets were so already.", "info")
    return redirect(_with(back, done.number), 303)


@ticket_bulk.post("/tickets/bulk/<int:number>/undo")
async def undo(number: int) -> ResponseReturnValue:
    """Take a change back."""
    back = _back((await request.form).get("back", ""))
    try:
        done = await bulk.undo(number, user=g.user)
    except TicketRefused as error:
        await flash(str(error), "bad")
        return redirect(back, 303)
    words = f"{_count(done.changed)} changed back." if done.changed else "Nothing was left to change back."
    await flash(words, "good")
    if done.refused:
        await flash(_refusals(done), "bad")
    return redirect(back, 303)


def _tickets(form: MultiDict[str, str]) -> list[int]:
    return [int(one) for one in form.getlist("ticket") if one.isascii() and one.isdecimal() and len(one) < 10]


def _wanted(form: MultiDict[str, str]) -> bulk.Wanted:
    assignee: int | Unchanged | None = UNCHANGED
    if value := form.get("assignee", ""):
        assignee = None if value == "none" else rules.assignee_number(value)
    add, _ = rules.tag_line(form.get("add_tags", ""), "")
    remove, _ = rules.tag_line(form.get("remove_tags", ""), "")
    return bulk.Wanted(
        status=form.get("status") or None,
        priority=form.get("priority") or None,
        assignee_id=assignee,
        due_at=_due(form.get("due", "")),
        snoozed_until=_snooze(form.get("snooze", "")),
        add_tags=add,
        remove_tags=remove,
    )


def _due(key: str) -> datetime | Unchanged | None:
    if key in {"", "none"}:
        return None if key else UNCHANGED
    for choice in moments.due_choices(utcnow(), zone()):
        if choice.key == key:
            return choice.at
    raise TicketRefused({"due": f"The due date must be one of the menu that is still to come, got {key[:40]!r}."})


def _snooze(key: str) -> datetime | Unchanged | None:
    if key in {"", "end"}:
        return None if key else UNCHANGED
    return moments.snoozed_until(key, "", now=utcnow(), zone=zone())


def _refusals(done: bulk.Done) -> str:
    told = [f"#{number}: {words}" for number, words in list(done.refused.items())[:SHOWN]]
    more = len(done.refused) - len(told)
    words = f"{_count(len(done.refused))} not changed. {' '.join(told)}"
    return f"{words} And {more} more." if more else words


def _count(tickets: int) -> str:
    return f"{tickets} ticket{'' if tickets == 1 else 's'}"


def _back(query: str) -> str:
    """The list where it was: only its own arguments, so that no other address can be named."""
    parts = urlsplit(query)
    is_ours = not parts.netloc and parts.path in {"", "/tickets"}
    return f"/tickets?{parts.query}" if parts.query and is_ours else "/tickets"


def _with(back: str, number: int | None) -> str:
    if number is None:
        return back
    return f"{back}{'&' if '?' in back else '?'}{urlencode({'done': number})}"
