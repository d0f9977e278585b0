"""The bytes that go to the server, read back with the standard library's parser."""

import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.email.addresses import Address
from app.email.errors import AttachmentRefused, HeaderRefused
from app.email.message import Attachment, OutgoingCopy, build_message

AGENT = Address("Support", "help@portal.example")
BOB = Address("Bob", "bob@example.org")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
ANY = st.characters(codec="utf-8")
PRINTABLE = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))


def built(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "sender": AGENT,
        "to": (BOB,),
        "subject": "Re: [#7] Printer",
        "message_id": "<r1@portal.example>",
        "date": datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
        "text": "Hello Bob",
        **changes,
    }
    return build_message(OutgoingCopy(**fields)).as_bytes()


def parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def shape(part: Any) -> Any:
    if part.is_multipart():
        return {part.get_content_type(): [shape(one) for one in part.iter_parts()]}
    return part.get_content_type()


def body(message: EmailMessage, kind: str) -> str:
    [part] = [one for one in message.walk() if one.get_content_type() == f"text/{kind}"]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode("utf-8")


def test_a_plain_answer_is_one_text_part_with_the_headers_a_mail_program_needs() -> None:
    message = parsed(built(in_reply_to="<q1@customer.example>", references=("<q0@c.example>", "<q1@customer.example>")))

    assert message.get_content_type() == "text/plain"
    assert body(message, "plain") == "Hello Bob"
    assert message["From"] == "Support <help@portal.example>"
    assert message["To"] == "Bob <bob@example.org>"
    assert message["Date"] == "Fri, 20 Nov 2026 12:30:00 +0000"
    assert message["Message-ID"] == "<r1@portal.example>"
    assert message["In-Reply-To"] == "<q1@customer.example>"
    assert message["References"] == "<q0@c.example> <q1@customer.example>"
    assert message["MIME-Version"] == "1.0"
    assert message["Auto-Submitted"] is None
    assert message["Cc"] is None


def test_html_images_and_files_stand_in_the_structure_every_client_understands() -> None:
    message = parsed(
        built(
            html='<p>See <img src="cid:logo@p"></p>',
            attachments=(
                Attachment("logo.png", "image/png", PNG, content_id="logo@p"),
                Attachment("unused.png", "image/png", PNG, content_id="other@p"),
                Attachment("offer.pdf", "application/pdf", b"%PDF"),
            ),
        )
    )

    assert shape(message) == {
        "multipart/mixed": [
            {"multipart/alternative": ["text/plain", {"multipart/related": ["text/html", "image/png"]}]},
            "image/png",
            "application/pdf",
        ]
    }
    [inline] = [one for one in message.walk() if one["Content-ID"] == "<logo@p>"]
    assert inline.get_content_disposition() == "inline"
    assert inline.get_payload(decode=True) == PNG
    assert [one.get_filename() for one in message.iter_attachments()] == ["unused.png", "offer.pdf"]


def test_html_without_images_is_a_bare_alternative_with_the_text_first() -> None:
    assert shape(parsed(built(html="<p>Hello</p>"))) == {"multipart/alternative": ["text/plain", "text/html"]}


@given(st.text(alphabet=ANY))
def test_html_survives_byte_for_byte_but_for_its_line_ends(html: str) -> None:
    arrived = body(parsed(built(html=html)), "html")

    assert arrived == re.sub(r"\r\n|\r|\n", "\r\n", html)


@pytest.mark.parametrize(
    "html",
    [
        "<p>" + "x" * 100_000 + "</p>",
        "ж" * 50_000,
        ".\r\n..\r\n. \n",
        "line \t\r\nFrom here\n",
        "a=3D=\n=",
        '<a href="https://x.example/?a=1&amp;b=2">é</a>',
    ],
)
def test_every_line_is_short_and_seven_bit(html: str) -> None:
    data = built(
        html=html,
        text=html,
        subject="Ж" * 400,
        to=tuple(Address("Ж" * 200, f"b{n}@x.org") for n in range(50)),
    )

    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert body(parsed(data), "html") == re.sub(r"\r\n|\r|\n", "\r\n", html)


@given(st.text(alphabet=PRINTABLE, max_size=300))
def test_any_printable_subject_arrives_as_it_was_written(subject: str) -> None:
    assert parsed(built(subject=subject))["Subject"] == subject


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: eve@evil.example", "a\nb", "a\rb", "a\x00b", "a\u2028b", "a\ud800", "a\tb"]
)
def test_a_subject_that_could_start_a_header_is_refused(subject: str) -> None:
    with pytest.raises(HeaderRefused, match=r"subject .* control character .* remove it"):
        built(subject=subject)


def test_an_encoded_line_break_in_a_subject_arrives_as_text_not_as_a_header() -> None:
    subject = "=?utf-8?q?a=0D=0ABcc:_eve@evil.example?="

    message = parsed(built(subject=subject))

    assert message["Subject"] == subject
    assert message["Bcc"] is None


