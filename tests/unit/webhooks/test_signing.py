"""Signatures by Standard Webhooks 1.0, as the official library judges them."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.platform.privacy.keys import FileMasterKey
from chalicelib.shop.webhooks.signing import SecretBox, WebhookSigningKeys, signed_headers
from local.keys import ensure_master_key

MESSAGE = UUID("c0ffee00-0000-4000-8000-000000000001")
BODY = b'{"type":"order.confirmed","timestamp":"2030-01-01T12:00:00.000Z","data":{}}'


def now() -> datetime:
    return datetime.now(UTC)


def test_the_official_library_takes_what_is_signed() -> None:
    keys = WebhookSigningKeys.generate()
    headers = signed_headers(MESSAGE, now(), BODY, [keys])
    assert Webhook(keys.secret).verify(BODY, headers)["type"] == "order.confirmed"


def test_it_refuses_another_body_another_id_and_another_secret() -> None:
    keys = WebhookSigningKeys.generate()
    headers = signed_headers(MESSAGE, now(), BODY, [keys])
    for secret, body, given in (
        (keys.secret, BODY.replace(b"confirmed", b"refunded"), headers),
        (keys.secret, BODY, headers | {"webhook-id": str(uuid4())}),
        (WebhookSigningKeys.generate().secret, BODY, headers),
        (keys.secret, BODY, signed_headers(MESSAGE, datetime(2020, 1, 1, tzinfo=UTC), BODY, [keys])),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, given)


def test_during_a_rotation_both_secrets_verify() -> None:
    new, old = WebhookSigningKeys.generate(), WebhookSigningKeys.generate()
    headers = signed_headers(MESSAGE, now(), BODY, [new, old])
    for keys in (new, old):
        Webhook(keys.secret).verify(BODY, headers)


def test_the_asymmetric_signature_verifies_with_the_public_key_alone() -> None:
    keys = WebhookSigningKeys.generate()
    headers = signed_headers(MESSAGE, now(), BODY, [keys])
    [signature] = [one for one in headers["webhook-signature"].split() if one.startswith("v1a,")]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + BODY
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.public_key.removeprefix("whpk_")))
    public.verify(base64.b64decode(signature.removeprefix("v1a,")), content)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature.removeprefix("v1a,")), content + b" ")


def test_sealed_keys_open_for_their_endpoint_and_for_no_other(tmp_path: Path) -> None:
    ensure_master_key(tmp_path / "master.key")
    box = SecretBox(FileMasterKey(tmp_path / "master.key"))
    endpoint = uuid4()
    sealed = box.seal_new_keys(endpoint)
    keys = box.open(endpoint, sealed)
    assert keys.public_key == sealed.public_key
    assert keys.secret.removeprefix("whsec_") not in sealed.sealed
    with pytest.raises(InvalidTag):
        box.open(uuid4(), sealed)
