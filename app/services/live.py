"""Tell open pages that something changed."""

from app.live.service import publish

__all__ = ["publish"]
