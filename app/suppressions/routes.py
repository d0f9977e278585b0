"""Admin → Suppressed addresses, and a page of each for agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlencode

from markupsafe import Markup
from quart import Blueprint, Response, flash, g, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from app.database import utcnow
from app.suppressions import rules, service
from app.suppressions.errors import SuppressionNotFound, SuppressionRefused
from app.suppressions.models import Query, Suppression
from app.tickets import outgoing
from app.web.access import admin_required, csrf_token
from app.web.errors import error_response

suppressions = Blueprint("suppressions", __name__)

MAX_QUERY = 254
FIELDS = ("to", "cc", "bcc", "requester")
LABELS = {"email": "Address", "scope": "It does not get", "detail": "Note"}
UNDO = Markup(
    '{words} <form method="post" action="{action}" class="inline-form">'
    '<input type="hidden" name="csrf_token" value="{token}"><input type="hidden" name="back" value="{back}">'
    '<button class="button button-small">Undo</button></form>'
)


@suppressions.errorhandler(SuppressionNotFound)
async def not_found(error: SuppressionNotFound) -> ResponseReturnValue:
    """A line that is gone, or never was."""
    return await error_response(404, str(error))


@suppressions.get("/admin/suppressions")
@admin_required
async def index() -> ResponseReturnValue:
    """The list, and the form to add to it."""
    return await _list()


@suppressions.post("/admin/suppressions")
@admin_required
async def add() -> ResponseReturnValue:
    """Put an address on the list, or show the form again with what is wrong."""
    form = await request.form
    given = {name: form.get(name, "") for name in LABELS}
    try:
        added = await service.add_by_hand(given["email"], scope=given["scope"], detail=given["detail"], by=g.user)
    except SuppressionRefused as error:
        return await _list(given, {error.field: str(error)}), 422
    await flash(f"{added.email} is on the list.", "good")
    return redirect(url_for("suppressions.index"), 303)


@suppressions.get("/admin/suppressions.csv")
@admin_required
async def csv() -> ResponseReturnValue:
    """What the list shows, as a file."""
    headers = {"Content-Disposition": f'attachment; filename="suppressed-{utcnow():%Y-%m-%d}.csv"'}
    return Response(service.csv(_query()), content_type="text/csv; charset=utf-8", headers=headers)


@suppressions.get("/suppressions/check")
async def check() -> ResponseReturnValue:
    """Which of the addresses typed into `to`, `cc`, `bcc` and `requester` get no mail: [{"field", "email", "words",
    "id"}]."""
    lines = {name: request.args[name] for name in FIELDS if request.args.get(name)}
    return jsonify([asdict(one) for one in await outgoing.suppressed_in_lines(lines)])


@suppressions.get("/suppressions/<int:number>")
async def show(number: int) -> ResponseReturnValue:
    """One line, also one that was taken off, with the button that changes that."""
    one = await service.line(number)
    return await render_template("suppressions/show.html", one=one, rules=rules)


@suppressions.post("/suppressions/<int:number>/<any(remove, restore):action>")
async def change(number: int, action: str) -> ResponseReturnValue:
    """Take a line off, or put it back."""
    back = (await request.form).get("back", "")
    is_list = back.startswith("?") and g.user.is_admin
    where = f"{url_for('suppressions.index')}{back}" if is_list else url_for("suppressions.show", number=number)
    if action == "restore":
        one = await service.restore(number, by=g.user)
        await flash(f"{_name(one)} is on the list again.", "good")
        return redirect(where, 303)
    one = await service.remove(number, by=g.user)
    gets = "mail" if one.scope == "all" else "announcements"
    undo = UNDO.format(
        words=f"{_name(one)} gets {gets} again.",
        action=url_for("suppressions.change", number=number, action="restore"),
        token=csrf_token(),
        back=back if is_list else "",
    )
    await flash(undo, "good")
    return redirect(where, 303)


def _name(one: Suppression) -> str:
    return one.email or "The erased address"


def _query() -> Query:
    reason, scope = request.args.get("reason", ""), request.args.get("scope", "")
    return Query(
        request.args.get("q", "").strip()[:MAX_QUERY],
        reason if reason in rules.REASONS else "",
        scope if scope in rules.SCOPES else "",
        is_removed=request.args.get("show") == "removed",
    )


async def _list(given: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> str:
    query = _query()
    before, after = (_number(request.args.get(name, "")) for name in ("before", "after"))
    page = await service.page(query, before=before, after=after)
    removed = "removed" if query.is_removed else ""
    chosen = {"q": query.words, "reason": query.reason, "scope": query.scope, "show": removed}

    def address(**changes: object) -> str:
        return f"?{urlencode({name: value for name, value in {**chosen, **changes}.items() if value})}"

    return await render_template(
        "suppressions/list.html",
        page=page,
        asked=query,
        rules=rules,
        address=address,
        here=address(before=before, after=after),
        given=given or {"email": "", "scope": "all", "detail": ""},
        errors=errors or {},
        labels=LABELS,
    )


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
