"""Tags that agents put on tickets."""

from app.tags.service import suggest, tags

__all__ = ["suggest", "tags"]
