"""Each provider's words in ours, and where its fields stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from plugins.delivery.errors import BadMember
from plugins.delivery.fields import Fields, address_of, moment
from plugins.delivery.model import DeliveryEvent
from plugins.delivery.providers import PROVIDERS
from plugins.delivery.providers.base import Given, raw_of, slot_of

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ID = "t" * 54
MAIL = {"messageId": "m1", "timestamp": "2026-11-20T10:00:00Z", "destination": ["a@x.example"]}


def listed(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows whose bodies may be of any shape."""
    return found


WORDS: list[tuple[str, Any, str]] = [
    *(
        ("sendgrid", {"sg_event_id": "1", **fields}, kind)
        for fields, kind in listed([
            ({"event": "processed"}, "sent"),
            ({"event": "deferred"}, "deferred"),
            ({"event": "delivered"}, "delivered"),
            ({"event": "bounce", "type": "bounce"}, "bounced hard"),
            ({"event": "bounce", "type": "blocked"}, "bounced soft"),
            ({"event": "dropped", "reason": "Bounced Address"}, "failed"),
            ({"event": "spamreport"}, "complained"),
            ({"event": "group_unsubscribe"}, "unsubscribed"),
            ({"event": "group_resubscribe"}, "unknown"),
            ({"event": "open", "sg_machine_open": True}, "opened machine"),
            ({"event": "open", "sg_machine_open": False}, "opened person"),
            ({"event": "click"}, "clicked"),
            ({"event": "new"}, "unknown"),
        ])
    ),
    *(
        ("mailgun", {"event-data": {"id": "1", "timestamp": 1, "delivery-status": None, **fields}}, kind)
        for fields, kind in listed([
            ({"event": "accepted"}, "sent"),
            ({"event": "delivered"}, "delivered"),
            ({"event": "failed", "severity": "temporary"}, "deferred"),
            ({"event": "failed", "severity": "permanent", "reason": "bounce"}, "bounced hard"),
            ({"event": "failed", "severity": "permanent", "reason": "old"}, "bounced soft"),
            ({"event": "failed", "severity": "permanent", "reason": "suppress-complaint"}, "failed"),
            ({"event": "rejected", "message": {"headers": {"to": "a@x.example"}}}, "failed"),
            ({"event": "opened", "client-info": {"bot": "apple"}}, "opened machine"),
            ({"event": "opened", "client-info": {"bot": ""}}, "opened person"),
            ({"event": "clicked", "client-info": {}}, "clicked"),
            ({"event": "complained"}, "complained"),
            ({"event": "unsubscribed"}, "unsubscribed"),
        ])
    ),
    ("mailgun", {"event": "bounced", "code": "550", "recipient": "a@x.example"}, "bounced hard"),
    ("mailgun", {"event": "dropped", "recipient": "a@x.example"}, "failed"),
    *(
        ("ses", {"eventType": name, "mail": MAIL, **fields}, kind)
        for name, fields, kind in listed([
            ("Send", {}, "sent"),
            ("Delivery", {"delivery": {"recipients": ["a@x.example"]}}, "delivered"),
            ("Bounce", {"bounce": {"bounceType": "Permanent"}}, "bounced hard"),
            ("Bounce", {"bounce": {"bounceType": "Transient"}}, "bounced soft"),
            ("Bounce", {"bounce": {"bounceType": "Undetermined"}}, "bounced soft"),
            ("Complaint", {"complaint": {"complainedRecipients": [{"emailAddress": "a@x.example"}]}}, "complained"),
            ("Reject", {"reject": {"reason": "Bad content"}}, "failed"),
            ("Rendering Failure", {"failure": {"errorMessage": "x"}}, "failed"),
            ("DeliveryDelay", {"deliveryDelay": {"delayedRecipients": []}}, "deferred"),
            ("Subscription", {}, "unsubscribed"),
            ("Open", {"open": {"userAgent": "x"}}, "opened"),
            ("Click", {"click": {"link": "https://x.example"}}, "clicked"),
        ])
    ),
    *(
        ("postmark", {"MessageID": "1", "Recipient": "a@x.example", **fields}, kind)
        for fields, kind in listed([
            ({"RecordType": "Delivery"}, "delivered"),
            ({"RecordType": "Bounce", "Type": "HardBounce"}, "bounced hard"),
            ({"RecordType": "Bounce", "Type": "SoftBounce"}, "bounced soft"),
            ({"RecordType": "Bounce", "Type": "Transient"}, "deferred"),
            ({"RecordType": "Bounce", "Type": "DnsError"}, "deferred"),
            ({"RecordType": "Bounce", "Type": "Blocked"}, "failed"),
            ({"RecordType": "Bounce", "Type": "SMTPApiError"}, "failed"),
            ({"RecordType": "Bounce", "Type": "AutoResponder"}, "unknown"),
            ({"RecordType": "Bounce", "Type": "SpamNotification"}, "complained"),
            ({"RecordType": "SpamComplaint"}, "complained"),
            ({"RecordType": "Open"}, "opened"),
            ({"RecordType": "Click"}, "clicked"),
            ({"RecordType": "SubscriptionChange", "SuppressSending": False}, "unknown"),
            (
                {"RecordType": "SubscriptionChange", "SuppressSending": True, "SuppressionReason": "ManualSuppression"},
                "unsubscribed",
            ),
        ])
    ),
    *(
        ("brevo", {"email": "a@x.example", "event": name}, kind)
        for name, kind in listed([
            ("request", "sent"),
            ("delivered", "delivered"),
            ("hard_bounce", "bounced hard"),
            ("invalid_email", "bounced hard"),
            ("soft_bounce", "bounced soft"),
            ("deferred", "deferred"),
            ("blocked", "failed"),
            ("error", "failed"),
            ("spam", "complained"),
            ("complaint", "complained"),
            ("opened", "opened"),
            ("unique_opened", "opened"),
            ("proxy_open", "opened machine"),
            ("unique_proxy_open", "opened machine"),
            ("click", "clicked"),
            ("unsubscribe", "unsubscribed"),
            ("unsubscribed", "unsubscribed"),
        ])
    ),
    *(
        ("sparkpost", {"msys": {"x": {"event_id": "1", **fields}}}, kind)
        for fields, kind in listed([
            ({"type": "injection"}, "sent"),
            ({"type": "delivery"}, "delivered"),
            ({"type": "delay"}, "deferred"),
            ({"type": "bounce", "bounce_class": "10"}, "bounced hard"),
            ({"type": "out_of_band", "bounce_class": 30}, "bounced hard"),
            ({"type": "bounce", "bounce_class": "22"}, "bounced soft"),
            ({"type": "bounce", "bounce_class": "60"}, "unknown"),
            ({"type": "bounce", "bounce_class": "90"}, "unsubscribed"),
            ({"type": "spam_complaint"}, "complained"),
            ({"type": "policy_rejection"}, "failed"),
            ({"type": "generation_failure"}, "failed"),
            ({"type": "initial_open"}, "opened"),
            ({"type": "click"}, "clicked"),
            ({"type": "link_unsubscribe"}, "unsubscribed"),
        ])
    ),
    *(
        ("resend", {"type": f"email.{name}", "data": {"email_id": "1", **data}}, kind)
        for name, data, kind in listed([
            ("sent", {}, "sent"),
            ("delivered", {}, "delivered"),
            ("delivery_delayed", {}, "deferred"),
            ("bounced", {"bounce": {"type": "Permanent"}}, "bounced hard"),
            ("bounced", {"bounce": {"type": "Transient"}}, "bounced soft"),
            ("bounced", {}, "bounced soft"),
            ("complained", {}, "complained"),
            ("opened", {}, "opened"),
            ("clicked", {"click": {"link": "https://x.example"}}, "clicked"),
            ("failed", {"failed": {"reason": "x"}}, "failed"),
            ("suppressed", {}, "failed"),
            ("scheduled", {}, "unknown"),
        ])
    ),
    *(
        ("mailjet", {"MessageID": 2**62, "email": "a@x.example", **fields}, kind)
        for fields, kind in listed([
            ({"event": "sent"}, "delivered"),
            ({"event": "bounce", "hard_bounce": True}, "bounced hard"),
            ({"event": "bounce", "hard_bounce": False}, "bounced soft"),
            ({"event": "bounce", "error": "greylisted"}, "deferred"),
            ({"event": "blocked"}, "failed"),
            ({"event": "open"}, "opened"),
            ({"event": "click"}, "clicked"),
            ({"event": "spam"}, "complained"),
            ({"event": "unsub"}, "unsubscribed"),
        ])
    ),
    *(
        ("smtp2go", {"email_id": "1", "rcpt": "a@x.example", **fields}, kind)
        for fields, kind in listed([
            ({"event": "processed", "recipients": ["a@x.example"]}, "sent"),
            ({"event": "delivered"}, "delivered"),
            ({"event": "bounce", "bounce": "hard"}, "bounced hard"),
            ({"event": "bounced", "bounce_type": "soft"}, "bounced soft"),
            ({"event": "bounce"}, "bounced soft"),
            ({"event": "spam"}, "complained"),
            ({"event": "reject"}, "failed"),
            ({"event": "open"}, "opened"),
            ({"event": "click"}, "clicked"),
            ({"event": "unsubscribe"}, "unsubscribed"),
            ({"event": "resubscribe"}, "unknown"),
        ])
    ),
]  # fmt: skip


