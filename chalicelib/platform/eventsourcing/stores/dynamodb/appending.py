"""Appends events in one request, and interprets a refusal, which means the same for each kind of request."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol
from uuid import UUID

from botocore.exceptions import ClientError

from chalicelib.platform.aws.conditional import Item, item_in_the_way
from chalicelib.platform.aws.failures import CONDITION_FAILED, cancellation_reasons, error_code
from chalicelib.platform.eventsourcing.store import ConcurrencyError
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.platform.eventsourcing.stores.dynamodb.requests import Requests

_OCCUPIED = frozenset({CONDITION_FAILED, "DuplicateItem"})
_DONE = "None"
"""The code of an item that would have been written but for the others."""
_LOST_RACE = _OCCUPIED | {"TransactionConflict"}


class Prepared(NamedTuple):
    """A request that is ready to be sent: the operation's name, the client's method, and its arguments."""

    operation: str
    method: Callable[..., Any]
    request: dict[str, Any]


class AppendRequests(Protocol):
    """Builds the requests that write events, each only where nothing is yet."""

    def for_one(self, event: StoredEvent) -> Prepared: ...

    def for_several(self, events: Sequence[StoredEvent], keys: Sequence[UUID], absent: frozenset[UUID]) -> Prepared:
        """Build a transaction of the events, in this order, and then of the raised epochs of these keys.

        `absent` are the keys that are believed to have no item yet, for requests that have to know.
        """

    def occupant(self, event: StoredEvent, refused: Item) -> Item:
        """Return the item in the event's place, `{}` for none; `refused` is the one that the refusal brought."""


class Appender:
    """Sends an append, and interprets its refusal."""

    def __init__(self, building: AppendRequests, requests: Requests) -> None:
        self._building = building
        self._requests = requests

    def append(self, events: Sequence[StoredEvent], raising: Collection[UUID]) -> None:
        """Append as `EventStore.append` says, at least one event and within the limits.

        An epoch that has an item though it seemed absent, or the reverse, cancels the transaction. Nothing was written
        then, and it is sent again the other way round.
        """
        keys, absent = list(dict.fromkeys(raising)), frozenset[UUID]()
        # Items of epochs are never deleted, so each key can be a surprise twice at most: absent at first, and made by
        # another writer before our second try.
        for _ in range(2 * len(keys) + 1):
            surprises = self._try_to_append(events, keys, absent)
            if not surprises:
                return
            absent ^= surprises
        raise ConcurrencyError(frozenset())

    def _try_to_append(
        self, events: Sequence[StoredEvent], keys: Sequence[UUID], absent: frozenset[UUID]
    ) -> frozenset[UUID]:
        """Send the append; return the keys whose items were a surprise: if any, nothing was written."""
        is_single = len(events) == 1 and not keys
        operation, method, request = (
            self._building.for_one(events[0]) if is_single else self._building.for_several(events, keys, absent)
        )
        try:
            reply = self._requests.send(operation, method, {**request, "ReturnConsumedCapacity": "TOTAL"})
        except ClientError as error:
            return self._surprises(error, events, keys)
        consumed = [reply["ConsumedCapacity"]] if is_single else reply["ConsumedCapacity"]
        units = sum(table["CapacityUnits"] for table in consumed)
        self._requests.usage.count_write(units, len(events) + len(keys))
        return frozenset()

    def _surprises(self, error: ClientError, events: Sequence[StoredEvent], keys: Sequence[UUID]) -> frozenset[UUID]:
        """Return the keys whose items were a surprise; none if an earlier try has written the events already.

        Raises:
            ConcurrencyError: another writer was first.
            ClientError: anything else, as it is.
        """
        reasons = _reasons_of(error)
        if len(reasons) < len(events):
            raise error
        of_events, of_epochs = reasons[: len(events)], reasons[len(events) :]
        if self._are_ours(events, of_events):
            return frozenset()
        surprises = frozenset(key for key, reason in zip(keys, of_epochs, strict=False) if reason["Code"] in _OCCUPIED)
        if not surprises or _codes(of_events) != {_DONE} or not _codes(of_epochs) <= _OCCUPIED | {_DONE}:
            _raise_refusal(error, events, reasons)
        return surprises

    def _are_ours(self, events: Sequence[StoredEvent], reasons: Sequence[Any]) -> bool:
        """Tell whether an earlier try has committed exactly these events."""
        # The items that were refused come first: if one of them is another writer's, no other has to be read. If none
        # was refused for an item in its place, an earlier try cannot have written any.
        pairs = sorted(zip(events, reasons, strict=True), key=lambda pair: pair[1]["Code"] not in _OCCUPIED)
        return pairs[0][1]["Code"] in _OCCUPIED and all(
            self._building.occupant(event, reason.get("Item") or {}) == to_item(event) for event, reason in pairs
        )


def _reasons_of(error: ClientError) -> list[Any]:
    """Return a reason for each item; a single write counts as a transaction of one."""
    if error_code(error) in _LOST_RACE:
        return [{"Code": error_code(error), "Item": item_in_the_way(error)}]
    return cancellation_reasons(error)


def _raise_refusal(error: ClientError, events: Sequence[StoredEvent], reasons: Sequence[Any]) -> NoReturn:
    if _LOST_RACE & _codes(reasons):
        lost = (event for event, reason in zip(events, reasons, strict=False) if reason["Code"] in _LOST_RACE)
        raise ConcurrencyError(frozenset(event.aggregate_id for event in lost)) from error
    raise error


def _codes(reasons: Sequence[Any]) -> set[str]:
    return {reason["Code"] for reason in reasons}
