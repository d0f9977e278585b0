"""Take copies for a transaction: their sums locked, and what is known of each now.

Whoever holds a copy's sums is the only one who adds to its history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from app.database import Connection
from app.sql import literal
from plugins.plausible.recording.copies import TrackedCopy
from plugins.plausible.recording.history import WINDOW, CopyRecord
from plugins.plausible.recording.reading import COPIES, IS_TRACKED, LOOKUP, REPLY, Surroundings, load, load_where, whose


async def take(
    conn: Connection,
    copies: Mapping[int, TrackedCopy],
    unknown_ids: Sequence[str],
    known: Mapping[int, CopyRecord],
    around: Surroundings,
) -> tuple[dict[int, CopyRecord], dict[str, TrackedCopy]]:
    """Lock the sums of copies, and say what is known of each now; and which copies the unknown ids name.

    copies: those whose ids are known, by recipient id. unknown_ids: tracking ids. At least one of both. known: what is
    remembered; used where nobody wrote since. The order of locks is that of the recipients' ids. Two questions at most
    where nothing has to be read of histories.
    """
    named: dict[str, TrackedCopy] = {}
    fresh: dict[int, CopyRecord] = {}
    remembered = sorted(set(copies) & set(known))
    others = sorted(set(copies) - set(known))
    if others or unknown_ids:
        # The row that everybody locks has to be there first; all rows are locked by this, in one order.
        conn.later(_make_rows(copies, unknown_ids))
        for first in range(0, max(len(others), len(unknown_ids)), LOOKUP):
            ids, strangers = others[first : first + LOOKUP], unknown_ids[first : first + LOOKUP]
            found, by_id = await load_where(conn, whose(ids, strangers), around, WINDOW)
            fresh |= found
            named |= {one: found[number].copy for one, number in by_id.items() if one in strangers}
    versions = await lock_versions(conn, remembered) if remembered else {}
    current = {one: known[one] for one in remembered if known[one].sums.version == versions.get(one)}
    stale = [one for one in remembered if one not in current]
    return {**current, **fresh, **(await load(conn, stale, around) if stale else {})}, named


def _make_rows(copies: Mapping[int, TrackedCopy], unknown_ids: Sequence[str]) -> str:
    parts = [f"SELECT {one} AS id, {copy.reply_id} AS reply_id" for one, copy in copies.items()]
    if unknown_ids:
        ids = ",".join(map(literal, unknown_ids))
        parts.append(f"SELECT r.id, {REPLY} AS reply_id {COPIES} WHERE r.tracking_id IN ({ids}) AND {IS_TRACKED}")
    return (
        "INSERT INTO email_tracking_recipients (recipient_id, reply_id) SELECT id, reply_id FROM "  # noqa: S608
        f"({' UNION ALL '.join(reversed(parts))}) AS found ORDER BY id "
        "ON DUPLICATE KEY UPDATE reply_id = VALUES(reply_id)"
    )


async def lock_versions(conn: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Lock the sums of these copies (at least one id, ascending); how often each was changed, by recipient id."""
    numbers = ",".join(map(str, ids))
    found = await conn.fetch_value(
        f"SELECT JSON_ARRAYAGG(JSON_ARRAY(recipient_id, version)) FROM email_tracking_recipients "  # noqa: S608
        f"FORCE INDEX (PRIMARY) WHERE recipient_id IN ({numbers}) FOR UPDATE"
    )
    return dict(json.loads(found or "[]"))
