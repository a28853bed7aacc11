"""Says on which terms a concert's tickets are sold, and which of its changes alter the terms."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.concerts.concert import CONCERT, Concert, ConcertStatus
from chalicelib.shop.concerts.events import ConcertTermsChanged
from chalicelib.shop.inventory.commands import Offer, openings
from chalicelib.shop.inventory.events import TicketPoolOpened


def offers_of(concert_id: UUID, concert: Concert) -> dict[UUID, Offer]:
    """Return the offer of each ticket type; none before the concert has a schedule."""
    details, starts_at = concert.ensure_exists(), concert.starts_at
    if starts_at is None:
        return {}
    return {
        ticket_type.id: Offer(
            concert_id=concert_id,
            concert_name=details.name,
            organiser_id=concert.organiser_id,
            ticket_type_id=ticket_type.id,
            ticket_type_name=ticket_type.name,
            quantity=ticket_type.quantity,
            price=ticket_type.price,
            max_per_order=ticket_type.max_per_order,
            max_per_customer=details.max_per_customer,
            sales_start=ticket_type.sales_start,
            sales_end=ticket_type.sales_end or starts_at,
            sales_paused=concert.publication.sales_paused,
        )
        for ticket_type in concert.ticket_types.values()
    }


def terms_of_pools(
    concert_id: UUID, concert: Concert, ticket_type_ids: Iterable[UUID], now: datetime
) -> list[TicketPoolOpened]:
    """Return what each pool of these types is opened with, the pools with index 0 last."""
    offers = offers_of(concert_id, concert)
    all_pools = [
        opening
        for key in ticket_type_ids
        if key in offers
        for opening in openings(
            replace(offers[key], terms_version=concert.publication.terms_version_of(key)),
            len(concert.pools_of(key)),
            now,
        )
    ]
    return sorted(all_pools, key=lambda opening: opening.pool_index == 0)


def with_changed_terms(concert_id: UUID, concert: Concert, events: Sequence[Event]) -> list[Event]:
    """Return the events of a change, and after them which ticket types are then sold on other terms, if any are."""
    if not events or concert.status is not ConcertStatus.PUBLISHED:
        return list(events)
    before, after = offers_of(concert_id, concert), offers_of(concert_id, CONCERT.fold(events, concert))
    changed = [key for key in before if after[key] != before[key] and concert.pools_of(key)]
    if not changed:
        return list(events)
    terms = ConcertTermsChanged(
        terms_version=concert.publication.terms_version + 1,
        ticket_type_ids=tuple(changed),
        pool_count=sum(len(concert.pools_of(key)) for key in changed),
    )
    return [*events, terms]
