"""Admin pages: the index, users, the audit log."""

from __future__ import annotations

from collections.abc import Collection

from quart import Blueprint, flash, g, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.accounts import admin as service
from app.accounts import audit_log
from app.accounts.errors import AccountError, NoSuchAccount
from app.accounts.mail import send_link
from app.accounts.models import AuditEntry, OneTimeLink
from app.accounts.service import list_users, user_by_id
from app.departments.service import departments
from app.runtime import current
from app.web.access import admin_required
from app.web.errors import error_response

admin = Blueprint("admin", __name__, url_prefix="/admin")

FIELDS = {"email": "Email", "name": "Name", "role": "Role"}
LABELS = {**FIELDS, "departments": "Departments"}
ROLE_CHOICES = [
    ("agent", "Agent", "Answers tickets."),
    ("admin", "Admin", "Also changes users, modules and settings."),
]


def subject_link(subject: str) -> str:
    """The page of what an audit line is about, or '' where it has none."""
    kind, _, key = subject.partition(":")
    if kind == "user" and key.isdecimal():
        return url_for("admin.user", user_id=int(key))
    if kind == "department" and key.isdecimal():
        return url_for("departments.edit", department_id=int(key))
    if kind == "assignment" and key.isdecimal():
        return url_for("assignment.edit", rule_id=int(key))
    if kind == "customer_page":
        return url_for("customer_admin.index")
    if kind == "suppression" and key.isdecimal():
        return url_for("suppressions.show", number=int(key))
    if kind == "mailbox" and key.isdecimal():
        return url_for("mailboxes.edit", mailbox_id=int(key))
    if kind == "inbound" and key.isdecimal():
        return url_for("inbound.show", mail_id=int(key))
    if kind == "contact" and key.isdecimal():
        return url_for("contacts.show", contact_id=int(key))
    return url_for("modules.show", slug=key) if kind == "module" and key in current().infos else ""


def subject_words(entry: AuditEntry) -> str:
    """The name of what an audit line is about."""
    info = current().infos.get(entry.subject.removeprefix("module:"))
    kind, _, key = entry.subject.partition(":")
    nouns = {
        "assignment": "assignment rule",
        "contact": "contact",
        "inbound": "inbound mail",
        "mailbox": "mailbox",
        "suppression": "suppressed address",
    }
    if kind == "customer_page":
        return "the customers' page"
    named = f"{nouns[kind]} {key}" if kind in nouns else entry.subject
    return entry.subject_name or (info.name if info else named)


AUDIT_WORDS = {
    "subject_link": subject_link,
    "subject_words": subject_words,
    "action_words": audit_log.action_words,
    "detail_words": audit_log.detail_words,
}


@admin.errorhandler(NoSuchAccount)
async def not_there(error: NoSuchAccount) -> ResponseReturnValue:
    """An address with a user that does not exist."""
    return await error_response(404, str(error))


@admin.get("")
@admin_required
async def index() -> ResponseReturnValue:
    """What there is to administer."""
    return await render_template("accounts/admin.html", people=await list_users())


@admin.get("/users")
@admin_required
async def users() -> ResponseReturnValue:
    """Everybody with an account."""
    names = {one.id: one.name for one in await departments()}
    return await render_template("accounts/users.html", people=await list_users(), departments=names)


@admin.get("/users/new")
@admin_required
async def invite_form() -> ResponseReturnValue:
    """Ask whom to invite."""
    return await _invite_page({}, {"role": "agent"})


@admin.post("/users")
@admin_required
async def invite() -> ResponseReturnValue:
    """Invite somebody, and show the link this once."""
    form = await request.form
    given = {name: form.get(name, "") for name in FIELDS}
    chosen = _departments(form)
    try:
        link = await service.invite(by=g.user, **given, departments=chosen)
    except AccountError as error:
        return await _invite_page({error.field: str(error)}, given, chosen)
    return await _link_page(link), 201


