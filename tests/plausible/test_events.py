"""What of a request is kept."""

from __future__ import annotations

import pytest

from plugins.plausible.clients import client_words
from plugins.plausible.events import clean_header, read_address


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("", None),
        ("<local>", None),
        ("203.0.113.77, 10.0.0.1", None),
    ],
)
def test_an_address_is_cut_before_it_is_kept(address: str, kept: str | None) -> None:
    assert read_address(address).cut == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Mozilla/5.0", "Mozilla/5.0"),
        ("a\x00b\r\nc\x85d", "a b c d"),
        ("x" * 500, "x" * 100),
        ("\x01 ", None),
        ("", None),
        (None, None),
    ],
)
def test_a_header_is_kept_as_one_short_line(value: str | None, kept: str | None) -> None:
    assert clean_header(value, 100) == kept


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "Gmail"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "Yahoo"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0", "Thunderbird"),
    ],
)
def test_a_mail_program_is_named_where_its_header_leaves_no_doubt(user_agent: str, words: str) -> None:
    assert words in client_words(user_agent)


def test_a_browser_could_be_anybody() -> None:
    assert client_words("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML)") == ""
