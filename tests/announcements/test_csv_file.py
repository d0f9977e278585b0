"""CSV files as they come from spreadsheets: character sets, separators, heads, and what is wrong with them."""

from __future__ import annotations

import pytest

from plugins.announcements import csv_file
from plugins.announcements.csv_file import UnreadableFile, read


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        ("email,name\njosé@x.org,ignored\nbob@x.org,José".encode("utf-8-sig"), "UTF-8", ","),
        ("Name;E-Mail\nJosé;bob@x.org\nÖzgür;carol@x.org".encode("cp1252"), "Windows-1252", ";"),
        ("email\tname\nbob@x.org\tJosé\n".encode("utf-16"), "UTF-16", "\t"),
        (b"name|email\nBob, the builder|bob@x.org\n", "UTF-8", "|"),
        (b"bob@x.org\ncarol@x.org\n", "UTF-8", ","),
    ],
)
def test_character_set_and_separator_are_found_out(content: bytes, encoding: str, delimiter: str) -> None:
    found = read(content)
    assert (found.encoding, found.delimiter) == (encoding, delimiter)
    assert any(line.email == "bob@x.org" for line in found.lines)


def test_names_come_from_the_columns_that_hold_them() -> None:
    found = read(b"Surname,First name,Email address\nBuilder,Bob,bob@X.org\n")
    assert [(line.number, line.email, line.name) for line in found.lines] == [(2, "bob@x.org", "Bob Builder")]


def test_without_a_head_the_column_with_addresses_is_taken() -> None:
    found = read(b"Bob;bob@x.org;7\nCarol;carol@x.org;8\n")
    assert [(line.number, line.email, line.name) for line in found.lines] == [
        (1, "bob@x.org", "Bob"),
        (2, "carol@x.org", "Carol"),
    ]


def test_each_bad_line_says_why_and_costs_no_other() -> None:
    found = read(b'email,name\nbob@@x.org,B\n,C\n"Dan <dan@x.org>",\n"multi\nline",E\nfay@x.org,F\n')
    told = {line.number: (line.email, line.words) for line in found.lines}
    assert told[2][0] == ""
    assert "bob@@x.org" in told[2][1]
    assert told[3] == ("", "There is no address in this line.")
    assert told[4] == ("dan@x.org", "")
    assert told[5][0] == ""
    assert told[7] == ("fay@x.org", "")


@pytest.mark.parametrize("name", ['=HYPERLINK("http://evil")', "+1", "-2+3", "@SUM(A1)", "\t=1", "'=1"])
def test_a_name_that_is_a_formula_becomes_one_that_is_none(name: str) -> None:
    quoted = name.replace('"', '""')
    (line,) = read(f'email,name\nbob@x.org,"{quoted}"\n'.encode()).lines
    assert not line.name.startswith(("=", "+", "-", "@", "\t", "'"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"email\n", "no line below it"),
        (b"name,city\nBob,Paris\n", "No column has addresses"),
        (b"PK\x03\x04\x00\x00bob@x.org", "is no text"),
        (b"email\n" + b"a@x.org\n" * 20, "more than 10 lines"),
        (b"x" * 3000, "more than"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_LINES", 10)
    monkeypatch.setattr(csv_file, "MAX_BYTES", 2000)
    with pytest.raises(UnreadableFile, match=words):
        read(content)
