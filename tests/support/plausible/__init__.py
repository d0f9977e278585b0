"""A strict stand-in for Plausible.

    async with PlausibleServer(edition="ce", site="help.example.com") as server:
        server.faults.status(503, path="/api/event", times=3)
        ...  # send to server.base_url
    assert [event.name for event in server.events] == [...]

`with PlausibleServer.in_thread(...) as server:` runs it beside a test that waits for another process, and
`python -m tests.support.plausible` by hand.
"""

from tests.support.plausible.faults import Fault, Faults
from tests.support.plausible.http import Request
from tests.support.plausible.model import Dropped, Event, Goal, Instance, Key, Rejected, Site
from tests.support.plausible.server import PlausibleServer

__all__ = [
    "Dropped",
    "Event",
    "Fault",
    "Faults",
    "Goal",
    "Instance",
    "Key",
    "PlausibleServer",
    "Rejected",
    "Request",
    "Site",
]
