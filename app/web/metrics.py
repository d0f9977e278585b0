"""What this portal's processes count, in the words of Prometheus."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.server.metrics_folder import held_still

WEB_PROCESSES = Gauge(
    "myportal_web_processes", "Web processes that are ready for requests.", multiprocess_mode="livesum"
)


def exposition() -> bytes:
    """All metrics; of all web processes of one `myportal serve`, where it started several."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return generate_latest()
    # Made for each request, as the client library asks for.
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    with held_still(Path(folder)):
        return generate_latest(registry)
