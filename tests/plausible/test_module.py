"""The hooks: what the module does to a mail, what it keeps, what it tells."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import structlog
from quart import Quart

from app import create_app
from app.database import Database, utcnow
from app.hookspecs import Delivery, DeliveryReport, PluginContext, QueuedMail, Recipient
from app.plugin_host import PluginHost, PreparedCopy
from app.receipts import service as receipts
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.plausible import plugin
from plugins.plausible.events import CLICK, OPEN, Kind, TrackingEvent
from plugins.plausible.links import Links, link_mark
from plugins.plausible.module import Plausible
from plugins.plausible.settings import PlausibleSettings
from plugins.plausible.tokens import Signer
from tests.conftest import PORTAL_URL, SECRET_KEY
from tests.plausible.recording import event, stored
from tests.receipts.builders import mailed_reply
from tests.support.reader import THUNDERBIRD

TID = "t" * 43
URL = "https://example.org/guide?a=1&b=2"
LINKS = Links(PORTAL_URL, Signer([SECRET_KEY]))
BODY = f'<p>Hello <a href="{URL.replace("&", "&amp;")}">guide</a></p>'


def delivery(html: str = BODY, **values: Any) -> Delivery:
    given: dict[str, Any] = {
        "mail_id": 1,
        "reply_id": 5,
        "recipient": Recipient(1, "to", "bob@example.org", TID),
        "html": html,
        "enable_tracking": True,
    }
    return Delivery(**{**given, **values})


async def prepared(portal: Runtime, given: Delivery) -> PreparedCopy:
    return await portal.plugins.prepare_delivery(given)


def hrefs(html: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'href="([^"]*)"', html)]


async def reply_row(db: Database, reply_id: int) -> dict[str, Any]:
    async with db.connection() as conn:
        row = await conn.fetch_one(
            "SELECT email_tracking_id, email_sent_at FROM ticket_replies WHERE id = %(id)s", {"id": reply_id}
        )
    assert row is not None
    return row


async def test_a_tracked_reply_carries_its_recipients_own_link_and_pixel(portal: Runtime) -> None:
    done = await prepared(portal, delivery())
    assert hrefs(done.html) == [LINKS.click(TID, URL)]
    assert f'<img src="{LINKS.pixel(TID)}"' in done.html
    assert done.reports == {"opens", "clicks"}
    assert portal.plugins.broken == {}


@pytest.mark.parametrize(
    "values", [{"enable_tracking": False}, {"reply_id": None}, {"sensitive": True}, {"html": ""}, {"html": " \n"}]
)
async def test_a_mail_that_may_not_be_tracked_goes_out_as_it_is(portal: Runtime, values: dict[str, Any]) -> None:
    given = delivery(**values)
    assert await prepared(portal, given) == PreparedCopy(given.html)


@pytest.mark.parametrize("who", [{"role": "bcc"}, {"role": "cc", "is_agent": True}, {"is_agent": True}])
async def test_a_copy_for_bcc_or_for_an_agent_goes_out_untracked(portal: Runtime, who: dict[str, Any]) -> None:
    given = delivery()
    given = replace(given, recipient=replace(given.recipient, **who))
    assert await prepared(portal, given) == PreparedCopy(BODY)


async def test_a_copy_for_cc_is_tracked_like_any_other(portal: Runtime) -> None:
    given = delivery(recipient=Recipient(2, "cc", "ann@example.org", TID))
    assert (await prepared(portal, given)).reports == {"opens", "clicks"}


def test_the_copy_is_noted_with_a_mark_of_each_link_in_its_order(settings: Settings) -> None:
    body = '<a href="https://b.test/">b</a><a href="https://a.test/?x=1&amp;y">a</a><a href="https://b.test/">b</a>'
    note = json.loads(noted(settings, body))
    assert note == {
        "links": [link_mark("https://b.test/"), link_mark("https://a.test/?x=1&y"), link_mark("https://b.test/")]
    }
    assert re.fullmatch("[0-9a-f]{16}", note["links"][0])


def test_the_note_holds_the_links_of_the_text_part_and_the_hidden_one(settings: Settings) -> None:
    note = json.loads(noted(settings, "<p>Hello</p>", text=TEXT, track_text_links=True, trap_link=True))
    assert note == {"links": [link_mark(URL)], "trap": link_mark(f"{PORTAL_URL}/api/email-tracking/nothing-here")}


def test_the_note_of_a_mail_with_very_many_links_fits(settings: Settings) -> None:
    note = noted(settings, "".join(f'<a href="https://x.test/{n}">x</a>' for n in range(900)), trap_link=True)
    assert len(json.loads(note)["links"]) == 500
    assert len(note) <= 16_000


def noted(settings: Settings, html: str, *, text: str = "", **module: Any) -> str:
    started = Plausible()
    started.started(
        PluginContext(settings, None, lambda: True, lambda: PlausibleSettings.model_validate(module))  # type: ignore[arg-type]
    )
    done = started.prepare_delivery(delivery(html, text=text))
    assert done is not None
    return done.note


async def test_a_disabled_module_leaves_mails_alone(portal: Runtime) -> None:
    await modules.set_enabled("plausible", enabled=False, user=None)
    assert await prepared(portal, delivery()) == PreparedCopy(BODY)


@pytest.mark.parametrize(
    ("href", "attribute"),
    [
        (f"{PORTAL_URL}/tickets/5", ""),
        (f"{PORTAL_URL}/api/email-tracking/click?tid=x", ""),
        ("https://lists.example/unsubscribe?u=1", ""),
        ("https://bob:secret@example.org/", ""),
        ("mailto:bob@example.org", ""),
        ("//example.org/", ""),
        ("javascript:alert(1)", ""),
        ("https://example.org/" + "x" * 2048, ""),
        ("https://example.org/", " data-no-track"),
    ],
)
async def test_a_link_that_may_not_be_tracked_stays(portal: Runtime, href: str, attribute: str) -> None:
    given = delivery(f'<a href="{href}"{attribute}>x</a>', list_unsubscribe=("https://lists.example/unsubscribe?u=1",))
    done = await prepared(portal, given)
    assert done.html.startswith(f'<a href="{href}">x</a>')
    assert done.reports == {"opens"}


async def test_with_opens_off_there_is_no_pixel(portal: Runtime) -> None:
    await modules.save("plausible", {"track_opens": False}, user=None)
    done = await prepared(portal, delivery())
    assert "<img" not in done.html
    assert done.reports == {"clicks"}
    assert await portal.plugins.tracking_notice() == "links; Bcc copies are not tracked"


async def test_with_clicks_off_links_stay(portal: Runtime) -> None:
    await modules.save("plausible", {"track_clicks": False}, user=None)
    done = await prepared(portal, delivery())
    assert hrefs(done.html) == [URL]
    assert done.reports == {"opens"}
    assert await portal.plugins.tracking_notice() == "opens; Bcc copies are not tracked"


async def test_with_both_off_nothing_is_promised(portal: Runtime) -> None:
    await modules.save("plausible", {"track_opens": False, "track_clicks": False}, user=None)
    assert await prepared(portal, delivery()) == PreparedCopy(BODY)
    assert await portal.plugins.tracking_notice() is None


async def test_a_copy_without_links_does_not_promise_clicks(portal: Runtime) -> None:
    assert (await prepared(portal, delivery("<p>Hello</p>"))).reports == {"opens"}


async def test_the_composer_hears_what_a_reply_would_report(portal: Runtime) -> None:
    assert await portal.plugins.tracking_notice() == "opens and links; Bcc copies are not tracked"


async def test_without_an_address_nothing_is_tracked_and_the_log_says_so_once(
    settings: Settings, empty_database: None
) -> None:
    runtime = Runtime.build(settings.model_copy(update={"portal_url": None}), plugins={"plausible": Plausible()})
    with runtime.entered():
        await runtime.register_modules()
        await modules.set_enabled("plausible", enabled=True, user=None)
        with structlog.testing.capture_logs() as logs:
            for _ in range(3):
                assert await prepared(runtime, delivery()) == PreparedCopy(BODY)
        assert await runtime.plugins.tracking_notice() is None
    await runtime.close()
    [line] = logs
    assert (line["log_level"], "PORTAL_URL is not set" in line["reason"]) == ("warning", True)


async def test_new_mails_carry_the_tracking_host_and_links_to_the_portal_stay(
    settings: Settings, empty_database: None
) -> None:
    own = settings.model_copy(update={"tracking_url": "https://t.example.com"})
    runtime = Runtime.build(own, plugins={"plausible": Plausible()})
    with runtime.entered():
        await runtime.register_modules()
        await modules.set_enabled("plausible", enabled=True, user=None)
        earlier = LINKS.click(TID, URL)
        done = await prepared(
            runtime, delivery(f'{BODY}<a href="{PORTAL_URL}/tickets/5">t</a><a href="{earlier}">e</a>')
        )
    await runtime.close()
    assert [found.partition("?")[0] for found in hrefs(done.html)] == [
        "https://t.example.com/api/email-tracking/click",
        f"{PORTAL_URL}/tickets/5",
        f"{PORTAL_URL}/api/email-tracking/click",
    ]
    assert f'<img src="https://t.example.com/api/email-tracking/pixel/{TID}.gif"' in done.html


async def test_the_log_says_at_the_start_that_the_address_is_not_https(
    settings: Settings, portal: Runtime, plausible: Quart
) -> None:
    app = create_app(settings, plugins={"plausible": Plausible()})
    with structlog.testing.capture_logs() as logs:
        await app.startup()
    await app.shutdown()
    assert any("http://portal.test" in line.get("reason", "") for line in logs)


async def test_the_first_recipients_id_is_kept_with_the_reply(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database, "cc:ann@example.org", "bob@example.org")
    mail = QueuedMail(reply.mail_id, reply.reply_id, "Hello", True, reply.recipients)
    await portal.plugins.email_queued(mail)
    row = await reply_row(portal.database, reply.reply_id)
    assert row["email_tracking_id"] == reply.recipients[1].tracking_id


async def test_an_untracked_mail_leaves_no_id_with_the_reply(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    await portal.plugins.email_queued(QueuedMail(reply.mail_id, reply.reply_id, "Hello", False, reply.recipients))
    assert (await reply_row(portal.database, reply.reply_id))["email_tracking_id"] is None


async def test_the_time_of_the_first_copy_is_kept(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    noon = utcnow()
    for minutes in (5, 1, 9):
        at = noon + timedelta(minutes=minutes)
        report = DeliveryReport(reply.mail_id, reply.reply_id, reply.recipients[0], at, "sent")
        await portal.plugins.email_sent(report)
    assert (await reply_row(portal.database, reply.reply_id))["email_sent_at"] == noon + timedelta(minutes=1)


async def test_the_popover_shows_opens_links_and_the_timeline_of_each_recipient(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database, "bob@example.org", "ann@example.org")
    bob, ann = reply.recipients
    noon = utcnow()
    seen: list[tuple[Kind, str | None]] = [(OPEN, None), (CLICK, URL), (CLICK, URL), (CLICK, "https://b.test/")]
    for minutes, (kind, url) in enumerate(seen, 1):
        at = noon + timedelta(minutes=minutes)
        assert await stored(portal, TrackingEvent(kind, bob.tracking_id, at, url, THUNDERBIRD))
    assert await stored(portal, event(ann.tracking_id, at=noon + timedelta(minutes=5)))
    assert await stored(portal, event(ann.tracking_id, at=noon + timedelta(minutes=6), user_agent="Mozilla/5.0"))

    panel = (await receipts.panels([reply.reply_id]))[reply.reply_id]

    assert (panel.badge.state, panel.badge.word) == ("read", "All read")
    first, second = panel.rows
    assert (first.opens, first.links) == (1, ((URL, 2), ("https://b.test/", 1)))
    assert (second.opens, second.first_opened, second.links) == (1, noon + timedelta(minutes=5), ())
    assert (second.machine_opens, first.machine_opens) == (1, 0)
    lines = [(line.words, line.reason) for line in panel.timeline if line.kind in {"open", "click"}]
    assert lines == [
        ("Opened ahead of time (ann@example.org)", "Apple Mail loaded the images ahead, it seems"),
        ("Opened by a person (ann@example.org)", "Opened in Thunderbird"),
        ("A link followed by a person (bob@example.org)", "Opened in Thunderbird · https://b.test/"),
        ("A link followed by a person (bob@example.org)", f"Opened in Thunderbird · {URL}"),
        ("A link followed by a person (bob@example.org)", f"Opened in Thunderbird · {URL}"),
        ("Opened by a person (bob@example.org)", "Opened in Thunderbird"),
    ]


async def test_the_timeline_of_a_mail_that_is_opened_all_day_stays_short(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    for number in range(25):
        at = utcnow() + timedelta(minutes=number**2)
        assert await stored(portal, event(reply.recipients[0].tracking_id, at=at))
    panel = (await receipts.panels([reply.reply_id]))[reply.reply_id]
    assert panel.rows[0].opens == 25
    assert sum(line.kind == "open" for line in panel.timeline) == 20


async def test_with_the_module_off_the_badge_says_sent_and_the_popover_nothing_more(portal: Runtime) -> None:
    reply = await mailed_reply(portal.database)
    assert await stored(portal, TrackingEvent(OPEN, reply.recipients[0].tracking_id, utcnow()))
    await modules.set_enabled("plausible", enabled=False, user=None)
    panel = (await receipts.panels([reply.reply_id]))[reply.reply_id]
    assert (panel.badge.word, panel.rows[0].opens) == ("Sent", 0)


def test_the_built_in_module_holds_its_contract() -> None:
    host = PluginHost({"plausible": plugin})
    assert host.broken == {}
    info = host.modules()["plausible"]
    assert (info.slug, info.name, info.icon) == ("plausible", "Plausible Analytics", "📊")


SHOWN = f'<p><a href="{URL.replace("&", "&amp;")}">https://example.org/guide</a> <a href="https://b.test/">here</a></p>'
TEXT = f"Read the guide <{URL}>, or {PORTAL_URL}/tickets/5.\nBye"


async def test_a_link_that_shows_its_address_is_tracked_only_when_asked(portal: Runtime) -> None:
    assert hrefs((await prepared(portal, delivery(SHOWN))).html) == [URL, LINKS.click(TID, "https://b.test/")]
    await modules.save("plausible", {"skip_visible_url": False}, user=None)
    done = await prepared(portal, delivery(SHOWN))
    assert hrefs(done.html) == [LINKS.click(TID, URL), LINKS.click(TID, "https://b.test/")]


@pytest.mark.parametrize(
    ("position", "length", "at_start"),
    [
        ("auto", 10, False),
        ("auto", 95_000, True),
        ("end", 10, False),
        ("end", 95_000, False),
        ("start", 10, True),
    ],
)
async def test_the_pixel_stands_where_the_setting_wants_it(
    portal: Runtime, position: str, length: int, at_start: bool
) -> None:
    await modules.save("plausible", {"pixel_position": position}, user=None)
    done = await prepared(portal, delivery(f"<body><p>{'x' * length}</p></body>"))
    pixel = done.html.index("<img")
    assert pixel == (len("<body>") if at_start else len(f"<body><p>{'x' * length}</p>"))


async def test_a_place_that_does_not_exist_is_refused_at_its_field(portal: Runtime) -> None:
    with pytest.raises(modules.ModuleError) as caught:
        await modules.save("plausible", {"pixel_position": "middle"}, user=None)
    assert list(caught.value.fields) == ["pixel_position"]


async def test_the_text_part_stays_unless_asked_for(portal: Runtime) -> None:
    assert (await prepared(portal, delivery(text=TEXT))).text is None


async def test_the_text_parts_links_are_tracked_when_asked_and_nothing_else_of_it_changes(portal: Runtime) -> None:
    await modules.save("plausible", {"track_text_links": True}, user=None)
    done = await prepared(portal, delivery("<p>Hello</p>", text=TEXT))
    assert done.text == TEXT.replace(URL, LINKS.click(TID, URL) or "")
    assert done.reports == {"opens", "clicks"}


@pytest.mark.parametrize("values", [{"list_unsubscribe": (URL,)}, {"sensitive": True}, {"text": "no links"}])
async def test_the_text_part_keeps_links_that_may_not_be_tracked(portal: Runtime, values: dict[str, Any]) -> None:
    await modules.save("plausible", {"track_text_links": True}, user=None)
    assert (await prepared(portal, delivery(**{"text": TEXT, **values}))).text is None


async def test_the_text_part_is_left_with_clicks_off(portal: Runtime) -> None:
    await modules.save("plausible", {"track_text_links": True, "track_clicks": False}, user=None)
    assert (await prepared(portal, delivery(text=TEXT))).text is None
