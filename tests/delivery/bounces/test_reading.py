"""What each kind of bounce mail tells, and what is none."""

from __future__ import annotations

import base64
import quopri
from datetime import UTC, datetime

import pytest

from app.hookspecs import ArrivedMail
from app.inbound.models import DueMail
from app.inbound.offering import arrived
from app.inbound.parsing import parse
from plugins.delivery.bounces import dsn, reading
from plugins.delivery.bounces.marks import LONGEST_LOCAL, Marks
from plugins.delivery.bounces.reading import Reading
from plugins.delivery.causes import cause_of
from plugins.delivery.follow_settings import FollowSettings
from tests.delivery.bounces.corpus import BOUNCES, OTHERS, Sample

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MARKS = Marks(["k" * 40])
VALUES = {
    "to": "support@portal.test",
    "recipient": "bob@example.org",
    "message_id": "<a.r7.b@portal.test>",
    "own": "x1",
}


def arrive(raw: bytes) -> ArrivedMail:
    return arrived(DueMail(1, None, "", 1, NOW, False), parse(raw), raw)


def read(sample: Sample, **changes: str) -> Reading | None:
    raw = sample.raw(**{**VALUES, "mark": MARKS.mark(36), **changes})
    return reading.read(arrive(raw), is_ours=lambda one: MARKS.of_header(one) is not None, is_answer=False)


@pytest.mark.parametrize("name", BOUNCES)
def test_a_report_is_read_with_what_leads_back(name: str) -> None:
    sample = BOUNCES[name]
    found = read(sample)
    assert found is not None
    [told] = found.told
    assert (told.fate, told.bounce) == (sample.kind, sample.bounce)
    if sample.code:
        assert told.code == sample.code
    if sample.short:
        assert cause_of(told.fate, told.bounce, code=told.code, reason=told.words).short == sample.short
    if name not in {"arf, redacted", "a bare complaint", "exim, delay warning"}:
        assert "bob@example.org" in {told.address, told.other}
    assert (MARKS.mark(36) in found.returned.marks) == sample.marks
    assert ("a.r7.b@portal.test" in found.returned.message_ids) == sample.returns


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_report_is_none(name: str) -> None:
    assert read(OTHERS[name]) is None


def test_a_report_about_two_tells_of_each() -> None:
    ann = "\nFinal-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: 4.2.2\n"
    postfix = BOUNCES["postfix"]
    found = read(Sample(postfix.text.replace("User unknown\n", f"User unknown\n{ann}"), "bounced"))
    assert found is not None
    assert [(one.address, one.bounce, one.code) for one in found.told] == [
        ("bob@example.org", "hard", "5.1.1"),
        ("ann@example.org", "soft", "4.2.2"),
    ]


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_global_report_may_be_encoded(encoding: str) -> None:
    block = "Reporting-MTA: dns; x\n\nFinal-Recipient: utf-8; b\\x{F8}b@example.org\nAction: failed\nStatus: 5.1.1\n"
    encoded = base64.encodebytes(block.encode()) if encoding == "base64" else quopri.encodestring(block.encode())
    text = BOUNCES["rfc 6533"].text
    start = text.index("\nReporting-MTA")
    end = text.index("--b\nContent-Type: message/global-headers")
    text = f"{text[:start]}Content-Transfer-Encoding: {encoding}\n\n{encoded.decode()}\n{text[end:]}"
    found = read(Sample(text, "bounced"))
    assert found is not None
    assert found.told[0].address == "bøb@example.org"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("rfc822; bob@example.org", "bob@example.org"),
        ("rfc822;<bob@example.org>", "bob@example.org"),
        ("bob@example.org", "bob@example.org"),
        ("rfc822; bob+40example.org", "bob@example.org"),
        ("utf-8; b\\x{F8}b@example.org", "bøb@example.org"),
        ("unknown; nobody", ""),
        ("rfc822; a b@example.org", ""),
        ("", ""),
        ("rfc822; " + "a" * 400 + "@x.org", ""),
    ],
)
def test_addresses_of_fields(value: str, address: str) -> None:
    assert dsn.address_of(value) == address


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff\n\n\n" * 1000, b"Action: failed\n" * 50_000, b"Final-Recipient: x\n\n" * 50_000, b":\n: :\n"],
)
def test_nonsense_tells_nothing_and_ends(content: bytes) -> None:
    assert all(not one.address for one in dsn.read(content))


def test_hostile_words_end_soon() -> None:
    for words in (
        "<a@b.org>:\n" * 20_000,
        "  a@b.org\n" * 20_000,
        "Hi. This is the " * 5_000,
        "x@" * 40_000,
        ">" * 90_000,
    ):
        raw = f"From: MAILER-DAEMON@x.org\r\nSubject: failure notice\r\nReturn-Path: <>\r\n\r\n{words}".encode()
        reading.read(arrive(raw), is_ours=lambda one: False, is_answer=True)


def test_marks_are_signed_whatever_the_case_and_with_earlier_keys() -> None:
    address = MARKS.address(123_456_789, "bounces@acme.example")
    assert len(address.partition("@")[0]) <= 64
    assert MARKS.of_address(address) == MARKS.of_address(address.upper()) == 123_456_789
    assert MARKS.of_address(f"Bounces <{address}>") == 123_456_789
    assert Marks(["n" * 40, "k" * 40]).of_address(address) == 123_456_789
    assert Marks(["n" * 40]).of_address(address) is None
    assert MARKS.of_address(address.replace("+21", "+22")) is None
    assert MARKS.of_header(MARKS.mark(7)) == 7
    for nonsense in ("", "x", "7-" + "0" * 20, f"{MARKS.mark(7)}0", "zzzzzzzzzzzzz-" + "0" * 20, "７-" + "0" * 20):
        assert MARKS.of_header(nonsense) is None


def test_the_longest_address_holds_the_mark_of_the_largest_copy() -> None:
    address = Marks(["k" * 40]).address(2**62, f"{'b' * LONGEST_LOCAL}@acme.example")
    assert len(address.partition("@")[0]) <= 64


@pytest.mark.parametrize(("given", "kept"), [(" Bounces@ACME.example ", "Bounces@acme.example"), ("", "")])
def test_the_address_for_bounces(given: str, kept: str) -> None:
    assert FollowSettings(bounce_address=given).bounce_address == kept


@pytest.mark.parametrize("given", ["bounces", "b" * 26 + "@acme.example", "a@b@c"])
def test_an_address_for_bounces_that_will_not_do(given: str) -> None:
    with pytest.raises(ValueError, match=r"@"):
        FollowSettings(bounce_address=given)
