"""Words as the search compares them, and how they are written down for the database. Pure.

A word is a run of letters and digits in lower case, without accents: "Café-Rechnung" is `cafe` and `rechnung`. Where
a script puts no spaces between words, each two neighbouring characters are one: "東京都" is `東京` and `京都`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

MAX_TEXT = 200_000
"""Characters of one text that are looked at; what stands behind is not found."""
MAX_WORDS = 5_000
"""Different words that one text adds."""
MAX_WORD = 40
"""Characters that count; longer runs are keys and addresses that nobody types to their end."""
MAX_NEEDLES = 8
MIN_PREFIX = 2
"""A last word this long also finds longer words that start with it."""
SHORTEST_INDEXED = 4
"""Words are padded to this length, because a server may index none below 3 characters, or 4 when told so."""

_STOP_WORDS = """
    a about an are as at be by com de en for from how i in is it la of on or that the this to und was what when where
    who will with www
"""
SERVER_STOP_WORDS = frozenset(_STOP_WORDS.split())
"""What InnoDB leaves out of a full-text index unless it is told otherwise."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_])+")
_ASCII_RUN = re.compile("[a-z0-9]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


@dataclass(frozen=True)
class Needle:
    """One word to look for; with `is_prefix` also words that start with it."""

    word: str
    is_prefix: bool = False

    @property
    def located(self) -> str:
        """What to look for in a `document`, with LOCATE."""
        return f" {self.word}" if self.is_prefix else f" {_written(self.word)} "

    @property
    def against(self) -> str:
        """What to give to MATCH ... AGAINST in boolean mode: letters, digits and _ only, so no operator gets in."""
        return f"+{self.word}*" if self.is_prefix else f"+{_written(self.word)}"


def words_of(*texts: str) -> list[str]:
    """The different words of these texts, in the order in which they first come."""
    found: dict[str, None] = {}
    for text in texts:
        limit = len(found) + MAX_WORDS
        plain = _plain(text[:MAX_TEXT])
        if plain.isascii():
            pieces = (run[:MAX_WORD] for run in _ASCII_RUN.findall(plain))
        else:
            pieces = (piece for run in _RUN.findall(plain) for piece in _split(run))
        for piece in pieces:
            found[piece] = None
            if len(found) >= limit:
                break
    return list(found)


def document(words: Iterable[str]) -> str:
    """Words as they are stored: between single spaces, and one at each end."""
    return f" {' '.join(map(_written, words))} "


def stored_words(document: str) -> frozenset[str]:
    """The words of a `document`, as they are written there."""
    return frozenset(document.split())


def missing_from(document: str, words: Iterable[str]) -> list[str]:
    """Those of `words` that a document does not hold."""
    known = stored_words(document)
    return [word for word in words if _written(word) not in known]


def needles(query: str) -> tuple[Needle, ...]:
    """What a query asks for; empty where it holds no word.

    All have to be found. The word typed last may be unfinished. Of more than MAX_NEEDLES words the first count.
    """
    typed = words_of(query)[:MAX_NEEDLES]
    if not typed:
        return ()
    last = typed[-1]
    finished = query != query.rstrip() or not (len(last) >= MIN_PREFIX or _IS_UNSPACED.match(last))
    return (*map(Needle, typed[:-1]), Needle(last, is_prefix=not finished))


def beginnings(query: str) -> tuple[Needle, ...]:
    """What a query for a name asks for: words that start with each of its words."""
    return tuple(Needle(word, is_prefix=True) for word in words_of(query)[:MAX_NEEDLES])


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFC", "".join(char for char in folded if unicodedata.category(char)[0] != "M"))


def _split(run: str) -> list[str]:
    if not _IS_UNSPACED.match(run):
        return [run[:MAX_WORD]]
    return [run[start : start + 2] for start in range(max(len(run) - 1, 1))]


def _written(word: str) -> str:
    """The word as an index keeps it whatever the server's settings; _ is a letter to the server, not to us."""
    if word in SERVER_STOP_WORDS:
        return f"{word}_".ljust(SHORTEST_INDEXED, "_")
    return word.ljust(SHORTEST_INDEXED, "_")
