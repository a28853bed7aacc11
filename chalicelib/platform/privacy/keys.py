"""Manages the data keys of persons, which one master key wraps."""

import base64
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Lock
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.platform.errors import AccountErased

NONCE_BYTES = 12
KEY_BYTES = 32


class MasterKey(Protocol):
    """Wraps data keys, bound to `person_id` so that a wrapped key cannot be moved to another person."""

    def wrap(self, key: bytes, person_id: str) -> bytes: ...

    def unwrap(self, wrapped: bytes, person_id: str) -> bytes: ...


class PersonKeys(Protocol):
    """Stores the data keys of persons. Every method may raise Unavailable."""

    def find(self, person_id: str) -> bytes | None:
        """Return the person's key, or None if there never was one or it is erased."""

    def find_many(self, person_ids: Collection[str]) -> Mapping[str, bytes]:
        """Return the keys of those persons who have one now."""

    def get_or_create(self, person_id: str) -> bytes:
        """Return the person's key, made now if there never was one; two callers at once get the same.

        Raises AccountErased.
        """

    def erase(self, person_id: str) -> None:
        """Destroy the key for good. Whatever it sealed is unreadable from then on, in every copy.

        There is never another one: a request that was on its way would otherwise store the person anew.
        """


class FileMasterKey:
    """Holds a master key in a file, for development: 32 bytes in base64. On AWS the master key never leaves KMS."""

    def __init__(self, path: Path) -> None:
        self._cipher = AESGCM(base64.b64decode(path.read_text()))

    def wrap(self, key: bytes, person_id: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, person_id.encode())

    def unwrap(self, wrapped: bytes, person_id: str) -> bytes:
        return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person_id.encode())


class MemoryPersonKeys:
    """Stores keys in memory, for tests of the domain."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._erased: set[str] = set()
        self._lock = Lock()

    def find(self, person_id: str) -> bytes | None:
        return self._keys.get(person_id)

    def find_many(self, person_ids: Collection[str]) -> dict[str, bytes]:
        return {person_id: self._keys[person_id] for person_id in person_ids if person_id in self._keys}

    def get_or_create(self, person_id: str) -> bytes:
        with self._lock:
            if person_id in self._erased:
                raise AccountErased
            return self._keys.setdefault(person_id, os.urandom(KEY_BYTES))

    def erase(self, person_id: str) -> None:
        with self._lock:
            self._keys.pop(person_id, None)
            self._erased.add(person_id)
