"""Tell agents what they want to be told."""

from app.notifications.models import Notification, NotificationPage
from app.notifications.service import add, first_read, mark_seen, page, unseen

__all__ = ["Notification", "NotificationPage", "add", "first_read", "mark_seen", "page", "unseen"]
