"""The text part of a mail as it really goes out."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from app.email import building, delivery
from app.runtime import Runtime
from app.services import modules
from plugins.plausible.links import Links
from plugins.plausible.tokens import Signer
from tests.conftest import PORTAL_URL, SECRET_KEY
from tests.email.outbox import queue, reply

URL = "https://example.org/guide?a=1&b=2"
HTML = '<p>Read <a href="https://example.org/guide?a=1&amp;b=2">the guide</a></p>'


@pytest.mark.parametrize("asked", [False, True])
async def test_the_text_part_carries_the_recipients_link_only_when_asked(portal: Runtime, asked: bool) -> None:
    await modules.save("plausible", {"track_text_links": asked}, user=None)
    reply_id = await reply(portal.database)
    mail = await queue(portal, "bob@example.org", html_body=HTML, enable_tracking=True, reply_id=reply_id)
    [copy] = await delivery.claim(portal, owner="test", limit=1, mail_id=mail.id)

    built = await building.prepare(portal, await building.load(portal, mail.id), copy)

    tracked = Links(PORTAL_URL, Signer([SECRET_KEY])).click(copy.tracking_id, URL)
    message = message_from_bytes(built.data, policy=policy.default)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == f"Read the guide <{tracked if asked else URL}>"
    assert str(tracked).replace("&", "&amp;") in html.get_content()
    assert built.reports == {"opens", "clicks"}
