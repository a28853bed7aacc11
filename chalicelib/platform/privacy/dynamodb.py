"""Stores person keys in a DynamoDB table without point-in-time recovery, so that an erased key cannot come back."""

import os
from collections.abc import Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import AccountErased, Unavailable
from chalicelib.platform.privacy.keys import KEY_BYTES, MasterKey
from chalicelib.platform.privacy.unwrapping import Unwrapper

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


_SERVER = "The table of person keys"
_AT_ONCE = 100
_TRIES = 20


class DynamoDBPersonKeys:
    """Stores one item per person, with `PersonId` and `WrappedKey`; with `Erased` in its place once it is destroyed."""

    def __init__(self, client: "DynamoDBClient", table: str, master_key: MasterKey) -> None:
        self._client = client
        self._table = table
        self._master_key = master_key
        self._unwrapper = Unwrapper(master_key)

    def find(self, person_id: str) -> bytes | None:
        item = self._item(person_id)
        return self._master_key.unwrap(bytes(item["WrappedKey"]["B"]), person_id) if _has_key(item) else None

    def find_many(self, person_ids: Collection[str]) -> dict[str, bytes]:
        """Return the keys of those persons who have one now: a strongly consistent request for each hundred of them."""
        wrapped: dict[str, bytes] = {}
        for some in _chunks(person_ids):
            wrapped |= self._find_wrapped(some)
        return self._unwrapper.unwrap_many(wrapped)

    def _find_wrapped(self, person_ids: Collection[str]) -> dict[str, bytes]:
        wanted: Any = {"Keys": [{"PersonId": {"S": one}} for one in person_ids], "ConsistentRead": True}
        found: dict[str, bytes] = {}
        for _ in range(_TRIES):
            with failures_as_unavailable(_SERVER):
                reply = self._client.batch_get_item(RequestItems={self._table: wanted})
            items = reply["Responses"].get(self._table, [])
            found |= {item["PersonId"]["S"]: bytes(item["WrappedKey"]["B"]) for item in items if _has_key(item)}
            wanted = reply["UnprocessedKeys"].get(self._table)
            if not wanted:
                return found
        raise Unavailable(f"{_SERVER} is throttled: it returned only some of the keys.")

    def get_or_create(self, person_id: str) -> bytes:
        return self.find(person_id) or self._create(person_id)

    def erase(self, person_id: str) -> None:
        with failures_as_unavailable(_SERVER):
            self._client.put_item(TableName=self._table, Item={"PersonId": {"S": person_id}, "Erased": {"BOOL": True}})

    def _item(self, person_id: str) -> Any:
        with failures_as_unavailable(_SERVER):
            reply = self._client.get_item(
                TableName=self._table, Key={"PersonId": {"S": person_id}}, ConsistentRead=True
            )
        return reply.get("Item")

    def _create(self, person_id: str) -> bytes:
        key = os.urandom(KEY_BYTES)
        found = write_if(
            self._client.put_item,
            TableName=self._table,
            Item={"PersonId": {"S": person_id}, "WrappedKey": {"B": self._master_key.wrap(key, person_id)}},
            ConditionExpression="attribute_not_exists(PersonId)",
        )
        if found is None:
            return key
        existing = self.find(person_id)
        if existing is None:
            raise AccountErased
        return existing


def _has_key(item: Any) -> bool:
    return item is not None and "WrappedKey" in item


def _chunks(person_ids: Collection[str]) -> Iterator[list[str]]:
    left = iter(person_ids)
    while some := list(islice(left, _AT_ONCE)):
        yield some
