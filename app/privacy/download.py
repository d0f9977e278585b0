"""An export as an HTTP answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from quart import Response

from app.privacy.export import Export
from app.tickets.files import disposition

SENT_AT_ONCE = 1 << 18
"""Bytes."""


def download(found: Export) -> Response:
    """The zip, sent piece by piece however long that takes, and closed at its end."""
    headers = {
        "Content-Disposition": disposition(found.filename),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
    }
    response = Response(_pieces(found), content_type="application/zip", headers=headers)
    response.timeout = None
    return response


async def _pieces(found: Export) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(found.file.read, SENT_AT_ONCE):
            yield piece
    finally:
        found.close()
