"""Why a reply would not be tracked, in words that are true."""

from __future__ import annotations

import pytest

from app.database import Database
from app.email.service import send_email
from app.email.tracking import Tracking, tracking_now
from app.runtime import Runtime
from tests.email.outbox import reply
from tests.email.tracker import Tracker
from tests.support.scripted_smtp import ScriptedSmtp

OFF = "tracking is switched off in the module's settings"


async def test_a_module_that_tracks_says_what_it_reports(runtime: Runtime) -> None:
    assert await tracking_now(runtime) == Tracking(notice="opens")


async def test_without_an_address_no_module_is_blamed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "settings", runtime.settings.model_copy(update={"portal_url": None}))
    assert await tracking_now(runtime) == Tracking(why_not="PORTAL_URL is not set")


async def test_a_module_that_is_on_with_its_switches_off_is_told_from_none(runtime: Runtime, tracker: Tracker) -> None:
    tracker.notice = None
    assert await tracking_now(runtime) == Tracking(why_not=OFF)
    tracker.enabled = False
    assert await tracking_now(runtime) == Tracking(why_not="no module that tracks mail is on")


async def test_send_email_gives_the_same_reason(
    runtime: Runtime, db: Database, smtp: ScriptedSmtp, tracker: Tracker
) -> None:
    tracker.notice = None
    _, known = await send_email(
        subject="s", recipients="bob@x.org", html_body="<p>a</p>", enable_tracking=True, ticket_reply_id=await reply(db)
    )
    assert known is not None
    assert (known["tracked"], known["reason"]) == (False, OFF)
