"""Signing with a key in a file: for development. On AWS the key never leaves KMS."""

import base64
import hmac
from pathlib import Path


class FileSigner:
    """HMAC-SHA256 with a secret of base64 in a file: who can verify could sign as well."""

    def __init__(self, path: Path) -> None:
        self._secret = base64.b64decode(path.read_text())

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, "sha256")

    def verify(self, message: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(message), signature)
