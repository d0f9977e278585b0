# ruff: noqa: E501
"""Bounce mails and what looks like them, in the shape of each mail server; written for these tests after the RFCs.

Each takes: to (the address that it is sent to), recipient (the failed one), mark and message_id (of our mail).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HEADERS = (
    "From: Support <support@portal.test>\nTo: {recipient}\nSubject: Re: Printer\nMessage-ID: {message_id}\n"
    "X-MyPortal-Copy: {mark}\nMIME-Version: 1.0\nContent-Type: text/plain\n"
)
MESSAGE = f"{HEADERS}\nHave you tried to turn it off?\n"


@dataclass(frozen=True)
class Sample:
    """A mail, and what it is: the event's kind and bounce, '' for no report at all."""

    text: str
    kind: str
    bounce: str = ""
    code: str = ""
    short: str = ""
    returns: bool = True
    """Whether it gives the Message-ID back."""
    marks: bool = True
    """Whether it gives our header back."""

    def raw(self, **values: str) -> bytes:
        """Its bytes."""
        text = self.text
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text.replace("\n", "\r\n").encode()


def dsn(
    blocks: str,
    *,
    sender: str = "MAILER-DAEMON@mx.example.org",
    subject: str = "Undelivered Mail Returned to Sender",
    top: str = "Return-Path: <>\nAuto-Submitted: auto-replied\n",
    words: str = "Your mail did not arrive.",
    returned: str = f"--b\nContent-Type: message/rfc822\n\n{MESSAGE}",
    status_type: str = "message/delivery-status",
    encoding: str = "",
) -> str:
    return (
        f"{top}From: {sender}\nTo: {{to}}\nSubject: {subject}\nMessage-ID: <{{own}}@mx.example.org>\n"
        "Date: Thu, 26 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{words}\n\n"
        f"--b\nContent-Type: {status_type}\n{encoding}\nReporting-MTA: dns; mx.example.org\n\n{blocks}\n"
        f"{returned}\n--b--\n"
    )


def plain(words: str, *, sender: str, subject: str, top: str = "Return-Path: <>\n") -> str:
    return (
        f"{top}From: {sender}\nTo: {{to}}\nSubject: {subject}\nMessage-ID: <{{own}}@mx.example.org>\n"
        f"Date: Thu, 26 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain\n\n{words}\n"
    )


def arf(fields: str, *, returned: str = f"--b\nContent-Type: message/rfc822\n\n{MESSAGE}") -> str:
    return (
        "From: FBL <fbl@mailbox.example>\nTo: {to}\nSubject: Complaint\nMessage-ID: <{own}@mailbox.example>\n"
        "Date: Thu, 26 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThis is an abuse report.\n\n"
        f"--b\nContent-Type: message/feedback-report\n\n{fields}\nUser-Agent: Desk/1.0\nVersion: 1\n\n{returned}\n--b--\n"
    )


NO_USER = (
    "Final-Recipient: rfc822; {recipient}\nOriginal-Recipient: rfc822;{recipient}\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected:\n    User unknown\n"
)
QUOTED_IN_WORDS = "\n".join(f"{line}" for line in MESSAGE.splitlines())

