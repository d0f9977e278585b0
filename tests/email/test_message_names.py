"""Display names in the headers of a mail, read back by both parsers of the standard library."""

import email.header
import email.policy
import email.utils
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.email.addresses import MAX_ADDRESS, MAX_NAME, Address, make_address
from app.email.message import OutgoingCopy, build_message

NAME = st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=100)
# Long enough for a line to end inside of it, and not to be written as bare words.
QUOTED = st.builds(
    lambda length, end: "0" * length + end, st.integers(1, 80), st.sampled_from([" :", " y, z", '" \\" x'])
)


def built(addresses: list[Address]) -> bytes:
    """A mail from the first address to all, with all in Cc as well, whose answers go to the last."""
    copy = OutgoingCopy(
        sender=addresses[0],
        to=tuple(addresses),
        cc=tuple(addresses),
        reply_to=addresses[-1],
        subject="Printer",
        message_id="<r1@portal.example>",
        date=datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
        text="Hello",
    )
    return build_message(copy).as_bytes()


def numbered(names: list[str]) -> list[Address]:
    return [make_address(name, f"user{n}@example.org") for n, name in enumerate(names)]


def head(data: bytes) -> list[bytes]:
    return data.partition(b"\r\n\r\n")[0].split(b"\r\n")


def read_by_getaddresses(data: bytes, header: str) -> list[tuple[str, str]]:
    [value] = email.message_from_bytes(data).get_all(header, [])
    return [
        (str(email.header.make_header(email.header.decode_header(name))), address)
        for name, address in email.utils.getaddresses([value])
    ]


def read_by_the_default_policy(data: bytes, header: str) -> list[tuple[str, str]]:
    [value] = email.message_from_bytes(data, policy=email.policy.default).get_all(header, [])
    return [(one.display_name, one.addr_spec) for one in value.addresses]


def assert_arrives(addresses: list[Address]) -> None:
    """Both parsers find exactly these names and addresses in every header that has them."""
    data = built(addresses)
    sent = {"From": addresses[:1], "To": addresses, "Cc": addresses, "Reply-To": addresses[-1:]}
    for header, expected in sent.items():
        assert read_by_getaddresses(data, header) == [(one.name, one.email) for one in expected]
        found = read_by_the_default_policy(data, header)
        assert [address for _, address in found] == [one.email for one in expected]
        for (name, _), one in zip(found, expected, strict=True):
            if is_one_word(one.name):
                assert name == one.name
            else:
                # It keeps the space between two encoded words (Python issue 128110).
                assert name.replace(" ", "") == one.name.replace(" ", "")


def is_one_word(name: str) -> bool:
    """Whether the name goes as it is, or as one encoded word for sure."""
    return (name.isascii() and "=?" not in name) or len(name.encode()) <= 39


@given(st.lists(NAME | QUOTED, min_size=1, max_size=8))
@example(["", "", "0" * 31 + " :"])
@example(["0" * 70 + " :"])
@example(["", "", "0" * 28 + " y, z"])
@example(["a, " * 80])
@example(["=?utf-8?q?a=22=0D=0ABcc:_eve@evil.example?="])
def test_any_display_name_arrives_and_no_name_becomes_a_recipient(names: list[str]) -> None:
    assert_arrives(numbered(names))


@pytest.mark.parametrize("end", [" :", " y, z", ' "q" \\ (c)', " y z", " é"])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_name_arrives_wherever_the_line_ends(before: int, end: str) -> None:
    for length in range(1, 100):
        assert_arrives(numbered([""] * before + ["0" * length + end]))


@pytest.mark.parametrize("name", ['"' * MAX_NAME, '" ' * (MAX_NAME // 2), "x" * MAX_NAME, "x " * 125, "ж" * MAX_NAME])
def test_the_longest_names_and_addresses_fit_the_limits_of_a_line(name: str) -> None:
    longest = "u" * 64 + "@" + ".".join(["d" * 60] * 3) + ".exa"
    address = make_address(name, longest + "m" * (MAX_ADDRESS - len(longest)))

    lines = head(built([address, address]))

    assert max(map(len, lines)) <= 998
    assert all(line.strip() for line in lines)
    assert_arrives([address, address])


@given(st.text(alphabet="жé x😀", min_size=1, max_size=200))
def test_a_line_with_an_encoded_word_has_76_characters_at_most(name: str) -> None:
    addresses = numbered([f"ж{name}"] * 2)

    lines = [line for line in head(built(addresses)) if b"=?" in line]

    assert len(lines) >= 4
    assert max(map(len, lines)) <= 76
    assert_arrives(addresses)


def test_a_short_name_stays_readable() -> None:
    data = built([make_address("Bob Builder", "bob@example.org"), make_address("Builder, Bob", "b@example.org")])

    assert b'To: Bob Builder <bob@example.org>, "Builder, Bob" <b@example.org>' in head(data)
