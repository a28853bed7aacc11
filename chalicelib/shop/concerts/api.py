"""Declares the routes of the concerts."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol
from uuid import UUID

from pydantic import Field

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.errors import InvalidInput, NotFound, Unauthenticated
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.amounts import OffsetInstant, Price
from chalicelib.platform.http.answers import Created, NoContent, Ok, Tagged, created, no_content, ok
from chalicelib.platform.http.paging import page_of
from chalicelib.platform.http.points_in_time import PointInTimeQuery
from chalicelib.platform.http.requests import WHOLE, ActingFor, Body, Changes, Line, Text, WebUrl
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.concerts import commands, queries
from chalicelib.shop.concerts.concert import ConcertDetails, ConcertStatus
from chalicelib.shop.concerts.events import TicketType
from chalicelib.shop.concerts.facets import count_facets
from chalicelib.shop.concerts.filters import ConcertFilters
from chalicelib.shop.concerts.on_sale import Confirmation, confirmed_by
from chalicelib.shop.concerts.terms import Changed
from chalicelib.shop.inventory.commands import LARGEST_OFFER

if TYPE_CHECKING:
    from chalicelib.platform.http.auth import CredentialVerifier
    from chalicelib.platform.http.shapes import Made
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.concerts.answers import Concert, FoundConcerts, Scheduled, StatusChanged, TermsChanged


class ConcertServices(Services, Protocol):
    """Declares what these routes use of the container."""

    @property
    def verifier(self) -> "CredentialVerifier": ...

    def programme_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[ConcertServices] = Routes(__name__)

DEFAULT_MAX_PER_ORDER = 10


CustomerLimit = Annotated[int, Field(ge=1, le=1000), WHOLE]
OrderLimit = Annotated[int, Field(ge=1, le=40), WHOLE]
Quantity = Annotated[int, Field(ge=1, le=LARGEST_OFFER), WHOLE]


class NewConcert(Body):
    name: Line
    venue_id: UUID
    description: Text = ""
    genre: Line | None = None
    image_url: WebUrl | None = None
    max_per_customer: CustomerLimit | None = None
    organiser_id: ActingFor = None


class ConcertChanges(Changes):
    """Lists the details to change; whatever is left out stays as it is."""

    name: Line = ""
    venue_id: UUID = UUID(int=0)
    description: Text = ""
    genre: Line | None = None
    image_url: WebUrl | None = None
    max_per_customer: CustomerLimit | None = None


class NewSchedule(Body):
    starts_at: OffsetInstant
    ends_at: OffsetInstant


class NewTicketType(Body):
    """Describes a ticket type with a stock of its own, or one that draws from an area and may have a ceiling there."""

    name: Line
    price: Price
    quantity: Quantity | None = None
    area_id: UUID | None = None
    ceiling: Quantity | None = None
    max_per_order: OrderLimit = DEFAULT_MAX_PER_ORDER
    sales_start: OffsetInstant | None = None
    sales_end: OffsetInstant | None = None
    confirm: Confirmation | None = None

    def ensure_one_stock(self) -> None:
        """Check that the type has a stock of its own, or else an area.

        Raises InvalidInput.
        """
        if self.area_id is None and self.quantity is None:
            raise InvalidInput("`quantity` is missing.", (("#/quantity", "is required without area_id"),))
        if self.area_id is None and self.ceiling is not None:
            raise InvalidInput("`ceiling` is set without an area.", (("#/ceiling", "needs an area_id"),))
        if self.area_id is not None and self.quantity is not None:
            detail = "`quantity` is set for a type that draws from an area; `ceiling` limits the type."
            raise InvalidInput(detail, (("#/quantity", "is that of the area"),))

    def to_ticket_type(self, ticket_type_id: UUID) -> TicketType:
        return TicketType(
            id=ticket_type_id,
            name=self.name,
            price=self.price.to_money(),
            quantity=self.quantity or 0,
            area_id=self.area_id,
            ceiling=self.ceiling,
            max_per_order=self.max_per_order,
            sales_start=self.sales_start,
            sales_end=self.sales_end,
        )


class ConfirmedPublication(Body):
    """Names what the organiser confirms, so that it does not stop the publication."""

    confirm: Confirmation | None = None


class Cancellation(Body):
    """Confirms that a concert is to be cancelled although it has taken place."""

    confirm: Literal["has_taken_place"] | None = None


@routes.post("/concerts", Role.ORGANISER, refuses=("venue_gone", "venue_not_shared"), scopes=(KeyScope.CONCERTS_WRITE,))
def create_concert(call: Call[ConcertServices], body: NewConcert) -> "Created[Made]":
    """Make a concert; it is a draft until it is published."""
    details = ConcertDetails(**{name: value for name, value in body if name != "organiser_id"})
    concert_id = commands.create_concert(call.shop.repository, call.caller(), details, body.organiser_id)
    made: Made = {"id": str(concert_id), "version": 0}
    return created(made, f"/concerts/{concert_id}")


@routes.get("/concerts")
def search_concerts(call: Call[ConcertServices], filters: ConcertFilters) -> "Ok[FoundConcerts]":
    """Search the concerts that are published: the best match first, or the soonest."""
    shop = call.shop
    search = replace(filters.to_search(), now=shop.clock())
    with shop.programme_reflecting(call.min_versions, call.metered(shop.event_store)) as programme:
        found = queries.search_concerts(programme, search, filters.limit, filters.after)
        page = page_of(*found)
        answer: FoundConcerts = {"items": page["items"], "next_cursor": page["next_cursor"]}
        if filters.facets:
            answer["facets"] = count_facets(programme, search)
        _tell_of_readable(call, programme)
    return ok(answer)


@routes.get("/concerts/{concert_id}", takes_token=True)
def get_concert(call: Call[ConcertServices], query: PointInTimeQuery) -> "Tagged[Concert]":
    """Show a concert as it is now or as it was; a draft only to whoever manages it."""
    shop, concert_id = call.shop, call.id("concert_id")
    point = query.point(shop.clock())
    if point is not None:
        return _concert_as_of(call, concert_id, point)
    with shop.programme_reflecting(call.min_versions, call.metered(shop.event_store)) as programme:
        concert = queries.find_concert(programme, concert_id)
        _tell_of_readable(call, programme)
    if concert is None or not _may_see(call, concert):
        raise NotFound("There is no such concert.")
    return ok(concert, concert["version"])


@routes.patch(
    "/concerts/{concert_id}",
    Role.ORGANISER,
    refuses=("concert_not_draft", "concert_not_published", "concert_over", "venue_gone", "venue_not_shared"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def change_concert(call: Call[ConcertServices], body: ConcertChanges) -> "Tagged[TermsChanged]":
    """Change the details of a concert that are given."""
    changes = body.model_dump(exclude_unset=True)
    concert_id = call.id("concert_id")
    changed = commands.change_concert(
        call.shop.repository, call.caller(), concert_id, lambda details: replace(details, **changes)
    )
    return answer_of(concert_id, changed)


@routes.delete(
    "/concerts/{concert_id}",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_draft",),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def delete_concert(call: Call[ConcertServices]) -> NoContent:
    """Delete a draft."""
    return no_content(commands.delete_concert(call.shop.repository, call.caller(), call.id("concert_id")))


@routes.post(
    "/concerts/{concert_id}/schedule",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_draft", "sale_never_opens"),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def schedule_concert(call: Call[ConcertServices], body: NewSchedule) -> "Tagged[Scheduled]":
    """Say when a draft takes place."""
    concert_id = call.id("concert_id")
    version = commands.schedule_concert(call.shop.repository, call.caller(), concert_id, body.starts_at, body.ends_at)
    answer: Scheduled = {
        "id": str(concert_id),
        "starts_at": format_instant(body.starts_at),
        "ends_at": format_instant(body.ends_at),
        "version": version,
    }
    return ok(answer, version)


@routes.post(
    "/concerts/{concert_id}/ticket-types",
    Role.ORGANISER,
    if_match=True,
    refuses=(
        "area_on_sale",
        "concert_not_draft",
        "concert_not_published",
        "concert_over",
        "currency_mismatch",
        "over_capacity",
        "too_many_ticket_types",
    ),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def add_ticket_type(call: Call[ConcertServices], body: NewTicketType) -> "Created[Made]":
    """Add a ticket type; that of a published concert is on sale at once."""
    body.ensure_one_stock()
    concert_id = call.id("concert_id")
    ticket_type_id, version = commands.add_ticket_type(
        call.shop.repository, call.caller(), concert_id, body.to_ticket_type, confirmed_by(body.confirm)
    )
    made: Made = {"id": str(ticket_type_id), "version": version}
    return created(made, f"/concerts/{concert_id}")


@routes.delete(
    "/concerts/{concert_id}/ticket-types/{ticket_type_id}",
    Role.ORGANISER,
    if_match=True,
    refuses=("concert_not_draft",),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def remove_ticket_type(call: Call[ConcertServices]) -> NoContent:
    """Remove a ticket type of a draft."""
    concert_id, ticket_type_id = call.id("concert_id"), call.id("ticket_type_id")
    repository = call.shop.repository
    return no_content(commands.remove_ticket_type(repository, call.caller(), concert_id, ticket_type_id))


@routes.post(
    "/concerts/{concert_id}/publish",
    Role.ORGANISER,
    if_match=True,
    refuses=(
        "concert_incomplete",
        "concert_not_draft",
        "concert_over",
        "over_capacity",
        "sale_never_opens",
        "venue_gone",
        "venue_not_shared",
    ),
    scopes=(KeyScope.CONCERTS_WRITE,),
)
def publish_concert(call: Call[ConcertServices], body: ConfirmedPublication | None) -> "Tagged[StatusChanged]":
    """Publish a concert: its tickets are on sale, and cannot be removed any more."""
    concert_id = call.id("concert_id")
    confirmed = confirmed_by(body.confirm) if body else ()
    version = commands.publish_concert(call.shop.repository, call.caller(), concert_id, confirmed)
    return _status_of(concert_id, ConcertStatus.PUBLISHED, version)


@routes.post(
    "/concerts/{concert_id}/cancel", Role.ORGANISER, if_match=True, refuses=("concert_not_published", "has_taken_place")
)
def cancel_concert(call: Call[ConcertServices], body: Cancellation | None) -> "Tagged[StatusChanged]":
    """Cancel a concert: nothing more is sold, and what was paid goes back."""
    concert_id = call.id("concert_id")
    is_confirmed = body is not None and body.confirm is not None
    status, version = commands.cancel_concert(
        call.shop.repository, call.caller(), concert_id, although_over=is_confirmed
    )
    return _status_of(concert_id, status, version)


def answer_of(stream_id: UUID, changed: Changed) -> "Tagged[TermsChanged]":
    """Answer a change; `terms` says whether new holds are on the new terms in every pool already."""
    answer: TermsChanged = {
        "id": str(stream_id),
        "terms": "applied" if changed.is_applied else "being_applied",
        "version": changed.version,
    }
    return ok(answer, changed.version)


def _status_of(concert_id: UUID, status: ConcertStatus, version: int) -> "Tagged[StatusChanged]":
    answer: StatusChanged = {"id": str(concert_id), "status": status, "version": version}
    return ok(answer, version)


def _concert_as_of(call: Call[ConcertServices], concert_id: UUID, point: PointInTime) -> "Tagged[Concert]":
    from chalicelib.shop.concerts.history import find_concert_as_of  # noqa: PLC0415 - brings a driver that routes do without

    concert = find_concert_as_of(call.metered(call.shop.event_store), concert_id, point, partial(_may_see, call))
    return ok(concert, concert["version"])


def _tell_of_readable(call: Call[ConcertServices], programme: "Reader") -> None:
    """Let the caller hear how far the programme is behind, of concerts that the caller may see and of venues."""
    streams = queries.readable_streams(programme, call.min_versions.lag, partial(_may_see, call))
    call.min_versions.may_tell_of(*streams)


def _may_see(call: Call[ConcertServices], concert: Mapping[str, Any]) -> bool:
    """Tell whether the caller may see the concert: a draft is visible only to whoever manages it.

    A token that cannot be trusted counts as none, and an API key only if it may change the draft as well.
    """
    organiser_id = concert["organiser_id"]
    if concert["status"] != ConcertStatus.DRAFT:
        return True
    if call.authorization is None:
        return False
    try:
        call.authenticate(call.shop.verifier)
    except Unauthenticated:
        return False
    manages = call.actor.manages(UUID(str(organiser_id)) if organiser_id else None)
    return manages and call.actor.has(KeyScope.CONCERTS_WRITE)
