"""The SQL that reads what is known of copies, and the histories made of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from app.database import Connection
from app.services.reports import Places
from app.sql import in_list, literal
from plugins.plausible.classify import Class, Context, Judgement, Request, State
from plugins.plausible.events import Kind
from plugins.plausible.evidence import request_of
from plugins.plausible.recording.copies import TrackedCopy
from plugins.plausible.recording.history import FIRST, NOT_JUDGED, WINDOW, CopyRecord, Sums, Tally, Told, add, loaded
from plugins.plausible.recording.statements import SUM_COLUMNS
from plugins.plausible.sync.days import SiteDays

SLUG = "plausible"
LONG_NOTE = 1000
"""Characters; longer notes are asked for one by one, so that the answer stays below `group_concat_max_len`."""
WHOLE = 10_000
"""Events of one copy that are read at most: of more the first and the last half."""
SHARED_DOMAINS = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com",
    "aol.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "mail.ru", "yandex.ru", "qq.com",
    "163.com",
})  # fmt: skip
"""Of a mailbox at one of these an agent and a customer have nothing in common."""
_CLASSES = frozenset(Class)
_STATES = frozenset(State)
_SUMS = ", ".join(f"s.{column}" for column in SUM_COLUMNS)
HAS_READER = "r.erased_at IS NULL"
"""Of the copies of people who were erased nothing is known any more, and nothing is added."""
COPIES = (
    "FROM email_recipients AS r FORCE INDEX (PRIMARY, email_recipients_tracking) "
    "STRAIGHT_JOIN outgoing_emails AS e FORCE INDEX (PRIMARY) ON e.id = r.email_id "
    "LEFT JOIN ticket_replies AS t FORCE INDEX (PRIMARY) ON t.id = e.reply_id"
)
REPLY = "COALESCE(e.reply_id, 0)"
"""Copies of mailings belong to no reply, and to no ticket: 0."""
TICKET = "COALESCE(t.ticket_id, 0)"
IS_TRACKED = (
    "e.enable_tracking AND (e.reply_id IS NOT NULL OR e.mailing IS NOT NULL) "  # noqa: S608
    "AND NOT (r.state IN ('sent', 'unknown', 'failed') AND r.reports = '') "
    "AND COALESCE((SELECT c.tracking FROM contact_addresses AS a JOIN contacts AS c ON c.id = a.contact_id "
    f"WHERE a.email = r.email), '') <> 'refused' AND {HAS_READER}"
)
"""A contact who refuses is recorded no longer, also of copies that went out before."""
_COPIES_WITH_SUMS = (
    f"{COPIES} STRAIGHT_JOIN email_tracking_recipients AS s FORCE INDEX (PRIMARY) ON s.recipient_id = r.id "
    f"LEFT JOIN email_copy_notes AS n ON n.recipient_id = r.id AND n.slug = '{SLUG}'"
)
_COPY = (
    f"JSON_ARRAY(r.id, r.tracking_id, {REPLY}, {TICKET}, r.sending_at, r.sent_at, "  # noqa: S608
    "SUBSTRING_INDEX(r.email, '@', -1), (SELECT MAX(IF(u.email = r.email, 2, 1)) FROM users AS u "
    "WHERE u.email LIKE CONCAT('%@', SUBSTRING_INDEX(r.email, '@', -1))), "
    f"IF(CHAR_LENGTH(n.note) <= {LONG_NOTE}, n.note, NULL), CHAR_LENGTH(n.note), "
    "(SELECT GROUP_CONCAT(o.opened_at ORDER BY o.opened_at DESC) FROM email_machine_opens AS o "
    f"WHERE o.recipient_id = r.id), {_SUMS})"
)
MOMENT = 26
"""Characters of a DATETIME(6)."""
LOOKUP = 500
"""Copies that are asked for at once."""
_EVENT = (
    "id, event_type, event_url, user_agent, ip_address, referrer, occurred_at, repeats, class, rule, "
    "confidence, reason, evidence"
)


class Surroundings:
    """What classification needs to know of the portal, the same for all copies.

    portal_host: of PORTAL_URL; None without one. is_stale: whether the list of networks is old. sent_on: the days of
    the site at Plausible to which events go too; None while they go nowhere.
    """

    def __init__(
        self,
        portal_host: str | None = None,
        *,
        is_stale: Callable[[], bool] = lambda: False,
        sent_on: Callable[[], SiteDays | None] = lambda: None,
    ) -> None:
        self.portal_host = portal_host
        self.is_stale = is_stale
        self.sent_on = sent_on
        self.places = Places()


async def tracked_copies(conn: Connection, tracking_ids: Sequence[str]) -> dict[str, TrackedCopy]:
    """The tracked copies with these ids (at least one).

    A copy that has not gone out yet counts: what plugins put into it is written down when it goes.
    """
    ids, parameters = in_list("id", tracking_ids)
    # One row of JSON: reading five hundred of them would cost more than finding them.
    found = await conn.fetch_value(
        f"""
        SELECT JSON_ARRAYAGG(JSON_ARRAY(r.tracking_id, r.id, {REPLY}, {TICKET}))
          {COPIES} WHERE r.tracking_id IN {ids} AND {IS_TRACKED}
        """,
        parameters,
    )
    return {tracking_id: TrackedCopy(*places) for tracking_id, *places in json.loads(found or "[]")}


def whose(recipient_ids: Sequence[int], tracking_ids: Sequence[str]) -> list[str]:
    """Conditions for the copies of these recipients, and for the tracked ones with these tracking ids."""
    conditions = []
    if recipient_ids:
        conditions.append(f"r.id IN ({','.join(map(str, recipient_ids))}) AND {HAS_READER}")
    if tracking_ids:
        conditions.append(f"r.tracking_id IN ({','.join(map(literal, tracking_ids))}) AND {IS_TRACKED}")
    return conditions


async def load(
    conn: Connection, recipient_ids: Sequence[int], around: Surroundings, *, most: int = WINDOW
) -> dict[int, CopyRecord]:
    """Copies (at least one) with their events as the database has them; those that are gone are left out.

    most: events of one copy, an even number.
    """
    found, _ = await load_where(conn, whose(recipient_ids, ()), around, most)
    return found


async def load_where(
    conn: Connection, conditions: Sequence[str], around: Surroundings, most: int
) -> tuple[dict[int, CopyRecord], dict[str, int]]:
    """The copies for which one of these conditions holds, and their recipient ids by tracking id."""
    # One condition a SELECT: with OR the server would look through all copies.
    parts = " UNION ALL ".join(f"SELECT {_COPY} AS found {_COPIES_WITH_SUMS} WHERE {one}" for one in conditions)
    rows = [json.loads(row["found"]) for row in await conn.fetch_all(parts)] if len(conditions) > 1 else []
    if len(conditions) == 1:
        # One row of JSON: reading five hundred of them would cost more than finding them.
        listed = await conn.fetch_value(f"SELECT JSON_ARRAYAGG({_COPY}) {_COPIES_WITH_SUMS} WHERE {conditions[0]}")
        rows = json.loads(listed or "[]")
    long_notes = await _notes(conn, [row[0] for row in rows if (row[9] or 0) > LONG_NOTE])
    sums = {row[0]: _sums(row[11:]) for row in rows}
    told = await _told(conn, sums, most)
    records: dict[int, CopyRecord] = {}
    for recipient_id, _, reply_id, ticket_id, sending, sent, domain, insider, note, _, machines, *_ in rows:
        noted = long_notes.get(recipient_id, note)
        context = _context(around, sending, sent, domain, insider, noted, machines)
        copy = TrackedCopy(recipient_id, reply_id, ticket_id)
        records[recipient_id] = loaded(copy, context, sums[recipient_id], told[recipient_id], whole=most > WINDOW)
    return records, {row[1]: row[0] for row in rows}


async def _notes(conn: Connection, recipient_ids: Sequence[int]) -> dict[int, str]:
    if not recipient_ids:
        return {}
    ids, parameters = in_list("id", recipient_ids)
    rows = await conn.fetch_all(
        f"SELECT recipient_id, note FROM email_copy_notes WHERE recipient_id IN {ids} AND slug = '{SLUG}'",  # noqa: S608
        parameters,
    )
    return {row["recipient_id"]: row["note"] for row in rows}


async def _told(conn: Connection, sums: Mapping[int, Sums], most: int) -> defaultdict[int, list[Told]]:
    """The events of these copies, by age; of more than `most` the first and the last."""
    told: defaultdict[int, list[Told]] = defaultdict(list)
    few = [one for one, found in sums.items() if 0 < found.event_count <= most]
    if few:
        moments = [
            at for one in few for at in (sums[one].first_opened_at, sums[one].first_clicked_at) if at is not None
        ]
        # The time says in which months to look.
        since = f"AND occurred_at >= {literal(min(moments))}" if moments else ""
        numbers = ",".join(map(str, few))
        rows = await conn.fetch_all(
            f"""
            SELECT recipient_id, JSON_ARRAYAGG(JSON_ARRAY({_EVENT})) AS found FROM email_tracking_events
             FORCE INDEX (email_tracking_events_recipient)
             WHERE recipient_id IN ({numbers}) {since} GROUP BY recipient_id
            """  # noqa: S608
        )
        for row in rows:
            told[row["recipient_id"]] = await _listed(conn, row["recipient_id"], row["found"], most)
    for one in (one for one, found in sums.items() if found.event_count > most):
        told[one] = await _both_ends(conn, one, most)
    return told


async def _listed(conn: Connection, recipient_id: int, found: str, most: int) -> list[Told]:
    try:
        events = json.loads(found)
    except ValueError:
        # Longer than `group_concat_max_len`, and so cut off: strangers choose how long their headers are.
        return await _both_ends(conn, recipient_id, most)
    events.sort(key=itemgetter(0))
    return _merged(events)


async def _both_ends(conn: Connection, recipient_id: int, most: int) -> list[Told]:
    first = FIRST if most == WINDOW else most // 2
    found: dict[int, list[Any]] = {}
    for order, limit in (("ASC", first), ("DESC", most - first)):
        rows = await conn.fetch_all(
            f"""
            SELECT JSON_ARRAY({_EVENT}) AS found FROM email_tracking_events
             FORCE INDEX (email_tracking_events_recipient)
             WHERE recipient_id = {recipient_id} ORDER BY id {order} LIMIT {limit}
            """  # noqa: S608
        )
        for row in rows:
            event = json.loads(row["found"])
            found[event[0]] = event
    return _merged(found[number] for number in sorted(found))


def _merged(events: Iterable[list[Any]]) -> list[Told]:
    """The events of a copy, by age, as they are looked at."""
    told: list[Told] = []
    for event in events:
        add(told, *_event_of(*event))
    return told


def _event_of(
    _id: int,
    kind: Kind,
    url: str | None,
    user_agent: str | None,
    ip_address: str | None,
    referrer: str | None,
    at: str,
    repeats: int,
    name: str,
    rule: str,
    confidence: float,
    reason: str,
    evidence: str | None,
) -> tuple[Request, Judgement]:
    """What one stored event was, and was judged to be."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    request = request_of(kind, moment, url, user_agent, ip_address, referrer, evidence, repeats)
    return request, _judgement(name, rule, confidence, reason) if rule else NOT_JUDGED


