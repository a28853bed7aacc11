"""The four kinds of failures of a server. Each driver has one table that tells which of its errors is of which kind."""

import logging
from enum import Enum

from chalicelib.platform import metrics
from chalicelib.platform.errors import Misconfigured, Unavailable

logger = logging.getLogger(__name__)


class Failure(Enum):
    """What becomes of a failure."""

    TRANSIENT = "transient"
    """It may pass by itself: retried for ever."""

    MISCONFIGURED = "misconfigured"
    """A deployment must mend it, such as a missing permission or table: loud, and retried for ever."""

    REFUSED = "refused"
    """The server understood and said no, such as a condition that does not hold: an outcome for whoever asked."""

    POISON = "poison"
    """The request itself is wrong. If an event made it so, its stream is parked."""


def raise_if_unavailable(failure: Failure, server: str, error: Exception) -> None:
    """Raise what is the server's failure as Unavailable; return for a refusal and for poison.

    Raises:
        Misconfigured: after it was logged as an error, and counted.
        Unavailable: for a transient failure.
    """
    if failure is Failure.MISCONFIGURED:
        logger.error("%s is misconfigured: %s", server, error)
        metrics.count("Misconfigured")
        raise Misconfigured(f"{server} cannot be used at present.") from error
    if failure is Failure.TRANSIENT:
        raise Unavailable(f"{server} is away or throttled.") from error
