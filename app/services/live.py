"""Tell open pages that something changed."""

from app.live.service import TICKETS, cursor, publish, ticket_topic

__all__ = ["TICKETS", "cursor", "publish", "ticket_topic"]
