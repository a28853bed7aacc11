"""Sealing and opening of personal data."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.privacy.keys import NONCE_BYTES, PersonKeys
from chalicelib.privacy.sealed import Sealed

KEY_MEMORY = timedelta(minutes=5)
"""How long a container may use a key without asking: the longest time an erasure takes to reach every container."""


class PersonVault:
    """Seals small JSON objects for a person. Keys are remembered for `KEY_MEMORY`, plaintext never."""

    def __init__(self, keys: PersonKeys, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock
        self._known: dict[str, tuple[datetime, bytes]] = {}

    def seal(self, person_id: UUID, value: dict[str, str]) -> Sealed:
        """Raises Unavailable."""
        nonce = os.urandom(NONCE_BYTES)
        plaintext = json.dumps(value, ensure_ascii=False).encode()
        ciphertext = AESGCM(self._key(person_id)).encrypt(nonce, plaintext, str(person_id).encode())
        return Sealed(ciphertext=base64.b64encode(nonce + ciphertext).decode(), key=str(person_id))

    def open(self, sealed: Sealed) -> dict[str, str] | None:
        """What was sealed, or None once the person is erased, also if they came back since, with a new key.

        Raises Unavailable.
        """
        key = self._remembered(sealed.key) or self._keys.find(sealed.key)
        if key is None:
            return None
        self._remember(sealed.key, key)
        raw = base64.b64decode(sealed.ciphertext)
        try:
            plaintext = AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], sealed.key.encode())
        except InvalidTag:
            if self._known.pop(sealed.key)[1] == self._keys.find(sealed.key):
                return None
            return self.open(sealed)
        value: dict[str, str] = json.loads(plaintext)
        return value

    def digest(self, person_id: UUID, text: str) -> str:
        """HMAC-SHA256 under the person's key: comparable while the person exists, meaningless once erased."""
        return hmac.new(self._key(person_id), text.encode(), hashlib.sha256).hexdigest()

    def erase(self, person_id: UUID) -> None:
        """Destroy the person's key. Raises Unavailable."""
        self._keys.erase(str(person_id))
        self._known.pop(str(person_id), None)

    def _key(self, person_id: UUID) -> bytes:
        key = self._remembered(str(person_id)) or self._keys.get_or_create(str(person_id))
        self._remember(str(person_id), key)
        return key

    def _remembered(self, person_id: str) -> bytes | None:
        since, key = self._known.get(person_id, (None, b""))
        return key if since is not None and self._clock() - since < KEY_MEMORY else None

    def _remember(self, person_id: str, key: bytes) -> None:
        if self._remembered(person_id) is None:
            self._known[person_id] = (self._clock(), key)
