"""Every address of the portal that has a number in it, walked by an agent to whom the number does not belong.

A new route is walked without anybody thinking of it; one whose part has a new name fails until it stands in KINDS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client
from werkzeug.routing import Rule

from app.accounts import profile
from app.accounts import service as accounts
from app.api.openapi import describe
from app.database import Database
from app.settings import Settings
from app.web.access import ACCESS
from tests.access.conftest import OPEN, SECRET, Desk
from tests.support.web import HOST

WORKING = {"ticket_id", "message_id", "reply_id", "recipient_id", "attachment_id", "contact_id", "canned_id", "view_id"}
"""Parts that name what agents work with: of each, Lim has one and Leo has one."""
OTHERS = {"tracking_id", "session_id", "token_id"}
"""Others of which both have one."""
ADMINS = {"user_id", "department_id", "mailbox_id", "mail_id", "tag_id", "rule_id", "slug"}
"""Parts that only admins' addresses have."""
SECRETS = {"token", "provider", "slash"}
"""No number: nobody finds it by counting, and whoever has it, or a mail provider's proof, gets in. What is behind it is
tested with its feature.
"""
PLAIN = {"action", "number", "filename", "email", "kind", "step", "announcement_id", "import_id"}
"""Parts that name nothing of anybody's: a verb, a place in a message, an address of the ticket before it. Or something
of announcements, into which a limited agent does not get at all: `tests/announcements/test_pages.py`.
"""
KINDS = WORKING | OTHERS | ADMINS | SECRETS | PLAIN
PLAIN_VALUES = {
    "action": "remove", "number": 1, "email": "cc@example.org", "kind": "csv", "step": "pause", "announcement_id": 1,
    "import_id": 1,
}  # fmt: skip

FORM = {
    "accept": "1", "at": "2027-01-01T10:00", "assignee": "", "body_html": "<p>mine now</p>", "body_text": "mine now",
    "choice": "end", "decision": "refused", "department": "", "due": "2027-01-01T10:00", "email": "new@example.org",
    "into": "", "kind": "reply", "name": "Mine", "notes": "mine", "priority": "urgent", "priority_was": "normal",
    "query": "view=all", "show": "1", "state": "writing", "status": "closed", "status_was": "open", "subject": "mine",
    "tags": "mine", "tags_was": "", "title": "Mine", "verdict": "read",
}  # fmt: skip
"""What the portal's forms have; each takes what it knows."""
JSON: Mapping[str, Mapping[str, Any]] = {
    "api.contacts.change_contact": {"tracking": "refused"},
    "api.replies.create_reply": {"html_body": "<p>mine now</p>"},
    "api.replies.judge_copy": {"verdict": "read"},
    "api.tickets.change_ticket": {"priority": "urgent"},
    "api.canned_replies.replace_canned_reply": {"title": "Mine", "html_body": "<p>mine</p>", "shared": True},
    "api.ticket_work.add_follower": {"email": "cc@example.org"},
    "api.ticket_work.merge_ticket": {"into": 1},
}
QUERIES = {"api.canned_replies.fill_canned_reply": "?ticket_id={ticket_id}"}
"""What an address needs besides, of Lim's own; `test_lists_and_forms` asks for what is foreign."""
NONCE = re.compile(r"nonce[-=]\"?[\w-]{22}\"?")
CHANGING = {"content-length", "date"}
NOTED = {"sessions", "agent_addresses", "api_tokens"}
"""Tables that say who was here, and change with each request."""


def _rules(app: Quart) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.endpoint != "static" and not SECRETS & set(rule.arguments):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _values(rule: Rule, desk: Desk, foreign: set[str], extra: Mapping[str, object]) -> dict[str, object]:
    own = {**PLAIN_VALUES, **extra, **desk.own}
    theirs = {**PLAIN_VALUES, **extra, **desk.foreign}
    return {name: (theirs if name in foreign else own)[name] for name in rule.arguments}


def _path(app: Quart, desk: Desk, rule: Rule, method: str, values: Mapping[str, object]) -> str:
    path = app.url_map.bind(HOST).build(rule.endpoint, values, method=method, append_unknown=False)
    return path + QUERIES.get(rule.endpoint, "").format(**desk.own)


async def _ask(client: Client, method: str, path: str, endpoint: str) -> Response:
    headers = {"Host": HOST, "X-CSRF-Token": client.csrf_token}  # type: ignore[attr-defined]
    if method == "GET":
        return await client.get(path, headers=headers)
    if path.startswith("/api/"):
        return await client.open(path, method=method, headers=headers, json=dict(JSON.get(endpoint, {})))
    return await client.post(path, headers=headers, form=FORM)


async def _state(db: Database) -> dict[str, int]:
    async with db.connection() as conn:
        tables = await conn.fetch_all(
            "SELECT table_name AS name FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
        )
        names = [f"`{row['name']}`" for row in tables if row["name"] not in NOTED]
        rows = await conn.fetch_all(f"CHECKSUM TABLE {', '.join(names)}")
    return {row["Table"].partition(".")[2]: row["Checksum"] for row in rows}


def test_every_part_of_every_address_is_known(app: Quart) -> None:
    behind_secrets = [rule for rule in app.url_map.iter_rules() if SECRETS & set(rule.arguments)]
    others = [rule for rule in app.url_map.iter_rules() if rule not in behind_secrets]
    unknown = {rule.rule: new for rule in others if (new := set(rule.arguments) - KINDS)}
    assert not unknown, f"Say in KINDS what these name, and whose it may be: {unknown}"


