"""What `/metrics` says of mail, in and out; docs/operations.md says what each figure means."""

from __future__ import annotations

from prometheus_client import Gauge
from quart import Quart

from app.database import utcnow
from app.email import queue_repository
from app.inbound import mailbox_repository
from app.inbound import repository as inbound_repository
from app.runtime import Runtime
from app.web.watch import MODE, Watch

INBOUND = Gauge(
    "myportal_inbound_mails", "Mails that came in and are not settled, by state.", ["state"], multiprocess_mode=MODE
)
INBOUND_OLDEST = Gauge(
    "myportal_inbound_oldest_waiting_seconds", "Age of the oldest mail that is not read yet.", multiprocess_mode=MODE
)
MAILBOXES_FAILING = Gauge(
    "myportal_mailboxes_failing", "Mailboxes whose last look ended with an error.", multiprocess_mode=MODE
)
OUTBOX = Gauge("myportal_outbox_copies", "Copies of mails that are still to be sent.", multiprocess_mode=MODE)
OUTBOX_LATE = Gauge(
    "myportal_outbox_late_seconds", "By how much the copy is late that should have gone first.", multiprocess_mode=MODE
)


def install(app: Quart, runtime: Runtime) -> None:
    """Read the figures while the web process serves."""
    watch = Watch("mail", lambda: read(runtime))

    @app.before_serving
    async def start() -> None:
        watch.start()

    @app.after_serving
    async def close() -> None:
        await watch.close()


async def read(runtime: Runtime) -> None:
    """Set the gauges. Raises DatabaseUnavailable."""
    async with runtime.database.connection() as conn:
        counts = await inbound_repository.counts(conn)
        oldest = await inbound_repository.oldest_new(conn)
        mailboxes = await mailbox_repository.mailboxes(conn)
        waiting = await queue_repository.waiting(conn)
    now = utcnow()
    for label in ("new", "quarantined"):
        INBOUND.labels(label).set(counts.get(label, 0))
    INBOUND_OLDEST.set(max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)
    MAILBOXES_FAILING.set(sum(bool(one.fetches and one.last_error) for one in mailboxes))
    OUTBOX.set(waiting.copies)
    OUTBOX_LATE.set(max(0.0, (now - waiting.first_due_at).total_seconds()) if waiting.first_due_at else 0.0)
