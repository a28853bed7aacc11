"""Read models of one JSON document per stream, in one DynamoDB table."""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import reduce
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from botocore.exceptions import ClientError

from chalicelib.platform.aws.failures import error_code, weather
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import CloudbashError, InvalidInput, NotFound
from chalicelib.platform.eventsourcing.codec import RecordedEvent, aggregate_type_of, recorded
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.eventsourcing.store import MAX_ITEM_BYTES, EventStore
from chalicelib.platform.readmodels.documents.versioned_items import VersionedItems
from chalicelib.platform.readmodels.generations import Contents, Generations, Kept, Rewrite
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED, MinVersions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Fold = Callable[[JsonObject | None, RecordedEvent], JsonObject]
"""Pure: gives the document with the event in it and leaves the one it was given as it is. It begins with
`new_document`, never raises on history, and leaves the document alone for events that it does not know."""

POINTER_SECONDS = 5.0
"""How long a container believes that a generation is the live one."""

_INDEX = "ByOwner"
_SORT_KEY = re.compile(r"[0-9TZ:.-]{20,32}#[0-9a-f-]{36}")


class DocumentTooLarge(CloudbashError):
    """The document exceeds what an item of DynamoDB can hold."""

    code = "document_too_large"


class Versioned(NamedTuple):
    """A document and the version of the last event in it."""

    document: JsonObject
    version: int


def new_document(event: RecordedEvent, customer_id: UUID | None = None) -> JsonObject:
    """The members that every document has; without a customer it can be found, but is in nobody's list."""
    return {
        "type": event.event.aggregate_type,
        "id": str(event.stream_id),
        "customer_id": None if customer_id is None else str(customer_id),
        "created_at": format_instant(as_utc(event.created)),
    }


def owner_key(aggregate_type: str, customer_id: UUID | str) -> str:
    """Under which a customer's documents of one type are listed: `order#<customer>`."""
    return f"{aggregate_type.lower()}#{customer_id}"


