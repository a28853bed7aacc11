"""Defines what the routes of the concerts answer."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Amount, Count, Id, Instant, Version
from chalicelib.shop.concerts.concert import ConcertStatus


class ConcertVenue(TypedDict):
    """What a concert shows of its venue: the venue as it is now, until it is published."""

    id: Id
    name: str
    address: str
    city: str
    country: str
    time_zone: str
    web_url: str | None


class TicketType(TypedDict):
    """Tickets of one kind and price; without `sales_end` they are sold until the concert starts.

    They have a `quantity`, or draw from the area of `area_id`: no more of them than `ceiling`, if they have one.
    """

    id: Id
    name: str
    price: Amount
    quantity: Count | None
    area_id: Id | None
    ceiling: Count | None
    max_per_order: Count
    sales_start: Instant | None
    sales_end: Instant | None


class ConcertArea(TypedDict):
    """A part of the house, whose tickets several ticket types share."""

    id: Id
    name: str
    capacity: Count


class Concert(TypedDict):
    id: Id
    name: str
    description: str | None
    genre: str | None
    image_url: str | None
    max_per_customer: Count | None
    status: ConcertStatus
    postponed: bool
    sales_closed: bool
    refundable_until: Instant | None
    organiser_id: Id | None
    starts_at: Instant | None
    ends_at: Instant | None
    venue: ConcertVenue | None
    ticket_types: list[TicketType]
    areas: list[ConcertArea]
    version: Version


class FacetValue(TypedDict):
    value: str
    count: Count


class Facets(TypedDict):
    """Counts everything that the search finds, on all its pages; months are those at the venue."""

    genre: list[FacetValue]
    city: list[FacetValue]
    month: list[FacetValue]


class FoundConcerts(TypedDict):
    """A part of what was found; `facets` come if they were asked for."""

    items: list[Concert]
    next_cursor: str | None
    facets: NotRequired[Facets]


class Scheduled(TypedDict):
    id: Id
    starts_at: Instant
    ends_at: Instant
    version: Version


class StatusChanged(TypedDict):
    """Says what the concert is now; `cancelling` until all of its stock is closed."""

    id: Id
    status: ConcertStatus
    version: Version


class TermsChanged(TypedDict):
    """Says whether new holds are on the new terms in every pool already."""

    id: Id
    terms: Literal["applied", "being_applied"]
    version: Version


class QuantityChanged(TypedDict):
    id: Id
    quantity: Count
    version: Version


class AreaCapacityChanged(TypedDict):
    id: Id
    capacity: Count
    version: Version


class UnsoldTicketType(TypedDict):
    """A ticket type that would never be sold: the member of it that is wrong, and why."""

    id: Id
    field: str
    reason: str
