"""Classifies errors of Postgres by SQLSTATE (appendix A of its manual); a full code wins over its class."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from chalicelib.platform.failures import Failure, raise_if_unavailable

_SERVER = "The database"

_BY_CLASS = {
    "08": Failure.TRANSIENT,  # connection
    "28": Failure.MISCONFIGURED,  # authorisation
    "3D": Failure.MISCONFIGURED,  # no such database
    "3F": Failure.MISCONFIGURED,  # no such schema
    "40": Failure.TRANSIENT,  # rollback: deadlock, serialisation
    "53": Failure.TRANSIENT,  # resources: disk, memory, connections
    "55": Failure.TRANSIENT,  # locks
    "57": Failure.TRANSIENT,  # an operator intervenes: shutdown, cancelled statement
    "58": Failure.TRANSIENT,  # the system around the server
    "F0": Failure.MISCONFIGURED,  # configuration file
    "XX": Failure.MISCONFIGURED,  # internal errors and damaged files
}
_BY_STATE = {
    "25006": Failure.TRANSIENT,  # read-only: a standby, in the middle of a failover
    "25P03": Failure.TRANSIENT,  # idle in transaction for too long
    "25P04": Failure.TRANSIENT,  # transaction took too long
    # A migration is still to come, or the role lacks a grant.
    "42501": Failure.MISCONFIGURED,  # no permission
    "42703": Failure.MISCONFIGURED,  # no such column
    "42704": Failure.MISCONFIGURED,  # no such type, role or other object
    "42883": Failure.MISCONFIGURED,  # no such function
    "42P01": Failure.MISCONFIGURED,  # no such table
    "42P10": Failure.MISCONFIGURED,  # no such unique index for `on conflict`
}

_RACES = {"40", "55"}


@contextmanager
def failures_as_unavailable() -> Iterator[None]:
    """Turn failures of the server into Unavailable; what is wrong with the data stays the driver's error.

    Raises:
        Unavailable: trying again later is right.
        Misconfigured: trying again is right once the deployment is repaired.
    """
    try:
        yield
    except psycopg.Error as error:
        raise_if_unavailable(failure_of(error), _SERVER, error)
        raise


def is_outage(error: Exception) -> bool:
    """Tell whether the server did not answer, or not in time; a lost race for a lock or a row is an answer."""
    if not isinstance(error, psycopg.Error) or failure_of(error) is not Failure.TRANSIENT:
        return False
    return error.sqlstate is None or error.sqlstate[:2] not in _RACES


def failure_of(error: psycopg.Error) -> Failure:
    """Classify an error of the driver; one without a SQLSTATE is about the connection, or about our own call."""
    if error.sqlstate is None:
        is_about_connection = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Failure.TRANSIENT if is_about_connection else Failure.POISON
    return _BY_STATE.get(error.sqlstate) or _BY_CLASS.get(error.sqlstate[:2], Failure.POISON)
