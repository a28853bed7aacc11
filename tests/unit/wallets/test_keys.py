"""What passes are signed with: read from a secret, and said plainly when it is not there."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chalicelib.platform.errors import Unavailable
from chalicelib.shop.orders.wallets.certificates import GoogleIssuer, PassCertificate
from chalicelib.shop.orders.wallets.keys import MEMORY, WARNING, WalletKeys
from local.wallets import made_secret
from tests.support.passes import certificate, secret
from tests.support.shop import Clock
from tests.support.stored import SOME_TIME

BOTH = json.dumps(secret())


class Stored:
    """A secret that can be changed, and counts how often it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reads = 0

    def __call__(self) -> str:
        self.reads += 1
        return self.text


def keys(text: str, clock: Clock | None = None) -> WalletKeys:
    return WalletKeys(Stored(text), clock or Clock())


def self_signed() -> dict[str, str]:
    """A certificate for a web server, say: with a name, and of no type of passes."""
    key = generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, SOME_TIME, SOME_TIME + WARNING)
    pem = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"certificate": pem, "intermediate": pem, "key": written}


def test_a_shop_without_a_secret_has_no_wallets() -> None:
    for text in ("", "{}"):
        assert (keys(text).apple(), keys(text).google()) == (None, None)


def test_a_shop_may_have_one_wallet_only_whatever_is_wrong_with_the_other() -> None:
    only = keys(json.dumps({"apple": secret()["apple"], "google": {"issuer_id": "12"}}))
    found = only.apple()
    assert found is not None
    assert found.pass_type == "pass.test.cloudbash"
    with pytest.raises(Unavailable):
        only.google()
    other = keys(json.dumps({"google": secret()["google"]}))
    assert (other.apple(), other.google() is None) == (None, False)


@pytest.mark.parametrize("text", ["nothing", "[]", "3", '{"apple": 3}', '{"apple": null}', '{"apple": {}}'])
def test_a_secret_that_makes_no_sense_is_a_fault_that_operators_hear_of(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(Unavailable):
        keys(text).apple()
    assert "The secret of the wallets is misconfigured" in caplog.text


def test_no_part_of_a_broken_secret_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    known = secret()["apple"]
    broken = {"apple": known | {"key": known["key"].replace("PRIVATE", "PUBLIC")}}
    for text in (json.dumps(broken), json.dumps(broken)[:-1]):
        with pytest.raises(Unavailable) as refusal:
            keys(text).apple()
        assert known["key"][100:140] not in caplog.text + refusal.value.detail


def test_a_secret_is_read_once_in_five_minutes_and_a_new_one_counts_after_them() -> None:
    clock, stored = Clock(), Stored("{}")
    known = WalletKeys(stored, clock)
    assert [known.apple() for _ in range(3)] == [None] * 3
    assert stored.reads == 1
    stored.text = BOTH
    clock.advance(MEMORY)
    assert all(known.apple() for _ in range(3))
    assert stored.reads == 2


def test_operators_hear_of_a_certificate_a_month_before_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    ends_at = certificate().ends_at
    early, late = Clock(ends_at - WARNING), Clock(ends_at - WARNING + timedelta(seconds=1))
    keys(BOTH, early).apple()
    assert caplog.text == ""
    keys(BOTH, late).apple()
    assert "the certificate of the passes ends at" in caplog.text


def test_nothing_is_signed_by_a_certificate_that_has_ended() -> None:
    assert keys(BOTH, Clock(certificate().ends_at)).apple() is None


@pytest.mark.parametrize("member", ["certificate", "key", "intermediate"])
def test_each_part_of_apples_secret_is_needed_and_named(member: str) -> None:
    known = secret()["apple"]
    for value in (None, "", 3, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        given: dict[str, Any] = {**known, member: value}
        with pytest.raises(ValueError, match=f"^`{member}` is "):
            PassCertificate.read(given)


@pytest.mark.parametrize("member", ["issuer_id", "issuer_name", "client_email", "private_key"])
def test_each_part_of_googles_secret_is_needed_and_named(member: str) -> None:
    for value in (None, " ", 3):
        with pytest.raises(ValueError, match=f"^`{member}` is missing"):
            GoogleIssuer.read({**secret()["google"], member: value})


def test_what_does_not_belong_together_is_refused() -> None:
    known, other = secret()["apple"], made_secret()["apple"]
    with pytest.raises(ValueError, match="`key` is not the key of `certificate`"):
        PassCertificate.read(known | {"key": other["key"]})
    with pytest.raises(ValueError, match="`intermediate` has not issued `certificate`"):
        PassCertificate.read(known | {"intermediate": other["intermediate"]})
    with pytest.raises(ValueError, match="names no type of passes"):
        PassCertificate.read(self_signed())
