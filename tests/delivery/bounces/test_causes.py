"""What a status code and the words beside it mean: whether the address is bad for good, and why."""

from __future__ import annotations

import pytest

from plugins.delivery.causes import cause_of
from tests.delivery.bounces.corpus import Sample, dsn
from tests.delivery.bounces.test_reading import read

FAILED = "Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: STATUS\nDiagnostic-Code: smtp; SAID\n"
CODES = [
    ("5.1.10", "550 5.1.10 the domain has a null MX", "hard", "5.1.10", "domain unknown"),
    ("5.0.0", "552-5.2.2 The account that you tried to reach is over quota", "soft", "5.2.2", "mailbox full"),
    ("5.0.350", "550 5.0.350 Remote server: 552 5.2.2 full", "soft", "5.2.2", "mailbox full"),
    ("5.0.0", "550 mailbox full", "soft", "5.0.0", "mailbox full"),
    ("5.5.0", "550 5.7.1 blocked using Spamhaus", "soft", "5.7.1", "refused by a filter"),
    ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", "hard", "5.5.0", "mailbox unknown"),
    ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", "hard", "5.4.1", "mailbox unknown"),
    ("5.4.1", "connect to mx.example.org: timed out", "soft", "5.4.1", "mail server not reached"),
    ("5.4.6", "554 5.4.6 Too many hops", "soft", "5.4.6", "mail server not reached"),
    ("5.4.300", "550 5.4.300 Message expired", "soft", "5.4.300", "not taken in time"),
    ("5.3.0", "554 5.3.0 internal error", "soft", "5.3.0", "mail server failed"),
    ("5.1.8", "553 5.1.8 Domain of sender address does not resolve", "soft", "5.1.8", "sender not trusted"),
    ("5.4.4", "Host or domain name not found", "hard", "5.4.4", "domain unknown"),
]


@pytest.mark.parametrize(("status", "said", "bounce", "code", "short"), CODES)
def test_a_code_and_its_words(status: str, said: str, bounce: str, code: str, short: str) -> None:
    found = read(Sample(dsn(FAILED.replace("STATUS", status).replace("SAID", said)), "bounced"))
    assert found is not None
    [told] = found.told
    assert (told.fate, told.bounce, told.code) == ("bounced", bounce, code)
    assert cause_of(told.fate, told.bounce, code=told.code, reason=told.words).short == short
