"""The one way in: the raw bytes are stored and committed before anybody is told that we have them."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from functools import partial

from app.database import Connection
from app.inbound import repository
from app.inbound.errors import MailRefused, MailTooLarge
from app.inbound.models import Stored
from app.runtime import Runtime

PIECE = 1_000_000
"""Raw bytes of a piece: quoting may double them, and servers take packets of 16 MB by default."""


async def receive(
    runtime: Runtime, raw: bytes, *, source: str, mailbox_id: int | None = None, recipient: str = "", held: str = ""
) -> Stored:
    """Store a mail; when this returns, it is committed. The very same bytes for the same mailbox are stored once.

    source: 'pipe', 'lmtp' or 'imap'. recipient: of the envelope, where it is known. held: why it is not to be read.
    Raises MailRefused where the mail is empty or too large, DatabaseUnavailable; then it is not ours, and whoever has
    it must keep it.
    """
    check_size(runtime, len(raw))
    if not raw.strip():
        raise MailRefused("The mail is empty; nothing was stored.")
    key = await asyncio.to_thread(raw_key, raw, mailbox_id)

    async def work(conn: Connection) -> Stored:
        mail_id = await repository.insert(
            conn, raw_key=key, mailbox_id=mailbox_id, source=source, recipient=recipient, size=len(raw), held=held
        )
        if mail_id is None:
            return Stored(await repository.id_of(conn, key), new=False)
        for position, start in enumerate(range(0, len(raw), PIECE)):
            pack = partial(zlib.compress, raw[start : start + PIECE], 1)
            piece = pack() if len(raw) < 50_000 else await asyncio.to_thread(pack)
            await repository.insert_piece(conn, mail_id=mail_id, position=position, piece=piece)
        return Stored(mail_id, new=True)

    return await runtime.database.run(work)


def check_size(runtime: Runtime, size: int) -> None:
    """Raise MailTooLarge above INBOUND_MAX_MB."""
    if size > runtime.settings.inbound_max_bytes:
        raise MailTooLarge(
            f"The mail has {size:,} bytes, at most {runtime.settings.inbound_max_mb} MB are taken (INBOUND_MAX_MB)."
        )


def raw_key(raw: bytes, mailbox_id: int | None) -> bytes:
    """What makes a mail that comes twice one: its mailbox and its bytes."""
    digest = hashlib.sha256(f"{mailbox_id or 0}\n".encode())
    digest.update(raw)
    return digest.digest()


async def load(runtime: Runtime, mail_id: int) -> bytes:
    """The raw bytes of a mail."""
    pieces: list[bytes] = []
    async with runtime.database.connection() as conn:
        while (piece := await repository.piece(conn, mail_id, len(pieces))) is not None:
            pieces.append(
                zlib.decompress(piece) if len(piece) < 50_000 else await asyncio.to_thread(zlib.decompress, piece)
            )
    return b"".join(pieces)
