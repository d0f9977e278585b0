"""Whether what a plugin adds to a copy beside its bodies can be sent. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.email.addresses import check_email
from app.email.errors import EmailRefused
from app.email.headers import check_extra_header
from app.hookspecs import LONGEST_NOTE, MOST_HEADERS


def headers_of(given: object, *, taken: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """The headers that can be added, and what is wrong with each of the others. taken: names that the mail has."""
    if not isinstance(given, Mapping):
        return {}, [f"returned headers that are {type(given).__name__}, not a mapping"]
    if len(given) > MOST_HEADERS:
        return {}, [f"returned {len(given)} headers, at most {MOST_HEADERS} are added"]
    sound: dict[str, str] = {}
    faults: list[str] = []
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            faults.append(f"returned a header that is {type(name).__name__} and {type(value).__name__}, not str")
        elif name.lower() in {one.lower() for one in (*taken, *sound)}:
            faults.append(f"returned the header {name!r}, which the mail has already")
        else:
            try:
                check_extra_header(name, value)
                sound[name] = value
            except EmailRefused as error:
                faults.append(f"returned a header that cannot be sent: {error}")
    return sound, faults


def envelope_sender_of(given: object, *, taken: str | None) -> tuple[str | None, str]:
    """The address that can be the envelope's sender, and else what is wrong with it; both empty for None."""
    if given is None:
        return None, ""
    if taken is not None:
        return None, "returned an envelope sender where a plugin before it gave one"
    if not isinstance(given, str):
        return None, f"returned an envelope sender that is {type(given).__name__}, not str"
    try:
        return check_email(given), ""
    except EmailRefused as error:
        return None, f"returned an envelope sender that cannot be used: {error}"


def fault_of_note(note: object) -> str:
    """Why a note cannot be stored; '' where it can."""
    if not isinstance(note, str):
        return f"returned a note that is {type(note).__name__}, not str"
    if len(note) > LONGEST_NOTE:
        return f"returned a note of {len(note):,} characters, at most {LONGEST_NOTE:,} are kept"
    try:
        note.encode()
    except UnicodeEncodeError:
        return "returned a note with a lone surrogate, which no text in UTF-8 has"
    return ""
