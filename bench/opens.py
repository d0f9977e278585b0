"""Who opened it, machine or person: `python -m bench.opens FILE.jsonl` classifies labelled or unlabelled sequences.

Prints one JSON line for each sequence: {"id", "classes", "mail_read"}. With `--figures` it prints instead how often
that is right on a labelled file, over all and in five folds by family, and what one classification costs. The rules
have no fitted thresholds, so no fold is ever trained on; the folds only show how even the result is.

A request names its address ("ip") or, as the export of corrections does, the kinds of network it came from
("networks") and, where known, what stands for its client ("client"). A truth may hold "mail_read" alone: without a
family, the sequence's id decides its fold.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plugins.plausible.addresses import MODES, Addresses, AddressMode, client_of_address
from plugins.plausible.classify import Context, CopyHistory, Request, Verdict, chosen_headers, classify
from plugins.plausible.events import read_address
from plugins.plausible.evidence import Evidence, pack, unpack
from plugins.plausible.networks import Networks, load
from plugins.plausible.reducing import Traits, without_traits

FOLDS = 5
SIZES = (1, 3, 10, 100, 1_000, 10_000)
FOLDED = 100_000
"""Identical requests that recording folds into one."""
LEAST_TIMED = 0.05
"""Seconds that a measurement takes at the least."""
AIM_PRECISION, AIM_RECALL, AIM_MILLISECONDS = 0.95, 0.93, 50.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m bench.opens`. Returns 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="one sequence a line")
    parser.add_argument("--figures", action="store_true", help="precision, recall and cost on a labelled file")
    parser.add_argument("--addresses", choices=MODES, default="cut", help="as the setting keeps them; cut as usual")
    parser.add_argument("--reduced", action="store_true", help="user agents as they are kept after their time")
    parser.add_argument("--networks", type=Path, help="a file of networks in place of the shipped one")
    options = parser.parse_args(arguments)
    networks = load(options.networks) if options.networks else load()
    rows = [json.loads(line) for line in options.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    kept = Kept(options.addresses, options.reduced)
    if options.figures:
        return _figures(rows, networks, kept)
    for row in rows:
        print(json.dumps(prediction(row, networks, kept)))
    return 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a request when it is classified."""

    addresses: AddressMode = "cut"
    reduced: bool = False
    """The user agent's time is over."""


AS_USUAL = Kept()


def prediction(row: Mapping[str, Any], networks: Networks, kept: Kept = AS_USUAL) -> dict[str, Any]:
    """The line printed for one sequence."""
    verdict = classify(history_of(row, networks, kept))
    classes = [judgement.kind.value for judgement in verdict.requests]
    return {"id": row["id"], "classes": classes, "mail_read": verdict.read}


def history_of(row: Mapping[str, Any], networks: Networks, kept: Kept = AS_USUAL) -> CopyHistory:
    """A sequence of the file as classification takes it. Links are numbers there, texts here."""
    told = row.get("context") or {}
    sent = _moment(row["sent_at"])
    trap = told.get("honeypot_link")
    links = tuple(str(number) for number in range(row.get("links_in_mail") or 0))
    context = Context(
        sent_at=sent,
        delivered_at=_moment(row["delivered_at"]) if row.get("delivered_at") else None,
        links=links,
        trap_link=None if trap is None else str(trap),
        portal_host=told.get("portal_host"),
        recipient_internal=bool(told.get("recipient_internal")),
        shared_with_agent=bool(told.get("bcc_to_agent")),
        agent_forwarded_at=_after(sent, told.get("agent_forward_t")),
        replied_at=_after(sent, told.get("reply_t")),
        reply_automatic=bool(told.get("reply_auto")),
        networks_stale=False,
    )
    agents, portal = frozenset(told.get("agent_ips") or ()), frozenset(told.get("portal_ips") or ())
    requests = [_request(one, sent, networks, agents, portal) for one in row.get("requests") or ()]
    return CopyHistory(context, [_left_of(one, kept, row["id"]) for one in requests])


def _left_of(request: Request, kept: Kept, copy_id: str) -> Request:
    # What an export names is no address but stands for one already.
    if request.client is not None and read_address(request.client).cut is not None:
        stored = Addresses(["the key does not matter"], lambda: kept.addresses).reduced(request.client, copy_id)
        request = replace(request, client=client_of_address(stored))
    if not kept.reduced:
        return request
    headers = None if request.headers is None else Evidence(headers=request.headers)
    left = without_traits(Traits(request.user_agent, request.referrer, pack(headers) if headers else None))
    return replace(
        request,
        user_agent=left.user_agent,
        referrer=left.referrer,
        headers=unpack(left.evidence).headers if headers else None,
    )


