"""Declares the routes of the venues."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import AfterValidator, Field

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.answers import Created, NoContent, Ok, Tagged, created, no_content, ok
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.requests import WHOLE, ActingFor, Body, Changes, Line, Text, WebUrl
from chalicelib.platform.http.routes import Call, Routes
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.venues import commands, queries
from chalicelib.shop.venues.events import Coordinates
from chalicelib.shop.venues.time_zones import time_zones
from chalicelib.shop.venues.venue import VenueDetails

if TYPE_CHECKING:
    from chalicelib.platform.http.shapes import Items, Made
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.venues.answers import Venue


class VenueServices(Services, Protocol):
    """Declares what these routes use of the container."""

    def programme_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[VenueServices] = Routes(__name__)


def _time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("must be the IANA time zone of a place, as in Europe/Amsterdam")
    return name


Capacity = Annotated[int, Field(ge=1, le=1_000_000), WHOLE]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class Position(Body, defer_build=False):
    """Says where the venue is, in degrees; north and east are positive."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]

    def to_coordinates(self) -> Coordinates:
        return Coordinates(latitude=self.latitude, longitude=self.longitude)


class NewVenue(Body):
    name: Line
    description: Text = ""
    capacity: Capacity
    address: Line
    city: Line
    country: Line
    time_zone: TimeZone
    web_url: WebUrl | None = None
    coordinates: Position | None = None
    shared: bool = False
    organiser_id: ActingFor = None

    def to_details(self) -> VenueDetails:
        given = {name: value for name, value in self if name != "organiser_id"}
        return VenueDetails(**{**given, "coordinates": self.coordinates and self.coordinates.to_coordinates()})


class VenueChanges(Changes):
    """Lists the details to change; whatever is left out stays as it is."""

    name: Line = ""
    description: Text = ""
    capacity: Capacity = 1
    address: Line = ""
    city: Line = ""
    country: Line = ""
    time_zone: TimeZone = ""
    web_url: WebUrl | None = None
    coordinates: Position | None = None
    shared: bool = False

    def changes(self) -> dict[str, Any]:
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        return changes if self.coordinates is None else {**changes, "coordinates": self.coordinates.to_coordinates()}


@routes.post("/venues", Role.ORGANISER, scopes=(KeyScope.CONCERTS_WRITE,))
def create_venue(call: Call[VenueServices], body: NewVenue) -> "Created[Made]":
    """Make a venue; with `shared`, other organisers may use it."""
    venue_id = commands.create_venue(call.shop.repository, call.caller(), body.to_details(), body.organiser_id)
    made: Made = {"id": str(venue_id), "version": 0}
    return created(made, f"/venues/{venue_id}")


@routes.get("/venues")
def list_venues(call: Call[VenueServices], page: Page) -> "Ok[Items[Venue]]":
    """List the venues of everybody by name."""
    shop = call.shop
    with shop.programme_reflecting(call.min_versions, call.metered(shop.event_store)) as programme:
        found = queries.list_venues(programme, page.limit, page.after)
        call.min_versions.may_tell_of(*queries.readable_venues(programme, call.min_versions.lag))
    return ok(page_of(*found))


@routes.get("/venues/{venue_id}")
def get_venue(call: Call[VenueServices]) -> "Tagged[Venue]":
    """Show a venue."""
    shop = call.shop
    with shop.programme_reflecting(call.min_versions, call.metered(shop.event_store)) as programme:
        venue = queries.find_venue(programme, call.id("venue_id"))
        call.min_versions.may_tell_of(*queries.readable_venues(programme, call.min_versions.lag))
    if venue is None:
        raise NotFound("There is no such venue.")
    return ok(venue, venue["version"])


@routes.patch("/venues/{venue_id}", Role.ORGANISER, scopes=(KeyScope.CONCERTS_WRITE,))
def change_venue(call: Call[VenueServices], body: VenueChanges) -> "Tagged[Made]":
    """Change the details of a venue that are given."""
    changes = body.changes()
    venue_id = call.id("venue_id")
    version = commands.change_venue(
        call.shop.repository, call.caller(), venue_id, lambda details: replace(details, **changes)
    )
    changed: Made = {"id": str(venue_id), "version": version}
    return ok(changed, version)


@routes.delete("/venues/{venue_id}", Role.ORGANISER, if_match=True, scopes=(KeyScope.CONCERTS_WRITE,))
def delete_venue(call: Call[VenueServices]) -> NoContent:
    """Delete a venue; the concerts that have been published there keep its address."""
    return no_content(commands.delete_venue(call.shop.repository, call.caller(), call.id("venue_id")))
