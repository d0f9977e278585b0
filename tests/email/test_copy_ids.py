"""Ids of copies: which are ours."""

from __future__ import annotations

import base64
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.email.copy_ids import CopyIds

OURS = CopyIds(["a" * 40])


def test_an_id_has_256_random_bits_and_fits_into_a_url() -> None:
    made = {OURS.new() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{54}", one) for one in made)
    starts = {base64.urlsafe_b64decode(one + "==")[:32] for one in made}
    assert len(starts) == 100


def test_an_id_is_ours_under_any_of_our_keys_and_under_no_other() -> None:
    made = OURS.new()
    assert OURS.is_marked(made)
    assert CopyIds(["b" * 40, "a" * 40]).is_marked(made)
    assert not CopyIds(["b" * 40]).is_marked(made)


@given(st.text())
def test_what_strangers_make_up_is_not_ours_whatever_it_is(text: str) -> None:
    assert not OURS.is_marked(text)


@pytest.mark.parametrize("place", [0, 20, 42, 45, 52])
def test_a_changed_id_is_not_ours(place: int) -> None:
    made = OURS.new()
    other = "A" if made[place] != "A" else "B"
    assert not OURS.is_marked(made[:place] + other + made[place + 1 :])


def test_an_id_from_before_the_mark_is_not_marked() -> None:
    assert not OURS.is_marked(secrets.token_urlsafe(32))


def test_another_spelling_of_an_id_is_not_ours() -> None:
    made = OURS.new()
    same_bytes = made[:-1] + chr(ord(made[-1]) + 1)
    assert base64.urlsafe_b64decode(same_bytes + "==") == base64.urlsafe_b64decode(made + "==")
    assert not OURS.is_marked(same_bytes)
    alike = next(one for one in iter(OURS.new, "") if "-" in one)
    assert not OURS.is_marked(alike.replace("-", "+"))