BOUNCES: Mapping[str, Sample] = {
    "postfix": Sample(dsn(NO_USER), "bounced", "hard", "5.1.1", "mailbox unknown"),
    "postfix, headers only": Sample(
        dsn(NO_USER, returned=f"--b\nContent-Type: text/rfc822-headers\n\n{HEADERS}"), "bounced", "hard", "5.1.1"
    ),
    "postfix, delayed": Sample(
        dsn(
            "Final-Recipient: rfc822; {recipient}\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: Fri, 27 Nov 2026\n",
            subject="Delayed Mail (still being retried)",
        ),
        "deferred",
    ),
    "postfix, delivered": Sample(
        dsn("Final-Recipient: rfc822; {recipient}\nAction: delivered\nStatus: 2.0.0\n", subject="Delivered"), "delivered"
    ),
    "postfix, relayed": Sample(
        dsn("Final-Recipient: rfc822; {recipient}\nAction: relayed\nStatus: 2.0.0\n", subject="Relayed"), "sent"
    ),
    "mailbox full": Sample(
        dsn("Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 over quota\n"),
        "bounced", "soft", "5.2.2", "mailbox full",
    ),
    "given up after 4xx": Sample(
        dsn("Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 4.4.7\n"), "bounced", "soft", "4.4.7",
        "not taken in time",
    ),
    "refused by a filter": Sample(
        dsn("Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 spam\n"),
        "bounced", "soft", "5.7.1", "refused by a filter",
    ),
    "sendmail": Sample(
        dsn(
            "Final-Recipient: RFC822; {recipient}\nX-Actual-Recipient: RFC822; someone@mx.example.org\nAction: failed\n"
            "Status: 5.1.2\nRemote-MTA: DNS; mx.example.org\n",
            sender="Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>",
            subject="Returned mail: see transcript for details",
            top="",
        ),
        "bounced", "hard", "5.1.2", "domain unknown",
    ),
    "exchange": Sample(
        dsn(
            "Original-Recipient: rfc822;{recipient}\nFinal-Recipient: rfc822;{recipient}\nAction: failed\nStatus: 5.1.10\n"
            "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound\n",
            sender="Microsoft Outlook <postmaster@contoso.example>",
            subject="Undeliverable: Re: Printer",
            top="Return-Path: <>\nIn-Reply-To: {message_id}\nReferences: {message_id}\n",
            returned="",
        ),
        "bounced", "hard", "5.1.10", marks=False,
    ),
    "exchange online": Sample(
        dsn(
            "Original-Recipient: rfc822;{recipient}\nFinal-Recipient: rfc822;{recipient}\nAction: failed\nStatus: 5.1.10\n"
            "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {recipient} not found by SMTP\n"
            "  address lookup\n",
            sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@contoso.example>",
            subject="Undeliverable: Re: Printer",
            top="In-Reply-To: {message_id}\nAuto-Submitted: auto-replied\n",
        ),
        "bounced", "hard", "5.1.10", "mailbox unknown",
    ),
    "gmail": Sample(
        dsn(
            "Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n"
            "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.\n",
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
            subject="Delivery Status Notification (Failure)",
            top="Return-Path: <>\nIn-Reply-To: {message_id}\nX-Failed-Recipients: {recipient}\nAuto-Submitted: auto-replied\n",
        ),
        "bounced", "hard", "5.1.1",
    ),
    "ses, Message-ID rewritten": Sample(
        dsn(
            NO_USER,
            sender="MAILER-DAEMON@amazonses.example",
            returned=f"--b\nContent-Type: message/rfc822\n\n{MESSAGE.replace('{message_id}', '<0100abc@email.amazonses.example>')}",
        ),
        "bounced", "hard", "5.1.1", returns=False,
    ),
    "rfc 6533": Sample(
        dsn(
            "Final-Recipient: utf-8; bøb@example.org\nOriginal-Recipient: utf-8; {recipient}\nAction: failed\n"
            "Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 ukendt bruger: bøb\n",
            status_type="message/global-delivery-status",
            returned=f"--b\nContent-Type: message/global-headers\n\n{HEADERS}",
        ),
        "bounced", "hard", "5.1.1",
    ),
    "forwarded on": Sample(
        dsn("Final-Recipient: rfc822; robert@elsewhere.example\nOriginal-Recipient: rfc822;{recipient}\n"
            "Action: failed\nStatus: 5.2.1\n"),
        "bounced", "hard", "5.2.1", "mailbox disabled",
    ),
    "exim": Sample(
        plain(
            "This message was created automatically by mail delivery software.\n\n"
            "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. "
            "The following address(es) failed:\n\n  {recipient}\n    host mx.example.org [192.0.2.1]\n"
            "    SMTP error from remote mail server after RCPT TO:<{recipient}>:\n    550 5.1.1 no such user\n\n"
            f"------ This is a copy of the message, including all the headers. ------\n\n{QUOTED_IN_WORDS}",
            sender="Mail Delivery System <Mailer-Daemon@mail.example.org>",
            subject="Mail delivery failed: returning message to sender",
            top="Return-Path: <>\nX-Failed-Recipients: {recipient}\nAuto-Submitted: auto-replied\n",
        ),
        "bounced", "hard", "5.1.1", "mailbox unknown",
    ),
    "exim, delay warning": Sample(
        plain(
            "This message was created automatically by mail delivery software.\nA message that you sent has not yet been "
            "delivered to one or more of its\nrecipients after more than 24 hours on the queue on mail.example.org.\n\n"
            "The address to which the message has not yet been delivered is:\n\n  {recipient}\n\n"
            "No action is required on your part. Delivery attempts will continue for some time.\n",
            sender="Mail Delivery System <Mailer-Daemon@mail.example.org>",
            subject="Warning: message 1abc-0001 delayed 24 hours",
            top="Return-Path: <>\nAuto-Submitted: auto-replied\n",
        ),
        "deferred", returns=False, marks=False,
    ),
    "qmail": Sample(
        plain(
            "Hi. This is the qmail-send program at example.org.\nI'm afraid I wasn't able to deliver your message.\n\n"
            "<{recipient}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
            f"--- Below this line is a copy of the message.\n\nReturn-Path: <support@portal.test>\n{QUOTED_IN_WORDS}",
            sender="MAILER-DAEMON@example.org",
            subject="failure notice",
        ),
        "bounced", "hard", "5.1.1", "mailbox unknown",
    ),
    "an old gateway": Sample(
        plain(
            "   ----- The following addresses had permanent fatal errors -----\n<{recipient}>\n\n"
            "   ----- Transcript of session follows -----\n550 <{recipient}>... User unknown\n\n"
            f"   ----- Original message follows -----\n{QUOTED_IN_WORDS}",
            sender="Mail Delivery Subsystem <MAILER-DAEMON@old.example.org>",
            subject="Returned mail: User unknown",
        ),
        "bounced", "hard", "", "mailbox unknown",
    ),
    "arf": Sample(
        arf("Feedback-Type: abuse\nOriginal-Rcpt-To: <{recipient}>\n"), "complained", short="marked as spam"
    ),
    "arf, redacted": Sample(arf("Feedback-Type: abuse\nOriginal-Rcpt-To: redacted@mailbox.example\n"), "complained"),
    "arf, opt-out": Sample(arf("Feedback-Type: opt-out\nOriginal-Rcpt-To: {recipient}\n"), "unsubscribed"),
    "a bare complaint": Sample(
        "From: staff@mailbox.example\nTo: {to}\nSubject: complaint about message from 192.0.2.7\n"
        "Message-ID: <{own}@mailbox.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{MESSAGE}\n--b--\n",
        "complained",
    ),
}  # fmt: skip

