"""`myportal reclassify`, as a real process."""

from __future__ import annotations

import re

from app.runtime import Runtime
from app.services import receipts
from app.settings import Settings
from tests.accounts.test_cli import myportal
from tests.plausible.recording import SCANNER, event, stored
from tests.receipts.builders import mailed_reply


async def test_it_says_how_many_badges_changed(portal: Runtime, settings: Settings) -> None:
    replies = [await mailed_reply(portal.database) for _ in range(5)]
    for one in replies:
        assert await stored(portal, event(one.recipients[0].tracking_id))
    async with portal.database.transaction() as conn:
        await conn.execute(
            "UPDATE email_tracking_events SET user_agent = %(agent)s ORDER BY id LIMIT 2", {"agent": SCANNER}
        )
    done = myportal(settings, "reclassify")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert re.search(r"^5 mails with 5 requests classified in [\d.]+ s; 2 badges changed\. Locks", done.stdout, re.M)
    words = [badge.word for badge in (await receipts.badges([one.reply_id for one in replies])).values()]
    assert sorted(words) == ["Opened by a machine"] * 2 + ["Read"] * 3


def test_a_day_that_is_none_is_refused(settings: Settings) -> None:
    done = myportal(settings, "reclassify", "--since", "soon")
    assert done.returncode == 2
    assert "'soon'" in done.stderr
