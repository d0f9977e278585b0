"""Reading the audit log; `app.audit` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.accounts import audit_repository as repository
from app.accounts.models import AuditEntry
from app.runtime import current

PAGE = 50

ACTIONS = {
    "assignment.change": "changed",
    "assignment.create": "added",
    "assignment.delete": "deleted",
    "customer_page.disable": "turned off",
    "customer_page.enable": "turned on",
    "department.change": "changed the department",
    "department.create": "added the department",
    "department.delete": "deleted the department",
    "contact.erase": "asked to erase",
    "contact.erased": "erased all of",
    "contact.export": "exported all about",
    "inbound.retry": "let go on",
    "mailbox.change": "changed",
    "mailbox.create": "added",
    "mailbox.delete": "deleted",
    "module.configure": "changed the settings of",
    "module.disable": "turned off",
    "module.enable": "turned on",
    "suppression.add": "stopped mail to",
    "suppression.remove": "allowed mail again to",
    "suppression.restore": "stopped mail again to",
    "token.create": "made an API token for",
    "token.revoke": "revoked an API token of",
    "user.accept-invitation": "accepted the invitation of",
    "user.change": "changed",
    "user.change-password": "changed the password of",
    "user.create": "added",
    "user.disable": "disabled",
    "user.enable": "enabled",
    "user.invite": "invited",
    "user.invite-again": "made a new invitation for",
    "user.offer-reset": "made a link for a new password of",
    "user.reset-password": "set a new password for",
}


@dataclass(frozen=True)
class AuditPage:
    """Up to 50 lines, newest first."""

    entries: list[AuditEntry]
    has_newer: bool
    has_older: bool


async def page(*, before: int | None = None, after: int | None = None, subject: str = "") -> AuditPage:
    """The newest lines, or those next to a line's id in one direction. subject: only lines about it."""
    async with current().database.connection() as conn:
        if after is not None:
            found = await repository.newer(conn, after=after, subject=subject, limit=PAGE + 1)
            return AuditPage(found[:PAGE][::-1], has_newer=len(found) > PAGE, has_older=True)
        found = await repository.older(conn, before=before, subject=subject, limit=PAGE + 1)
        return AuditPage(found[:PAGE], has_newer=before is not None, has_older=len(found) > PAGE)


def action_words(action: str) -> str:
    """What was done, for people; a plugin's own action stays as it is."""
    return ACTIONS.get(action, action)


def detail_words(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, how) pairs: ("role", "agent → admin")."""
    return [(name.replace("_", " "), _value(value)) for name, value in detail.items() if value not in ("", None)]


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and value.keys() == {"from", "to"}:
        return f"{_value(value['from'])} → {_value(value['to'])}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value in ("", None) else str(value)
