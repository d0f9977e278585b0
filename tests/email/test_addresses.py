"""What people may type as an address, and what is refused before it reaches a header or an envelope."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.email.addresses import (
    MAX_RECIPIENTS,
    Address,
    check_email,
    make_address,
    parse_address,
    parse_address_list,
    unique_recipients,
)
from app.email.errors import AddressRefused


@pytest.mark.parametrize(
    ("typed", "name", "email"),
    [
        ("bob@x", "", "bob@x"),
        ("  bob@example.org ", "", "bob@example.org"),
        ("<bob@example.org>", "", "bob@example.org"),
        ("Bob <bob@x>", "Bob", "bob@x"),
        ('"Builder, Bob" <bob@example.org>', "Builder, Bob", "bob@example.org"),
        (r'"Bob \"the\" Builder" <bob@example.org>', 'Bob "the" Builder', "bob@example.org"),
        ("Bob  van   Dyk <bob@example.org>", "Bob van Dyk", "bob@example.org"),
        ("Zoë Müller <zoe@example.org>", "Zoë Müller", "zoe@example.org"),
        ("田中 <tanaka@example.jp>", "田中", "tanaka@example.jp"),
        ("Bob.O'Neil+tag@EXAMPLE.Org", "", "Bob.O'Neil+tag@example.org"),
        ("info@müller.example", "", "info@xn--mller-kva.example"),
        ("info@MÜLLER.example", "", "info@xn--mller-kva.example"),
        ("x@例え.jp", "", "x@xn--r8jz45g.jp"),
    ],
)
def test_an_address_in_a_known_shape_is_read(typed: str, name: str, email: str) -> None:
    assert parse_address(typed) == Address(name, email)


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("", "no @"),
        ("bob", "no @"),
        ("bob@", "nothing after the @"),
        ("Bob <bob@>", "nothing after the @"),
        ("@example.org", "nothing before the @"),
        ("<alice@a>mallory@b", "before the @"),
        ("alice@a, mallory@b", "before the @"),
        ("<alice@a> <mallory@b>", "before the @"),
        ("bob @example.org", "before the @"),
        ("bob@exa mple.org", "letters, digits and inner hyphens"),
        ("bob@x>\r\nRCPT TO:<eve@evil.example", "line break"),
        ("Bob\r\nBcc: eve@evil.example <bob@x>", "line break"),
        ("bob@x\n", "line break"),
        ("bob\x00@x", "control character"),
        ("bob\u2028@x", "line break"),
        ("bob\ud800@x", "control character"),
        ("a" * 65 + "@x", "65 characters before the @"),
        ("a@" + ".".join(["b" * 60] * 4) + ".bbbbbbbbbb", "at most 254"),
        ("a@" + ".".join(["b" * 60] * 5), "domain of 304 characters"),
        ("a@" + "b" * 64 + ".org", "1 to 63"),
        ("a@-b.org", "inner hyphens"),
        ("a@b..org", "single dots"),
        ("a@b.org.", "single dots"),
        (".a@b.org", "misplaced dots"),
        ("a..b@c.org", "misplaced dots"),
        ("a@[192.0.2.1]", "by number"),
        ("jürgen@example.org", "outside ASCII before the @"),
        ("a@☃☃.example", "international domain"),
        ("a@exa_mple.org", "letters, digits and inner hyphens"),
        ("n" * 300 + " <a@b.org>", "at most 250"),
        ("n" * 5000 + " <a@b.org>", "5010 characters"),
    ],
)
def test_anything_else_is_refused_with_the_rule_it_breaks(typed: str, rule: str) -> None:
    with pytest.raises(AddressRefused, match=rule) as refusal:
        parse_address(typed)

    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_a_list_is_cut_at_commas_and_semicolons_but_not_inside_quotes_or_brackets() -> None:
    typed = 'a@x, "Last, First; Dr." <b@y>;c@z,'

    assert parse_address_list(typed) == [
        Address("", "a@x"),
        Address("Last, First; Dr.", "b@y"),
        Address("", "c@z"),
    ]


def test_a_list_may_also_be_a_sequence_or_nothing() -> None:
    assert parse_address_list(["a@x", Address("B", "b@y")]) == [Address("", "a@x"), Address("B", "b@y")]
    assert parse_address_list(None) == parse_address_list("  ") == []


def test_one_bad_address_refuses_the_whole_list() -> None:
    with pytest.raises(AddressRefused, match="'bob'"):
        parse_address_list("alice@x, bob")


def test_a_list_of_a_megabyte_is_refused_before_it_is_read() -> None:
    with pytest.raises(AddressRefused, match="1000000 characters"):
        parse_address_list('"' * 1_000_000)


def test_a_recipient_stands_once_in_to_before_cc_before_bcc() -> None:
    to = parse_address_list("A <a@X.org>, b@x.org")
    cc = parse_address_list("b@X.ORG, c@x.org, A@x.org")
    bcc = parse_address_list("c@x.org, d@x.org, d@x.org")

    recipients = unique_recipients(to, cc, bcc)

    assert [one.email for one in recipients.to] == ["a@x.org", "b@x.org"]
    assert [one.email for one in recipients.cc] == ["c@x.org", "A@x.org"], "the local part's case is its owner's"
    assert [one.email for one in recipients.bcc] == ["d@x.org"]


def test_a_mail_to_nobody_or_to_too_many_is_refused() -> None:
    with pytest.raises(AddressRefused, match="no recipient"):
        unique_recipients([])
    with pytest.raises(AddressRefused, match=f"{MAX_RECIPIENTS + 1} recipients"):
        unique_recipients([Address("", f"a{n}@x") for n in range(MAX_RECIPIENTS + 1)])


def test_two_hundred_recipients_are_fine() -> None:
    assert len(unique_recipients([Address("", f"a{n}@x") for n in range(200)]).to) == 200


def test_a_name_and_an_address_from_the_database_are_checked_alike() -> None:
    assert make_address("Bob <b>", "bob@X") == Address("Bob <b>", "bob@x")
    with pytest.raises(AddressRefused, match="display name"):
        make_address("Bob\r\nBcc: e@x", "bob@x")


@given(st.text(max_size=80))
def test_no_text_ever_yields_an_address_that_could_end_a_command(typed: str) -> None:
    try:
        address = parse_address(typed)
    except AddressRefused:
        return
    assert address.email.isascii()
    assert not set(address.email) & set('<> \r\n\t\x00"(),:;[]\\')
    assert check_email(address.email) == address.email


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60))
def test_a_written_address_is_read_back_the_same(name: str) -> None:
    address = make_address(name, "bob@example.org")

    assert parse_address(str(address)) == address
