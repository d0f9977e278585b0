"""What recording counts, for `/metrics`; docs/operations.md says what each means. No id, address or URL is in them."""

from __future__ import annotations

import asyncio
from collections import Counter as Counts

from prometheus_client import Counter, Gauge, Histogram

from app.services.web import WATCH_MODE

REQUESTS = Counter(
    "myportal_tracking_requests", "Opens and clicks that were answered, by what became of them.", ["kind", "outcome"]
)
TODAY = Gauge(
    "myportal_tracking_today_events",
    "Events of this day (UTC) by who made them, as they are judged now, after a rush too.",
    ["kind", "class"],
    multiprocess_mode=WATCH_MODE,
)
BATCH = Histogram(
    "myportal_tracking_batch_events",
    "Events stored by one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
COMMIT = Histogram(
    "myportal_tracking_commit_seconds",
    "Time of one transaction, from the first statement to the commit.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
QUEUE = Gauge("myportal_tracking_queue_events", "Events that wait for the database.", multiprocess_mode="livesum")
DEFERRED = Gauge(
    "myportal_tracking_deferred_events",
    "Events that are stored and not judged yet.",
    multiprocess_mode=WATCH_MODE,
)
DEFERRED_OLDEST = Gauge(
    "myportal_tracking_deferred_oldest_seconds",
    "For how long the first of them has waited.",
    multiprocess_mode=WATCH_MODE,
)
SPOOL_BYTES = Gauge("myportal_tracking_spool_bytes", "Size of the spool.", multiprocess_mode="livemax")
SPOOL_MAX = Gauge(
    "myportal_tracking_spool_max_bytes", "Size that the spool may have (SPOOL_MAX_MB).", multiprocess_mode="livemax"
)
SPOOL_RECORDS = Gauge(
    "myportal_tracking_spool_records",
    "Events in the spool that are not in the database yet.",
    multiprocess_mode="livemax",
)
SPOOL_OLDEST = Gauge(
    "myportal_tracking_spool_oldest_seconds", "Age of the oldest event in the spool.", multiprocess_mode="livemax"
)
SPOOL_DAMAGED = Counter("myportal_tracking_spool_damaged", "Records of the spool that could not be read.")
REPLAYED = Counter("myportal_tracking_replayed", "Events put from the spool into the database.", ["outcome"])
QUARANTINED = Counter("myportal_tracking_quarantined", "Events that the database refused and that were set aside.")
DATABASE_UP = Gauge(
    "myportal_tracking_database_up", "Whether the database takes events: 1 or 0.", multiprocess_mode="livemin"
)
LOST = Counter("myportal_tracking_lost_events", "Events that neither the database nor the spool took.")
_counted: Counts[tuple[str, str]] = Counts()
"""Requests that are not told yet, by kind and outcome."""


def count(kind: str, outcome: str) -> None:
    """Count one request. It is told once the loop has done what waits: telling costs more than counting, and many come
    at the same time.
    """
    if not _counted:
        asyncio.get_running_loop().call_soon(_tell)
    _counted[kind, outcome] += 1


def _tell() -> None:
    for labels, number in _counted.items():
        REQUESTS.labels(*labels).inc(number)
    _counted.clear()