def test_a_subject_of_more_than_500_characters_is_refused_with_the_numbers() -> None:
    assert parsed(built(subject="s" * 500))["Subject"] == "s" * 500
    with pytest.raises(HeaderRefused, match="501 characters, at most 500"):
        built(subject="s" * 501)


def test_long_message_ids_are_folded_but_never_encoded() -> None:
    long_id = "<" + "a" * 200 + "@mail.outlook.example>"

    data = built(in_reply_to=long_id, references=(long_id, long_id.replace("a", "b")))

    assert b"In-Reply-To: " + long_id.encode() in data
    assert b"=?utf-8?" not in data


def test_references_keep_the_first_and_the_latest_in_900_characters() -> None:
    ids = tuple(f"<{n:040d}@thread.example>" for n in range(100))

    kept = parsed(built(references=ids))["References"].split()

    assert kept[0] == ids[0]
    assert tuple(kept[1:]) == ids[-(len(kept) - 1) :]
    assert 800 < len(" ".join(kept)) <= 900


def test_a_foreign_id_that_is_no_id_is_left_out_and_the_answer_still_goes() -> None:
    message = parsed(
        built(in_reply_to="oops\r\nBcc: e@x", references=("<a b@c>", "<ok@c.example>", "<" + "x" * 2000 + "@c>"))
    )

    assert message["In-Reply-To"] is None
    assert message["References"] == "<ok@c.example>"
    assert message["Bcc"] is None


def test_our_own_message_id_must_be_right() -> None:
    with pytest.raises(HeaderRefused, match="Message-ID"):
        built(message_id="r1@portal.example")


def test_hidden_recipients_leave_no_trace_and_the_mail_still_has_a_to() -> None:
    assert b"undisclosed-recipients:;" in built(to=())
    assert parsed(built(to=(), cc=(BOB,)))["To"] is None


def test_automatic_mail_says_so_and_replies_go_where_they_should() -> None:
    message = parsed(built(auto_submitted="auto-replied", reply_to=Address("", "ticket+7@portal.example"), cc=(AGENT,)))

    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Reply-To"] == "ticket+7@portal.example"
    assert message["Cc"] == "Support <help@portal.example>"


def test_list_headers_can_be_added_and_others_cannot() -> None:
    message = parsed(built(extra_headers={"List-Unsubscribe": "<https://p.example/u/1>", "X-Ticket": "7"}))
    assert message["List-Unsubscribe"] == "<https://p.example/u/1>"
    assert message["X-Ticket"] == "7"

    for name, value in [
        ("Bcc", "e@x"),
        ("From", "e@x"),
        ("X-A\r\nBcc", "e"),
        ("X-A", "1\r\nBcc: e@x"),
        ("X-A", "é"),
        ("X-A", ""),
    ]:
        with pytest.raises(HeaderRefused):
            built(extra_headers={name: value})


@given(
    st.text(
        alphabet=st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\"),
        min_size=1,
        max_size=120,
    )
)
def test_any_file_name_arrives(filename: str) -> None:
    expected = "".join(char if char.isprintable() else "_" for char in filename).strip(" .") or "attachment"

    [part] = parsed(built(attachments=(Attachment(filename, "text/csv", b"a;b"),))).iter_attachments()

    # `get_filename` takes quotes and angle brackets around a name for no part of it.
    assert part["Content-Disposition"].params["filename"] == expected
    assert part.get_payload(decode=True) == b"a;b"


@pytest.mark.parametrize(
    ("given_name", "sent"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\bob\Angebot “neu”.pdf", "Angebot “neu”.pdf"),
        ('a"b\r\nBcc: e@x.txt', 'a"b__Bcc: e@x.txt'),
        ("", "attachment"),
        ("..", "attachment"),
        ("x" * 400 + ".tar.gz", "x" * 147 + ".gz"),
    ],
)
def test_a_file_name_loses_its_path_and_its_controls(given_name: str, sent: str) -> None:
    data = built(attachments=(Attachment(given_name, "text/plain", b""),))

    [part] = parsed(data).iter_attachments()
    assert part.get_filename() == sent
    assert parsed(data)["Bcc"] is None


def test_an_attached_mail_is_sent_as_a_file() -> None:
    [part] = parsed(
        built(attachments=(Attachment("m.eml", "message/rfc822", b"Subject: x\r\n\r\ny"),))
    ).iter_attachments()

    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == b"Subject: x\r\n\r\ny"


@pytest.mark.parametrize(
    "attachment",
    [
        Attachment("a", "image", b""),
        Attachment("a", "image/png\r\nX: y", b""),
        Attachment("a", "image/png; name=x", b""),
        Attachment("a", "image/png", b"", content_id="a>\r\nX: y"),
    ],
)
def test_an_attachment_whose_headers_would_break_is_refused(attachment: Attachment) -> None:
    with pytest.raises(AttachmentRefused):
        built(attachments=(attachment,))


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(HeaderRefused, match="time zone"):
        built(date=datetime(2026, 1, 1))  # noqa: DTZ001
