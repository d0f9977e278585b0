"""Placeholders in texts that people write: `{{contact.name}}`, with a fallback `{{contact.first_name|there}}`. Pure.

A placeholder is a name between two braces, perhaps a bar and plain words for where there is no value, and nothing more:
no expression, no filter, no attribute. What is filled into HTML is escaped, so that a customer's name cannot bring
markup into a mail.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from html import escape, unescape

_PLACEHOLDER = re.compile(r"\{\{([^{}<>]{0,200})\}\}")


def check(text: str, known: Iterable[str], *, is_html: bool = True) -> None:
    """Raise ValueError, in words, for a placeholder that nothing fills. known: the names that something fills."""
    names = list(known)
    for found in _PLACEHOLDER.findall(text):
        name, _ = _parts(found, is_html=is_html)
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {{{{{near[0]}}}}}?" if near else f"there are {', '.join(names)}."
            raise ValueError(f"Nothing fills {{{{{name}}}}}: {hint}")


def fill(text: str, values: Mapping[str, str], *, is_html: bool = True) -> str:
    """The text with its placeholders filled; one without a value gets its fallback, and stays as it is without one.

    An empty value counts as none where there is a fallback.
    """

    def value(match: re.Match[str]) -> str:
        name, fallback = _parts(match[1], is_html=is_html)
        found = values.get(name)
        if fallback is not None and not found:
            found = fallback
        if found is None:
            return match[0]
        return escape(found) if is_html else found

    return _PLACEHOLDER.sub(value, text)


def _parts(written: str, *, is_html: bool) -> tuple[str, str | None]:
    """Name and fallback. In HTML both are written with entities, and an editor puts no-break spaces."""
    plain = (unescape(written) if is_html else written).replace("\u00a0", " ")
    name, bar, fallback = plain.partition("|")
    return name.strip().lower(), fallback.strip() if bar else None
