"""Defines the four kinds of failures of a server. Each driver has one table that classifies its errors by kind."""

import logging
from enum import Enum

from chalicelib.platform import metrics
from chalicelib.platform.errors import Misconfigured, Unavailable

logger = logging.getLogger(__name__)


class Failure(Enum):
    """The kind of a failure, which decides what becomes of the work that met it."""

    TRANSIENT = "transient"
    """It may pass by itself: retried for ever."""

    MISCONFIGURED = "misconfigured"
    """A deployment must repair it, such as a missing permission or table: it is logged as an error, counted for an
    alarm, and retried for ever."""

    REFUSED = "refused"
    """The server understood the request and refused it, such as for a condition that does not hold."""

    POISON = "poison"
    """The request itself is wrong. If an event made it so, its stream is parked."""


def raise_if_unavailable(failure: Failure, server: str, error: Exception) -> None:
    """Raise what is the server's failure as Unavailable; return for a refusal and for poison.

    Raises:
        Misconfigured: the deployment must be repaired; that was logged as an error, and counted.
        Unavailable: the failure is transient.
    """
    if failure is Failure.MISCONFIGURED:
        logger.error("%s is misconfigured: %s", server, error)
        metrics.count("Misconfigured")
        raise Misconfigured(f"{server} cannot be used at present.") from error
    if failure is Failure.TRANSIENT:
        raise Unavailable(f"{server} is away or throttled.") from error
