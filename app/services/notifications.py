"""Tell agents what they asked to be told."""

from app.notifications.models import Notification, NotificationPage
from app.notifications.service import first_read, mark_seen, page, unseen

__all__ = ["Notification", "NotificationPage", "first_read", "mark_seen", "page", "unseen"]
