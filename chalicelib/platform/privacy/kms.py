"""Uses a master key that never leaves KMS."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.platform.errors import Unavailable

_NOT_OURS = "InvalidCiphertextException"


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
        try:
            return bytes(operation(KeyId=self._key_id, **arguments)[answer])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == _NOT_OURS:
                raise
            raise Unavailable("The master key cannot be used.") from error
        except BotoCoreError as error:
            raise Unavailable("The master key cannot be reached.") from error


def _bound_to(person_id: str) -> dict[str, Any]:
    return {"EncryptionContext": {"PersonId": person_id}}
