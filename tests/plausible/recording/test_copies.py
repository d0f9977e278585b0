"""Copies are remembered in bounded memory."""

from __future__ import annotations

from plugins.plausible.recording.copies import KnownCopies, TrackedCopy


def copy(number: int) -> TrackedCopy:
    return TrackedCopy(number, number, number)


def test_those_learnt_first_are_forgotten_first() -> None:
    known = KnownCopies(most=10)
    for number in range(25):
        known.add({str(number): copy(number)})
        assert known.get(str(number)) == copy(number)
        assert len(known.among(map(str, range(25)))) <= 10
    assert known.get("0") is None
    assert known.get("20") == copy(20)


def test_those_among_many_are_found() -> None:
    known = KnownCopies()
    known.add({"a": copy(1), "b": copy(2)})
    assert known.among(["b", "x", "b"]) == {"b": copy(2)}
    known.clear()
    assert known.among(["a", "b"]) == {}
