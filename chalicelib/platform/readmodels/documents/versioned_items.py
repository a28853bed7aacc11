"""Items of DynamoDB that hold one stream each: many at once, and in generations.

The first generation has the streams' own ids as keys, every later one `<generation>#<id>`. The item `generations` tells
which there are; it lies in the same table.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from chalicelib.platform.aws.conditional import write_all_if, write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.store import MAX_COMMIT_ITEMS
from chalicelib.platform.readmodels.generations import Generations, GenerationsMoved

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = dict[str, Any]
Thing = TypeVar("Thing")

_POINTER = "generations"
_OF_NO_GENERATION = {_POINTER, "verification"}
_AT_ONCE = 100
_DELETED_AT_ONCE = 25
_TRIES = 20


@dataclass(frozen=True)
class VersionedItems:
    """`key` is the name of the table's key; `Version` is how far the item has followed its stream."""

    client: "DynamoDBClient"
    table: str
    key: str
    generation: int = 1

    def key_of(self, stream_id: UUID) -> Item:
        return {self.key: {"S": f"{self.prefix}{stream_id}"}}

    @property
    def prefix(self) -> str:
        """What distinguishes the values of a generation in keys and in the keys of indexes."""
        return prefix_of(self.generation)

    def stream_of(self, item: Mapping[str, Any]) -> UUID:
        return UUID(item[self.key]["S"].removeprefix(self.prefix))

    def find_many(self, stream_ids: Collection[UUID], **options: Any) -> dict[UUID, Item]:
        """Strongly consistent. Raises Unavailable."""
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
                raise Unavailable(f"{self.table} gives a part only.")
        return found

    def versions(self, stream_ids: Collection[UUID]) -> dict[UUID, int]:
        names = {"ProjectionExpression": "#key, Version", "ExpressionAttributeNames": {"#key": self.key}}
        return {key: int(item["Version"]["N"]) for key, item in self.find_many(stream_ids, **names).items()}

    def put_many(self, items: Mapping[UUID, tuple[Item, int]]) -> set[UUID]:
        """Put each item where the version of the one that is there is the one beside it (-1: none).

        Returns the streams of which it is not; these are left as they were. Raises Unavailable, or an error of
        the SDK for items that the table does not take.
        """
        moved: set[UUID] = set()
        for some in _chunks(items, MAX_COMMIT_ITEMS):
            left = {key: items[key] for key in some}
            while left:
                lost = self._try_to_put(list(left.values()))
                if not lost:
                    break
                moved |= {key for number, key in enumerate(left) if number in lost}
                left = {key: left[key] for number, key in enumerate(left) if number not in lost}
        return moved

    def _try_to_put(self, items: Sequence[tuple[Item, int]]) -> frozenset[int]:
        """All or none: returns the places of those whose version is not the expected one."""
        puts = [{"Put": self._put(item, expected)} for item, expected in items]
        return write_all_if(self.client.transact_write_items, self.table, TransactItems=puts)

    def _put(self, item: Item, expected: int) -> Item:
        condition = f"attribute_not_exists({self.key})" if expected < 0 else "Version = :expected"
        values = {} if expected < 0 else {"ExpressionAttributeValues": {":expected": {"N": str(expected)}}}
        return {"TableName": self.table, "Item": item, "ConditionExpression": condition, **values}

    def generations(self) -> Generations:
        """Strongly consistent. Raises Unavailable."""
        with failures_as_unavailable(self.table):
            reply = self.client.get_item(TableName=self.table, Key={self.key: {"S": _POINTER}}, ConsistentRead=True)
        item = reply.get("Item")
        if item is None:
            return Generations()
        beside = item.get("Beside")
        live, newest = int(item["Live"]["N"]), int(item["Newest"]["N"])
        return Generations(live, None if beside is None else int(beside["N"]), item["IsWhole"]["BOOL"], newest)

    def change_generations(self, before: Generations, after: Generations) -> None:
        item = {self.key: {"S": _POINTER}, **_pointer(after)}
        known = {f":{name}": value for name, value in _pointer(before).items()}
        condition = " AND ".join(f"{name[1:]} = {name}" for name in known)
        if before.beside is None:
            condition += " AND attribute_not_exists(Beside)"
        if before == Generations():
            condition = f"attribute_not_exists({self.key}) OR ({condition})"
        found = write_if(
            self.client.put_item,
            TableName=self.table,
            Item=item,
            ConditionExpression=condition,
            ExpressionAttributeValues=known,
        )
        if found is not None:
            raise GenerationsMoved(f"The generations of {self.table} are not {asdict(before)} any more.")

    def keep_only(self, generations: Collection[int]) -> None:
        """Delete the items of all other generations: reads the whole table. Raises Unavailable."""
        kept = [prefix_of(number) for number in generations]
        stale = (key for key in self._keys() if key not in _OF_NO_GENERATION and _prefix_in(key) not in kept)
        for some in _chunks(stale, _DELETED_AT_ONCE):
            left: Any = {self.table: [{"DeleteRequest": {"Key": {self.key: {"S": key}}}} for key in some]}
            for _ in range(_TRIES):
                with failures_as_unavailable(self.table):
                    left = self.client.batch_write_item(RequestItems=left)["UnprocessedItems"]
                if not left:
                    break
            else:
                raise Unavailable(f"{self.table} deletes a part only.")

    def _keys(self) -> Iterator[str]:
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table, ProjectionExpression="#key", ExpressionAttributeNames={"#key": self.key}
        )
        with failures_as_unavailable(self.table):
            for page in pages:
                yield from (item[self.key]["S"] for item in page["Items"])


@dataclass(frozen=True)
class Notebook:
    """One item of a table that holds what its owner wants to know the next time."""

    client: "DynamoDBClient"
    table: str
    key: str
    name: str

    def read(self) -> dict[str, str]:
        """Raises Unavailable."""
        with failures_as_unavailable(self.table):
            reply = self.client.get_item(TableName=self.table, Key={self.key: {"S": self.name}}, ConsistentRead=True)
        notes: dict[str, str] = json.loads(reply["Item"]["Notes"]["S"]) if "Item" in reply else {}
        return notes

    def write(self, notes: Mapping[str, str]) -> None:
        """Raises Unavailable."""
        item = {self.key: {"S": self.name}, "Notes": {"S": json.dumps(notes)}}
        with failures_as_unavailable(self.table):
            self.client.put_item(TableName=self.table, Item=item)


def prefix_of(generation: int) -> str:
    return "" if generation == 1 else f"{generation}#"


def _prefix_in(key: str) -> str:
    number, mark, _ = key.rpartition("#")
    return number + mark


def _pointer(generations: Generations) -> Item:
    item: Item = {
        "Live": {"N": str(generations.live)},
        "IsWhole": {"BOOL": generations.is_whole},
        "Newest": {"N": str(generations.newest)},
    }
    return item if generations.beside is None else item | {"Beside": {"N": str(generations.beside)}}


def _chunks(things: Collection[Thing] | Iterator[Thing], size: int) -> Iterator[list[Thing]]:
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some
