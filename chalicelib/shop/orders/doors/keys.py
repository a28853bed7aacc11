"""Derives the keys that sign tickets: one for each concert and generation, from a secret that only the shop has."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_MOST = 10_000
KEY_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class TicketKey:
    """Signs the codes of one concert; `id` follows from the public half."""

    id: bytes
    generation: int
    public: bytes
    _private: Ed25519PrivateKey

    @property
    def name(self) -> str:
        return self.id.hex()

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        try:
            self._private.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True


class TicketKeys:
    """Holds the shop's secrets, newest first: new codes are signed by the first, and those of the others still count.

    A leaked secret is replaced by another one, and so ends what was signed with it.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._known: dict[tuple[bytes, UUID, int], TicketKey] = {}

    def current(self, concert_id: UUID, generation: int) -> TicketKey:
        """Return the key that signs new codes of the concert."""
        return self._key(self._secrets[0], concert_id, generation)

    def all(self, concert_id: UUID, generations: Iterable[int]) -> list[TicketKey]:
        """Return the keys of these generations, under every secret, newest first."""
        newest_first = sorted(generations, reverse=True)
        return [self._key(secret, concert_id, each) for secret in self._secrets for each in newest_first]

    def _key(self, secret: bytes, concert_id: UUID, generation: int) -> TicketKey:
        known = self._known.get((secret, concert_id, generation))
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[secret, concert_id, generation] = _derived(secret, concert_id, generation)
        return known


def _derived(secret: bytes, concert_id: UUID, generation: int) -> TicketKey:
    info = b"ticket key of " + concert_id.bytes + generation.to_bytes(4)
    seed = HKDF(SHA256(), 32, salt=None, info=info).derive(secret)
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    return TicketKey(hashlib.sha256(public).digest()[:KEY_ID_BYTES], generation, public, private)