@lru_cache(maxsize=1024)
def _judgement(name: str, rule: str, confidence: float, reason: str) -> Judgement:
    # A class that a newer release wrote is nothing that this one can count.
    return Judgement(rule, Class(name), float(confidence), reason) if name in _CLASSES else NOT_JUDGED


def _sums(values: Iterable[Any]) -> Sums:
    (
        opens, first_open, last_open, clicks, first_click, last_click, events, person_opens, machine_opens,
        person_clicks, machine_clicks, first_read, last_read, state, words, pending, version,
    ) = values  # fmt: skip
    return Sums(
        open_count=opens,
        first_opened_at=_moment(first_open),
        last_opened_at=_moment(last_open),
        click_count=clicks,
        first_clicked_at=_moment(first_click),
        last_clicked_at=_moment(last_click),
        event_count=events,
        tally=Tally(person_opens, machine_opens, person_clicks, machine_clicks),
        first_read_at=_moment(first_read),
        last_read_at=_moment(last_read),
        state=State(state) if state in _STATES else State.NONE,
        words=words,
        pending_until=_moment(pending),
        version=version,
    )


def _moment(text: str | None) -> datetime | None:
    """A DATETIME as JSON carries it: '2026-11-25 10:00:00.000000', in UTC."""
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _context(
    around: Surroundings,
    sending: str | None,
    sent: str | None,
    domain: str,
    insider: int | None,
    note: str | None,
    machines: str | None,
) -> Context:
    links, trap = _noted(note)
    return Context(
        sent_at=_moment(sending),
        delivered_at=_moment(sent),
        links=links,
        trap_link=trap,
        portal_host=around.portal_host,
        recipient_internal=insider is not None and domain.lower() not in SHARED_DOMAINS,
        agent_copy=insider == 2,
        networks_stale=around.is_stale(),
        machine_opens=_moments(machines),
    )


def _moments(text: str | None) -> tuple[datetime, ...]:
    """Moments as one text, the newest first; the server cuts off what is too long."""
    if text is None:
        return ()
    return tuple(datetime.fromisoformat(one).replace(tzinfo=UTC) for one in text.split(",") if len(one) == MOMENT)


def _noted(note: str | None) -> tuple[tuple[str, ...], str | None]:
    """Links and trap of a copy, as `links.note` wrote them; nothing where none was kept."""
    return _read_note(note) if note is not None and len(note) > LONG_NOTE else _cached_note(note)


def _read_note(note: str | None) -> tuple[tuple[str, ...], str | None]:
    try:
        found = json.loads(note or "{}")
        trap = found.get("trap")
        return tuple(map(str, found.get("links", ()))), None if trap is None else str(trap)
    except (ValueError, TypeError, AttributeError):
        return (), None


# The copies of one mail have the same note.
_cached_note = lru_cache(maxsize=512)(_read_note)
