"""Keys for every purpose, derived from SECRET_KEY; earlier keys still verify and decrypt."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


def derive(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose: HMAC-SHA-256 (RFC 2104) of the purpose under SECRET_KEY."""
    return hmac.digest(secret.encode(), f"myportal/{purpose}".encode(), "sha256")


def sha256(token: str) -> bytes:
    """What is stored of a random token: its hash. The token has 256 bits itself, so no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


class SecretBox:
    """Encrypts module secrets at rest: Fernet under the first key, decryption also under the earlier ones."""

    def __init__(self, secrets: list[str]) -> None:
        self._fernet = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(derive(secret, "module-secrets"))) for secret in secrets]
        )

    def seal(self, value: str) -> str:
        """Encrypt; the result is ASCII."""
        return self._fernet.encrypt(value.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt. Raises ValueError where no known key fits."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError(
                "a stored secret cannot be decrypted: SECRET_KEY changed; add the earlier key to SECRET_KEY_PREVIOUS "
                "or enter the secret again"
            ) from None
