"""Compare the rewriter with its peers on real mail: `python -m bench.rewrite`.

Speed is taken side by side: every tool runs over all mails in each round, the rounds
follow each other (A B A B), and the best time of a mail counts: processor time of one
thread, which other programs disturb less. Fidelity is judged with html5lib; see
rewrite_truth.py. With --hostile, the growth of our own time, and memory, on documents
made to be slow. Peers come with the extra: pip install -e ".[bench-rewrite]".
"""

import argparse
import base64
import json
import re
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import hostile, mail_corpus, rewrite_peers, rewrite_truth
from bench.rewrite_peers import CLICK, PIXEL, Rewriter
from plugins.plausible.rewriter import restore, rewrite
from plugins.plausible.rewriter.attributes import decode

_TRACKED = re.compile(re.escape(CLICK) + r"[A-Za-z0-9_=-]*")
_PIXEL_TAG = re.compile(rf"""<img[^<>]*?{re.escape(PIXEL)}[^<>]*>""")
_SIZES = (62_500, 250_000, 1_000_000)


@dataclass
class Score:
    """What one tool did to the corpus; times in seconds, the others count mails."""

    times: dict[str, float] = field(default_factory=dict)
    crashed: int = 0
    exact: int = 0
    missed: int = 0
    missed_outlook: int = 0
    wrong: int = 0
    live: int = 0


