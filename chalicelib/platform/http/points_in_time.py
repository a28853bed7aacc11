"""Looking back in a request: `as_of=<instant>` or `version=<n>`."""

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
    """What several streams tell together has no version, but it has a past."""

    as_of: OffsetInstant | None = None

    def instant(self, now: datetime) -> datetime | None:
        """None for today. Raises InvalidInput for an instant that is still to come: nobody knows what happens then."""
        if self.as_of is not None and self.as_of > now:
            reason = f"must not be after {format_instant(now)}"
            raise InvalidInput(f"as_of {reason}.", (("?as_of", reason),), server_time=format_instant(now))
        return self.as_of


class PointInTimeQuery(AsOfQuery):
    """For what one stream tells."""

    version: Version | None = None

    def point(self, now: datetime) -> PointInTime | None:
        """None for today. Raises InvalidInput for both at once, or an instant that is still to come."""
        if self.as_of is not None and self.version is not None:
            reason = "cannot be given together with the other"
            raise InvalidInput("Give as_of or version, not both.", (("?as_of", reason), ("?version", reason)))
        as_of = self.instant(now)
        return None if as_of is None and self.version is None else PointInTime(as_of, self.version)
