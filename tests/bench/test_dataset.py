"""The rows that the benchmark of the ticket list is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import words
from bench import dataset


def _rows(folder: Path, table: str) -> list[dict[str, str]]:
    columns = [column.strip() for column in dataset.TABLES[table].split(",")]
    lines = (folder / table).read_text(encoding="utf-8").splitlines()
    return [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of a helpdesk with 60 tickets."""
    for name, value in {
        "TICKETS": 60,
        "MESSAGES": 600,
        "CONTACTS": 20,
        "LONG_TICKET": 60,
        "LONG_TICKET_MESSAGES": 100,
        "MAILED": 30,
    }.items():
        monkeypatch.setattr(dataset, name, value)
    dataset._write(tmp_path / "load")
    return tmp_path / "load"


def test_every_row_has_a_value_for_every_column_and_what_it_refers_to(folder: Path) -> None:
    rows = {table: _rows(folder, table) for table in dataset.TABLES}
    assert [len(rows[table]) for table in ("tickets", "ticket_replies", "contacts")] == [60, 600, 20]
    tickets, contacts = ({row["id"] for row in rows[table]} for table in ("tickets", "contacts"))
    assert {row["ticket_id"] for row in rows["ticket_replies"]} == tickets
    assert {row["contact_id"] for row in rows["tickets"]} <= contacts
    assert [row["ticket_id"] for row in rows["ticket_replies"]].count("60") == 100
    assert {row["reply_id"] for row in rows["outgoing_emails"]} <= {row["last_reply_id"] for row in rows["tickets"]}


def test_every_ticket_is_found_by_its_words_as_in_the_portal(folder: Path) -> None:
    documents = {row["ticket_id"]: row["words"] for row in _rows(folder, "ticket_words")}
    for message in _rows(folder, "ticket_replies"):
        assert words.missing_from(documents[message["ticket_id"]], words.words_of(message["body_text"])) == []
    fresh = [(row["ticket_id"], word) for row in _rows(folder, "ticket_new_words") for word in row["words"].split()]
    assert sorted(fresh) == sorted((ticket, word) for ticket, text in documents.items() for word in text.split())
