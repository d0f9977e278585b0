"""Amazon SNS: whose certificate, whose topic, and what is fetched."""

from __future__ import annotations

from typing import Any

import pytest
from quart.typing import TestClientProtocol as Client

from app.database import Database, DatabaseUnavailable
from plugins.delivery import repository
from plugins.delivery.errors import Unavailable
from plugins.delivery.module import DeliveryEvents
from tests.delivery.senders import CERTIFICATE_URL, SENDERS, TOPIC, Post, amazon, certificate, fetched, post, sign_sns
from tests.delivery.sending import events, send
from tests.receipts.builders import MailedReply

HEX = "ab12" * 8
CONFIRM = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"
ELSEWHERE = [
    f"http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{HEX}.pem",
    f"https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-{HEX}.pem",
    f"https://me@sns.eu-central-1.amazonaws.com/SimpleNotificationService-{HEX}.pem",
    f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{HEX}.pem?x=1",
    f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{HEX}.pem#x",
    f"https://sns.eu-central-1.amazonaws.com/x/SimpleNotificationService-{HEX}.pem",
    f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{HEX}.pem\n",
    f"https://bucket.s3.amazonaws.com/SimpleNotificationService-{HEX}.pem",
    f"https://sns.s3.amazonaws.com.evil.example/SimpleNotificationService-{HEX}.pem",
    f"https://evil.example/https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{HEX}.pem",
    f"https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-{HEX}.pem",
    f"https://xsns.eu-central-1.amazonaws.com/SimpleNotificationService-{HEX}.pem",
    "",
]


@pytest.fixture(autouse=True)
def nothing_fetched() -> None:
    fetched.clear()


@pytest.fixture
def inner(reply: MailedReply) -> Post:
    copy = reply.recipients[0]
    return post(SENDERS[2].bounce(copy.tracking_id, copy.email, "1"))


def confirmation(kind: str = "SubscriptionConfirmation", **fields: Any) -> Post:
    words = {"Type": kind, "Token": "t", "SubscribeURL": CONFIRM, "Message": "Confirm", **fields}
    return sign_sns(post(b""), False, **words)


async def states(database: Database) -> list[str]:
    async with database.connection() as conn:
        return [row["state"] for row in await conn.fetch_all("SELECT state FROM delivery_subscriptions")]


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_a_certificate_elsewhere_is_never_fetched(
    world: Client, database: Database, inner: Post, url: str
) -> None:
    assert (await send(world, "ses", sign_sns(inner, False, SigningCertURL=url)))[0] == 401
    assert fetched == []
    assert await events(database) == []


async def test_the_certificate_is_fetched_once(world: Client, database: Database, inner: Post) -> None:
    for _ in range(3):
        assert (await send(world, "ses", sign_sns(inner, False)))[0] == 200
    assert fetched == [CERTIFICATE_URL]
    assert len(await events(database)) == 1


async def test_what_is_no_certificate_is_not_asked_for_again_at_once(
    world: Client, database: Database, inner: Post
) -> None:
    url = CERTIFICATE_URL.replace("ab12", "cd34")
    for _ in range(3):
        assert (await send(world, "ses", sign_sns(inner, False, SigningCertURL=url)))[0] == 401
    assert fetched == [url]


async def test_a_certificate_that_is_over_is_refused(
    world: Client, database: Database, inner: Post, plugin: DeliveryEvents
) -> None:
    async def old(url: str) -> bytes:
        return certificate(days=-1)

    plugin._handles().receiver.certificates._fetch = old
    assert (await send(world, "ses", sign_sns(inner, False)))[0] == 401


async def test_while_amazon_is_away_it_is_asked_to_come_again(
    world: Client, database: Database, inner: Post, plugin: DeliveryEvents
) -> None:
    async def away(url: str) -> bytes:
        raise Unavailable("Amazon could not be reached")

    plugin._handles().receiver.certificates._fetch = away
    assert (await send(world, "ses", sign_sns(inner, False)))[0] == 503
    plugin._handles().receiver.certificates._fetch = amazon
    assert (await send(world, "ses", sign_sns(inner, False)))[0] == 200


