"""Reads and writes items of DynamoDB that hold one stream each, many at once, and in generations.

The first generation has the streams' own ids as keys, every later one `<generation>#<id>`. Read models that share a
table each have a space in it, `<space>:` before all of their keys; that of the first one has no name.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from chalicelib.platform.aws.conditional import write_all_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.platform.readmodels.documents.generation_pointer import POINTER, GenerationPointer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = dict[str, Any]
Thing = TypeVar("Thing")

_OF_NO_GENERATION = {POINTER, "verification"}
_AT_ONCE = 100
_DELETED_AT_ONCE = 25
_TRIES = 20


@dataclass(frozen=True)
class VersionedItems:
    """Finds and puts the items of one generation.

    `key` is the name of the table's key. The attribute `Version` of an item is its position in the stream.
    """

    client: "DynamoDBClient"
    table: str
    key: str
    generation: int = 1
    space: str = ""

    def key_of(self, stream_id: UUID) -> Item:
        return {self.key: {"S": f"{self.prefix}{stream_id}"}}

    @property
    def prefix(self) -> str:
        """Return the beginning of all keys of this generation, those of indexes too."""
        return self._prefix_of(self.generation)

    @property
    def pointer(self) -> GenerationPointer:
        return GenerationPointer(self.client, self.table, self.key, f"{self._lead}{POINTER}")

    def stream_of(self, item: Mapping[str, Any]) -> UUID:
        return UUID(item[self.key]["S"].removeprefix(self.prefix))

    def find_many(self, stream_ids: Collection[UUID], **options: Any) -> dict[UUID, Item]:
        """Find the items of streams, strongly consistent.

        Raises Unavailable.
        """
        found: dict[UUID, Item] = {}
        for some in _chunks(stream_ids, _AT_ONCE):
            wanted: Any = {"Keys": [self.key_of(one) for one in some], "ConsistentRead": True, **options}
            for _ in range(_TRIES):
                with failures_as_unavailable(self.table):
                    reply = self.client.batch_get_item(RequestItems={self.table: wanted})
                found |= {self.stream_of(item): item for item in reply["Responses"].get(self.table, [])}
                wanted = reply["UnprocessedKeys"].get(self.table)
                if not wanted:
                    break
            else:
                raise Unavailable(f"{self.table} is throttled: it returned only some of the items.")
        return found

    def versions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        names = {"ProjectionExpression": "#key, Version", "ExpressionAttributeNames": {"#key": self.key}}
        return {key: int(item["Version"]["N"]) for key, item in self.find_many(stream_ids, **names).items()}

    def put_many(self, items: Mapping[UUID, tuple[Item, int]]) -> set[UUID]:
        """Put each item where the stored one has the expected version, given with it (-1: none is stored).

        Returns the streams that have another version; these are left as they were.
        Raises Unavailable, or ClientError for items that the table does not take.
        """
        moved: set[UUID] = set()
        for some in _chunks(items, MAX_COMMIT_ITEMS):
            left = {key: items[key] for key in some}
            # One lost condition cancels the whole transaction, so it is sent again without those that lost.
            while left:
                lost = self._try_to_put(list(left.values()))
                if not lost:
                    break
                moved |= {key for number, key in enumerate(left) if number in lost}
                left = {key: left[key] for number, key in enumerate(left) if number not in lost}
        return moved

    def _try_to_put(self, items: Sequence[tuple[Item, int]]) -> frozenset[int]:
        """Put all items or none; return the indexes of those whose stored version is not the expected one."""
        puts = [{"Put": self._put(item, expected)} for item, expected in items]
        return write_all_if(self.client.transact_write_items, self.table, TransactItems=puts)

    def _put(self, item: Item, expected: int) -> Item:
        condition = f"attribute_not_exists({self.key})" if expected < 0 else "Version = :expected"
        values = {} if expected < 0 else {"ExpressionAttributeValues": {":expected": {"N": str(expected)}}}
        return {"TableName": self.table, "Item": item, "ConditionExpression": condition, **values}

    def retain(self, generations: Collection[int]) -> None:
        """Delete the items of all other generations, which reads the whole table.

        Raises Unavailable.
        """
        retained = [self._prefix_of(number) for number in generations]
        stale = (key for key in self._generated_keys() if _prefix_in(key) not in retained)
        for some in _chunks(stale, _DELETED_AT_ONCE):
            left: Any = {self.table: [{"DeleteRequest": {"Key": {self.key: {"S": key}}}} for key in some]}
            for _ in range(_TRIES):
                with failures_as_unavailable(self.table):
                    left = self.client.batch_write_item(RequestItems=left)["UnprocessedItems"]
                if not left:
                    break
            else:
                raise Unavailable(f"{self.table} is throttled: it deleted only some of the items.")

    @property
    def _lead(self) -> str:
        return f"{self.space}:" if self.space else ""

    def _prefix_of(self, generation: int) -> str:
        return self._lead if generation == 1 else f"{self._lead}{generation}#"

    def _generated_keys(self) -> Iterator[str]:
        """Give the keys in this space that belong to a generation."""
        for key in self._keys():
            space, _, rest = key.rpartition(":")
            if space == self.space and rest not in _OF_NO_GENERATION:
                yield key

    def _keys(self) -> Iterator[str]:
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table, ProjectionExpression="#key", ExpressionAttributeNames={"#key": self.key}
        )
        with failures_as_unavailable(self.table):
            for page in pages:
                yield from (item[self.key]["S"] for item in page["Items"])


def _prefix_in(key: str) -> str:
    """Return the part of a key before the stream's id."""
    return key[: max(key.rfind("#"), key.rfind(":")) + 1]


def _chunks(things: Collection[Thing] | Iterator[Thing], size: int) -> Iterator[list[Thing]]:
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some
