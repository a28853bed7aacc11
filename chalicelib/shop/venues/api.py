"""Declares the routes of the venues."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import AfterValidator, Field

from chalicelib.platform.caller import KeyScope, Role
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.http.paging import Page, page_of
from chalicelib.platform.http.requests import ActingFor, Body, Line, Query, Text, WebUrl
from chalicelib.platform.http.routes import Answer, Call, Routes, created, no_content, ok
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.platform.services import Services
from chalicelib.shop.venues import commands, queries
from chalicelib.shop.venues.events import Coordinates
from chalicelib.shop.venues.time_zones import time_zones
from chalicelib.shop.venues.venue import VenueDetails

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader


class VenueServices(Services, Protocol):
    """Declares what these routes use of the container."""

    def programme_reflecting(self, min_versions: MinVersions, log: EventStore) -> AbstractContextManager["Reader"]: ...


routes: Routes[VenueServices] = Routes(__name__)


def _time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("must be the IANA time zone of a place, as in Europe/Amsterdam")
    return name


Capacity = Annotated[int, Field(ge=1, le=1_000_000)]
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


class VenueChanges(Body):
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
def create_venue(call: Call[VenueServices]) -> Answer:
    body = call.body(NewVenue)
    venue_id = commands.create_venue(call.shop.repository, call.caller(body), body.to_details(), body.organiser_id)
    return created({"id": str(venue_id), "version": 0}, f"/venues/{venue_id}")


@routes.get("/venues")
def list_venues(call: Call[VenueServices]) -> Answer:
    page = call.query(Page)
    shop = call.shop
    with shop.programme_reflecting(call.min_versions, call.metered(shop.event_store)) as programme:
        found = queries.list_venues(programme, page.limit, page.after)
        call.min_versions.may_tell_of(*queries.readable_venues(programme, call.min_versions.lag))
    return ok(page_of(*found))


@routes.get("/venues/{venue_id}")
def get_venue(call: Call[VenueServices]) -> Answer:
    call.query(Query)
    shop = call.shop
    with shop.programme_reflecting(call.min_versions, call.metered(shop.event_store)) as programme:
        venue = queries.find_venue(programme, call.id("venue_id"))
        call.min_versions.may_tell_of(*queries.readable_venues(programme, call.min_versions.lag))
    if venue is None:
        raise NotFound("There is no such venue.")
    return ok(venue, venue["version"])


@routes.patch("/venues/{venue_id}", Role.ORGANISER, if_match=True, scopes=(KeyScope.CONCERTS_WRITE,))
def change_venue(call: Call[VenueServices]) -> Answer:
    body = call.body(VenueChanges)
    changes = body.changes()
    venue_id = call.id("venue_id")
    version = commands.change_venue(
        call.shop.repository, call.caller(body), venue_id, lambda details: replace(details, **changes)
    )
    return ok({"id": str(venue_id), "version": version}, version)


@routes.delete("/venues/{venue_id}", Role.ORGANISER, if_match=True, scopes=(KeyScope.CONCERTS_WRITE,))
def delete_venue(call: Call[VenueServices]) -> Answer:
    return no_content(commands.delete_venue(call.shop.repository, call.caller(), call.id("venue_id")))
