"""What is counted of visits that go by the portal, for `/metrics`; docs/operations.md says what each means."""

from __future__ import annotations

from prometheus_client import Counter

VISITS = Counter(
    "myportal_plausible_page_events", "Events of pages that came to be passed on to Plausible.", ["outcome"]
)


def count(outcome: str) -> None:
    """Count one event."""
    VISITS.labels(outcome).inc()
