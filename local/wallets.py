"""Makes what the local stack signs passes with: a certificate of its own, which no phone accepts, and says so."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from local.keys import ensure_secret

PASS_TYPE, TEAM, ORGANISATION = "pass.test.cloudbash", "TESTTEAM00", "TEST, not valid: Cloudbash"
Key = RSAPrivateKey | EllipticCurvePrivateKey
TEN_YEARS = timedelta(days=3650)


def ensure_wallets(path: Path) -> None:
    """Make the secret of the wallets in this file, unless it is there."""
    ensure_secret(path, lambda: json.dumps(made_secret(), indent=1).encode())


def made_secret(lasts: timedelta = TEN_YEARS) -> dict[str, dict[str, str]]:
    """Return a secret as a stage has one; what it signs is right in form, and trusted by nobody."""
    now = datetime.now(UTC)
    issuer_key = generate_ec_key(SECP256R1())
    key, google_key = (generate_rsa_key(65537, 2048) for _ in range(2))
    issuer = _name("TEST issuer of passes, not Apple")
    pass_type, team = (NameOID.USER_ID, PASS_TYPE), (NameOID.ORGANIZATIONAL_UNIT_NAME, TEAM)
    own = _name(f"TEST Pass Type ID: {PASS_TYPE}", pass_type, team)
    intermediate = _certified(issuer, issuer_key, issuer, issuer_key, now, TEN_YEARS)
    certificate = _certified(own, key, issuer, issuer_key, now, lasts)
    return {
        "apple": {"certificate": _pem(certificate), "key": _key_pem(key), "intermediate": _pem(intermediate)},
        "google": {
            "issuer_id": "3388000000000000000",
            "issuer_name": ORGANISATION,
            "client_email": "test@not-a-project.iam.gserviceaccount.com",
            "private_key": _key_pem(google_key),
        },
    }


def _name(common: str, *others: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    parts = [(NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, ORGANISATION), *others]
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def _certified(
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    issuer_key: Key,
    now: datetime,
    lasts: timedelta,
) -> x509.Certificate:
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(min(now, now + lasts) - timedelta(days=1)).not_valid_after(now + lasts)
    is_issuer = subject == issuer
    return builder.add_extension(x509.BasicConstraints(is_issuer, None), critical=True).sign(issuer_key, SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
