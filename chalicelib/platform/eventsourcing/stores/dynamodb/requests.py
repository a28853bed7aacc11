"""What the ways of asking DynamoDB have in common: every request is counted, and every refusal is understood."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn
from uuid import UUID, uuid5

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.store import ConcurrencyError, StoreUsage
from chalicelib.platform.eventsourcing.stored import StoredEvent

_TOKEN_NAMESPACE = UUID("5f0c1a52-7f60-4f5e-9a0e-6f1c0f6a9d11")
OCCUPIED = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
LOST_RACE = OCCUPIED | {"TransactionConflict"}
_WEATHER = {
    "InternalServerError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingError",
    "TransactionInProgress",
}
_SERVER_ERROR = 500


class Requests:
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


@contextmanager
def weather() -> Iterator[None]:
    """What the SDK still could not do after its own retries is weather, unless DynamoDB calls the request wrong."""
    try:
        yield
    except ClientError as error:
        if code_of(error) in _WEATHER or _status(error) >= _SERVER_ERROR:
            raise Unavailable("The event log is away or throttled.") from error
        raise
    except BotoCoreError as error:
        raise Unavailable("The event log cannot be reached.") from error


def code_of(error: ClientError) -> str:
    """Without the ending `Exception`, which errors of requests have and reasons of cancelled transactions lack."""
    return _bare(error.response.get("Error", {}).get("Code", ""))


def reasons_of(error: ClientError) -> list[Any]:
    """Why a transaction was cancelled, for each of its items: `{"Code": …, "Item": …}`. Raises any other error."""
    if code_of(error) != "TransactionCanceled":
        raise error
    reasons: list[Any] = error.response.get("CancellationReasons", [])
    return [{**reason, "Code": _bare(reason.get("Code", ""))} for reason in reasons]


def raise_refusal(error: ClientError, events: Sequence[StoredEvent]) -> NoReturn:
    """What it means that a transaction was cancelled whose first items were these events: ConcurrencyError, Unavailable
    or, if it was wrong, the error itself."""
    codes = [reason["Code"] for reason in reasons_of(error)]
    if len(codes) >= len(events):
        if LOST_RACE & set(codes):
            lost = (event.aggregate_id for event, code in zip(events, codes, strict=False) if code in LOST_RACE)
            raise ConcurrencyError(frozenset(lost)) from error
        if _WEATHER & set(codes):
            raise Unavailable("The event log is throttled.") from error
    raise error


def token_of(events: Sequence[StoredEvent], *form: str) -> str:
    """The ClientRequestToken of the one transaction that appends these events in this form."""
    return str(uuid5(_TOKEN_NAMESPACE, "".join([*(event.chain_hash for event in events), *form])))


def _bare(code: str) -> str:
    return str(code).removesuffix("Exception")


def _retries(reply: Any) -> int:
    return int(reply.get("ResponseMetadata", {}).get("RetryAttempts", 0))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
