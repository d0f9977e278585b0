"""Every event that each provider documents, in the shape of its documentation; the values are made up.

By provider: what all its events have, and for each event its own fields and what it means to us: kind, bounce, and
whether a machine did it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

AT = 1_764_492_800
"""30 November 2025, 08:53:20 UTC."""
ISO = "2025-11-30T08:53:20Z"
Event = tuple[str, dict[str, Any], str]
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"


def sendgrid(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    events: list[Event] = [
        ("processed", {"smtp-id": "<p@ismtpd.example>", "send_at": AT}, "sent"),
        ("deferred", {"response": "400 try again later", "attempt": "5", "smtp-id": "<p@ismtpd.example>"}, "deferred"),
        ("delivered", {"response": "250 2.0.0 OK", "tls": 1, "ip": "192.0.2.9"}, "delivered"),
        ("bounce", {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no mailbox",
                    "bounce_classification": "Invalid Address"}, "bounced hard"),
        ("bounce", {"type": "blocked", "status": "5.7.1", "reason": "550 5.7.1 on a list",
                    "bounce_classification": "Reputation"}, "bounced soft"),
        *(("dropped", {"reason": reason, "status": "5.0.0"}, "failed")
          for reason in ("Bounced Address", "Unsubscribed Address", "Spam Reporting Address", "Invalid")),
        ("open", {"useragent": AGENT, "ip": "192.0.2.9", "sg_machine_open": False,
                  "sg_content_type": "html"}, "opened person"),
        ("open", {"useragent": "Mozilla/5.0", "sg_machine_open": True}, "opened machine"),
        ("click", {"useragent": AGENT, "url": "https://x.example/a", "url_offset": {"index": 0, "type": "html"}},
         "clicked"),
        ("spamreport", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
        ("group_unsubscribe", {"useragent": AGENT, "url": "https://sendgrid.example/", "asm_group_id": 10},
         "unsubscribed"),
        ("group_resubscribe", {"useragent": AGENT, "asm_group_id": 10}, "unknown"),
        ("account_status_change", {"type": "compliance_suspend"}, "unknown"),
    ]  # fmt: skip
    for number, (name, fields, kind) in enumerate(events):
        ids = {"sg_event_id": f"ZXZlbnQ{number}", "sg_message_id": "14c5.filter0001.16648.0", "category": ["support"]}
        yield name, [{"email": to, "timestamp": AT, "event": name, **ids, "tracking_id": tracking_id, **fields}], kind


def mailgun(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    status = {"attempt-no": 1, "description": None, "enhanced-code": None, "mx-host": "mx.example.org", "tls": True}

    def failed(severity: str, reason: str, **more: Any) -> dict[str, Any]:
        own = {name.replace("_", "-"): value for name, value in more.items()}
        return {"severity": severity, "reason": reason, "delivery-status": {**status, "message": "said", **own}}

    browser = {"client-name": "Chrome", "client-type": "browser", "device-type": "desktop", "user-agent": AGENT}
    events: list[Event] = [
        ("accepted", {"method": "SMTP", "envelope": {"transport": "smtp", "targets": to}}, "sent"),
        ("delivered", {"delivery-status": {**status, "code": 250, "message": "OK"}}, "delivered"),
        ("failed", failed("temporary", "generic", code=421, retry_seconds=600), "deferred"),
        ("failed", failed("temporary", "greylisted", code=451), "deferred"),
        ("failed", failed("temporary", "old", code=498), "bounced soft"),
        ("failed", failed("permanent", "bounce", code=550, enhanced_code="5.1.1", bounce_type="hard"), "bounced hard"),
        ("failed", failed("permanent", "bounce", code=552, enhanced_code="5.2.2", bounce_type="soft"), "bounced soft"),
        ("failed", failed("permanent", "generic", code=550), "bounced hard"),
        ("failed", failed("permanent", "espblock", code=421), "bounced soft"),
        *(("failed", failed("permanent", f"suppress-{which}", code=605), "failed")
          for which in ("bounce", "complaint", "unsubscribe")),
        ("rejected", {"reject": {"reason": "Sandbox subdomains are for test purposes only", "description": ""}},
         "failed"),
        ("opened", {"client-info": {**browser, "bot": ""}, "ip": "192.0.2.9"}, "opened person"),
        ("opened", {"client-info": {**browser, "bot": None}, "ip": "192.0.2.9"}, "opened"),
        ("opened", {"client-info": {**browser, "bot": "apple"}}, "opened machine"),
        ("clicked", {"client-info": {**browser, "bot": "generic"}, "url": "https://x.example/a"}, "clicked machine"),
        ("complained", {"envelope": {"sending-ip": "192.0.2.1"}}, "complained"),
        ("unsubscribed", {"client-info": browser, "tags": ["*"]}, "unsubscribed"),
        ("stored", {"storage": {"key": "k"}}, "unknown"),
    ]  # fmt: skip
    for number, (name, fields, kind) in enumerate(events):
        message = {"headers": {"message-id": "20261130.1@mg.example", "to": to, "subject": "Re: Printer"}, "size": 341}
        data = {
            "event": name, "id": f"CCXMjJ7nQi2N3BPigGOd{number:02}", "timestamp": AT + 0.25, "recipient": to,
            "log-level": "info", "message": message, "tags": [], "campaigns": [], "domain": {"name": "mg.example"},
            "user-variables": {"tracking_id": tracking_id}, **fields,
        }  # fmt: skip
        yield name, {"event-data": data}, kind


def ses(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    at = "2025-11-30T08:53:20.000Z"
    who = {"emailAddress": to, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no mailbox"}

    def bounce(kind: str, sub: str) -> dict[str, Any]:
        return {"bounce": {"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [who], "timestamp": at,
                           "feedbackId": f"0100-{kind}-{sub}", "reportingMTA": "dsn; amazonses.example"}}  # fmt: skip

    def complaint(kind: str | None, sub: str | None = None) -> dict[str, Any]:
        return {"complaint": {"complainedRecipients": [{"emailAddress": to}], "timestamp": at, "arrivalDate": at,
                              "feedbackId": f"0100-{kind}-{sub}", "complaintSubType": sub,
                              "complaintFeedbackType": kind, "userAgent": "Desk/1.0"}}  # fmt: skip

    look = {"ipAddress": "192.0.2.9", "timestamp": at, "userAgent": AGENT}
    delay = {"delayType": "TransientCommunicationFailure", "delayedRecipients": [who], "timestamp": at}
    wishes = {"contactList": "news", "timestamp": at, "source": "UnsubscribeHeader"}
    events: list[Event] = [
        ("Send", {"send": {}}, "sent"),
        ("Delivery", {"delivery": {"timestamp": at, "recipients": [to], "smtpResponse": "250 2.6.0 OK",
                                   "processingTimeMillis": 11893, "reportingMTA": "mta.example"}}, "delivered"),
        *(("Bounce", bounce("Permanent", sub), "bounced hard") for sub in ("General", "NoEmail")),
        *(("Bounce", bounce("Permanent", sub), "failed") for sub in ("Suppressed", "OnAccountSuppressionList")),
        *(("Bounce", bounce("Transient", sub), "bounced soft")
          for sub in ("General", "MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected")),
        ("Bounce", bounce("Undetermined", "Undetermined"), "bounced soft"),
        *(("Complaint", complaint(kind), "complained") for kind in ("abuse", "fraud", "other", "virus", None)),
        *(("Complaint", complaint(kind), "unknown") for kind in ("not-spam", "auth-failure")),
        ("Complaint", complaint(None, "OnAccountSuppressionList"), "failed"),
        ("Reject", {"reject": {"reason": "Bad content"}}, "failed"),
        ("Rendering Failure", {"failure": {"errorMessage": "A variable is missing", "templateName": "t"}}, "failed"),
        ("DeliveryDelay", {"deliveryDelay": delay}, "deferred"),
        ("Open", {"open": look}, "opened"),
        ("Click", {"click": {**look, "link": "https://x.example/a", "linkTags": None}}, "clicked"),
        ("Subscription", {"subscription": wishes}, "unsubscribed"),
        ("Something New", {"somethingNew": {}}, "unknown"),
    ]  # fmt: skip
    for name, fields, kind in events:
        mail = {
            "timestamp": at, "messageId": "0100018f-mail", "destination": [to], "source": "support@acme.example",
            "headersTruncated": False, "headers": [{"name": "To", "value": to}],
            "commonHeaders": {"messageId": "<0100018f-mail@email.amazonses.example>", "to": [to]},
            "tags": {"tracking_id": [tracking_id], "ses:configuration-set": ["all"]},
        }  # fmt: skip
        yield name, {"eventType": name, "mail": mail, **fields}, kind


def postmark(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    at, common = (
        "2025-11-30T03:53:20.1234567-05:00",
        {"MessageID": "883953f4", "Metadata": {"tracking_id": tracking_id}},
    )
    kinds = {
        "HardBounce": "bounced hard", "SoftBounce": "bounced soft", "Transient": "deferred", "DnsError": "deferred",
        "Unsubscribe": "unsubscribed", "SpamNotification": "complained", "SpamComplaint": "complained",
        "VirusNotification": "failed", "BadEmailAddress": "failed", "ManuallyDeactivated": "failed",
        "Blocked": "failed", "SMTPApiError": "failed", "DMARCPolicy": "failed", "TemplateRenderingFailed": "failed",
        **dict.fromkeys(("Subscribe", "AutoResponder", "AddressChange", "OpenRelayTest", "Unknown", "Unconfirmed",
                         "ChallengeVerification", "InboundError", "NextYears"), "unknown"),
    }  # fmt: skip
    for number, (name, kind) in enumerate(kinds.items()):
        fields = {"ID": 4323372036854775807 + number, "Type": name, "Email": to, "BouncedAt": at, "Details": "said"}
        yield name, {"RecordType": "Bounce", "Inactive": True, **fields, **common}, kind
    complaint = {"ID": 42, "Type": "SpamComplaint", "TypeCode": 100001, "Email": to, "BouncedAt": at, "Details": "said"}
    look = {"Recipient": to, "ReceivedAt": at, "UserAgent": AGENT, "Platform": "Desktop", "Geo": {}, "Client": {}}
    wish = {"Recipient": to, "ChangedAt": ISO, "Origin": "Recipient"}
    events: list[Event] = [
        ("Delivery", {"Recipient": to, "DeliveredAt": at, "Details": "250 OK", "ServerID": 23}, "delivered"),
        ("SpamComplaint", complaint, "complained"),
        ("Open", {**look, "FirstOpen": True, "ReadSeconds": 5}, "opened"),
        ("Click", {**look, "ClickLocation": "HTML", "OriginalLink": "https://x.example/a"}, "clicked"),
        ("SubscriptionChange", {**wish, "SuppressSending": True, "SuppressionReason": "HardBounce"}, "bounced hard"),
        ("SubscriptionChange", {**wish, "SuppressSending": True, "SuppressionReason": "SpamComplaint"}, "complained"),
        ("SubscriptionChange", {**wish, "SuppressSending": True, "SuppressionReason": "ManualSuppression"},
         "unsubscribed"),
        ("SubscriptionChange", {**wish, "SuppressSending": False, "SuppressionReason": None}, "unknown"),
        ("SomethingNew", {"Recipient": to}, "unknown"),
    ]  # fmt: skip
    for name, fields, kind in events:
        yield name, {"RecordType": name, **fields, **common}, kind


def brevo(tracking_id: str, to: str) -> Iterator[tuple[str, Any, str]]:
    kinds = {
        "request": "sent", "delivered": "delivered", "deferred": "deferred", "soft_bounce": "bounced soft",
        "hard_bounce": "bounced hard", "invalid_email": "bounced hard", "blocked": "failed", "error": "failed",
        "spam": "complained", "complaint": "complained", "unique_opened": "opened", "opened": "opened",
        "proxy_open": "opened machine", "unique_proxy_open": "opened machine", "click": "clicked",
        "unsubscribed": "unsubscribed", "list_addition": "unknown",
    }  # fmt: skip
    for name, kind in kinds.items():
        more = {"link": "https://x.example/a", "user_agent": AGENT} if name == "click" else {"reason": "said"}
        yield name, {
            "event": name, "email": to, "id": 26224, "date": "2025-11-30 09:53:20", "ts": AT - 3600, "ts_event": AT,
            "ts_epoch": AT * 1000, "message-id": "<202611300853.1@smtp-relay.example>", "subject": "Re: Printer",
            "X-Mailin-custom": f"tracking_id:{tracking_id}", "tag": '["support"]', "tags": ["support"],
            "template_id": 12, "sending_ip": "192.0.2.1", **more,
        }, kind  # fmt: skip
