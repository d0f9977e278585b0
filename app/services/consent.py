"""What contacts decided about being tracked."""

from app.consent.models import Decision
from app.consent.service import decide, decisions

__all__ = ["Decision", "decide", "decisions"]
