"""Tell open pages that something changed."""

from app.live.events import TICKETS, ticket_topic
from app.live.service import cursor, publish

__all__ = ["TICKETS", "cursor", "publish", "ticket_topic"]
