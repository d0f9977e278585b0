"""The files of the shared collection of real HTML mails, where it is present."""

from pathlib import Path

from bench.mail_corpus import CORPUS


def html_mails() -> list[Path]:
    """Return the mails' files in order; empty where the collection is absent."""
    return sorted(CORPUS.glob("*.html"))
