"""Classifies errors of Redis by the client's class, or by the first words of the server's answer.

The library is imported inside the functions: a query that imports this module must not pay for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chalicelib.platform.failures import Failure, raise_if_unavailable

if TYPE_CHECKING:
    from redis import RedisError

_SERVER = "Redis"

_BY_BEGINNING = {
    "BUSY ": Failure.TRANSIENT,  # a script runs for too long
    "NOREPLICAS ": Failure.TRANSIENT,
    "UNKILLABLE ": Failure.TRANSIENT,
    "Unknown Redis command": Failure.MISCONFIGURED,  # in a script: the server is too old
    "unknown command": Failure.MISCONFIGURED,
    "MISCONF ": Failure.MISCONFIGURED,  # it cannot write its snapshots to the disk
}
_OF_A_PIPELINE = "of pipeline caused error: "


@contextmanager
def failures_as_unavailable() -> Iterator[None]:
    """Turn failures of the server into Unavailable; an answer about the data stays the client's error.

    Raises:
        Unavailable: trying again later is right.
        Misconfigured: trying again is right once the deployment is repaired.
    """
    from redis import RedisError  # noqa: PLC0415 - see above

    try:
        yield
    except RedisError as error:
        raise_if_unavailable(failure_of(error), _SERVER, error)
        raise


def is_outage(error: Exception) -> bool:
    """Tell whether the server did not answer, or not in time."""
    from redis import RedisError  # noqa: PLC0415 - see above

    return isinstance(error, RedisError) and failure_of(error) is Failure.TRANSIENT


def failure_of(error: "RedisError") -> Failure:
    """Classify an error of the client by its class, or by its text if there is no class for it."""
    from redis import exceptions  # noqa: PLC0415 - see above

    match error:
        case (
            exceptions.AuthenticationError()
            | exceptions.AuthorizationError()
            | exceptions.AuthenticationWrongNumberOfArgsError()
            | exceptions.NoPermissionError()
            | exceptions.OutOfMemoryError()
        ):
            return Failure.MISCONFIGURED
        case (
            exceptions.ConnectionError()
            | exceptions.TimeoutError()
            | exceptions.InvalidResponse()
            | exceptions.ReadOnlyError()
            | exceptions.ClusterError()
            | exceptions.AskError()
            | exceptions.TryAgainError()
        ):
            return Failure.TRANSIENT
    answer = str(error).rpartition(_OF_A_PIPELINE)[2]
    return next((found for beginning, found in _BY_BEGINNING.items() if answer.startswith(beginning)), Failure.POISON)
