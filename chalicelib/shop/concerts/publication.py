"""Defines what a concert knows of its life after publication: its shown venue, its sales, its promises of refunds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.concerts.events import (
    ConcertMoved,
    ConcertPostponed,
    ConcertPublished,
    ConcertSalesClosed,
    ConcertSalesOpened,
    ConcertTermsApplied,
    ConcertTermsChanged,
    ConcertVenueDescribed,
    ShownVenue,
)

CHANGED_IN_THE_REQUEST = 100
"""The most pools that the request itself changes, which takes about a second; a concert may have thousands."""


@dataclass(frozen=True, slots=True)
class RefundPromise:
    """Says until when those may have their money back who bought before a change."""

    bought_before: datetime
    until: datetime


def refundable_until(promises: Iterable[RefundPromise], bought_at: datetime) -> datetime | None:
    """Return until when a ticket bought then may be given back; None if it may not."""
    return max((one.until for one in promises if bought_at < one.bought_before), default=None)


@dataclass(frozen=True, slots=True)
class Publication:
    """Keeps what happened since a concert was published.

    `terms_versions` has the version of each ticket type whose terms were changed; those above `applied_version` are not
    in all their pools yet.
    """

    venue: ShownVenue | None = None
    is_postponed: bool = False
    sales_closed: bool = False
    promises: tuple[RefundPromise, ...] = ()
    terms_version: int = 1
    applied_version: int = 1
    terms_versions: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def sales_paused(self) -> bool:
        """Tell whether nothing is sold at present, whatever the sales windows say."""
        return self.sales_closed or self.is_postponed

    @property
    def unapplied(self) -> list[UUID]:
        """Return the ticket types of which some pool may have older terms."""
        return [key for key, version in self.terms_versions.items() if version > self.applied_version]

    def terms_version_of(self, ticket_type_id: UUID) -> int:
        return self.terms_versions.get(ticket_type_id, 1)


def evolve_publication(known: Publication, event: Event) -> Publication:
    match event:
        case ConcertPublished() | ConcertVenueDescribed():
            return replace(known, venue=event.venue)
        case ConcertMoved():
            return replace(_promised(known, event), venue=event.venue, is_postponed=False)
        case ConcertPostponed():
            return replace(_promised(known, event), is_postponed=True)
        case ConcertSalesClosed():
            return replace(known, sales_closed=True)
        case ConcertSalesOpened():
            return replace(known, sales_closed=False)
        case ConcertTermsChanged():
            versions = {**known.terms_versions, **dict.fromkeys(event.ticket_type_ids, event.terms_version)}
            return replace(known, terms_version=event.terms_version, terms_versions=versions)
        case ConcertTermsApplied():
            return replace(known, applied_version=event.terms_version)
    return known


def _promised(known: Publication, event: ConcertMoved | ConcertPostponed) -> Publication:
    if event.refundable_until is None:
        return known
    return replace(known, promises=(*known.promises, RefundPromise(event.at, event.refundable_until)))
