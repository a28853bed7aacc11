"""Verifies bearer tokens."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import jwt

from chalicelib.platform.caller import Actor
from chalicelib.platform.errors import Unauthenticated, Unavailable
from chalicelib.platform.http.bearer import bearer_token

_ALGORITHMS = ["RS256", "ES256"]


class SigningKeys(Protocol):
    """Finds the public key that a token claims to be signed with."""

    def key_of(self, token: str) -> Any:
        """Return the key that the token names.

        Raises:
            jwt.PyJWTError: the key is unknown.
            Unavailable: the keys cannot be fetched.
        """


class FileKeys:
    """Reads the keys of a JWKS file."""

    def __init__(self, path: Path) -> None:
        self._keys = jwt.PyJWKSet.from_dict(json.loads(path.read_text()))

    def key_of(self, token: str) -> Any:
        return self._keys[jwt.get_unverified_header(token).get("kid", "")].key


class _IssuerKeys(jwt.PyJWKClient):
    """Fetches the issuer's keys over HTTP.

    Only an unknown key is the caller's fault. However else a server fails to give us keys, it is unavailable.
    """

    def get_signing_keys(self, refresh: bool = False) -> list[jwt.PyJWK]:
        try:
            return super().get_signing_keys(refresh)
        except (jwt.PyJWTError, OSError, ValueError) as error:
            raise Unavailable("The token issuer's keys cannot be fetched.") from error


class RemoteKeys:
    """Reads the keys of a JWKS address, once, and again when a token names an unknown key."""

    def __init__(self, url: str) -> None:
        self._client = _IssuerKeys(url, timeout=5)

    def key_of(self, token: str) -> Any:
        return self._client.get_signing_key(str(jwt.get_unverified_header(token).get("kid"))).key


@dataclass(frozen=True, slots=True)
class Credentials:
    """Names a verified caller; `expires_at` is in seconds since 1970.

    `may_be_staff` says whether the caller may have a role of staff at all; without it `actor` has none. With
    `order_id` they may go about that one order and nothing else.
    """

    actor: Actor
    expires_at: int
    may_be_staff: bool = True
    order_id: UUID | None = None


class CredentialVerifier(Protocol):
    """Finds out what a request's header `Authorization` proves."""

    def verify(self, authorization: str) -> Credentials:
        """Return what an `Authorization: Bearer …` header proves.

        Raises:
            Unauthenticated: there is no token, it has expired, or it cannot be trusted.
            Unavailable: the keys cannot be fetched.
        """


class VerifierByIssuer:
    """Gives a token to the verifier of the issuer that it names; what its key may say is that verifier's to know.

    The name is not verified yet. Each verifier accepts only its own keys and algorithms, and its own name.
    """

    def __init__(self, verifiers: Mapping[str, CredentialVerifier]) -> None:
        self._verifiers = verifiers

    def verify(self, authorization: str) -> Credentials:
        issuer = claimed_issuer(bearer_token(authorization))
        if issuer not in self._verifiers:
            raise Unauthenticated("The token cannot be trusted.")
        return self._verifiers[issuer].verify(authorization)


def claimed_issuer(token: str) -> str:
    """Return the issuer that a token names, which proves nothing.

    Raises Unauthenticated.
    """
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Unauthenticated("The token cannot be trusted.") from error
    if not isinstance(issuer, str):
        raise Unauthenticated("The token cannot be trusted.")
    return issuer


@dataclass(frozen=True)
class TokenVerifier:
    """Accepts RS256 and ES256 tokens of one issuer for one audience that have not expired.

    With `staff_needs_mfa` the roles of a token count only if it has the claim `mfa` with the value `"true"`. No token
    of the issuer names a guest.
    """

    keys: SigningKeys
    issuer: str
    audience: str
    staff_needs_mfa: bool = False

    def verify(self, authorization: str) -> Credentials:
        """Return what an `Authorization: Bearer …` header proves, as `CredentialVerifier` says."""
        token = bearer_token(authorization)
        try:
            claims = jwt.decode(
                token,
                self.keys.key_of(token),
                algorithms=_ALGORITHMS,
                issuer=self.issuer,
                audience=self.audience,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The token has expired.") from error
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
            raise Unauthenticated("The token cannot be trusted.") from error
        may_be_staff = not self.staff_needs_mfa or claims.get("mfa") == "true"
        actor = Actor.of(claims["sub"], groups_of(claims) if may_be_staff else [])
        if actor.is_guest:
            raise Unauthenticated("The token cannot be trusted.")
        return Credentials(actor, int(claims["exp"]), may_be_staff)


def groups_of(claims: Mapping[str, Any]) -> list[str]:
    """Return the `cognito:groups` claim; anything but a list of strings counts as no groups."""
    groups = claims.get("cognito:groups", [])
    return [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