@dataclass(frozen=True)
class Mail:
    name: str
    html: str
    browser: set[str]
    outlook: set[str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds over all mails (default 3)")
    parser.add_argument("--hostile", action="store_true", help="growth and memory on hostile documents")
    options = parser.parse_args()
    if options.hostile:
        return report_growth()
    if not mail_corpus.available():
        print(f"No corpus at {mail_corpus.CORPUS}; say where it is with MYPORTAL_SHARED.", file=sys.stderr)
        return 1
    compare(options.rounds)
    return 0


def compare(rounds: int) -> None:
    tools, missing = rewrite_peers.installed()
    # BeautifulSoup warns about every mail with an XML prolog.
    warnings.simplefilter("ignore")
    mails = [
        Mail(name, html, rewrite_truth.browser_links(html), rewrite_truth.outlook_links(html))
        for name, html in mail_corpus.bodies()
    ]
    scores = {name: Score() for name in tools}
    for name, tool in tools.items():
        for mail in mails:
            judge(tool, mail, scores[name])
    for _ in range(rounds):
        for name, tool in tools.items():
            take_times(tool, mails, scores[name])
    print_table(mails, scores)
    if missing:
        print(f"\nNot installed, so left out: {', '.join(missing)}.")


def judge(tool: Rewriter, mail: Mail, score: Score) -> None:
    """Run a tool once on a mail and count what it did wrong."""
    try:
        output = tool(mail.html)
    except Exception:  # whatever a peer raises, the mail would have gone out untracked
        score.crashed += 1
        return
    recorded = {recorded_url(token) for token in _TRACKED.findall(output)}
    links = mail.browser | mail.outlook
    # An address without a host, like an unfilled "http://", leads nowhere either way.
    wrong = {url for url in recorded if rewrite_truth.is_web_address(url)} - links
    score.wrong += bool(wrong)
    # Undecoded destinations are wrong, not inexact; addresses of no link at all are both.
    score.exact += is_exact(mail.html, output) and {cleaned_value(url) for url in wrong} <= links
    score.missed += bool(mail.browser - recorded)
    score.missed_outlook += bool(mail.outlook - mail.browser - recorded)
    score.live += rewrite_truth.pixel_is_live(output, PIXEL)


def cleaned_value(value: str) -> str:
    return rewrite_truth.cleaned(decode(value))


def recorded_url(token: str) -> str:
    """The destination in a tracking URL, cleaned as a browser would on the way there."""
    payload = base64.urlsafe_b64decode(token.removeprefix(CLICK)).decode("utf-8", "surrogatepass")
    # pytracking wraps the destination in JSON.
    url: str = json.loads(payload)["url"] if payload.startswith('{"url"') else payload
    return rewrite_truth.cleaned(url)


def is_exact(html: str, output: str) -> bool:
    """Whether the output is the input but for the pixel and the values of rewritten links."""
    pieces = _TRACKED.split(_PIXEL_TAG.sub("", output))
    position = 0
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        if not html.startswith(piece, position):
            return False
        position += len(piece)
        if following:
            quote = piece[-1:] if piece[-1:] in ("'", '"') else None
            end = re.compile(re.escape(quote) if quote else r"[\t\n\f\r >]|\Z").search(html, position)
            position = end.start() if end else len(html)
    return position == len(html)


def take_times(tool: Rewriter, mails: list[Mail], score: Score) -> None:
    for mail in mails:
        start = time.process_time()
        try:
            tool(mail.html)
        except Exception:  # noqa: S112 - counted as a crash already; a crash has no time
            continue
        elapsed = time.process_time() - start
        score.times[mail.name] = min(elapsed, score.times.get(mail.name, elapsed))


def print_table(mails: list[Mail], scores: dict[str, Score]) -> None:
    sizes = {mail.name: len(mail.html) for mail in mails}
    linked = sum(bool(mail.browser) for mail in mails)
    outlook = sum(bool(mail.outlook - mail.browser) for mail in mails)
    print(
        f"{len(mails)} mails, {sum(sizes.values()) / 1e6:.1f} MB; {linked} with links, "
        f"{outlook} with links that only Outlook shows\n"
    )
    print(
        f"{'tool':26}{'MB/s':>7}{'median µs':>11}{'p99 µs':>9}{'crashed':>9}{'exact':>8}"
        f"{'missed':>8}{'Outlook':>9}{'wrong':>7}{'pixel live':>12}"
    )
    for name, score in scores.items():
        times = sorted(score.times.values())
        speed = sum(sizes[mail] for mail in score.times) / sum(times) / 1e6
        p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
        print(
            f"{name:26}{speed:7.1f}{statistics.median(times) * 1e6:11.0f}{p99 * 1e6:9.0f}{score.crashed:9}"
            f"{score.exact / len(mails):8.1%}{score.missed:8}{score.missed_outlook:9}{score.wrong:7}"
            f"{score.live / len(mails):12.1%}"
        )


def report_growth() -> int:
    """Print our times at three sizes, the last ratio, and peak memory over input at 1 MB."""
    failures = 0
    print(f"{'pattern':36}{'62 kB':>9}{'250 kB':>9}{'1 MB':>9}{'ratio':>7}{'restore':>9}{'memory':>8}")
    for name, make in hostile.PATTERNS.items():
        documents = [make(size) for size in _SIZES]
        times = [best_time(rewritten, html) for html in documents]
        back = best_time(restored, documents[-1])
        memory = peak_memory(documents[-1]) / len(documents[-1])
        ratio = times[2] / times[1]
        # Below a millisecond the ratio tells of the clock and not of the growth.
        slow = times[2] > 1 or back > 1 or (ratio > 8 and times[2] > 0.001)
        failures += slow
        print(
            f"{name[:35]:36}{times[0]:9.4f}{times[1]:9.4f}{times[2]:9.4f}{ratio:7.1f}{back:9.4f}{memory:8.1f}"
            f"{'  SLOW' if slow else ''}"
        )
    total = len(hostile.PATTERNS)
    print(f"\nProcessor seconds, best of 3. Over 1 s for 1 MB or 8 times 250 kB: {failures} of {total}.")
    return 1 if failures else 0


def rewritten(html: str) -> str:
    return rewrite(html, link=rewrite_peers.tracked, pixel_url=PIXEL).html


def restored(html: str) -> str:
    return restore(html, destination=lambda _: None, is_pixel=lambda _: False)


def best_time(run: Callable[[str], str], html: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        run(html)
        best = min(best, time.process_time() - start)
    return best


def peak_memory(html: str) -> int:
    tracemalloc.start()
    rewritten(html)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    sys.exit(main())
