"""Defines what the routes of the venues answer."""

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Count, Id, Version


class Coordinates(TypedDict):
    """Where the venue is, in degrees; north and east are positive."""

    latitude: float
    longitude: float


class Venue(TypedDict):
    id: Id
    name: str
    description: str
    capacity: Count
    address: str
    city: str
    country: str
    time_zone: str
    web_url: str | None
    coordinates: Coordinates | None
    shared: bool
    organiser_id: Id | None
    version: Version
