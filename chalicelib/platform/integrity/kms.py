"""Signs with an elliptic curve key in KMS, and verifies with its public half, without asking KMS each time."""

import hashlib
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.failures import Failure


class KmsSigner:
    """Signs by ECDSA on P-256 with SHA-256."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def sign(self, message: bytes) -> bytes:
        digest = hashlib.sha256(message).digest()
        reply = self._ask(self._client.sign, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        return bytes(reply["Signature"])

    def verify(self, message: bytes, signature: bytes) -> bool:
        try:
            self._public_key.verify(signature, message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _public_key(self) -> EllipticCurvePublicKey:
        key = load_der_public_key(self._ask(self._client.get_public_key)["PublicKey"])
        if not isinstance(key, EllipticCurvePublicKey):
            raise TypeError("the signing key is not an elliptic curve key")
        return key

    def _ask(self, operation: Any, **arguments: Any) -> Any:
        with failures_as_unavailable("The signing key", otherwise=Failure.MISCONFIGURED):
            return operation(KeyId=self._key_id, **arguments)
