"""Seals and opens personal data."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.platform.privacy.keys import NONCE_BYTES, PersonKeys
from chalicelib.platform.privacy.sealed import Sealed


class PersonVault:
    """Seals small JSON objects for a person. Each call asks whether the key is there, so an erasure counts at once."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    def seal(self, person_id: UUID, value: dict[str, str]) -> Sealed:
        """Encrypt the object with the person's key.

        Raises:
            AccountErased: the person was erased.
            Unavailable: the keys cannot be reached.
        """
        nonce = os.urandom(NONCE_BYTES)
        plaintext = json.dumps(value, ensure_ascii=False).encode()
        ciphertext = AESGCM(self._key(person_id)).encrypt(nonce, plaintext, str(person_id).encode())
        return Sealed(ciphertext=base64.b64encode(nonce + ciphertext).decode(), key=str(person_id))

    def open(self, sealed: Sealed) -> dict[str, str] | None:
        """Return the object that was sealed, or None once the person is erased.

        Raises:
            Unavailable: the keys cannot be reached.
        """
        return _opened(sealed, self._keys.find(sealed.key))

    def open_many(self, envelopes: Sequence[Sealed]) -> list[dict[str, str] | None]:
        """Return what each envelope holds, or None in place of a person who is erased by now.

        Raises:
            Unavailable: the keys cannot be reached.
        """
        keys = self._keys.find_many({sealed.key for sealed in envelopes})
        return [_opened(sealed, keys.get(sealed.key)) for sealed in envelopes]

    def digest(self, person_id: UUID, text: str) -> str:
        """Return an HMAC-SHA256 under the person's key: comparable while the person exists, meaningless once erased.

        Raises AccountErased or Unavailable.
        """
        return _digest(self._key(person_id), text)

    def find_digest(self, person_id: UUID, text: str) -> str | None:
        """Return what `digest` does, without ever making a key; None for who has none.

        Raises Unavailable.
        """
        key = self._keys.find(str(person_id))
        return None if key is None else _digest(key, text)

    def knows(self, person_id: UUID) -> bool:
        """Tell whether the person has a key, without making one.

        Raises:
            Unavailable: the keys cannot be reached.
        """
        return self._keys.find(str(person_id)) is not None

    def erase(self, person_id: UUID) -> None:
        """Destroy the person's key; the person never gets another one.

        Raises:
            Unavailable: the keys cannot be reached.
        """
        self._keys.erase(str(person_id))

    def _key(self, person_id: UUID) -> bytes:
        return self._keys.get_or_create(str(person_id))


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _opened(sealed: Sealed, key: bytes | None) -> dict[str, str] | None:
    if key is None:
        return None
    raw = base64.b64decode(sealed.ciphertext)
    try:
        plaintext = AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], sealed.key.encode())
    except InvalidTag:
        return None
    value: dict[str, str] = json.loads(plaintext)
    return value
