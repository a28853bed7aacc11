"""Writes to DynamoDB and to S3 under a condition."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.platform.aws.failures import (
    CONDITION_FAILED,
    cancellation_reasons,
    error_code,
    failures_as_unavailable,
)

Item = dict[str, Any]

_OBJECT_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict"}


def write_if(write: Callable[..., Any], **request: Any) -> Item | None:
    """Put, update or delete one item under the request's condition; return None if that was done.

    Otherwise nothing was changed, and the item that is there is returned: `{}` if there is none, so compare with None.
    A repeated write whose first reply was lost gets its own item back.

    Raises:
        Unavailable: the server failed.
        ClientError: the request itself is wrong.
    """
    try:
        with failures_as_unavailable(request["TableName"]):
            write(ReturnValuesOnConditionCheckFailure="ALL_OLD", **request)
    except ClientError as error:
        if error_code(error) != CONDITION_FAILED:
            raise
        return item_in_the_way(error)
    return None


def write_all_if(write: Callable[..., Any], server: str, **request: Any) -> frozenset[int]:
    """Write all items of a transaction, each under its condition, or none of them.

    Returns the indexes of those whose condition does not hold: if there are none, all was written.

    Raises:
        Unavailable: the server failed, or another transaction was in the way.
        ClientError: the request itself is wrong.
    """
    try:
        with failures_as_unavailable(server):
            write(**request)
    except ClientError as error:
        reasons = cancellation_reasons(error)
        failed = frozenset(place for place, reason in enumerate(reasons) if reason["Code"] == CONDITION_FAILED)
        if not failed:
            raise
        return failed
    return frozenset()


def put_object_if_absent(put_object: Callable[..., Any], **request: Any) -> bool:
    """Put an object into S3 where there is none; return False if there is one."""
    try:
        put_object(IfNoneMatch="*", **request)
    except ClientError as error:
        if error_code(error) not in _OBJECT_EXISTS:
            raise
        return False
    return True


def item_in_the_way(error: ClientError) -> Item:
    """Return the item for which a condition failed, `{}` for none."""
    found: Item = error.response.get("Item", {})  # type: ignore[assignment]  # the stubs do not know it
    return found
