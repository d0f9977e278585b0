"""What accounts allow: names, passwords, where a login leads. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from zoneinfo import available_timezones

from app.accounts.errors import AccountError

ROLES = ("admin", "agent")
MIN_PASSWORD = 10
MAX_PASSWORD = 200
MAX_NAME = 200
MAX_SIGNATURE = 2000
MAX_TOKEN_NAME = 100
START = "/tickets"
"""Where a login leads when nothing else was asked for."""

_EMAIL = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]]{1,253}")
_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))
"""Invisible, but part of names in Persian and Indian scripts, and of emoji."""

_GUESSED_FIRST = frozenset(
    re.findall(
        r"\w+",
        """
        password passwort passw letmein welcome willkommen iloveyou sunshine princess football baseball basketball
        superman batman pokemon starwars trustno monkey dragon master shadow michael jennifer jordan computer internet
        samsung google changeme secret default admin administrator root guest test support helpdesk myportal portal
        qwerty qwertz azerty qwertyuiop qwertzuiop asdfghjkl zxcvbnm qwertyasdfgh qazwsxedc qazwsx abcdef abcdefg
        """,
    )
)
_SEQUENCES = (
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
)
_LEET = str.maketrans("013457@$!", "oieastasi")


def check_email(text: str) -> str:
    """The address without blanks around it. Raises AccountError for what is none."""
    email = text.strip()
    if len(email) > 254 or not email.isprintable() or not _EMAIL.fullmatch(email) or ".." in email:
        raise AccountError(f"{text[:80]!r} is not an email address; write it like ada@example.com.", field="email")
    return email


def check_role(role: str) -> str:
    """The role. Raises AccountError for an unknown one."""
    if role not in ROLES:
        raise AccountError(f"The role must be one of {', '.join(ROLES)}, got {role[:80]!r}.", field="role")
    return role


def check_name(text: str) -> str:
    """The name on one line. Raises AccountError where it is empty, too long or has invisible characters."""
    return _one_line(text, "name", "name", MAX_NAME, "customers see it on your replies")


def check_token_name(text: str) -> str:
    """What an API token is for, on one line. Raises AccountError as `check_name`."""
    return _one_line(
        text, "token_name", "token's name", MAX_TOKEN_NAME, "say what it is for, so that it can be revoked"
    )


def _one_line(text: str, field: str, what: str, most: int, why: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise AccountError(f"The {what} is empty; {why}.", field=field)
    if len(line) > most:
        raise AccountError(f"The {what} has {len(line)} characters; at most {most} fit.", field=field)
    if not line.translate(_JOINERS).isprintable():
        raise AccountError(f"The {what} {line[:80]!r} has invisible characters; type it anew.", field=field)
    return line


def check_signature(text: str) -> str:
    """The signature with plain line ends. Raises AccountError where it is too long or has control characters."""
    signature = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n ")
    if len(signature) > MAX_SIGNATURE:
        raise AccountError(
            f"The signature has {len(signature)} characters; at most {MAX_SIGNATURE} fit.", field="signature"
        )
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in signature if char not in "\n\t"):
        raise AccountError("The signature has control characters; type it anew.", field="signature")
    return signature


@cache
def time_zones() -> tuple[str, ...]:
    """The names of the IANA time zone database, in order; read from disk once."""
    return tuple(sorted(available_timezones() - {"Factory", "localtime", "posixrules"}))


def check_timezone(name: str) -> str:
    """The name of a time zone, or '' for what the browser says. Raises AccountError for an unknown one."""
    if name and name not in time_zones():
        raise AccountError(f"There is no time zone {name[:80]!r}; choose one of the list.", field="timezone")
    return name


def check_password(password: str, *, about: Sequence[str] = ()) -> str:
    """The password itself. about: the user's name and address, which are guessed first.

    Raises AccountError for one too short, too long or easy to guess. Source: OWASP ASVS 5.0, 6.2.
    """
    check_length(password)
    if is_guessed_first(password, about=about):
        raise AccountError(
            "The password is among those that are guessed first; take three or four words instead.", field="password"
        )
    return password


def check_length(password: str) -> str:
    """The password itself. Raises AccountError for one too short, too long or of hardly any different characters."""
    if len(password) < MIN_PASSWORD:
        raise AccountError(
            f"The password has {len(password)} characters; it needs at least {MIN_PASSWORD}. "
            "Three or four words in a row are easy to keep in mind.",
            field="password",
        )
    if len(password) > MAX_PASSWORD:
        raise AccountError(
            f"The password has {len(password)} characters; at most {MAX_PASSWORD} are taken.", field="password"
        )
    if not _storable(password):
        raise AccountError("The password has characters that no keyboard makes; leave them out.", field="password")
    if len(set(password)) < 4:
        raise AccountError("The password repeats too few characters; mix in others.", field="password")
    return password


def _storable(text: str) -> bool:
    return not any(unicodedata.category(char) == "Cs" for char in text)


def is_guessed_first(password: str, *, about: Sequence[str] = ()) -> bool:
    """Whether a password is a common word, a row of keys, a repeated piece, or about its owner, with a few digits."""
    folded = password.casefold()
    if _repeats(folded) or any(folded in sequence for sequence in _SEQUENCES):
        return True
    known = set(_GUESSED_FIRST)
    for words in map(str.casefold, about):
        known |= {words, words.partition("@")[0], *re.findall(r"\w+", words), re.sub(r"\W", "", words)}
    # 'ada-lovelace.2026' without its signs and digits, and 'p4ssw0rd!' without those around it.
    letters = re.sub(r"[\W\d_]", "", folded)
    word = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded).translate(_LEET)
    return bool({folded, letters, word} & known)


def _repeats(password: str) -> bool:
    """Whether it is a piece of at most four characters over and over."""
    return any(password == (password[:size] * len(password))[: len(password)] for size in range(1, 5))


def local_path(candidate: str) -> str:
    """Where to go after login: `candidate` when it is a path of this portal, else the start page.

    Browsers read '//host', '/\\host' and '/<tab>/host' as another host, so none of these pass.
    """
    if not candidate.startswith("/") or candidate.startswith(("//", "/login")):
        return START
    if len(candidate) > 2000 or "\\" in candidate or not candidate.isprintable():
        return START
    return candidate


def device_words(user_agent: str) -> str:
    """A browser and system in words, 'Firefox on Linux', for people to recognise their own sessions by."""
    browsers = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
    systems = {
        "iPhone": "iPhone",
        "iPad": "iPad",
        "Android": "Android",
        "Windows": "Windows",
        "Mac OS X": "macOS",
        "CrOS": "ChromeOS",
        "Linux": "Linux",
    }
    browser = next((words for mark, words in browsers.items() if mark in user_agent), "")
    system = next((words for mark, words in systems.items() if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown program"