def test_the_description_of_the_api_has_no_other_parts(app: Quart, settings: Settings) -> None:
    described = {
        parameter["name"]
        for path in describe(app, settings)["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path"
    }
    assert described <= KINDS


def test_only_admins_get_to_what_is_the_admins(app: Quart) -> None:
    for rule, _ in _rules(app):
        if ADMINS & set(rule.arguments):
            assert getattr(app.view_functions[rule.endpoint], ACCESS, "user") == "admin", rule.rule


async def test_no_address_shows_or_changes_what_is_foreign(app: Quart, db: Database, desk: Desk, lim: Client) -> None:
    extra = await _more(desk, db)
    before = await _state(db)
    walked, wrong = 0, []
    for rule, method in _rules(app):
        parts = set(rule.arguments) - PLAIN - ADMINS
        is_admins = getattr(app.view_functions[rule.endpoint], ACCESS, "user") == "admin"
        for foreign in [{part} for part in parts] + [parts] * (len(parts) > 1):
            path = _path(app, desk, rule, method, _values(rule, desk, foreign, extra))
            response = await _ask(lim, method, path, rule.endpoint)
            text = await response.get_data(as_text=True)
            # Whose role does not reach is told so before anything is looked for.
            fine = response.status_code == (403 if is_admins else 404) and SECRET not in text.lower()
            walked += 1
            if not fine and not _harmless(rule, foreign, response.status_code, text):
                wrong.append(f"{method} {path} ({rule.rule}): {response.status_code}")
    assert wrong == []
    assert walked > 60
    after = await _state(db)
    assert {name for name in after if after[name] != before.get(name)} == set(), "nothing was changed"


def _harmless(rule: Rule, foreign: set[str], status: int, text: str) -> bool:
    """Of a session or token of somebody else the answer is the one for what is gone: back to the profile."""
    return bool(foreign & {"session_id", "token_id"}) and status == 303 and SECRET not in text.lower()


async def _more(desk: Desk, db: Database) -> dict[str, object]:
    """Things of Leo's that no ticket has, and numbers of what is the admins'."""
    await profile.create_api_token(desk.legal, name="Leo's")
    await accounts.start_session(desk.legal, address="127.0.0.1", user_agent="Leo's")
    async with db.connection() as conn:
        token_id = await conn.fetch_value("SELECT MAX(id) FROM api_tokens")
        session_id = await conn.fetch_value("SELECT MAX(id) FROM sessions")
        tag_id = await conn.fetch_value("SELECT MAX(id) FROM tags")
    return {
        "token_id": token_id, "session_id": session_id, "tag_id": tag_id, "user_id": desk.legal.id,
        "department_id": desk.legal_id, "mailbox_id": 1, "rule_id": 1, "mail_id": desk.foreign["mail_id"],
        "slug": "plausible",
    }  # fmt: skip


async def test_the_same_walk_among_ones_own_finds_something(app: Quart, db: Database, desk: Desk, lim: Client) -> None:
    extra = await _more(desk, db)
    refused = {}
    for rule, method in _rules(app):
        is_admins = getattr(app.view_functions[rule.endpoint], ACCESS, "user") == "admin"
        # A module that is off here, into which a limited agent does not get.
        if method != "GET" or is_admins or rule.endpoint.startswith("announcements_"):
            continue
        path = _path(app, desk, rule, method, _values(rule, desk, set(), extra))
        response = await _ask(lim, method, path, rule.endpoint)
        if response.status_code >= 400:
            refused[rule.rule] = response.status_code
    assert refused == {
        # A text file is no image; the message has no remote images; a merge needs to be told into what; no address is
        # suppressed.
        "/attachments/<int:attachment_id>/inline": 404,
        "/tickets/<int:ticket_id>/messages/<int:message_id>/images/<int:number>": 404,
        "/tickets/<int:ticket_id>/merge": 422,
        "/suppressions/<int:number>": 404,
    }


@pytest.mark.parametrize("part", ["ticket_id", "attachment_id", "contact_id", "tracking_id"])
async def test_what_is_foreign_is_answered_like_what_does_not_exist(
    app: Quart, db: Database, desk: Desk, lim: Client, part: str
) -> None:
    extra = await _more(desk, db)
    foreign = str(desk.foreign[part])
    unknown = foreign[:-1] + ("x" if foreign[-1] != "x" else "y") if part == "tracking_id" else "9" * 9
    count = 0
    for rule, method in _rules(app):
        if part not in rule.arguments or getattr(app.view_functions[rule.endpoint], ACCESS, "user") == "admin":
            continue
        answers = []
        for number in (foreign, unknown):
            values = {**_values(rule, desk, set(), extra), part: number}
            path = _path(app, desk, rule, method, values)
            response = await _ask(lim, method, path, rule.endpoint)
            text = NONCE.sub("", await response.get_data(as_text=True)).replace(unknown, foreign)
            kept = {
                name: NONCE.sub("", value) for name, value in response.headers.items() if name.lower() not in CHANGING
            }
            answers.append((response.status_code, kept, text))
        assert answers[0] == answers[1], f"{method} {rule.rule}"
        count += 1
    assert count


async def test_no_page_without_a_number_shows_what_is_foreign(app: Quart, desk: Desk, lim: Client) -> None:
    seen = set()
    for rule in app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.rule in {"/live", "/metrics"}:
            continue
        response = await lim.get(rule.rule, headers={"Host": HOST})
        text = (await response.get_data(as_text=True)).lower()
        assert SECRET not in text, rule.rule
        if OPEN in text:
            seen.add(rule.rule)
    assert {"/tickets", "/tickets.csv", "/contacts", "/notifications", "/api/tickets", "/api/notifications"} <= seen
