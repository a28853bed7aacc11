"""Signs with a key in a file, for development; on AWS the key never leaves KMS."""

import base64
import hmac
from pathlib import Path


class FileSigner:
    """Signs by HMAC-SHA256 with a base64 secret in a file, so whoever can verify could sign as well."""

    def __init__(self, path: Path) -> None:
        self._secret = base64.b64decode(path.read_text())

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, "sha256")

    def verify(self, message: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(message), signature)