async def test_another_topic_is_refused_before_anything_is_fetched(
    world: Client, database: Database, inner: Post
) -> None:
    other = TOPIC.replace("mail", "others")
    assert (await send(world, "ses", sign_sns(inner, False, TopicArn=other)))[0] == 403
    url = CONFIRM.replace(TOPIC, other)
    assert (await send(world, "ses", confirmation(TopicArn=other, SubscribeURL=url)))[0] == 403
    assert fetched == []
    assert await events(database) == []
    assert await states(database) == []


async def test_a_topic_of_ours_is_confirmed(world: Client, database: Database) -> None:
    status, answer = await send(world, "ses", confirmation())
    assert (status, answer["message"]) == (200, "Subscription confirmed")
    assert fetched == [CERTIFICATE_URL, CONFIRM]
    assert await states(database) == ["confirmed"]


@pytest.mark.parametrize(
    "url",
    [
        CONFIRM.replace("https", "http"),
        CONFIRM.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CONFIRM.replace("amazonaws.com", "amazonaws.com:8443"),
        CONFIRM.replace("sns.", "me@sns."),
        CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
        CONFIRM.replace("mail&", "others&"),
        "https://[",
    ],
)
async def test_a_confirmation_elsewhere_is_never_fetched(world: Client, database: Database, url: str) -> None:
    assert (await send(world, "ses", confirmation(SubscribeURL=url)))[0] == 401
    assert fetched in ([], [CERTIFICATE_URL])
    assert await states(database) == []


async def test_the_end_of_a_subscription_does_not_begin_it_again(world: Client, database: Database) -> None:
    assert (await send(world, "ses", confirmation("UnsubscribeConfirmation")))[0] == 200
    assert CONFIRM not in fetched
    assert await states(database) == ["ended"]


async def test_an_unsigned_confirmation_is_refused(world: Client, database: Database) -> None:
    given = sign_sns(post(b""), True, Type="SubscriptionConfirmation", Token="t", SubscribeURL=CONFIRM)
    assert (await send(world, "ses", given))[0] == 401
    assert CONFIRM not in fetched


async def test_the_greeting_of_ses_is_no_event_and_no_failure(world: Client, database: Database) -> None:
    words = b"Successfully validated SNS topic for Amazon SES event publishing."
    assert (await send(world, "ses", sign_sns(post(words), False))) == (
        200,
        {"status": "success", "message": "There was no event in it"},
    )


async def test_notifications_and_event_publishing_tell_one_bounce_once(
    world: Client, database: Database, reply: MailedReply
) -> None:
    copy = reply.recipients[0]
    rich = SENDERS[2].bounce(copy.tracking_id, copy.email, "1")
    poor = {**rich, "mail": {**rich["mail"], "tags": {}}, "notificationType": "Bounce"}
    del poor["eventType"]
    assert (await send(world, "ses", sign_sns(post(poor), False)))[0] == 200
    [event] = await events(database)
    assert (event["recipient_id"], event["unmatched"]) == (None, "unnamed")
    assert (await send(world, "ses", sign_sns(post(rich), False)))[0] == 200
    [event] = await events(database)
    assert (event["recipient_id"], event["unmatched"]) == (copy.id, "")


async def test_a_bounce_of_several_recipients_is_an_event_each(
    world: Client, database: Database, reply: MailedReply
) -> None:
    inner = SENDERS[2].bounce(reply.recipients[0].tracking_id, "bob@example.org", "1")
    inner["bounce"]["bouncedRecipients"].append({"emailAddress": "ann@example.org"})
    assert (await send(world, "ses", sign_sns(post(inner), False)))[0] == 200
    assert {one["recipient"]: one["unmatched"] for one in await events(database)} == {
        "bob@example.org": "",
        "ann@example.org": "stranger",
    }


async def test_a_confirmation_that_cannot_be_written_down_is_to_come_again(
    world: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise DatabaseUnavailable("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(repository, "set_subscription", away)
        status, answer = await send(world, "ses", confirmation())
    assert (status, answer["status"]) == (503, "error")
    assert (await send(world, "ses", confirmation()))[0] == 200
    assert await states(database) == ["confirmed"]