def _request(
    row: Mapping[str, Any], sent: datetime, networks: Networks, agents: frozenset[str], portal: frozenset[str]
) -> Request:
    # null: they were never stored, which is no evidence of their absence.
    stored = row.get("headers", {})
    headers: Mapping[str, str] = stored or {}
    lower = {name.lower(): value for name, value in headers.items()}
    address = row.get("ip")
    known = row.get("networks")
    classes = networks.classes_of(address, agents=agents, portal=portal) if known is None else frozenset(known)
    return Request(
        at=sent + timedelta(seconds=float(row["t"])),
        kind="click" if row["kind"] == "click" else "open",
        link=None if row.get("link") is None else str(row["link"]),
        method=row.get("method") or "GET",
        user_agent=row.get("user_agent"),
        referrer=lower.get("referer"),
        headers=None if stored is None else chosen_headers(headers.items()),
        networks=classes,
        client=address or row.get("client"),
        agent_session="agent_session=" in lower.get("cookie", ""),
        customer_session="customer_session=" in lower.get("cookie", ""),
        repeats=int(row.get("repeats") or 1),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _after(sent: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else sent + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Score:
    """How often "read" was claimed, rightly and wrongly; an unknown truth makes a claim wrong."""

    right: int
    claimed: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.claimed if self.claimed else float("nan")

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else float("nan")


def score(rows: Iterable[Mapping[str, Any]], verdicts: Mapping[str, Verdict]) -> Score:
    """Rows with their truth against the verdicts by id."""
    pairs = [(row["truth"]["mail_read"] is True, verdicts[row["id"]].read is True) for row in rows]
    return Score(sum(t and c for t, c in pairs), sum(c for _, c in pairs), sum(t for t, _ in pairs))


def fold_of(family: str) -> int:
    """The same fold for a family on every machine."""
    return zlib.crc32(family.encode()) % FOLDS


def fold_of_row(row: Mapping[str, Any]) -> int:
    """By the sequence's family, or by its id where the truth names none."""
    return fold_of(str(row["truth"].get("family") or row["id"]))


def _figures(rows: Sequence[Mapping[str, Any]], networks: Networks, kept: Kept) -> int:
    verdicts = {row["id"]: classify(history_of(row, networks, kept)) for row in rows}
    total = score(rows, verdicts)
    print(f"{'':14}sequences  precision  recall")
    print(f"{'all':14}{len(rows):9}  {total.precision:9.3f}  {total.recall:6.3f}")
    for fold in range(FOLDS):
        held = [row for row in rows if fold_of_row(row) == fold]
        part = score(held, verdicts)
        print(f"{f'fold {fold + 1}':14}{len(held):9}  {part.precision:9.3f}  {part.recall:6.3f}")
    print("(folds by family; nothing is fitted, so nothing is trained on the other four)")
    print("\nrequests  one classification")
    large = 0.0
    for size in SIZES:
        large = _cost(_many(size, varied=False))
        print(f"{size:8}  {_time(large)}")
    print(f"{SIZES[-1]:8}  {_time(_cost(_many(SIZES[-1], varied=True)))}  (every request from another program)")
    print(f"{FOLDED:8}  {_time(_cost(_folded(FOLDED)))}  (identical, folded into one as recording does)")
    reached = total.precision >= AIM_PRECISION and total.recall >= AIM_RECALL and large * 1000 < AIM_MILLISECONDS
    print(f"\naims: precision {AIM_PRECISION}, recall {AIM_RECALL}, {SIZES[-1]} requests in {AIM_MILLISECONDS} ms: "
          f"{'reached' if reached else 'missed'}")  # fmt: skip
    return 0 if reached else 1


def _cost(history: CopyHistory) -> float:
    """Seconds of processor time: the best of some runs, without the machine's other business.

    What is remembered of looks is warm, as in a process that has run for a minute.
    """
    times: list[float] = []
    while len(times) < 12 or sum(times) < LEAST_TIMED:
        start = time.thread_time()
        classify(history)
        times.append(time.thread_time() - start)
    return min(times)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:8.2f} ms" if seconds >= 0.001 else f"{seconds * 1_000_000:8.1f} us"


_PROGRAMS = (
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Barracuda Sentinel (EE)",
)


def _many(size: int, *, varied: bool) -> CopyHistory:
    """A history of that size: opens and clicks of several programs and addresses, a quarter minute apart."""
    sent = datetime(2026, 8, 7, 12, tzinfo=UTC)
    headers = chosen_headers([("Accept", "text/html"), ("Accept-Language", "en"), ("Sec-Fetch-User", "?1")])
    first = int(ipaddress.IPv4Address("198.51.100.0"))
    requests = [
        Request(
            at=sent + timedelta(seconds=20 + 15 * number + number % 7),
            kind="click" if number % 3 == 2 else "open",
            link=str(number % 5) if number % 3 == 2 else None,
            user_agent=_PROGRAMS[number % len(_PROGRAMS)] + (f" No/{number}" if varied else ""),
            headers=headers,
            client=str(ipaddress.IPv4Address(first + number % 199)),
        )
        for number in range(size)
    ]
    return CopyHistory(Context(sent_at=sent, links=("0", "1", "2", "3", "4")), requests)


def _folded(size: int) -> CopyHistory:
    """One address that asked for the pixel so many times."""
    history = _many(1, varied=False)
    return CopyHistory(history.context, [replace(history.requests[0], repeats=size)])


if __name__ == "__main__":
    sys.exit(main())