def read(slug: str, body: Any, request_id: str = "") -> list[DeliveryEvent]:
    return list(PROVIDERS[slug].read(Given(Fields(body), NOW, request_id)))


def in_words(event: DeliveryEvent) -> str:
    machine = {True: "machine", False: "person", None: ""}[event.machine]
    return " ".join(filter(None, (event.kind, event.bounce, machine)))


@pytest.mark.parametrize(("slug", "body", "kind"), WORDS)
def test_words(slug: str, body: Any, kind: str) -> None:
    [event] = read(slug, body)
    assert in_words(event) == kind


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_the_sample_names_copy_recipient_and_time(provider: Any) -> None:
    at = NOW - timedelta(minutes=5)
    body = provider.sample(ID, "Bob@example.org", at)
    [event] = [event for member in provider.members(body) for event in read(provider.slug, member)]
    assert (event.kind, event.tracking_id) == ("delivered", ID)
    assert (event.recipient or "").lower() == "bob@example.org"
    assert abs(event.happened_at - at) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("slug", "body"),
    [
        ("brevo", {"event": "delivered", "email": "a@x.example", "ts_epoch": 1_763_600_000_000}),
        ("brevo", {"event": "delivered", "email": "a@x.example", "ts_epoch": 1_763_600_000}),
        ("sparkpost", {"msys": {"x": {"type": "delivery", "event_id": "1", "timestamp": "1763600000"}}}),
        ("postmark", {"RecordType": "Delivery", "MessageID": "1", "DeliveredAt": "2025-11-20T00:53:20.0000000-00:00"}),
        ("mailjet", {"event": "sent", "MessageID": 1, "time": 1_763_600_000}),
    ],
)
def test_times(slug: str, body: Any) -> None:
    [event] = read(slug, body)
    assert event.happened_at == datetime(2025, 11, 20, 0, 53, 20, tzinfo=UTC)


