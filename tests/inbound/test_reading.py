"""What is read of mails as they really are: wrong charsets, broken encodings, odd addresses, odd parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inbound.errors import Unreadable
from app.inbound.header_values import decode, one_address
from app.inbound.parsing import parse

HEAD = b"From: Bob <bob@example.org>\r\n"


@pytest.mark.parametrize(
    ("charset", "content", "words"),
    [
        (b"klingon", "Grüße".encode("cp1252"), "Grüße"),
        (b"us-ascii", "Grüße".encode(), "Grüße"),
        (b"utf-8", "Grüße".encode("latin-1"), "Grüße"),
        (b"utf-8", "Grüße, cut off: ü".encode()[:-1], "Grüße, cut off: "),
        (b"shift_jis", "こんにちは".encode("shift_jis") + b"\xff", "こんにちは"),
        (b"iso-8859-8-i", "שלום".encode("iso-8859-8"), "שלום"),
        (b"shift_jis", "こんにちは".encode("shift_jis"), "こんにちは"),
        (b"utf-16", "Grüße".encode("utf-16"), "Grüße"),
        (b"base64", b"plain", "plain"),
        (b"unicode_escape\x00", b"plain", "plain"),
    ],
)
def test_a_charset_that_is_wrong_costs_no_mail(charset: bytes, content: bytes, words: str) -> None:
    found = parse(HEAD + b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\n" + content)
    assert words in (found.text or "")


def test_headers_in_eight_bits_are_read() -> None:
    for charset in ("utf-8", "latin-1"):
        found = parse("From: Jürgen <j@example.org>\r\nSubject: Grüße\r\n\r\nx".encode(charset))
        assert (found.sender and found.sender.name, found.subject) == ("Jürgen", "Grüße")


@pytest.mark.parametrize("charset", ["x-unknown", "utf-8", "latin-1"])
def test_a_subject_in_a_charset_that_is_wrong_is_read(charset: str) -> None:
    assert decode(f"Re: =?{charset}?Q?Gr=FC=DFe?=") == "Re: Grüße"


def test_a_subject_cannot_bring_a_line_break() -> None:
    found = parse(HEAD + b"Subject: =?utf-8?q?Hi=0D=0ABcc:_x=40y.z?=\r\n\r\nx")
    assert found.subject == "Hi Bcc: x@y.z"


@pytest.mark.parametrize(
    "line",
    [
        b"From: <alice@example.org>mallory@example.net",
        b"From: alice@example.org, mallory@example.net",
        b"From: alice@example.org\r\nFrom: mallory@example.net",
        b"From: ",
        b"Subject: no sender",
    ],
)
def test_a_sender_that_could_be_two_is_none(line: bytes) -> None:
    assert parse(line + b"\r\n\r\nx").sender is None


def test_comments_and_quotes_in_addresses() -> None:
    found = one_address('"Bob, (the) Builder" <bob@example.org> (home)')
    assert found is not None
    assert (found.name, found.email) == ("Bob, (the) Builder", "bob@example.org")
    assert one_address("bob@example.org (Bob)") is not None


def test_broken_encodings_are_shown_as_far_as_they_go() -> None:
    broken = b"Content-Transfer-Encoding: base64\r\n\r\n!!!not base64\xff==="
    assert parse(HEAD + b"Content-Type: text/plain\r\n" + broken).text
    found = parse(HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=ZZe")
    assert "Grü" in (found.text or "")


def test_a_damaged_winmail_is_kept_with_a_note() -> None:
    part = b'Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Disposition: attachment\r\n\r\n\x78\x9f>"'
    found = parse(HEAD + part)
    assert [one.filename for one in found.files] == ["winmail.dat"]
    assert "winmail.dat" in found.notes[0]


def test_an_invitation_is_readable_and_kept() -> None:
    lines = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        "DTSTART:20261201T100000Z\r\nDTEND:20261201T110000Z\r\nSUMMARY:Review\\, <b>all</b>\r\nLOCATION:Room 1\r\n"
        "ORGANIZER:mailto:ann@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    raw = (
        HEAD + b"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>"
    )
    raw += b"\r\n--x\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n" + lines.encode() + b"\r\n--x--\r\n"
    found = parse(raw)
    assert found.html is not None
    for words in ("Invitation: Review, &lt;b&gt;all", "01 Dec 2026 10:00", "Room 1", "ann@example.org"):
        assert words in found.html
    assert [one.filename for one in found.files] == ["invitation.ics"]
    assert parse(HEAD + b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBROKEN").files


def test_text_beside_html_is_shown_once_and_text_after_it_too() -> None:
    raw = HEAD + (
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\n"
        b"--x\r\n\r\nplain\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n--x--\r\n"
        b"--o\r\n\r\nlist <footer>\r\n--o--"
    )
    found = parse(raw)
    assert found.html is not None
    assert "rich" in found.html
    assert "plain" not in found.html
    assert "list &lt;footer&gt;" in found.html
    assert "plain" in (found.text or "")


def test_a_mail_within_a_mail_is_a_file() -> None:
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhi\r\n"
        + b"--x\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    found = parse(raw + b"From: a@example.org\r\nSubject: Inner\r\nMessage-ID: <in@x>\r\n\r\ninside\r\n--x--\r\n")
    assert [(one.filename, b"inside" in one.content) for one in found.files] == [("Inner.eml", True)]
    assert found.returned_ids == ("<in@x>",)
    assert (found.text or "").strip() == "hi"


@given(st.binary(max_size=2000))
def test_bytes_of_any_kind_are_read_or_refused_in_words(content: bytes) -> None:
    for raw in (content, HEAD + content, HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + content):
        try:
            found = parse(raw)
        except Unreadable as error:
            assert str(error)  # noqa: PT017
        else:
            assert "\x00" not in (found.text or "") + (found.html or "")


@given(st.text(max_size=300))
def test_a_decoded_header_is_one_line(text: str) -> None:
    assert len(decode(f"=?utf-8?q?{text}?=").splitlines()) <= 1
