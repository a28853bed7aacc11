"""Verifies API keys: `Authorization: Bearer cbk_<id>_<secret>`.

A key is found by its id, and its secret is compared with the hash that was stored. The secret has 256 random-looking
bits, so one round of SHA-256 protects it as well as a slow hash would.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chalicelib.platform.caller import Actor, KeyGrant
from chalicelib.platform.errors import Unauthenticated
from chalicelib.platform.http.bearer import bearer_token

if TYPE_CHECKING:
    from chalicelib.platform.http.auth import Credentials, CredentialVerifier

_KEY = re.compile(r"cbk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_PREFIX = "cbk_"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """Is what the log knows of an API key."""

    grant: KeyGrant
    secret_hash: str
    expires_at: datetime
    is_revoked: bool


@dataclass(frozen=True)
class KeyVerifier:
    """Accepts API keys that are in the log, have not expired and were not revoked."""

    find: Callable[[UUID], KeyRecord | None]
    clock: Callable[[], datetime]

    def verify(self, authorization: str) -> "Credentials":
        """Return what an API key proves.

        Raises:
            Unauthenticated: it is unknown, revoked or expired.
            Unavailable: the log is away.
        """
        from chalicelib.platform.http.auth import Credentials  # noqa: PLC0415 - brings a library that commands do without

        match = _KEY.fullmatch(bearer_token(authorization))
        record = self.find(UUID(match[1])) if match else None
        if match is None or record is None or not hmac.compare_digest(hash_of(match[2]), record.secret_hash):
            raise Unauthenticated("The API key cannot be trusted.")
        if record.is_revoked:
            raise Unauthenticated("The API key was revoked.")
        if record.expires_at <= self.clock():
            raise Unauthenticated("The API key has expired.")
        return Credentials(Actor.of_key(UUID(match[1]), record.grant), int(record.expires_at.timestamp()))


@dataclass(frozen=True)
class BearerVerifier:
    """Verifies API keys as such, and everything else as a token."""

    tokens: "CredentialVerifier"
    keys: KeyVerifier

    def verify(self, authorization: str) -> "Credentials":
        """Return what the header proves. Raises Unauthenticated or Unavailable."""
        is_key = bearer_token(authorization).startswith(_PREFIX)
        return (self.keys if is_key else self.tokens).verify(authorization)


def format_key(key_id: UUID, secret: str) -> str:
    """Return the API key as its holder sends it."""
    return f"{_PREFIX}{key_id.hex}_{secret}"


def hash_of(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
