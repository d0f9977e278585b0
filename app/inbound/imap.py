"""One session with an IMAP server, in a thread: what is new is handed over, and marked as read once it is stored."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import imapclient
from imapclient.exceptions import IMAPClientError, LoginError

from app.inbound.imap_client import PinnedClient
from app.inbound.mailbox_models import ImapPlace

TIMEOUT = 30.0
"""Seconds to wait for the server, but for news while idling."""
IDLE_ROUND = 1.0
"""Seconds between looks, while idling, whether we shall stop."""
IDLE_AGAIN = 1500.0
"""Seconds after which IDLE starts anew; servers end it after 30 minutes (RFC 2177)."""
MOST_AT_ONCE = 200
"""Mails of one look; the rest comes with the next."""


class ImapFailed(Exception):
    """The server did not let us in, or does not answer; the message says why, without the password."""


@dataclass(frozen=True)
class Progress:
    """How far a folder was read."""

    uid_validity: int
    last_uid: int


@dataclass(frozen=True)
class Fetched:
    """One mail of the server. is_cut: it is larger than the portal takes, and only its headers were fetched."""

    raw: bytes
    size: int
    is_cut: bool = False


class Session:
    """A logged-in connection with the folder open; close it at the end. Every method raises ImapFailed."""

    def __init__(
        self,
        place: ImapPlace,
        addresses: Sequence[str],
        *,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """addresses: the server's, that may be connected to; no others are."""
        with _in_words(place):
            context = tls or ssl.create_default_context()
            self._client = PinnedClient(
                place.host,
                place.port,
                addresses=addresses,
                timeout=timeout,
                context=context if place.security == "tls" else None,
            )
            try:
                if place.security == "starttls":
                    self._client.starttls(context)
                self._client.login(place.username, place.password)
                opened = self._client.select_folder(place.folder)
            except BaseException:
                self._hang_up()
                raise
        self._place = place
        self.uid_validity = int(opened.get(b"UIDVALIDITY", 0))
        self.uid_next = int(opened.get(b"UIDNEXT", 1))
        self.messages = int(opened.get(b"EXISTS", 0))

    @property
    def can_idle(self) -> bool:
        """Whether the server tells us of new mail."""
        with _in_words(self._place):
            return bool(self._client.has_capability("IDLE"))

    def new_uids(self, known: Progress) -> list[int]:
        """What is to be fetched: unread mails, and those that came since the last look, whoever read them.

        The numbers mean other mails once UIDVALIDITY changes (RFC 9051, 2.3.1.1); then, and at the first look, only
        unread ones count. What we have already is known by its bytes.
        """
        with _in_words(self._place):
            found = set(self._client.search(["UNSEEN", "UNDELETED"]))
            if known.uid_validity == self.uid_validity and known.last_uid:
                # "n:*" gives the newest mail also where its number is below n.
                since = self._client.search(["UID", f"{known.last_uid + 1}:*", "UNDELETED"])
                found |= {uid for uid in since if uid > known.last_uid}
        return sorted(found)[:MOST_AT_ONCE]

    def fetch(self, uid: int, *, most: int) -> Fetched | None:
        """A mail without marking it; of one with more than `most` bytes only the headers. None where it is gone."""
        with _in_words(self._place):
            size = int(self._client.fetch([uid], ["RFC822.SIZE"]).get(uid, {}).get(b"RFC822.SIZE", 0))
            if size > most:
                header = self._client.fetch([uid], ["BODY.PEEK[HEADER]"]).get(uid, {}).get(b"BODY[HEADER]", b"")
                return Fetched(bytes(header or b"\r\n")[:most], size, is_cut=True)
            raw = self._client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]")
        return Fetched(bytes(raw), len(raw)) if raw else None

    def mark_seen(self, uid: int) -> None:
        """Say that we have a mail; only after it is committed."""
        with _in_words(self._place):
            self._client.add_flags([uid], [imapclient.SEEN], silent=True)

    def wait(self, stopped: Callable[[], bool], *, at_most: float) -> None:
        """Idle until the server has news, `stopped` says so, or `at_most` seconds are over."""
        with _in_words(self._place):
            self._client.idle()
            try:
                waited = 0.0
                while waited < min(at_most, IDLE_AGAIN) and not stopped():
                    if self._client.idle_check(timeout=IDLE_ROUND):
                        break
                    waited += IDLE_ROUND
            finally:
                self._client.idle_done()

    def close(self) -> None:
        """Say goodbye, if anybody listens."""
        with contextlib.suppress(Exception):
            self._client.logout()
        self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(Exception):
            self._client.shutdown()


@contextlib.contextmanager
def _in_words(place: ImapPlace) -> Iterator[None]:
    """Faults of the server and the network as ImapFailed."""
    where = f"{place.host}:{place.port}"
    try:
        yield
    except LoginError as error:
        raise ImapFailed(f"{where} refused the login of {place.username}: {_said(error, place)}") from None
    except ssl.SSLCertVerificationError as error:
        raise ImapFailed(f"The certificate of {where} does not hold: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise ImapFailed(f"{where} does not speak TLS as expected ({error.reason}); check port and security") from None
    except TimeoutError:
        raise ImapFailed(f"{where} did not answer in time") from None
    except (OSError, EOFError) as error:
        raise ImapFailed(f"The connection to {where} broke: {error}") from None
    except (IMAPClientError, ValueError) as error:
        raise ImapFailed(f"{where} said: {_said(error, place)}") from None


def _said(error: Exception, place: ImapPlace) -> str:
    words = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
    words = " ".join(re.sub(r"^b'(.*)'$", r"\1", words).split())[:300]
    return words.replace(place.password, "…") if place.password else words
