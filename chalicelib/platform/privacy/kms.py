"""Uses a master key that never leaves KMS."""

from typing import Any

from chalicelib.platform.aws.failures import failures_as_unavailable


class KmsMasterKey:
    """Wraps a data key with the person's id as encryption context.

    KMS unwraps it for nobody else, and its audit trail names the person.
    """

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def wrap(self, key: bytes, person_id: str) -> bytes:
        return self._ask(self._client.encrypt, "CiphertextBlob", Plaintext=key, **_bound_to(person_id))

    def unwrap(self, wrapped: bytes, person_id: str) -> bytes:
        return self._ask(self._client.decrypt, "Plaintext", CiphertextBlob=wrapped, **_bound_to(person_id))

    def _ask(self, operation: Any, answer: str, **arguments: Any) -> bytes:
        with failures_as_unavailable("The master key"):
            return bytes(operation(KeyId=self._key_id, **arguments)[answer])


def _bound_to(person_id: str) -> dict[str, Any]:
    return {"EncryptionContext": {"PersonId": person_id}}
