"""Makes the keys of endpoints and signs messages, by Standard Webhooks 1.0: HMAC-SHA256 (`v1`), Ed25519 (`v1a`)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.platform.privacy.keys import MasterKey
from chalicelib.shop.webhooks.events import EndpointKeys

KEY_BYTES = 32


class WebhookSigningKeys(NamedTuple):
    """Holds the key of the HMAC, which the receiver has too, and the seed of the Ed25519 key, which it has not."""

    hmac_key: bytes
    seed: bytes

    @classmethod
    def generate(cls) -> "WebhookSigningKeys":
        return cls(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))

    @property
    def secret(self) -> str:
        """Return the HMAC key as receivers get it."""
        return f"whsec_{_base64(self.hmac_key)}"

    @property
    def public_key(self) -> str:
        """Return the public Ed25519 key as receivers get it."""
        return f"whpk_{_base64(Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())}"

    def sign(self, content: bytes) -> tuple[str, str]:
        """Return both signatures of the content, each behind its version."""
        digest = hmac.digest(self.hmac_key, content, hashlib.sha256)
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(content)
        return f"v1,{_base64(digest)}", f"v1a,{_base64(signature)}"


def signed_headers(
    message_id: UUID, sent_at: datetime, body: bytes, keys: Sequence[WebhookSigningKeys]
) -> dict[str, str]:
    """Return the headers of one attempt, signed with each of the keys."""
    timestamp = str(int(sent_at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [signature for one in keys for signature in one.sign(content)]
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


class SecretBox:
    """Seals the keys of endpoints with the master key, each for its endpoint only, and remembers what it has opened."""

    def __init__(self, master_key: MasterKey) -> None:
        self._master_key = master_key
        self._opened: dict[tuple[UUID, str], WebhookSigningKeys] = {}

    def seal_new_keys(self, endpoint_id: UUID) -> EndpointKeys:
        """Make keys, and return them as the log may store them.

        Raises Unavailable.
        """
        keys = WebhookSigningKeys.generate()
        sealed = self._master_key.wrap(keys.hmac_key + keys.seed, _context(endpoint_id))
        return EndpointKeys(sealed=_base64(sealed), public_key=keys.public_key)

    def open(self, endpoint_id: UUID, keys: EndpointKeys) -> WebhookSigningKeys:
        """Return the keys again.

        Raises Unavailable.
        """
        place = endpoint_id, keys.sealed
        if place not in self._opened:
            raw = self._master_key.unwrap(base64.b64decode(keys.sealed), _context(endpoint_id))
            if len(self._opened) >= _MOST_OPENED:
                self._opened.clear()
            self._opened[place] = WebhookSigningKeys(raw[:KEY_BYTES], raw[KEY_BYTES:])
        return self._opened[place]


_MOST_OPENED = 1_000


def _context(endpoint_id: UUID) -> str:
    return f"webhook:{endpoint_id}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
