"""The shared collection of real HTML mails, where it is present."""

import os
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent
SHARED = Path(os.environ.get("MYPORTAL_SHARED", _ROOT.parent / "shared"))


def html_mails() -> list[Path]:
    """Return the mails' files in order; empty where the collection is absent."""
    return sorted((SHARED / "corpus" / "html").glob("*.html"))
