"""Sends requests to DynamoDB, and counts every one."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid5

from botocore.exceptions import ClientError

from chalicelib.platform.eventsourcing.store import StoreUsage
from chalicelib.platform.eventsourcing.stored import StoredEvent

_TOKEN_NAMESPACE = UUID("5f0c1a52-7f60-4f5e-9a0e-6f1c0f6a9d11")


class Requests:
    """Sends requests, and counts what they have cost."""

    def __init__(self) -> None:
        self.usage = StoreUsage()

    def send(self, operation: str, call: Callable[..., Any], request: dict[str, Any]) -> Any:
        """Send the request, and count it as often as the SDK sent it."""
        reply: Any = {}
        try:
            reply = call(**request)
        except ClientError as error:
            reply = error.response
            raise
        finally:
            self.usage.count_requests(operation, 1 + _retries(reply))
        return reply


def token_of(events: Sequence[StoredEvent], *form: str) -> str:
    """Return the ClientRequestToken of the one transaction that appends these events in this form.

    DynamoDB takes a second request with the same token, within ten minutes, for a repetition, and does nothing again.
    """
    return str(uuid5(_TOKEN_NAMESPACE, "".join([*(event.chain_hash for event in events), *form])))


def _retries(reply: Any) -> int:
    return int(reply.get("ResponseMetadata", {}).get("RetryAttempts", 0))
