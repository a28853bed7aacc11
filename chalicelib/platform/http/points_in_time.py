"""Reads `as_of=<instant>` and `version=<n>` of a request that looks back."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.requests import Query

Version = Annotated[int, Field(ge=0, lt=10**15)]


class AsOfQuery(Query):
    """Reads `as_of`, for answers from several streams: together they have a past, and no version."""

    as_of: OffsetInstant | None = None

    def instant(self, now: datetime) -> datetime | None:
        """Return the instant to look back to, or None for now.

        Raises:
            InvalidInput: the instant is in the future.
        """
        if self.as_of is not None and self.as_of > now:
            reason = f"must not be after {format_instant(now)}"
            raise InvalidInput(f"`as_of` {reason}.", (("?as_of", reason),), server_time=format_instant(now))
        return self.as_of


class PointInTimeQuery(AsOfQuery):
    """Reads `as_of` or `version`, for answers from one stream."""

    version: Version | None = None

    def point(self, now: datetime) -> PointInTime | None:
        """Return the point in time to look back to, or None for now.

        Raises:
            InvalidInput: both are given, or the instant is in the future.
        """
        if self.as_of is not None and self.version is not None:
            reason = "is given together with the other"
            raise InvalidInput(
                "`as_of` and `version` are both given; only one is allowed.", (("?as_of", reason), ("?version", reason))
            )
        as_of = self.instant(now)
        return None if as_of is None and self.version is None else PointInTime(as_of, self.version)
