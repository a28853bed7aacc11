"""Derives ids, signatures and secrets that nobody else can compute."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from uuid import UUID

_VERSION, _VARIANT = 8, 0b10


class IdKey:
    """Holds the key from which ids follow: the same names give the same id, and without the key nobody finds it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def id_of(self, *names: object) -> UUID:
        """Return a UUID of version 8: 122 bits of the HMAC-SHA256 of the names, of which the first says the purpose."""
        number = int.from_bytes(self._digest(*names)[:16])
        number = number & ~(0xF << 76) | _VERSION << 76
        number = number & ~(0b11 << 62) | _VARIANT << 62
        return UUID(int=number)

    def signature_of(self, *names: object) -> bytes:
        """Return a signature of the names, of which the first says the purpose: 32 bytes."""
        return self._digest("signature", *names)

    def secret_of(self, *names: object) -> str:
        """Return a secret of 256 bits in base64url. A repeated request can tell it again, and nobody stores it."""
        return urlsafe_b64encode(self._digest("secret", *names)).rstrip(b"=").decode()

    def _digest(self, *names: object) -> bytes:
        message = json.dumps([str(name) for name in names]).encode()
        return hmac.digest(self._secret, message, hashlib.sha256)
