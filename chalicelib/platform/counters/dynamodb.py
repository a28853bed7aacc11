"""Counts in DynamoDB: one item a key, which the table itself throws away some time after it has ended."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from chalicelib.platform.aws.conditional import write_if
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.counters.port import Counts
from chalicelib.platform.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_TRIES = 5
_PREFIX = "Taken "
_BASICS = {"#until": "Until", "#expires": "ExpiresAt"}


class DynamoDBCounters:
    """A request is one conditional update, and one more where the counts begin anew.

    `Until` is in milliseconds since 1970 and decides; `ExpiresAt`, in seconds, is when the table may remove the item.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def take(
        self, key: str, most: Mapping[str, int], now: datetime, until: datetime, amount: int = 1
    ) -> datetime | None:
        for _ in range(_TRIES):
            found = self._add(key, most, now, until, amount)
            if found is None:
                return None
            ends = _instant(found["Until"]["N"])
            if now < ends:
                return ends
            if self._begin_anew(key, most, now, until, amount):
                return None
        raise Busy("Too many requests are counted at this moment. Please try again.")

    def give_back(self, key: str, names: Collection[str], now: datetime, amount: int = 1) -> None:
        places = {f"#n{place}": _PREFIX + name for place, name in enumerate(names)}
        write_if(
            self._client.update_item,
            TableName=self._table,
            Key=_key(key),
            UpdateExpression="ADD " + ", ".join(f"{place} :less" for place in places),
            ConditionExpression=" AND ".join(["#until > :now", *(f"{place} >= :amount" for place in places)]),
            ExpressionAttributeNames=places | {"#until": "Until"},
            ExpressionAttributeValues={
                ":less": _number(-amount),
                ":amount": _number(amount),
                ":now": _number(_millis(now)),
            },
        )

    def put(self, key: str, name: str, number: int, until: datetime) -> None:
        with failures_as_unavailable(self._table):
            self._client.update_item(
                TableName=self._table,
                Key=_key(key),
                UpdateExpression="SET #name = :number, #until = :until, #expires = :expires",
                ExpressionAttributeNames=_BASICS | {"#name": _PREFIX + name},
                ExpressionAttributeValues={":number": _number(number), **_ends(until)},
            )

    def find(self, key: str, now: datetime) -> Counts | None:
        with failures_as_unavailable(self._table):
            item: Any = self._client.get_item(TableName=self._table, Key=_key(key), ConsistentRead=True).get("Item")
        if item is None or _instant(item["Until"]["N"]) <= now:
            return None
        taken = {name.removeprefix(_PREFIX): int(value["N"]) for name, value in item.items() if _PREFIX in name}
        return Counts(_instant(item["Until"]["N"]), taken)

    def salt(self, key: str, fresh: bytes, until: datetime) -> bytes:
        with failures_as_unavailable(self._table):
            reply: Any = self._client.update_item(
                TableName=self._table,
                Key=_key(key),
                UpdateExpression="SET Salt = if_not_exists(Salt, :fresh), #until = :until, #expires = :expires",
                ExpressionAttributeNames=_BASICS,
                ExpressionAttributeValues={":fresh": {"B": fresh}, **_ends(until)},
                ReturnValues="ALL_NEW",
            )
        return bytes(reply["Attributes"]["Salt"]["B"])

    def _add(
        self, key: str, most: Mapping[str, int], now: datetime, until: datetime, amount: int
    ) -> dict[str, Any] | None:
        """Count, unless that is too much or the counts are old; then return the item that is there."""
        places = {f"#n{place}": _PREFIX + name for place, name in enumerate(most)}
        below = (f"(attribute_not_exists({place}) OR {place} <= :m{place[2:]})" for place in places)
        return write_if(
            self._client.update_item,
            TableName=self._table,
            Key=_key(key),
            UpdateExpression="SET #until = if_not_exists(#until, :until), #expires = if_not_exists(#expires, :expires) "
            "ADD " + ", ".join(f"{place} :amount" for place in places),
            ConditionExpression="attribute_not_exists(Id) OR (" + " AND ".join(["#until > :now", *below]) + ")",
            ExpressionAttributeNames=places | _BASICS,
            ExpressionAttributeValues={
                ":amount": _number(amount),
                ":now": _number(_millis(now)),
                **_ends(until),
                **{f":m{place}": _number(limit - amount) for place, limit in enumerate(most.values())},
            },
        )

    def _begin_anew(self, key: str, names: Collection[str], now: datetime, until: datetime, amount: int) -> bool:
        places = {f"#n{place}": _PREFIX + name for place, name in enumerate(names)}
        found = write_if(
            self._client.update_item,
            TableName=self._table,
            Key=_key(key),
            UpdateExpression="SET "
            + ", ".join(["#until = :until", "#expires = :expires", *(f"{place} = :amount" for place in places)]),
            ConditionExpression="#until <= :now",
            ExpressionAttributeNames=places | _BASICS,
            ExpressionAttributeValues={":amount": _number(amount), ":now": _number(_millis(now)), **_ends(until)},
        )
        return found is None


def _ends(until: datetime) -> dict[str, Any]:
    return {":until": _number(_millis(until)), ":expires": _number(ceil(until.timestamp()))}


def _key(key: str) -> Any:
    return {"Id": {"S": key}}


def _number(number: int) -> dict[str, str]:
    return {"N": str(number)}


def _millis(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _instant(millis: str) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(millis))
