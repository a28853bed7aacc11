"""Projects events into one JSON document per stream, in one DynamoDB table."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.store import MAX_ITEM_BYTES
from chalicelib.platform.readmodels.base import GenerationalReadModel
from chalicelib.platform.readmodels.documents.document import Fold, Versioned, owner_key, sort_key_in, sort_key_of
from chalicelib.platform.readmodels.documents.versioned_items import VersionedItems
from chalicelib.platform.readmodels.port import Contents, Generations, Rewrite, StreamContents

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

POINTER_SECONDS = 5.0
"""How long a container believes that a generation is the live one."""

_INDEX = "ByOwner"
_FIRST = "carts"
"""The read model whose keys in the table have no space before them: it was there before the others."""


class DocumentTooLarge(CloudbashError):
    """The document exceeds what an item of DynamoDB can hold."""

    code = "document_too_large"


class DocumentProjection(GenerationalReadModel):
    """Stores one item per stream; each write is conditional on the version that the read has seen.

    An item has `Id`, `Version` (the position), `Body` (the document), and `OwnerKey` and `SortKey`, by which a
    customer's documents are listed. Queries may read from the generation that was live `POINTER_SECONDS` ago: consumers
    still feed that one, as the candidate.
    """

    readers_lag = POINTER_SECONDS

    def __init__(
        self, name: str, client: "DynamoDBClient", table: str, folds: Mapping[str, Fold], generation: int = 1
    ) -> None:
        super().__init__(name, folds.keys(), generation)
        self._client = client
        self._table = table
        self._folds = folds
        self._items = VersionedItems(client, table, "Id", generation, "" if name == _FIRST else name)
        self._live: DocumentProjection | None = None
        self._live_until = 0.0
        self._just_read: tuple[UUID, Versioned | None] | None = None

    def at(self, generation: int) -> "DocumentProjection":
        if generation == self.generation:
            return self
        return DocumentProjection(self.name, self._client, self._table, self._folds, generation)

    def live(self) -> "DocumentProjection":
        """Return the generation to read from, which was live at most `POINTER_SECONDS` ago.

        Raises Unavailable.
        """
        now = monotonic()
        if self._live is None or now >= self._live_until:
            self._live, self._live_until = self.live_generation(), now + POINTER_SECONDS
        return self._live

    def generations(self) -> Generations:
        return self._items.pointer.read()

    def change(self, before: Generations, after: Generations) -> None:
        self._items.pointer.change(before, after)

    def retain(self, generations: Collection[int]) -> None:
        self._items.retain(generations)

    def fold(self, contents: Contents | None, event: RecordedEvent) -> Contents:
        return self._folds[event.event.aggregate_type](contents, event)

    def positions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        return self._items.versions(stream_ids)

    def read(self, stream_ids: Collection[UUID]) -> dict[UUID, StreamContents]:
        found = {key: _from_item(item) for key, item in self._items.find_many(stream_ids).items()}
        return {key: StreamContents(version, document) for key, (document, version) in found.items()}

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
        """Apply as the port says. An item that equals ours was written by a try whose reply was lost."""
        if not events:
            return
        document, version = self._read_at(stream_id, position) or (None, -1)
        if version != position:
            raise PositionMoved(f"Document {stream_id} is at version {version}, not {position}.")
        document = reduce(self._folds[events[0].event.aggregate_type], events, document)
        if document is not None:
            self._put(self._to_item(Versioned(document, events[-1].version)), position)

    def _read_at(self, stream_id: UUID, position: int) -> Versioned | None:
        """Return the document, without reading it again if `position` has just read it.

        A consumer always asks for the position and then applies. If the item has changed in between, the condition of
        the write fails.
        """
        known_id, known = self._just_read or (None, None)
        if known_id == stream_id and (known.version if known else -1) == position:
            return known
        return self.find(stream_id)

    def find(self, stream_id: UUID) -> Versioned | None:
        """Find a document, strongly consistent.

        Raises Unavailable.
        """
        item = self._get(stream_id)
        return _from_item(item) if item else None

    def list_of(
        self, owner: str, limit: int, after: Sequence[str] | None = None
    ) -> tuple[list[Versioned], list[str] | None]:
        """List a page of the documents under an owner key, newest first, and the key to go on after.

        A document that was just written may be missing, because the index follows the table.
        Raises Unavailable, or InvalidInput for an `after` that no page has given.
        """
        query = self._query(owner, after)
        items: list[Any] = []
        while len(items) <= limit:
            with failures_as_unavailable(self._table):
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
            condition, values = f"{condition} AND SortKey < :after", values | {":after": {"S": sort_key_in(after)}}
        return {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": False,
        }

    def _get(self, stream_id: UUID) -> Any:
        with failures_as_unavailable(self._table):
            reply = self._client.get_item(TableName=self._table, Key=self._items.key_of(stream_id), ConsistentRead=True)
        return reply.get("Item")

    def _put(self, item: dict[str, Any], position: int) -> None:
        _ensure_fits(item)
        found = write_if(
            self._client.put_item,
            TableName=self._table,
            Item=item,
            ConditionExpression="attribute_not_exists(Id) OR Version = :expected",
            ExpressionAttributeValues={":expected": {"N": str(position)}},
        )
        if found not in (None, item):
            raise PositionMoved(f"Document {item['Id']['S']} is not at version {position} any more.")

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
            "SortKey": {"S": sort_key_of(versioned)},
        }


def _from_item(item: Any) -> Versioned:
    return Versioned(json.loads(item["Body"]["S"]), int(item["Version"]["N"]))


def _ensure_fits(item: dict[str, Any]) -> None:
    size = sum(len(name) + len(value.get("S", "").encode()) + 21 * ("N" in value) for name, value in item.items())
    if size > MAX_ITEM_BYTES:
        raise DocumentTooLarge(f"Document {item['Id']['S']} has {size} bytes; an item takes {MAX_ITEM_BYTES}.")
