"""Header values that are safe to send: checked for injection, encoded and folded by us.

The standard library folds an In-Reply-To or References of long ids into encoded words
(Python 3.11), which breaks the thread in every mail program, and encodes the comma
between two long names (CVE-2025-1795). So the headers that matter are folded here.
"""

import base64
import email.policy
import re
from collections.abc import Iterator, Sequence
from email.message import EmailMessage

from app.email.addresses import Address
from app.email.errors import HeaderRefused, shown

MAX_SUBJECT = 500
"""Characters of a subject; a line of a message holds 998."""
MAX_REFERENCES = 900
"""Characters of a References header; the first and the latest ids are kept."""
MAX_EXTRA = 4_000
"""Characters of one extra header."""

_FOLD_AT = 76
_ENCODED_WORD_BYTES = 39
"""Bytes in one encoded word: with "Reply-To: " before it, it ends within the 76 characters of RFC 2047, 2."""
_EXTRA_NAMES = re.compile(r"(?i:list-[a-z-]+|x-[a-z0-9-]+|feedback-id|precedence|organization)")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_PLAIN = re.compile(r"(?:[!-~]++(?: [!-~]++)*+)?")
_ATOM_TEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


class FoldedHeader(str):
    """A header value in its final ASCII form that EmailMessage writes as it is, folded only between its words."""

    __slots__ = ("name", "words")

    name: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, name: str, words: Sequence[str]) -> "FoldedHeader":
        """Make the value of header `name` from printable ASCII words; no line ends at a space inside of one."""
        header = cls(" ".join(words))
        header.name = name
        header.words = tuple(words)
        return header

    def fold(self, *, policy: email.policy.EmailPolicy) -> str:
        """Write "Name: value" in lines of 76 characters where the words allow it (RFC 5322, 2.2.3)."""
        line = f"{self.name}:"
        lines: list[str] = []
        for position, word in enumerate(self.words):
            # The first word stays beside the name: a line of white space alone confuses old parsers.
            if position and len(line) + 1 + len(word) > _FOLD_AT:
                lines.append(line)
                line = ""
            line += f" {word}"
        return policy.linesep.join([*lines, line]) + policy.linesep


def put(message: EmailMessage, name: str, value: str) -> None:
    """Add a header in its final ASCII form, folded at its spaces."""
    message[name] = FoldedHeader.of(name, value.split(" "))


def put_addresses(message: EmailMessage, name: str, addresses: Sequence[Address]) -> None:
    """Add a From, To, Cc or Reply-To header with at least one address.

    RFC 5322 lets a line end inside of a quoted name, but older readers, email.utils.getaddresses
    among them, end the name there and lose it. So a quoted name stays on one line.
    """
    *others, last = [_address_words(one) for one in addresses]
    words = [word for one in others for word in (*one[:-1], f"{one[-1]},")]
    message[name] = FoldedHeader.of(name, [*words, *last])


def check_subject(subject: str) -> str:
    """Return the subject unchanged; raise HeaderRefused if it is too long or could start a header."""
    if len(subject) > MAX_SUBJECT:
        raise HeaderRefused(
            f"subject {shown(subject)} has {len(subject)} characters, at most {MAX_SUBJECT} fit; shorten it"
        )
    _refuse_unprintable(subject, "subject")
    return subject


def check_extra_header(name: str, value: str) -> None:
    """Raise HeaderRefused unless the header is one a caller may add and its value plain ASCII.

    Allowed are List-*, X-*, Feedback-ID, Precedence and Organization. Everything else is
    set by the message builder from its own fields.
    """
    if _EXTRA_NAMES.fullmatch(name) is None:
        raise HeaderRefused(
            f"header {shown(name)} cannot be added; use List-…, X-…, Feedback-ID, Precedence or Organization"
        )
    _refuse_unprintable(value, f"header {name}")
    if not value.isascii() or not value.strip():
        raise HeaderRefused(f"header {name} must be ASCII and not empty, got {shown(value)}; encode or drop it")
    if len(value) > MAX_EXTRA or any(len(word) > 900 for word in value.split(" ")):
        raise HeaderRefused(f"header {name} is too long ({len(value)} characters); shorten it")


def check_message_id(message_id: str) -> str:
    """Return a Message-ID of ours, angle brackets included, or raise HeaderRefused."""
    if not _usable_id(message_id):
        raise HeaderRefused(f"Message-ID {shown(message_id)} must look like <unique@our.domain>")
    return message_id


def encode_text(text: str) -> str:
    """Write any text as the value of an unstructured header such as Subject (RFC 2047).

    Plain ASCII stays readable. Anything a reader would decode or trim (other scripts,
    '=?', doubled or outer spaces) becomes encoded words, so that exactly `text` arrives.
    """
    if _is_plain(text):
        return text
    return " ".join(_encoded_words(text))


def encode_references(ids: Sequence[str]) -> str:
    """Write a References value from ids, oldest first, in at most MAX_REFERENCES characters.

    The first id (the thread's root) and as many of the latest as fit are kept. Ids come from
    other people's mail: one that is not an id is left out rather than stopping the answer.
    """
    usable = [one for one in dict.fromkeys(ids) if _usable_id(one)]
    if not usable:
        return ""
    room = MAX_REFERENCES - len(usable[0])
    latest: list[str] = []
    for one in reversed(usable[1:]):
        room -= len(one) + 1
        if room < 0:
            break
        latest.append(one)
    return " ".join([usable[0], *reversed(latest)])


def _usable_id(one: str) -> bool:
    return len(one) <= MAX_REFERENCES // 2 and _MESSAGE_ID.fullmatch(one) is not None


def _refuse_unprintable(value: str, what: str) -> None:
    for position, char in enumerate(value):
        if char in "\u2028\u2029" or ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000:
            raise HeaderRefused(
                f"{what} {shown(value)} holds a line break or control character (U+{ord(char):04X}) "
                f"at position {position + 1}; remove it"
            )


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and "=?" not in text


def _address_words(address: Address) -> list[str]:
    if not address.name:
        return [address.email]
    return [*_name_words(address.name), f"<{address.email}>"]


def _name_words(name: str) -> list[str]:
    """Write a display name as atoms, as one quoted string (at most 502 characters) or as encoded words."""
    if not _is_plain(name):
        return list(_encoded_words(name))
    if _ATOM_TEXT.fullmatch(name):
        return name.split(" ")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def _encoded_words(text: str) -> Iterator[str]:
    """Cut text between characters into encoded words of at most 64 characters (the limit is 75)."""
    chunk = b""
    for char in text:
        encoded = char.encode()
        if len(chunk) + len(encoded) > _ENCODED_WORD_BYTES:
            yield f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="
            chunk = b""
        chunk += encoded
    if chunk:
        yield f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="
