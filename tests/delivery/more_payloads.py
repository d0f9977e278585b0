"""The same for the other providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.delivery.payloads import AGENT, AT, ISO, Event, brevo, mailgun, postmark, sendgrid, ses


def sparkpost(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    hard, none = (
        {10, 30},
        {60: "unknown", 80: "unknown", 90: "unsubscribed", 100: "unknown", 25: "failed", 26: "failed"},
    )
    classes = (1, 10, 20, 21, 22, 23, 24, 25, 26, 30, 40, 50, 51, 52, 53, 54, 60, 70, 80, 90, 100)
    said = {"raw_reason": "550 5.1.1 no mailbox", "reason": "550 5.1.1 ...", "error_code": "550"}

    def look(prefetched: bool) -> dict[str, Any]:
        parsed = {"agent_family": "Firefox", "is_mobile": False, "is_proxy": False, "is_prefetched": prefetched}
        return {"user_agent": AGENT, "user_agent_parsed": parsed, "ip_address": "192.0.2.9", "geo_ip": {}}

    link = {**look(False), "target_link_url": "https://x.example/a", "target_link_name": "a"}
    events: list[tuple[str, str, dict[str, Any], str]] = [
        *(("message_event", "bounce", {"bounce_class": str(one), **said},
           none.get(one, f"bounced {'hard' if one in hard else 'soft'}")) for one in classes),
        ("message_event", "injection", {"msg_size": "1337"}, "sent"),
        ("message_event", "delivery", {"queue_time": "12", "outbound_tls": "1"}, "delivered"),
        ("message_event", "delay", {"bounce_class": "21", "num_retries": "2", **said}, "deferred"),
        ("message_event", "out_of_band", {"bounce_class": "10", **said}, "bounced hard"),
        ("message_event", "policy_rejection", {"bounce_class": "25", **said}, "failed"),
        ("message_event", "spam_complaint", {"fbtype": "abuse", "report_by": "x.example"}, "complained"),
        ("gen_event", "generation_failure", said, "failed"),
        ("gen_event", "generation_rejection", said, "failed"),
        *(("track_event", name, look(flag), "opened machine" if flag else "opened")
          for name in ("open", "initial_open", "amp_open", "amp_initial_open") for flag in (True, False)),
        ("track_event", "open", {"user_agent": AGENT}, "opened"),
        ("track_event", "click", link, "clicked"),
        ("track_event", "amp_click", link, "clicked"),
        ("unsubscribe_event", "list_unsubscribe", {"mailfrom": "x@x.example"}, "unsubscribed"),
        ("unsubscribe_event", "link_unsubscribe", link, "unsubscribed"),
        ("relay_event", "relay_injection", {}, "unknown"),
        ("ingest_event", "success", {"batch_id": "b"}, "unknown"),
    ]  # fmt: skip
    for number, (place, name, fields, kind) in enumerate(events):
        common = {
            "type": name, "event_id": f"9239910201{number:02}", "message_id": "000443ee14578172be22",
            "transmission_id": "65832150921904138", "timestamp": str(AT), "rcpt_to": to.lower(), "raw_rcpt_to": to,
            "rcpt_meta": {"tracking_id": tracking_id}, "rcpt_tags": [], "recipient_domain": "example.org",
        }  # fmt: skip
        yield name, [{"msys": {place: {**common, **fields}}}], kind


def resend(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    def bounce(kind: str, sub: str) -> dict[str, Any]:
        return {"bounce": {"type": kind, "subType": sub, "message": "said"}}

    click = {"ipAddress": "192.0.2.9", "link": "https://x.example/a", "timestamp": ISO, "userAgent": AGENT}
    events: list[Event] = [
        ("sent", {}, "sent"),
        ("scheduled", {}, "unknown"),
        ("delivered", {}, "delivered"),
        ("delivery_delayed", {}, "deferred"),
        ("bounced", bounce("Permanent", "General"), "bounced hard"),
        ("bounced", bounce("Permanent", "NoEmail"), "bounced hard"),
        ("bounced", bounce("Permanent", "Suppressed"), "failed"),
        ("bounced", bounce("Permanent", "OnAccountSuppressionList"), "failed"),
        ("bounced", bounce("Transient", "MailboxFull"), "bounced soft"),
        ("bounced", bounce("Undetermined", "Undetermined"), "bounced soft"),
        ("complained", {}, "complained"),
        ("opened", {}, "opened"),
        ("clicked", {"click": click}, "clicked"),
        ("failed", {"failed": {"reason": "reached_daily_quota"}}, "failed"),
        ("suppressed", {"suppressed": {"message": "said", "type": "OnAccountSuppressionList"}}, "failed"),
        ("received", {"cc": [], "bcc": [], "received_for": [], "attachments": []}, "unknown"),
    ]
    for name, fields, kind in events:
        data = {
            "created_at": ISO, "email_id": "56761188-7520", "message_id": "<111-222-333@email.example.com>",
            "from": "Acme <support@acme.example>", "to": [f"Bob <{to}>"], "subject": "Re: Printer",
            "tags": {"tracking_id": tracking_id}, **fields,
        }  # fmt: skip
        yield name, {"type": f"email.{name}", "created_at": "2025-11-30T08:53:20.126Z", "data": data}, kind


def mailjet(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    def bounce(hard: bool, about: str, error: str) -> dict[str, Any]:
        return {"hard_bounce": hard, "blocked": hard, "error_related_to": about, "error": error, "comment": "said"}

    look = {"ip": "192.0.2.9", "geo": "DE", "agent": AGENT}
    events: list[Event] = [
        ("sent", {"mj_message_id": "19421777835146490", "smtp_reply": "sent (250 2.0.0 OK)"}, "delivered"),
        ("open", look, "opened"),
        ("click", {**look, "url": "https://x.example/a"}, "clicked"),
        *(("bounce", bounce(True, about, error), "bounced hard") for about, error in
          (("recipient", "user unknown"), ("recipient", "mailbox inactive"), ("domain", "invalid domain"))),
        *(("bounce", bounce(False, about, error), "bounced soft") for about, error in
          (("recipient", "quota exceeded"), ("domain", "no mail host"), ("spam", "sender blocked"),
           ("content", "content blocked"), ("system", "connection issue"))),
        ("bounce", bounce(False, "domain", "greylisted"), "deferred"),
        ("blocked", {"error_related_to": "mailjet", "error": "preblocked"}, "failed"),
        ("spam", {"source": "JMRPP"}, "complained"),
        ("unsub", {**look, "mj_list_id": 1}, "unsubscribed"),
        ("something_new", {}, "unknown"),
    ]  # fmt: skip
    for number, (name, fields, kind) in enumerate(events):
        common = {
            "event": name, "time": AT, "MessageID": 19421777835146490 + number, "Message_GUID": "1ab23cd4-e567",
            "email": to, "mj_campaign_id": 7257, "mj_contact_id": 4, "customcampaign": "", "CustomID": tracking_id,
            "Payload": "",
        }  # fmt: skip
        yield name, [{**common, **fields}], kind


def smtp2go(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    look = {"user-agent": AGENT, "client": "Firefox", "client-os": "Linux", "srchost": "192.0.2.9"}
    events: list[Event] = [
        ("processed", {"recipients": [to]}, "sent"),
        ("delivered", {"message": "250 2.0.0 OK", "context": "250 2.0.0 OK", "host": "mx.example.org"}, "delivered"),
        ("open", {**look, "read-secs": 10}, "opened"),
        ("click", {**look, "url": "https://x.example/a"}, "clicked"),
        ("click", {**look, "context": "https://x.example/b"}, "clicked"),
        ("bounce", {"bounce": "hard", "message": "550 no mailbox", "host": "mx.example.org"}, "bounced hard"),
        ("bounce", {"bounce": "soft", "message": "452 full", "host": "mx.example.org"}, "bounced soft"),
        ("spam", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
        ("resubscribe", {}, "unknown"),
        ("reject", {"message": "on the list of bounces"}, "failed"),
        ("something_new", {}, "unknown"),
    ]
    for number, (name, fields, kind) in enumerate(events):
        yield name, {
            "event": name, "time": "2025-11-30 08:53:20", "sendtime": "2025-11-30 08:53:00", "rcpt": to,
            "sender": "support@acme.example", "from": "support@acme.example", "auth": "api-1", "id": f"e{number}",
            "email_id": "1er8bV-6Tw0Mi-7h", "subject": "Re: Printer", "Message-Id": "<1@acme.example>",
            "X-MyPortal-Tracking-Id": tracking_id, **fields,
        }, kind  # fmt: skip


def generic(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    words = ("sent", "delivered", "deferred", "failed", "complained", "unsubscribed", "opened", "clicked", "unknown")
    common = {"tracking_id": tracking_id, "email": to, "timestamp": ISO, "reason": "said"}
    for name in words:
        yield name, {**common, "event": name}, name
    for bounce in ("hard", "soft"):
        yield "bounced", {**common, "event": "bounced", "bounce_type": bounce}, f"bounced {bounce}"


EVERY: Mapping[str, Callable[[str, str], Iterator[tuple[str, Any, str]]]] = {
    one.__name__: one for one in (sendgrid, mailgun, ses, postmark, brevo, sparkpost, resend, mailjet, smtp2go, generic)
}
"""By provider: name, body and meaning of each event, for a tracking id and an address."""
