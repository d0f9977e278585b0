"""winmail.dat: what Outlook packed is unpacked, and what strangers made of the format harms nothing."""

from __future__ import annotations

import contextlib
import struct
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inbound import tnef
from app.inbound.models import ParsedMail
from app.inbound.parsing import parse

PACKED_RTF = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
    "0af32068656c090020627705b06c647d0a800fa0"
)  # fmt: skip
"""The first example of [MS-OXRTFCP], 4.1.1."""


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("<BII", 1, kind, len(data)) + data + struct.pack("<H", sum(data) % 65536)


def prop(number: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, number, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def packed(*attributes: bytes) -> bytes:
    return struct.pack("<IH", tnef.SIGNATURE, 1) + b"".join(attributes)


def properties(kind: int, *props: bytes) -> bytes:
    return attribute(kind, struct.pack("<I", len(props)) + b"".join(props))


CODEPAGE = attribute(0x00069007, struct.pack("<II", 1252, 0))
NAMED = struct.pack("<HH", 0x03, 0x8001) + b"g" * 16 + struct.pack("<II", 1, 5) + b"a\0b\0\0\0\0\0" + b"\1\0\0\0"
FILE = (
    attribute(0x00069002, b"\1" * 14),
    attribute(0x00018010, b"PLAN~1.PDF\0"),
    attribute(0x0006800F, b"%PDF-1.4 plan"),
    properties(
        0x00069005,
        prop(0x3707, 0x1F, "Pläne.pdf\0".encode("utf-16-le")),
        prop(0x370E, 0x1E, b"application/pdf\0"),
        NAMED,
    ),
)
HTML = properties(0x00069003, prop(0x1013, 0x102, "<p>Grüße</p>".encode("cp1252")), NAMED)
RTF = properties(0x00069003, prop(0x1009, 0x102, PACKED_RTF))


def received(dat: bytes, *, text: str = "") -> ParsedMail:
    message = EmailMessage()
    message["From"] = "bob@example.org"
    if text:
        message.set_content(text)
    message.add_attachment(dat, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    return parse(message.as_bytes())


def test_files_come_with_their_long_names_and_types() -> None:
    found = received(packed(CODEPAGE, HTML, *FILE), text="Greetings")
    assert [(file.filename, file.content_type, file.content) for file in found.files] == [
        ("Pläne.pdf", "application/pdf", b"%PDF-1.4 plan")
    ]
    assert found.text is not None
    assert found.text.strip() == "Greetings"
    assert found.html is None, "the mail says it itself"
    assert found.notes == (
        "Outlook packed files into winmail.dat; they are unpacked here. The text in it is not shown, because the mail "
        "has a text of its own.",
    )
    assert received(packed(CODEPAGE, HTML), text="Greetings").notes == (
        "Outlook added a winmail.dat without files. The text in it is not shown, because the mail has a text of its "
        "own.",
    )


def test_the_text_is_taken_where_the_mail_has_none() -> None:
    assert received(packed(CODEPAGE, HTML)).notes == ("Outlook packed its text into winmail.dat; it is unpacked here.",)
    assert "packed its text and files into" in received(packed(CODEPAGE, HTML, *FILE)).notes[0]
    assert received(packed(CODEPAGE, HTML)).html == "<p>Grüße</p>"
    assert received(packed(CODEPAGE, attribute(0x0002800C, b"Hello\0"))).text == "Hello"


def test_a_text_in_rtf_is_a_file() -> None:
    found = received(packed(RTF))
    assert found.files[0].filename == "message.rtf"
    assert found.files[0].content == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_an_outlook_item_is_named() -> None:
    item = properties(0x00069005, prop(0x3707, 0x1E, b"Old mail\0"), prop(0x3701, 0x0D, b"i" * 40))
    found = received(packed(attribute(0x00069002, b""), item), text="See there")
    assert found.files == ()
    assert "Old mail" in found.notes[0]


@pytest.mark.parametrize(
    "dat",
    [
        b"",
        b"PK\3\4 a zip",
        packed(*FILE)[:-7],
        packed(attribute(0x00069003, struct.pack("<I", 2**32 - 1) + b"x")),
        packed(attribute(0x00069003, struct.pack("<IHH", 1, 0x7777, 1))),
        packed(*[attribute(1, b"")] * 10_001),
    ],
    ids=["empty", "zip", "cut", "many", "type", "attributes"],
)
def test_a_damaged_one_is_kept_whole(dat: bytes) -> None:
    found = received(dat, text="Hello")
    assert [(file.filename, file.content) for file in found.files] == [("winmail.dat", dat)]
    assert "damaged" in found.notes[0]


def test_rtf_that_unpacks_to_very_much_is_cut() -> None:
    tokens = bytearray()
    for number in range(320_000):
        start = (207 + 17 * number + 8) % 4096
        tokens += (b"\xff" if number % 8 == 0 else b"") + struct.pack(">H", start << 4 | 15)
    assert len(tnef.unpack_rtf(struct.pack("<II4sI", 0, 2**32 - 1, b"LZFu", 0) + bytes(tokens))) == tnef.MAX_RTF


@given(st.data())
def test_no_bytes_do_more_than_be_refused(data: st.DataObject) -> None:
    whole = bytearray(packed(CODEPAGE, HTML, RTF, *FILE))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(6, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(tnef.NotTnef):
        found = tnef.unpack(bytes(whole))
        assert sum(len(file.content) for file in found.files) <= len(whole)
