"""What counts as a word, and what a search asks the database for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import words
from app.words import Needle


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Café-Rechnung, 2. Mahnung!", ["cafe", "rechnung", "2", "mahnung"]),
        ("STRASSE Straße", ["strasse"]),
        ("jane.doe@kunde.example", ["jane", "doe", "kunde", "example"]),
        ("İstanbul Ελληνικά Привет", ["istanbul", "ελληνικα", "привет"]),
        ("snake_case", ["snake", "case"]),
        ("東京都 office", ["東京", "京都", "office"]),
        ("東", ["東"]),
        ("+ - * \" ( ) ~ < > @ ' %", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_digits_without_case_and_accents(text: str, found: list[str]) -> None:
    assert words.words_of(text) == found


def test_the_last_word_may_be_unfinished_until_a_space_follows() -> None:
    assert words.needles("red inv") == (Needle("red"), Needle("inv", is_prefix=True))
    assert words.needles("red inv ") == (Needle("red"), Needle("inv"))


def test_a_single_letter_is_no_beginning_of_a_word_except_where_one_sign_says_much() -> None:
    assert words.needles("plan b") == (Needle("plan"), Needle("b"))
    assert words.needles("東") == (Needle("東", is_prefix=True),)


def test_only_the_first_words_of_a_long_search_count() -> None:
    assert len(words.needles(" ".join(f"word{n}" for n in range(20)))) == words.MAX_NEEDLES


def test_a_document_is_searched_by_whole_words_and_by_beginnings() -> None:
    document = words.document(words.words_of("The invoice of ACME.com, item 7"))
    assert Needle("invoice").located in document
    assert Needle("inv", is_prefix=True).located in document
    assert Needle("inv").located not in document
    assert Needle("voice", is_prefix=True).located not in document
    assert all(Needle(word).located in document for word in ("the", "com", "7", "of"))


def test_words_that_a_server_may_leave_out_of_its_index_are_written_so_that_it_does_not() -> None:
    written = words.document(["a", "the", "com", "vw", "invoice"]).split()
    assert not words.SERVER_STOP_WORDS.intersection(written)
    assert min(map(len, written)) >= words.SHORTEST_INDEXED


def test_words_that_a_ticket_has_already_are_not_added_again() -> None:
    document = words.document(["the", "invoice", "vw"])
    assert words.missing_from(document, ["vw", "refund", "the", "invoice"]) == ["refund"]


def test_a_huge_text_is_cut_and_a_huge_word_shortened() -> None:
    assert words.words_of("x" * 500) == ["x" * words.MAX_WORD]
    many = words.words_of(" ".join(f"w{n}" for n in range(20_000)))
    assert words.MAX_WORDS <= len(many) < words.MAX_WORDS + 10
    assert words.words_of("a " * words.MAX_TEXT + "end") == ["a"]


@given(st.text(max_size=200))
def test_no_search_brings_an_operator_or_pattern_into_the_database(query: str) -> None:
    for needle in words.needles(query):
        assert re.fullmatch(r"\+\w+\*?", needle.against)
        assert re.fullmatch(r" \w+ ?", needle.located)


@given(st.text(max_size=100))
def test_every_text_is_found_by_its_own_words(text: str) -> None:
    document = words.document(words.words_of(text))
    assert all(needle.located in document for needle in words.needles(text))
