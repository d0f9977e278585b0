"""What cleaning a customer's HTML costs before an agent sees it: `python -m bench.cleaning`.

Every mail of the corpus goes through all that its frame goes through: the caps, the wall (nh3), folding. Then documents
of 100 KB made to be slow: nested tags, and every pattern of `bench.hostile`; what the caps refuse is shown as text.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

from app.email.errors import ContentTooLarge
from app.tickets import display
from bench import mail_corpus
from bench.hostile import PATTERNS

SIZE = 100_000
"""Characters of a hostile document."""
BOUND = 1.0
"""Seconds that one of them may take."""
NESTED = ("div", "b", "table", "blockquote", "span", "font")


def main() -> int:
    """Measure and print; 1 where a hostile document takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each mail is cleaned (default 3)")
    options = parser.parse_args()
    if mail_corpus.available():
        _corpus(options.rounds)
    else:
        print("No mail corpus beside the repository: only hostile documents are measured.\n")
    return _hostile()


def _corpus(rounds: int) -> None:
    times: list[float] = []
    sizes = 0
    for _, html in mail_corpus.bodies():
        sizes += len(html)
        times.append(statistics.median(_seconds(html) for _ in range(rounds)))
    times.sort()
    print(f"{len(times)} mails, {sizes / 1e6:.1f} million characters, median of {rounds} rounds each")
    print(
        f"a mail: median {times[len(times) // 2] * 1000:.2f} ms, 99 % {times[int(len(times) * 0.99)] * 1000:.1f} ms, "
        f"worst {times[-1] * 1000:.1f} ms\n"
    )


def _hostile() -> int:
    documents = [(f"nested <{tag}>", f"<{tag}>" * (SIZE // (len(tag) + 2))) for tag in NESTED]
    documents += [(name, make(SIZE)) for name, make in PATTERNS.items()]
    found = sorted(((_seconds(html), name, _is_refused(html)) for name, html in documents), reverse=True)
    print(f"{len(found)} documents of {SIZE:,} characters made to be slow; the slowest:")
    for seconds, name, refused in found[:5]:
        print(f"{seconds * 1000:>9.1f} ms  {name[:60]!r}{'  (refused by the caps, shown as text)' if refused else ''}")
    nested: Sequence[float] = [seconds for seconds, name, _ in found if name.startswith("nested")]
    print(f"nested tags: {max(nested) * 1000:.1f} ms at most")
    return 0 if found[0][0] <= BOUND else 1


def _seconds(html: str) -> float:
    start = time.perf_counter()
    display.frame_document(html, "")
    return time.perf_counter() - start


def _is_refused(html: str) -> bool:
    try:
        display.clean_mail(html)
    except ContentTooLarge:
        return True
    return False


if __name__ == "__main__":
    raise SystemExit(main())