class DocumentProjection:
    """One item per stream: `Id`, `Version` (the position), `Body` (the document), and `OwnerKey` and `SortKey`, by
    which a customer's documents are listed. The write is conditional on the version that the read has seen.

    Queries may read from the generation that was live `POINTER_SECONDS` ago: that one is still kept current.
    """

    has_effects = False
    readers_lag = POINTER_SECONDS

    def __init__(
        self, name: str, client: "DynamoDBClient", table: str, folds: Mapping[str, Fold], generation: int = 1
    ) -> None:
        self._name = name
        self._client = client
        self._table = table
        self._folds = folds
        self._items = VersionedItems(client, table, "Id", generation)
        self._live: DocumentProjection | None = None
        self._live_until = 0.0
        self._just_read: tuple[UUID, Versioned | None] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def aggregate_types(self) -> frozenset[str]:
        return frozenset(self._folds)

    @property
    def generation(self) -> int:
        return self._items.generation

    def at(self, generation: int) -> "DocumentProjection":
        if generation == self.generation:
            return self
        return DocumentProjection(self._name, self._client, self._table, self._folds, generation)

    def live(self) -> "DocumentProjection":
        """The generation to read from, as it was at most `POINTER_SECONDS` ago. Raises Unavailable."""
        now = monotonic()
        if self._live is None or now >= self._live_until:
            self._live, self._live_until = self.at(self.generations().live), now + POINTER_SECONDS
        return self._live

    def kept_current(self) -> "list[DocumentProjection]":
        found = self.generations()
        return [self.at(number) for number in (found.live, found.beside) if number is not None]

    def generations(self) -> Generations:
        return self._items.generations()

    def change(self, before: Generations, after: Generations) -> None:
        self._items.change_generations(before, after)

    def prepare(self) -> None:
        """A generation is the prefix of its keys: there is room."""

    def keep_only(self, generations: Collection[int]) -> None:
        self._items.keep_only(generations)

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        return self._folds[event.event.aggregate_type](contents, event)

    def positions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        return self._items.versions(stream_ids)

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, Kept]:
        found = {key: _from_item(item) for key, item in self._items.find_many(stream_ids).items()}
        return {key: Kept(version, document) for key, (document, version) in found.items()}

    def rewrite(self, batch: Sequence[Rewrite]) -> set[UUID]:
        items = {}
        for one in batch:
            item = self._to_item(Versioned(one.contents, one.version))
            _ensure_fits(item)
            items[one.stream_id] = (item, one.expected)
        return self._items.put_many(items)

    def position(self, stream_id: UUID) -> int:
        found = self.find(stream_id)
        self._just_read = stream_id, found
        return found.version if found else -1

    def apply(self, stream_id: UUID, position: int, events: Sequence[RecordedEvent]) -> None:
        """As the port says. An item that equals ours is taken for ours, written by a try whose reply was lost."""
        if not events:
            return
        document, version = self._read_at(stream_id, position) or (None, -1)
        if version != position:
            raise PositionMoved(f"Document {stream_id} is at version {version}, not {position}.")
        document = reduce(self._folds[events[0].event.aggregate_type], events, document)
        if document is not None:
            self._put(self._to_item(Versioned(document, events[-1].version)), position)

    def _read_at(self, stream_id: UUID, position: int) -> Versioned | None:
        """As `position` has just read it, which is what comes before `apply`. Whether it has changed since, the
        condition of the write will tell."""
        known_id, known = self._just_read or (None, None)
        if known_id == stream_id and (known.version if known else -1) == position:
            return known
        return self.find(stream_id)

    def find(self, stream_id: UUID) -> Versioned | None:
        """Strongly consistent. Raises Unavailable."""
        item = self._get(stream_id)
        return _from_item(item) if item else None

    def list_of(
        self, owner: str, limit: int, after: Sequence[str] | None = None
    ) -> tuple[list[Versioned], list[str] | None]:
        """One page of the documents under an owner key, newest first, and the key to go on after, if there are more.

        A document that was just written may be missing. Raises Unavailable, or InvalidInput for an `after` that no
        page has given.
        """
        query = self._query(owner, after)
        items: list[Any] = []
        while len(items) <= limit:
            with weather(self._table):
                page = self._client.query(**query, Limit=limit + 1 - len(items))
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        next_key = [items[limit - 1]["SortKey"]["S"]] if len(items) > limit else None
        return [_from_item(item) for item in items[:limit]], next_key

    def _query(self, owner: str, after: Sequence[str] | None) -> dict[str, Any]:
        condition, values = "OwnerKey = :owner", {":owner": {"S": f"{self._items.prefix}{owner}"}}
        if after is not None:
            condition, values = f"{condition} AND SortKey < :after", values | {":after": {"S": _sort_key(after)}}
        return {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
        }

    def _get(self, stream_id: UUID) -> Any:
        with weather(self._table):
            reply = self._client.get_item(TableName=self._table, Key=self._items.key_of(stream_id), ConsistentRead=True)
        return reply.get("Item")

    def _put(self, item: dict[str, Any], position: int) -> None:
        _ensure_fits(item)
        try:
            with weather(self._table):
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(Id) OR Version = :expected",
                    ExpressionAttributeValues={":expected": {"N": str(position)}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            if error.response.get("Item") != item:
                raise PositionMoved(f"Document {item['Id']['S']} is not at version {position} any more.") from error

    def _to_item(self, versioned: Versioned) -> dict[str, Any]:
        document, version = versioned
        item = {
            **self._items.key_of(UUID(document["id"])),
            "Version": {"N": str(version)},
            "Body": {"S": json.dumps(document, ensure_ascii=False, separators=(",", ":"))},
        }
        if document["customer_id"] is None:
            return item
        owner = owner_key(document["type"], document["customer_id"])
        return item | {
            "OwnerKey": {"S": f"{self._items.prefix}{owner}"},
            "SortKey": {"S": _place(versioned)},
        }


def _from_item(item: Any) -> Versioned:
    return Versioned(json.loads(item["Body"]["S"]), int(item["Version"]["N"]))


def read_own(
    documents: DocumentProjection,
    store: EventStore,
    fold: Fold,
    aggregate_type: str,
    stream_id: UUID,
    customer_id: UUID,
    min_versions: MinVersions = NOTHING_NAMED,
) -> Versioned:
    """The customer's document. If it is older than the reader wants, what it lacks is folded from the log, and if there
    is no document yet, all of it. Raises NotFound, for another customer's document as well, or Unavailable.
    """
    found = _overlaid(documents, store, fold, aggregate_type, stream_id, min_versions)
    if found is None or not _is_of(found.document, aggregate_type, customer_id):
        raise _no_such(aggregate_type)
    return found


def read_own_as_of(
    store: EventStore, fold: Fold, aggregate_type: str, stream_id: UUID, customer_id: UUID, point: PointInTime
) -> tuple[Versioned, datetime]:
    """The customer's document as it was, folded from the log, and the instant at which clocks are to be read.

    Raises NotFound, with facts for its owner only, or Unavailable.
    """
    stream = store.read(stream_id)
    if not stream or aggregate_type_of(stream[0]) != aggregate_type:
        raise _no_such(aggregate_type)
    latest = _followed(fold, [recorded(event) for event in stream])
    if not _is_of(latest.document, aggregate_type, customer_id):
        raise _no_such(aggregate_type)
    past = point.of(stream)
    return _followed(fold, past.events), past.at


def list_own(
    documents: DocumentProjection,
    store: EventStore,
    fold: Fold,
    aggregate_type: str,
    customer_id: UUID,
    limit: int,
    after: Sequence[str] | None,
    min_versions: MinVersions,
) -> tuple[list[Versioned], list[str] | None]:
    """`DocumentProjection.list_of`, with the documents that the reader has named as new as they are wanted."""
    page, next_key = documents.list_of(owner_key(aggregate_type, customer_id), limit, after)
    named = [
        _overlaid(documents, store, fold, aggregate_type, stream_id, min_versions) for stream_id in min_versions.named
    ]
    own = [found for found in named if found is not None and _is_of(found.document, aggregate_type, customer_id)]
    new = [found for found in own if after is None or _place(found) < _sort_key(after)]
    known = {_place(found): found for found in [*page, *new]}
    places = sorted(known, reverse=True)
    more = next_key is not None or len(places) > limit
    return [known[place] for place in places[:limit]], [places[limit - 1]] if more else None


def _overlaid(
    documents: DocumentProjection,
    store: EventStore,
    fold: Fold,
    aggregate_type: str,
    stream_id: UUID,
    min_versions: MinVersions,
) -> Versioned | None:
    found = documents.find(stream_id)
    if found is not None and not min_versions.lacks(stream_id, found.version):
        return found
    tail = store.read(stream_id, -1 if found is None else found.version)
    if not tail or aggregate_type_of(tail[0]) != aggregate_type:
        return found
    if found is None:
        min_versions.lacks(stream_id, -1)
    return _followed(fold, [recorded(event) for event in tail], found)


def _followed(fold: Fold, events: Sequence[RecordedEvent], found: Versioned | None = None) -> Versioned:
    """The document with the events, one at least, in it."""
    first, *others = events
    document = fold(None if found is None else found.document, first)
    return Versioned(reduce(fold, others, document), events[-1].version)


def _is_of(document: JsonObject, aggregate_type: str, customer_id: UUID) -> bool:
    return (document["type"], document["customer_id"]) == (aggregate_type, str(customer_id))


def _no_such(aggregate_type: str) -> NotFound:
    return NotFound(f"There is no such {aggregate_type.lower()}.")


def _place(versioned: Versioned) -> str:
    """By which a customer's documents are sorted."""
    return f"{versioned.document['created_at']}#{versioned.document['id']}"


def _sort_key(after: Sequence[str]) -> str:
    if len(after) != 1 or not _SORT_KEY.fullmatch(after[0]):
        raise InvalidInput("The cursor did not come from this API.", (("?cursor", "did not come from this API"),))
    return after[0]


def _ensure_fits(item: dict[str, Any]) -> None:
    size = sum(len(name) + len(value.get("S", "").encode()) + 21 * ("N" in value) for name, value in item.items())
    if size > MAX_ITEM_BYTES:
        raise DocumentTooLarge(f"Document {item['Id']['S']} has {size} bytes; an item takes {MAX_ITEM_BYTES}.")
