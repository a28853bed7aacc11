"""Declares the routes of the log."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self, cast

from pydantic import Field, model_validator

from chalicelib.platform.caller import Role
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.http.amounts import OffsetInstant
from chalicelib.platform.http.answers import Tagged, ok
from chalicelib.platform.http.paging import Page, bad_cursor, page_of
from chalicelib.platform.http.points_in_time import Version
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.services import Services
from chalicelib.shop.streams import masking, queries

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items
    from chalicelib.shop.streams.answers import StoredEvent


class StreamServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def aggregates(self) -> Mapping[str, Aggregate[Any]]: ...


routes: Routes[StreamServices] = Routes(__name__)


class EventFilters(Page):
    """Reads the filters of a list of events; `since` and `until` are both included.

    `changes` asks for what each event changed in its aggregate.
    """

    type: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    from_version: Version = 0
    since: OffsetInstant | None = None
    until: OffsetInstant | None = None
    changes: bool = False

    @model_validator(mode="after")
    def _ensure_span(self) -> Self:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise InvalidInput("`until` is before `since`.", (("?until", "must not be before since"),))
        return self

    def to_wanted(self) -> queries.Wanted:
        return queries.Wanted(self.type, self.from_version, self.since, self.until)

    @property
    def after_version(self) -> int | None:
        """Return the version after which the page begins, or None for the first page.

        Raises:
            InvalidInput: the cursor did not come from this API.
        """
        after = self.after
        if after is None:
            return None
        if len(after) != 1 or not (after[0].isascii() and after[0].isdigit() and len(after[0]) <= _MAX_DIGITS):
            raise bad_cursor()
        return int(after[0])


_MAX_DIGITS = 15


@routes.get(
    "/streams/{stream_id}/events", Role.CUSTOMER, refuses=("account_needed", "forbidden", "second_factor_needed")
)
def list_events(call: Call[StreamServices], filters: EventFilters) -> "Tagged[Items[StoredEvent]]":
    """List events of a stream: operators see every stream, organisers their own, without people, carts and orders."""
    if Role.OPERATOR not in call.actor.roles:
        call.add_granted_roles()
    call.require(Role.ORGANISER)
    stream_id = call.id("stream_id")
    shop = call.shop
    log = queries.LogView(shop.repository.through(call.metered(shop.event_store)), shop.aggregates)
    page = queries.list_events(log, call.actor, stream_id, filters.to_wanted(), filters.limit, filters.after_version)
    items = log.with_changes(page.events) if filters.changes else list(map(queries.as_item, page.events))
    shown = items if Role.OPERATOR in call.actor.roles else masking.masked(items, call.actor.id)
    next_key = None if page.next_after is None else [str(page.next_after)]
    return ok(page_of(cast("list[StoredEvent]", shown), next_key), page.version)
