"""What a log may hold of an error: never its words where they may repeat an id, an address or a link."""

from __future__ import annotations

import traceback

from app.database import DatabaseUnavailable
from app.spool import SpoolUnavailable


def explain(error: Exception) -> dict[str, str]:
    """Fields for a line in the log.

    The words of errors that are foreseen; of others, which may have been made from an event, the type and the place.
    """
    if isinstance(error, DatabaseUnavailable | SpoolUnavailable):
        return {"error": str(error)}
    return {"error": type(error).__name__, "where": "".join(traceback.format_tb(error.__traceback__))}
