"""Makes and verifies the tokens of guests, who buy without an account (ADR 62)."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chalicelib.platform.caller import Actor, is_guest
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import Unauthenticated, Unavailable
from chalicelib.platform.http.auth import Credentials
from chalicelib.platform.http.bearer import bearer_token

GUEST_ISSUER = "cloudbash:guests"
AUDIENCE = "cloudbash:shop"
ALGORITHM = "EdDSA"

MEMORY = timedelta(minutes=5)
"""How long a container goes by what it has read: so long after a rotation the old key may still sign."""

PAUSE = timedelta(minutes=1)
"""How long a container waits between two looks for keys that it does not know, however many tokens name one."""


@dataclass(frozen=True, slots=True)
class GuestKey:
    """A pair of keys that follows from a secret."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey

    @classmethod
    def of(cls, secret: str) -> "GuestKey":
        seed = hmac.digest(secret.encode(), b"tokens of guests", hashlib.sha256)
        private = Ed25519PrivateKey.from_private_bytes(seed)
        public = private.public_key()
        name = hashlib.sha256(public.public_bytes_raw()).digest()[:12]
        return cls(urlsafe_b64encode(name).decode(), private, public)


class GuestKeys:
    """Holds the key that signs, and those of before it that verify: the secrets are read newest first.

    A container reads them at its first use, and again after `MEMORY`; once in `PAUSE` for a key that it does not know,
    and while it knows none.
    """

    def __init__(self, read: Callable[[], Sequence[str]], clock: Callable[[], datetime] = utc_now) -> None:
        self._read = read
        self._clock = clock
        self._keys: tuple[GuestKey, ...] = ()
        self._read_at: datetime | None = None
        self._reading = Lock()

    def signing(self) -> GuestKey:
        """Return the newest key.

        Raises Unavailable: no key has ever been read.
        """
        return self._current()[0]

    def verifying(self, kid: object) -> Ed25519PublicKey | None:
        """Return the public key of this name, or None if there is none.

        Raises Unavailable.
        """
        self._current()
        found = self._find(kid)
        if found is None and self._refresh(PAUSE):
            found = self._find(kid)
        return found

    def _current(self) -> tuple[GuestKey, ...]:
        """Return the keys, as they were at most `MEMORY` ago, or older while they cannot be read."""
        try:
            self._refresh(MEMORY if self._keys else PAUSE)
        except Unavailable:
            if not self._keys:
                raise
        if not self._keys:
            raise Unavailable("The keys of guests' tokens cannot be read.")
        return self._keys

    def _find(self, kid: object) -> Ed25519PublicKey | None:
        return next((key.public for key in self._keys if key.kid == kid), None)

    def _refresh(self, older_than: timedelta) -> bool:
        """Read the keys anew if they are as old as that, and tell whether that was done."""
        with self._reading:  # where requests share a process, those that come first wait for the keys
            return self._read_if(older_than)

    def _read_if(self, older_than: timedelta) -> bool:
        now = self._clock()
        if self._read_at is not None and now - self._read_at < older_than:
            return False
        # Noted before the attempt, so that a server that is away is not asked by every token either.
        self._read_at = now
        self._keys = tuple(map(GuestKey.of, self._read()))
        return True


@dataclass(frozen=True, slots=True)
class GuestToken:
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class GuestTokens:
    """Signs the tokens of guests, and accepts no others.

    A guest has no role whatever the token claims, and no token lasts longer than `valid_for`.
    """

    keys: GuestKeys
    valid_for: timedelta

    def issue(self, guest_id: UUID, order_id: UUID | None = None) -> GuestToken:
        """Sign a token of this guest; with `order_id` it is for that order alone.

        Raises Unavailable.
        """
        if not is_guest(guest_id):
            raise ValueError(f"{guest_id} is not the id of a guest")
        key, now = self.keys.signing(), utc_now().replace(microsecond=0)
        expires_at = now + self.valid_for
        claims = {
            "iss": GUEST_ISSUER,
            "aud": AUDIENCE,
            "sub": str(guest_id),
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            **({} if order_id is None else {"order": str(order_id)}),
        }
        return GuestToken(jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid}), expires_at)

    def verify(self, authorization: str) -> Credentials:
        """Return what the token proves, as `CredentialVerifier` says."""
        token = bearer_token(authorization)
        try:
            return self._credentials(self._claims(token))
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The token has expired.") from error
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise Unauthenticated("The token cannot be trusted.") from error

    def _claims(self, token: str) -> Mapping[str, Any]:
        key = self.keys.verifying(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("the key is unknown")
        # The clocks of containers differ, so a token may seem to be made in the future; how long it lasts is checked.
        options: Any = {"require": ["exp", "iat", "iss", "aud", "sub"], "verify_iat": False}
        return jwt.decode(token, key, algorithms=[ALGORITHM], issuer=GUEST_ISSUER, audience=AUDIENCE, options=options)

    def _credentials(self, claims: Mapping[str, Any]) -> Credentials:
        guest, order_id = Actor.of(claims["sub"], []), claims.get("order")
        lasts = int(claims["exp"]) - int(claims["iat"])
        if not guest.is_guest or lasts > self.valid_for.total_seconds():
            raise ValueError("this is no token that we make")
        confined_to = None if order_id is None else UUID(order_id)
        return Credentials(guest, int(claims["exp"]), may_be_staff=False, order_id=confined_to)