@admin.get("/users/<int:user_id>")
@admin_required
async def user(user_id: int) -> ResponseReturnValue:
    """One user, with all that can be done."""
    return await _user_page(user_id)


@admin.post("/users/<int:user_id>")
@admin_required
async def change(user_id: int) -> ResponseReturnValue:
    """Change name, role and departments."""
    form = await request.form
    given = {"name": form.get("name", ""), "role": form.get("role", "")}
    chosen = _departments(form)
    try:
        person = await service.change(by=g.user, user_id=user_id, **given, departments=chosen)
    except AccountError as error:
        return await _user_page(user_id, {error.field: str(error)}, given, chosen)
    return await _done(f"{person.name} is saved.", user_id)


@admin.post("/users/<int:user_id>/link")
@admin_required
async def make_link(user_id: int) -> ResponseReturnValue:
    """Make another invitation or a link for a new password, and show it this once."""
    try:
        link = await service.make_link(by=g.user, user_id=user_id)
    except AccountError as error:
        return await _user_page(user_id, {"": str(error)})
    return await _link_page(link), 201


@admin.post("/users/<int:user_id>/disable")
@admin_required
async def disable(user_id: int) -> ResponseReturnValue:
    """Keep a user out from now on."""
    try:
        person = await service.disable(by=g.user, user_id=user_id)
    except AccountError as error:
        return await _user_page(user_id, {"": str(error)})
    return await _done(f"{person.name} is disabled and logged out everywhere.", user_id)


@admin.post("/users/<int:user_id>/enable")
@admin_required
async def enable(user_id: int) -> ResponseReturnValue:
    """Let a user in again."""
    person = await service.enable(by=g.user, user_id=user_id)
    return await _done(f"{person.name} can log in again.", user_id)


@admin.get("/audit")
@admin_required
async def audit() -> ResponseReturnValue:
    """Who changed what, newest first."""
    before, after = request.args.get("before", type=int), request.args.get("after", type=int)
    subject = request.args.get("subject", "")[:190]
    page = await audit_log.page(before=before, after=after, subject=subject)
    return await render_template("accounts/audit.html", page=page, subject=subject, **AUDIT_WORDS)


def _departments(form: MultiDict[str, str]) -> list[int]:
    return [int(one) for one in form.getlist("department") if one.isascii() and one.isdecimal() and len(one) < 10]


async def _invite_page(errors: dict[str, str], given: dict[str, str], chosen: Collection[int] = ()) -> tuple[str, int]:
    page = await render_template(
        "accounts/invite.html",
        errors=errors,
        given=given,
        labels=LABELS,
        roles=ROLE_CHOICES,
        departments=await departments(),
        chosen=chosen,
    )
    return page, 422 if errors else 200


async def _user_page(
    user_id: int,
    errors: dict[str, str] | None = None,
    given: dict[str, str] | None = None,
    chosen: Collection[int] | None = None,
) -> tuple[str, int]:
    person = await user_by_id(user_id)
    if person is None:
        raise NoSuchAccount(f"There is no user {user_id}; somebody may have opened a mistyped address.")
    history = await audit_log.page(subject=f"user:{user_id}")
    page = await render_template(
        "accounts/user.html",
        person=person,
        errors=errors or {},
        given={"name": person.name, "role": person.role, **(given or {})},
        labels=LABELS,
        roles=ROLE_CHOICES,
        departments=await departments(),
        chosen=person.departments if chosen is None else chosen,
        history=history.entries[:10],
        **AUDIT_WORDS,
    )
    return page, 422 if errors else 200


async def _link_page(link: OneTimeLink) -> str:
    return await render_template("accounts/link.html", link=link, mailed=await send_link(link, by=g.user))


async def _done(words: str, user_id: int) -> ResponseReturnValue:
    await flash(words, "info")
    return redirect(url_for("admin.user", user_id=user_id), 303)
