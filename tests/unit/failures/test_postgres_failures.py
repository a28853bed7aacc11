"""Every SQLSTATE that the driver knows is of one kind of failure."""

import psycopg
import pytest

from chalicelib.platform.errors import Misconfigured, Unavailable
from chalicelib.platform.failures import Failure
from chalicelib.platform.readmodels.postgres.failures import failure_of, failures_as_unavailable

STATES = (getattr(error, "sqlstate", None) for error in vars(psycopg.errors).values())
SQLSTATES = sorted(state for state in STATES if isinstance(state, str))
TRANSIENT = {"08", "40", "53", "55", "57", "58"}
MISCONFIGURED = {"28", "3D", "3F", "F0", "XX"}
ABOUT_THE_REQUEST = {"00", "01", "02", "03", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23"}
ABOUT_THE_REQUEST |= {
    "24",
    "25",
    "26",
    "27",
    "2B",
    "2D",
    "2F",
    "34",
    "38",
    "39",
    "3B",
    "42",
    "44",
    "54",
    "72",
    "HV",
    "P0",
}
BY_STATE = {"25006": Failure.TRANSIENT, "25P03": Failure.TRANSIENT, "25P04": Failure.TRANSIENT}
BY_STATE |= dict.fromkeys(["42501", "42703", "42704", "42883", "42P01", "42P10"], Failure.MISCONFIGURED)


def expected(sqlstate: str) -> Failure:
    if sqlstate in BY_STATE:
        return BY_STATE[sqlstate]
    if sqlstate[:2] in TRANSIENT:
        return Failure.TRANSIENT
    if sqlstate[:2] in MISCONFIGURED:
        return Failure.MISCONFIGURED
    assert sqlstate[:2] in ABOUT_THE_REQUEST, "a class that nobody has thought of"
    return Failure.POISON


def test_the_driver_knows_hundreds_of_states() -> None:
    assert len(SQLSTATES) > 200


@pytest.mark.parametrize("sqlstate", SQLSTATES)
def test_each_state_ends_in_its_class(sqlstate: str) -> None:
    error = psycopg.errors.lookup(sqlstate)("a test says so")
    assert failure_of(error) is expected(sqlstate)
    ends: dict[Failure, type[Exception]] = {Failure.TRANSIENT: Unavailable, Failure.MISCONFIGURED: Misconfigured}
    with pytest.raises(ends.get(expected(sqlstate), type(error))) as raised, failures_as_unavailable():
        raise error
    assert isinstance(raised.value, Misconfigured) == (expected(sqlstate) is Failure.MISCONFIGURED)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), Failure.TRANSIENT),
        (psycopg.InterfaceError("the connection is closed"), Failure.TRANSIENT),
        (psycopg.ProgrammingError("cannot adapt type 'dict'"), Failure.POISON),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), Failure.POISON),
    ],
)
def test_without_a_state_it_is_the_connection_or_the_value(error: psycopg.Error, failure: Failure) -> None:
    assert failure_of(error) is failure
