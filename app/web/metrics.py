"""What this portal's processes count, in the words of Prometheus."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

WEB_PROCESSES = Gauge(
    "myportal_web_processes", "Web processes that are ready for requests.", multiprocess_mode="livesum"
)


def exposition() -> bytes:
    """All metrics; of all web processes of one `myportal serve`, where it started several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    # Made for each request, as the client library asks for.
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
