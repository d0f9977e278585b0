"""What recording counts, for `/metrics`; docs/operations.md says what each means. No id, address or URL is in them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

LATER = "later"
"""In place of the class of an event that was stored in a rush, and judged afterwards."""
REQUESTS = Counter(
    "myportal_tracking_requests", "Opens and clicks that were answered, by what became of them.", ["kind", "outcome"]
)
EVENTS = Counter(
    "myportal_tracking_events",
    "Events that were stored, by who made them when they came, 'later' for those that were judged after a rush.",
    ["kind", "class"],
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
_CHILDREN: dict[tuple[str, str], Counter] = {}
_BY_CLASS: dict[tuple[str, str], Counter] = {}


def count(kind: str, outcome: str) -> None:
    """Count one request."""
    child = _CHILDREN.get((kind, outcome))
    if child is None:
        child = _CHILDREN[kind, outcome] = REQUESTS.labels(kind, outcome)
    child.inc()


def count_event(kind: str, name: str, repeats: int) -> None:
    """Count one stored event. name: its class."""
    child = _BY_CLASS.get((kind, name))
    if child is None:
        child = _BY_CLASS[kind, name] = EVENTS.labels(kind, name)
    child.inc(repeats)
