"""How many delivery events a second are durable: `python -m bench.webhooks`.

SendGrid's signed webhook, through the real web process into a MariaDB that commits durably, with all that follows
from the events: in batches of 1,000, and one by one over many connections. What was answered is compared with what the
tables hold afterwards, events and fates. The server has one core, loader and database another one.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.log import configure
from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from bench.serving.dataset import Copy
from bench.serving.stage import Plan, Stage, staged

PATH = "/api/delivery/sendgrid"
BATCH = 1000


@dataclass(frozen=True)
class Round:
    """One run. seconds: from the first request to the last answer."""

    seconds: float
    events: int
    """In requests that were answered with 200."""
    refused: int
    stored: int
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Durable events per second."""
        return self.stored / self.seconds

    @property
    def holds(self) -> bool:
        """Whether all that was answered is there, and nothing else."""
        return self.events == self.stored and not self.refused


class Sender:
    """Makes signed requests; each event tells of a copy and has an id of its own."""

    def __init__(self, copies: Sequence[Copy], port: int) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._copies = copies
        self._port = port
        self._next = 0

    @property
    def public(self) -> str:
        """The key for the settings."""
        raw = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(raw).decode()

    def request(self, size: int) -> bytes:
        """One request with so many events."""
        now = int(datetime.now(UTC).timestamp())
        body = json.dumps([self._event(now) for _ in range(size)]).encode()
        signature = self.key.sign(str(now).encode() + body, ec.ECDSA(SHA256()))
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-Twilio-Email-Event-Webhook-Timestamp: {now}\r\n"
            f"X-Twilio-Email-Event-Webhook-Signature: {base64.b64encode(signature).decode()}\r\n\r\n"
        )
        return head.encode() + body

    def _event(self, now: int) -> dict[str, object]:
        copy = self._copies[self._next % len(self._copies)]
        self._next += 1
        return {
            "email": "bob@example.org",
            "timestamp": now,
            "event": "delivered",
            "sg_event_id": secrets.token_urlsafe(16),
            "sg_message_id": f"{secrets.token_urlsafe(16)}.recvd-0",
            "response": "250 2.0.0 OK: queued as 4CxY7k2XkLz1B",
            "tracking_id": copy.tracking_id,
        }


async def _talk(port: int, requests: list[bytes], latencies: list[float]) -> tuple[int, int]:
    """Send requests one after the other over one connection until none is left; how many were taken, and refused."""
    taken = refused = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        data = requests.pop()
        started = time.perf_counter()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
        if head.startswith(b"HTTP/1.1 200"):
            taken += 1
        else:
            refused += 1
    writer.close()
    return taken, refused


def measure(stage: Stage, sender: Sender, *, size: int, count: int, connections: int) -> Round:
    """Send `count` requests of `size` events and count on both sides."""
    before = stage.store.value("SELECT COUNT(*) FROM delivery_events")
    requests = [sender.request(size) for _ in range(count)]
    latencies: list[float] = []

    async def all_at_once() -> list[tuple[int, int]]:
        return await asyncio.gather(*(_talk(stage.port, requests, latencies) for _ in range(connections)))

    started = time.perf_counter()
    answers = asyncio.run(all_at_once())
    seconds = time.perf_counter() - started
    stored = stage.store.value("SELECT COUNT(*) FROM delivery_events") - before
    taken = sum(one for one, _ in answers)
    return Round(seconds, taken * size, sum(one for _, one in answers), stored, sorted(latencies))


async def _prepare(stage: Stage, sender: Sender) -> None:
    """Switch the module on, with the sender's key."""
    runtime = Runtime.build(stage.portal.settings, pool_size=2)
    with runtime.entered():
        await runtime.register_modules()
        await runtime.open(watch=False)
        await modules.set_enabled("delivery", enabled=True, user=None)
        await modules.save("delivery", {"sendgrid_key": sender.public}, user=None)
    await runtime.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=10_000, help="copies that events tell of (default 10000)")
    parser.add_argument("--batches", type=int, default=30, help="requests of 1,000 events a round (default 30)")
    parser.add_argument("--singles", type=int, default=3000, help="requests of one event a round (default 3000)")
    parser.add_argument("--connections", type=int, default=32, help="at once, for single events (default 32)")
    options = parser.parse_args()
    configure(Settings(_env_file=None, log_level="error"))
    with staged(Plan(copies=options.copies, wrk=False)) as stage:
        sender = Sender(stage.portal.copies, stage.port)
        asyncio.run(_prepare(stage, sender))
        where = stage.cores if stage.cores.separate else "one core for all"
        print(f"{options.copies:,} copies, {options.rounds} rounds; {where}; load {os.getloadavg()[0]:.1f}")
        with stage.ours():
            measure(stage, sender, size=10, count=20, connections=2)
            shapes = {
                "batches of 1,000": {"size": BATCH, "count": options.batches, "connections": 2},
                "single events": {"size": 1, "count": options.singles, "connections": options.connections},
            }
            found = {
                name: [measure(stage, sender, **shape) for _ in range(options.rounds)] for name, shape in shapes.items()
            }
        good = True
        for name, rounds in found.items():
            middle = statistics.median(one.rate for one in rounds)
            waits = [wait for one in rounds for wait in one.latencies]
            holds = all(one.holds for one in rounds)
            good = good and holds
            print(
                f"{name:<18}{middle:>10,.0f} events/s   p50 {_at(waits, 0.5):6.1f} ms   p99 {_at(waits, 0.99):6.1f} ms "
                f"  answered {sum(one.events for one in rounds):,}, stored {sum(one.stored for one in rounds):,}"
                f"{'' if holds else '   THEY DIFFER'}"
            )
        fates = stage.store.value("SELECT COUNT(*) FROM email_recipients WHERE fate = 'delivered'")
        print(f"copies shown as delivered: {fates:,} of {options.copies:,}")
    return 0 if good else 1


def _at(waits: Sequence[float], share: float) -> float:
    """The share's quantile in milliseconds."""
    ordered = sorted(waits)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


if __name__ == "__main__":
    sys.exit(main())
