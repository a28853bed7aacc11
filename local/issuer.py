"""Stands in for the Cognito user pool: signs tokens as it does, with a key in a local directory."""

import hashlib
import json
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from local.keys import ensure_secret, write_atomically

ISSUER = "https://issuer.cloudbash.local"
AUDIENCE = "cloudbash-local"
ALGORITHM = "RS256"
TWELVE_HOURS = 12 * 60 * 60

GROUPS: dict[str, list[str]] = {
    "organiser": ["organisers"],
    "customer": [],
    "door": ["door"],
    "operator": ["operators"],
}


class UnknownRole(ValueError):
    def __init__(self, role: str) -> None:
        super().__init__(f"There is no role {role!r}: choose one of {', '.join(GROUPS)}")


@dataclass(frozen=True)
class Issuer:
    private_key: rsa.RSAPrivateKey
    kid: str
    jwks_file: Path
    issuer: str = ISSUER
    audience: str = AUDIENCE

    @classmethod
    def in_directory(cls, directory: Path) -> "Issuer":
        """Open the issuer whose key is stored in `directory`, or make a new one.

        `issuer.pem` is stored between runs; `jwks.json` and `issuer.json` are derived from it.
        """
        pem = ensure_secret(directory / "issuer.pem", _new_private_key)
        private_key = load_pem_private_key(pem, password=None)
        if not isinstance(private_key, rsa.RSAPrivateKey):
            raise TypeError(f"{directory / 'issuer.pem'} is not an RSA key; remove it to get a new one")
        public = jwt.algorithms.RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        issuer = cls(private_key, thumbprint(public), directory / "jwks.json")
        jwk = {"kty": public["kty"], "n": public["n"], "e": public["e"]}
        published = {"keys": [{**jwk, "kid": issuer.kid, "use": "sig", "alg": ALGORITHM}]}
        _keep(directory / "jwks.json", published)
        _keep(directory / "issuer.json", {"issuer": issuer.issuer, "audience": issuer.audience, "kid": issuer.kid})
        return issuer

    def token(self, role: str = "customer", sub: str | None = None, **claims: Any) -> str:
        """Sign a token. `claims` replace the usual ones; None omits one. (`**{"cognito:groups": [...]}` works too.)"""
        if role not in GROUPS:
            raise UnknownRole(role)
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": sub or default_sub(role),
            "iat": now,
            "exp": now + TWELVE_HOURS,
            "token_use": "id",
            "cognito:groups": GROUPS[role],
        }
        payload = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(payload, self.private_key, algorithm=ALGORITHM, headers={"kid": self.kid})


def default_sub(role: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ISSUER}/{role}"))


def thumbprint(jwk: dict[str, Any]) -> str:
    """Return the thumbprint of RFC 7638, so that the key's id changes only with the key."""
    canonical = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def _new_private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _keep(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2) + "\n"
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text)
