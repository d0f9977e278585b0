"""Subjects, threads, snippets and the words of the history."""

from __future__ import annotations

import pytest

from app.tickets import rules
from app.tickets.errors import TicketRefused


@pytest.mark.parametrize(
    ("subject", "first", "mail_subject"),
    [
        ("Printer on fire", False, "Re: Printer on fire [#7]"),
        ("Printer on fire", True, "Printer on fire [#7]"),
        ("RE: Printer", False, "RE: Printer [#7]"),
    ],
)
def test_a_mails_subject_names_its_ticket(subject: str, first: bool, mail_subject: str) -> None:
    assert rules.mail_subject(subject, 7, first=first) == mail_subject


@pytest.mark.parametrize("char", ["\r", "\n", "\x00", "\x1b", "\u2028", "\u2029", "\x85", "\ud83d"])
def test_a_subject_takes_no_character_that_could_end_its_line(char: str) -> None:
    with pytest.raises(TicketRefused, match=f"U\\+{ord(char):04X}"):
        rules.check_subject(f"Hello{char}Bcc: eve@example.org")


def test_a_long_thread_is_answered_with_its_root_and_its_latest_messages() -> None:
    ids = [f"<{number}@example.org>" for number in range(500)]
    in_reply_to, references = rules.thread(ids)
    assert in_reply_to == ids[-1]
    assert references == (ids[0], *ids[-39:])
    assert rules.thread([]) == ("", ())


def test_a_snippet_is_one_line_without_quotes() -> None:
    assert rules.snippet("Hello,\n\n> you wrote\nit  works") == "Hello, it works"
    assert len(rules.snippet("word " * 100)) <= 200


@pytest.mark.parametrize(
    ("field", "old", "new", "words"),
    [
        ("status", "open", "closed", "closed it"),
        ("status", "closed", "open", "reopened it"),
        ("status", "open", "pending", "set the status to Waiting for the customer"),
        ("priority", "low", "urgent", "set the priority to Urgent"),
        ("assignee", "", "Gus", "took it"),
        ("assignee", "", "Mei", "assigned it to Mei"),
        ("assignee", "Gus", "", "gave it back"),
        ("assignee", "Mei", "", "took it from Mei"),
    ],
)
def test_the_history_speaks_in_words(field: str, old: str, new: str, words: str) -> None:
    assert rules.history_words("Gus", field, old, new) == words


@pytest.mark.parametrize("text", ["", "x", "<a@b", "<a b@c>", "<" + "x" * 300 + "@c>", "<a@b>\r\nX: y", "<ü@b>"])
def test_what_is_no_message_id_is_not_stored_as_one(text: str) -> None:
    assert rules.usable_message_id(text) is None


def test_own_images_are_found_in_any_spelling_once_each() -> None:
    html = '<img src="/attachments/3/inline"><img alt=x src=/attachments/12/inline><img src="/attachments/3/inline">'
    assert rules.inline_image_ids(html) == [3, 12]
