"""Reads what the wallets' companies have given the shop: a certificate of Apple, and an account at Google."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509.oid import NameOID

_LEAST_BITS = 2048


@dataclass(frozen=True, slots=True)
class PassCertificate:
    """Signs passes for Apple Wallet; the certificate itself says for which type of passes, and of which team."""

    pass_type: str
    team: str
    organisation: str
    ends_at: datetime
    _certificate: x509.Certificate
    _intermediate: x509.Certificate
    _key: RSAPrivateKey

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "PassCertificate":
        """Read `certificate`, `key` and `intermediate`, all in PEM.

        Raises ValueError for what is missing or does not belong together; the message repeats no part of it.
        """
        certificate, intermediate = (_certificate(given, name) for name in ("certificate", "intermediate"))
        key = _rsa_key(given, "key")
        if certificate.public_key() != key.public_key():
            raise ValueError("`key` is not the key of `certificate`")
        try:
            certificate.verify_directly_issued_by(intermediate)
        except (InvalidSignature, TypeError, ValueError):
            raise ValueError("`intermediate` has not issued `certificate`") from None
        return cls(
            _named(certificate, NameOID.USER_ID, "type of passes (UID)"),
            _named(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME, "team (OU)"),
            _named(certificate, NameOID.ORGANIZATION_NAME, "organisation (O)"),
            min(certificate.not_valid_after_utc, intermediate.not_valid_after_utc),
            certificate,
            intermediate,
            key,
        )

    def sign(self, content: bytes) -> bytes:
        """Return a detached signature, PKCS #7 in DER, with both certificates and the time."""
        builder = PKCS7SignatureBuilder().set_data(content).add_signer(self._certificate, self._key, SHA256())
        options = [PKCS7Options.DetachedSignature, PKCS7Options.Binary]
        return builder.add_certificate(self._intermediate).sign(Encoding.DER, options)


@dataclass(frozen=True, slots=True)
class GoogleIssuer:
    """Signs links of Google Wallet, as a service account that Google lets issue passes."""

    id: str
    name: str
    account: str
    _key: RSAPrivateKey

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "GoogleIssuer":
        """Read `issuer_id`, `issuer_name`, and of the account's own file `client_email` and `private_key`.

        Raises ValueError for what is missing; the message repeats no part of it.
        """
        issuer_id = _text(given, "issuer_id")
        if not (issuer_id.isascii() and issuer_id.isdigit()):
            raise ValueError("`issuer_id` is not a number")
        return cls(issuer_id, _text(given, "issuer_name"), _text(given, "client_email"), _rsa_key(given, "private_key"))

    @property
    def signature_bytes(self) -> int:
        return self._key.key_size // 8

    def sign(self, content: bytes) -> bytes:
        """Return the signature of RS256."""
        return self._key.sign(content, PKCS1v15(), SHA256())


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    if not isinstance(found, str) or not found.strip():
        raise ValueError(f"`{name}` is missing")
    return found


def _certificate(given: Mapping[str, Any], name: str) -> x509.Certificate:
    pem = _text(given, name).encode()
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise ValueError(f"`{name}` is no certificate in PEM") from None


def _rsa_key(given: Mapping[str, Any], name: str) -> RSAPrivateKey:
    pem = _text(given, name).encode()
    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` is no key in PEM, or has a password") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise ValueError(f"`{name}` is no RSA key of {_LEAST_BITS} bits")
    return key


def _named(certificate: x509.Certificate, kind: x509.ObjectIdentifier, what: str) -> str:
    found = certificate.subject.get_attributes_for_oid(kind)
    if not found:
        raise ValueError(f"`certificate` names no {what}")
    return str(found[0].value)
