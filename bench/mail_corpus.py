"""The HTML bodies of the shared mail corpus, decoded as their source says."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

_SHARED = Path(os.environ.get("MYPORTAL_SHARED") or Path(__file__).parents[2] / "shared")
CORPUS = _SHARED / "corpus" / "html"


def available() -> bool:
    """Whether the corpus lies beside this repository (or where MYPORTAL_SHARED says)."""
    return (CORPUS / "SOURCES.tsv").is_file()


def bodies() -> Iterator[tuple[str, str]]:
    """File name and text of every body. A byte that its charset does not have becomes U+FFFD."""
    with (CORPUS / "SOURCES.tsv").open(encoding="utf-8", newline="") as sources:
        # The paths contain unpaired quotation marks.
        for row in csv.DictReader(sources, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield row["file"], (CORPUS / row["file"]).read_bytes().decode(row["charset"], "replace")
