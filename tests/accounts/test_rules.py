"""What accounts allow, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts import rules
from app.accounts.errors import AccountError


@pytest.mark.parametrize("path", ["/tickets/12", "/tickets?view=mine&q=a%20b", "/", "/admin/users#x", "/über"])
def test_a_path_of_the_portal_is_followed_after_login(path: str) -> None:
    assert rules.local_path(path) == path


@pytest.mark.parametrize(
    "target",
    [
        "",
        "tickets",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        " //evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/tickets\r\nSet-Cookie: a=b",
        "/login",
        "/" + "a" * 5000,
    ],
)
def test_anything_else_leads_to_the_start_page(target: str) -> None:
    assert rules.local_path(target) == "/tickets"


@given(st.text(max_size=40))
def test_no_target_ever_leaves_the_portal(target: str) -> None:
    path = rules.local_path(target)
    assert path.startswith("/")
    # What a browser reads: tabs and line ends are dropped, backslashes count as slashes (WHATWG URL).
    read = path.translate({9: None, 10: None, 13: None}).replace("\\", "/")
    assert not read.startswith("//")


@pytest.mark.parametrize("email", ["ada@portal.test", "a.b+c@sub.example.org", "ADA@Example.COM", "jürgen@exämple.de"])
def test_an_address_is_taken_as_it_is(email: str) -> None:
    assert rules.check_email(f" {email} ") == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@portal.test",
        "a b@portal.test",
        "a@b@c",
        "ada@portal.test\r\nBcc: x@y",
        "a..b@c.test",
        "<ada@portal.test>",
        "ada@portal.test,bob@portal.test",
        "x" * 65 + "@portal.test",
        "ada@\u202eportal.test",
        "a@" + "b" * 260,
        "ada\x00@portal.test",
        "ada@portal.test\udc80",
    ],
)
def test_what_is_no_address_is_refused_at_its_field(email: str) -> None:
    with pytest.raises(AccountError) as refused:
        rules.check_email(email)
    assert refused.value.field == "email"


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "1234567890",
        "0987654321",
        "Password123",
        "P4ssw0rd!!!",
        "abcdefghijkl",
        "qwertyuiop",
        "AdaLovelace",
        "lovelace-2026",
        "ada@portal.test",
        "support12345",
        "correct horse\udc80",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(AccountError):
        rules.check_password(password, about=("ada@portal.test", "Ada Lovelace"))


@pytest.mark.parametrize(
    "password", ["correct horse battery", "Zw3i Hühner im Garten", "k3#Vq9!pLm2x", "パスワードは秘密です2026"]
)
def test_a_password_of_some_length_is_taken(password: str) -> None:
    assert rules.check_password(password, about=("ada@portal.test", "Ada Lovelace")) == password


def test_a_password_says_its_length_and_the_rule() -> None:
    with pytest.raises(AccountError, match="has 5 characters; it needs at least 10"):
        rules.check_password("house")
    with pytest.raises(AccountError, match="has 201 characters; at most 200"):
        rules.check_password("abcd1234" * 25 + "x")


def test_a_name_is_put_on_one_line() -> None:
    assert rules.check_name("  Ada \n Lovelace ") == "Ada Lovelace"
    assert rules.check_name("علی\u200cرضا") == "علی\u200cرضا"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "Ada\u202egnp", "Ada\x00", "Ada\udc80"])
def test_a_name_that_is_empty_long_or_invisible_is_refused(name: str) -> None:
    with pytest.raises(AccountError):
        rules.check_name(name)


def test_a_signature_keeps_its_lines() -> None:
    assert rules.check_signature("Ada\r\n\r\nSupport\r\n") == "Ada\n\nSupport"
    with pytest.raises(AccountError, match="2001"):
        rules.check_signature("x" * 2001)
    with pytest.raises(AccountError, match="control"):
        rules.check_signature("Ada\x1b[31m")


def test_only_known_time_zones_are_taken() -> None:
    assert rules.check_timezone("Europe/Berlin") == "Europe/Berlin"
    assert rules.check_timezone("") == ""
    for name in ("../../etc/passwd", "Europe/Nowhere", "localtime"):
        with pytest.raises(AccountError):
            rules.check_timezone(name)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", "Unknown program"),
        ("", "Unknown program"),
    ],
)
def test_a_session_is_named_by_browser_and_system(user_agent: str, words: str) -> None:
    assert rules.device_words(user_agent) == words
