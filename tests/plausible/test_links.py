"""Signatures, addresses and destinations, without a portal."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.plausible.links import LONGEST, Links, is_allowed, is_tracking_id, location
from plugins.plausible.tokens import Signer

OLD, NEW = "o" * 32, "n" * 32
TID = "t" * 43
URL = "https://example.org/guide?a=1&b=2#top"
signer = Signer([NEW, OLD])
links = Links("https://help.example.com", signer)


def test_a_signature_holds_for_its_recipient_and_destination_only() -> None:
    signature = signer.sign(TID, URL)
    assert signer.verify(TID, URL, signature)
    assert not signer.verify(TID, URL + "x", signature)
    assert not signer.verify(TID[:-1] + "u", URL, signature)


def test_id_and_destination_cannot_be_shifted_into_each_other() -> None:
    assert signer.sign("ab", "c") != signer.sign("a", "bc")


def test_an_earlier_key_still_verifies_and_a_forgotten_one_does_not() -> None:
    signature = Signer([OLD]).sign(TID, URL)
    assert signer.verify(TID, URL, signature)
    assert not Signer([NEW]).verify(TID, URL, signature)


def test_the_first_key_signs() -> None:
    assert Signer([NEW]).verify(TID, URL, signer.sign(TID, URL))


def test_a_signature_has_at_least_128_bits_and_needs_no_escaping() -> None:
    signature = signer.sign(TID, URL)
    assert len(signature) * 6 >= 128
    assert is_tracking_id(signature)


@pytest.mark.parametrize("wrong", ["", "=", "x", "é" * 24, "\ud800", "\0", "A" * 10_000])
def test_what_is_no_signature_is_refused(wrong: str) -> None:
    assert not signer.verify(TID, URL, wrong)


@given(position=st.integers(0, 23), other=st.sampled_from("ABab01-_="))
def test_no_character_of_a_signature_is_idle(position: int, other: str) -> None:
    signature = signer.sign(TID, URL)
    changed = signature[:position] + other + signature[position + 1 :]
    assert signer.verify(TID, URL, changed) == (changed == signature)


def test_a_text_that_no_url_can_carry_is_refused_and_never_signed() -> None:
    assert not signer.verify(TID, "https://a.test/\ud800", "A" * 24)
    assert links.click(TID, "https://a.test/\ud800") is None


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://example.org",
        "HTTPS://EXAMPLE.ORG:8443/x",
        "https://example.org/a b",
        "https://[2001:db8::1]/",
        "https://bücher.example/ä?ö=ü",
        "https://example.org/" + "x" * (LONGEST - len("https://example.org/")),
    ],
)
def test_a_web_address_may_be_tracked(url: str) -> None:
    assert is_allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JaVaScRiPt://example.org/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//evil.example/",
        "\\\\evil.example/",
        "/relative",
        "https:evil.example",
        "https:///evil.example",
        "https://",
        "https://user:secret@example.org/",
        "https://user@example.org/",
        "https://example.org@evil.example/",
        "https://example.org/\r\nSet-Cookie: a=b",
        "https://example.org/\n",
        "https://example.org/\x00",
        "https://example.org/\x7f",
        "https://example.org/\x85",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "ftp://example.org/",
        "mailto:bob@example.org",
        " https://example.org/",
        "https://example.org/" + "x" * LONGEST,
    ],
)
def test_any_other_destination_is_refused_and_its_link_left_alone(url: str) -> None:
    assert not is_allowed(url)
    assert links.click(TID, url) is None


def test_a_click_link_carries_id_destination_and_signature_once_each() -> None:
    tracked = links.click(TID, URL)
    assert tracked is not None
    parts = urlsplit(tracked)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "help.example.com", "/api/email-tracking/click")
    assert parse_qs(parts.query) == {"tid": [TID], "url": [URL], "sig": [signer.sign(TID, URL)]}
    assert links.is_ours(tracked)


def test_the_pixel_has_its_fixed_address() -> None:
    assert links.pixel(TID) == f"https://help.example.com/api/email-tracking/pixel/{TID}.gif"


def test_an_ascii_destination_is_followed_character_by_character() -> None:
    odd = "https://Example.org/a|b^c?q=\"<'>&x=%zz#`{}"
    assert location(odd) == odd


def test_other_scripts_are_followed_as_browsers_do() -> None:
    assert location("https://bücher.example:81/ä b?ö=1#ü") == (
        "https://xn--bcher-kva.example:81/%C3%A4%20b?%C3%B6=1#%C3%BC"
    )
    assert location("https://straße.example/") == "https://xn--strae-oqa.example/"


@given(st.text())
def test_no_destination_ever_breaks_out_of_the_header(text: str) -> None:
    url = "https://example.org/" + text
    if is_allowed(url):
        header = location(url)
        assert header.isascii()
        assert header.isprintable()


@pytest.mark.parametrize("text", ["", "short", "a" * 65, "a" * 42 + "\n", "a" * 20 + "/", "é" * 43, "a" * 20 + " "])
def test_what_is_no_tracking_id_is_told_apart_without_the_database(text: str) -> None:
    assert not is_tracking_id(text)


def test_an_id_as_the_portal_makes_it_is_one() -> None:
    assert is_tracking_id("aB3_-" * 8 + "xyz")


def test_a_tracking_host_of_its_own_stands_in_new_mails_and_both_hosts_are_ours() -> None:
    own = Links("https://help.example.com", signer, tracking_url="https://t.example.com")
    tracked = own.click(TID, URL)
    assert tracked is not None
    assert tracked.startswith("https://t.example.com/api/email-tracking/click?")
    assert own.pixel(TID) == f"https://t.example.com/api/email-tracking/pixel/{TID}.gif"
    for url in (tracked, own.pixel(TID), links.click(TID, URL), links.pixel(TID)):
        assert url is not None
        assert own.is_ours(url)
    assert not own.is_ours("https://t.example.com/guide")
    assert not own.is_ours("https://t.example.com.evil.example/api/email-tracking/pixel/x.gif")