OTHERS: Mapping[str, Sample] = {
    "out of office": Sample(
        "Return-Path: <>\nFrom: Bob <{recipient}>\nTo: {to}\nSubject: Automatic reply: Printer\nIn-Reply-To: {message_id}\n"
        "Auto-Submitted: auto-replied\nMessage-ID: <{own}@example.org>\nContent-Type: text/plain\n\n"
        "I am away until Monday. Mail to {recipient} is not forwarded.\n",
        "",
    ),
    "read receipt": Sample(
        "From: Bob <{recipient}>\nTo: {to}\nSubject: Read: Printer\nMessage-ID: <{own}@example.org>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nIt was displayed.\n\n--b\nContent-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822; {recipient}\nOriginal-Message-ID: {message_id}\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n",
        "",
    ),
    "a customer who quotes a bounce": Sample(
        "From: Bob <{recipient}>\nTo: {to}\nSubject: Fwd: Undelivered Mail Returned to Sender\nIn-Reply-To: {message_id}\n"
        "Message-ID: <{own}@example.org>\nContent-Type: text/plain\n\nWhat is this?\n\n> From: MAILER-DAEMON@mx.example.org\n"
        "> Final-Recipient: rfc822; {recipient}\n> Action: failed\n> Status: 5.1.1\n> Message-ID: {message_id}\n"
        "> X-MyPortal-Copy: {mark}\n",
        "",
    ),
    "a customer who attaches a bounce": Sample(
        "From: Bob <{recipient}>\nTo: {to}\nSubject: Look at this\nIn-Reply-To: {message_id}\n"
        "Message-ID: <{own}@example.org>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n"
        "--o\nContent-Type: text/plain\n\nI got this.\n\n--o\nContent-Type: message/rfc822\n\n"
        + dsn(NO_USER)
        + "\n--o--\n",
        "",
    ),
    "a customer who attaches our mail": Sample(
        "From: Bob <{recipient}>\nTo: {to}\nSubject: Which printer?\nIn-Reply-To: {message_id}\n"
        "Message-ID: <{own}@example.org>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n"
        f"--o\nContent-Type: text/plain\n\nThis one.\n\n--o\nContent-Type: message/rfc822\n\n{MESSAGE}\n--o--\n",
        "",
    ),
    "a report of a failed DKIM check": Sample(
        arf(
            "Feedback-Type: auth-failure\nAuth-Failure: dmarc\nDelivery-Result: delivered\n"
            "Authentication-Results: mx.example.org; dmarc=fail\nOriginal-Rcpt-To: {recipient}\n"
        ),
        "",
    ),
    "a complaint that is taken back": Sample(arf("Feedback-Type: not-spam\nOriginal-Rcpt-To: {recipient}\n"), ""),
}
