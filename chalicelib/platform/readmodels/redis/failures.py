"""Which errors of Redis are failures of the server, by the class and the first words of its answer.

redis is imported where a client has failed only: a query that imports this module must not pay for the library.
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
        Unavailable: if trying again later is right; Misconfigured if a deployment must mend something first.
    """
    from redis import RedisError  # noqa: PLC0415 - see above

    try:
        yield
    except RedisError as error:
        raise_if_unavailable(failure_of(error), _SERVER, error)
        raise


def failure_of(error: "RedisError") -> Failure:
    """Classify an error of the client: by its class, or by its answer where the client has no class for that."""
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