def test_a_batch_of_brevo_may_be_wrapped() -> None:
    one = {"event": "delivered", "email": "a@x.example"}
    members = PROVIDERS["brevo"].members
    assert list(members([one, one])) == list(members({"batched": True, "events": [one, one]})) == [one, one]
    assert list(members(one)) == [one]


def test_a_ping_of_sparkpost_is_nothing() -> None:
    assert read("sparkpost", {"msys": {}}) == []


def test_an_open_of_ses_or_resend_for_several_names_none() -> None:
    mail = {**MAIL, "destination": ["a@x.example", "b@x.example"], "tags": {"tracking_id": [ID]}}
    [event] = read("ses", {"eventType": "Open", "mail": mail, "open": {"timestamp": "2026-11-20T10:00:00Z"}})
    assert (event.recipient, event.tracking_id) == (None, ID)
    [event] = read("resend", {"type": "email.opened", "data": {"to": ["a@x.example", "b@x.example"]}}, "id")
    assert event.recipient is None


def test_a_processed_mail_of_smtp2go_is_an_event_for_each_recipient() -> None:
    found = read("smtp2go", {"event": "processed", "email_id": "1", "recipients": ["a@x.example", "b@x.example"]})
    assert [event.recipient for event in found] == ["a@x.example", "b@x.example"]
    assert len({event.key for event in found}) == 2


def test_events_about_contacts_are_none_of_a_mail() -> None:
    assert read("resend", {"type": "contact.created", "data": {}}, "id") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [(ID, ID), (f"tracking_id:{ID}", ID), (f'{{"tracking_id":"{ID}"}}', ID), ("{", ""), ("[" * 9, "[" * 9)],
)
def test_slots(text: str, found: str) -> None:
    assert slot_of(text) == found


@pytest.mark.parametrize(
    "value", [10**30, -1, 1e308, float("inf"), float("nan"), True, [], {}, "9999999999999999", "x" * 99]
)
def test_odd_times_are_none(value: Any) -> None:
    assert moment(value, now=NOW) is None


def test_addresses() -> None:
    assert address_of("Bob <bob@example.org>") == "bob@example.org"
    assert address_of("bob@example.org") == "bob@example.org"
    assert address_of("nobody") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([
    "event", "email", "recipient", "rcpt", "recipients", "timestamp", "time", "type", "RecordType", "mail", "data",
    "event-data", "msys", "bounce", "eventType", "to", "headers", "tags", "tracking_id", "client-info", "ts_epoch",
])  # fmt: skip


@pytest.mark.parametrize("slug", PROVIDERS)
@settings(max_examples=25)
@drawn(body=st.dictionaries(NAMES, json_values, max_size=8))
def test_no_shape_breaks_an_adapter(slug: str, body: dict[str, Any]) -> None:
    try:
        found = read(slug, body)
    except BadMember:
        return
    for event in found:
        assert len(event.key) == 16
        assert event.happened_at.tzinfo is not None
        assert raw_of(body)
