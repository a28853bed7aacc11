"""Says on which terms a concert's tickets are sold, and which of its changes alter the terms."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.concerts.areas import types_of
from chalicelib.shop.concerts.concert import CONCERT, Concert, ConcertStatus
from chalicelib.shop.concerts.events import ConcertTermsChanged
from chalicelib.shop.inventory.commands import (
    AreaOffer,
    Offer,
    Opening,
    TicketTypeOfArea,
    area_openings,
    is_entrance,
    openings,
)


def offers_of(concert_id: UUID, concert: Concert) -> dict[UUID, Offer]:
    """Return the offer of each ticket type; none before the concert has a schedule.

    The offer of a type that draws from an area has no quantity.
    """
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
            terms_version=concert.publication.terms_version_of(ticket_type.id),
        )
        for ticket_type in concert.ticket_types.values()
    }


def terms_of_pools(concert_id: UUID, concert: Concert, ticket_type_ids: Iterable[UUID], now: datetime) -> list[Opening]:
    """Return what each pool of these types is opened with, those through which buyers find the others last."""
    offers = offers_of(concert_id, concert)
    all_pools: list[Opening] = []
    stocks = dict.fromkeys(concert.stock_of(key) for key in ticket_type_ids if key in offers)
    for stock_id in stocks:
        pool_count = len(concert.pools_of(stock_id))
        if stock_id in offers:
            all_pools += openings(offers[stock_id], pool_count, now)
        else:
            all_pools += area_openings(_area_offer(concert_id, concert, stock_id, offers), pool_count, now)
    return sorted(all_pools, key=is_entrance)


def with_changed_terms(concert_id: UUID, concert: Concert, events: Sequence[Event]) -> list[Event]:
    """Return the events of a change, and after them which ticket types are then sold on other terms, if any are."""
    if not events or concert.status is not ConcertStatus.PUBLISHED:
        return list(events)
    before, after = offers_of(concert_id, concert), offers_of(concert_id, CONCERT.fold(events, concert))
    changed = [key for key in before if after[key] != before[key] and concert.pools_of(concert.stock_of(key))]
    if not changed:
        return list(events)
    terms = ConcertTermsChanged(
        terms_version=concert.publication.terms_version + 1,
        ticket_type_ids=tuple(changed),
        pool_count=sum(len(concert.pools_of(key)) for key in {concert.stock_of(key) for key in changed}),
    )
    return [*events, terms]


def _area_offer(concert_id: UUID, concert: Concert, area_id: UUID, offers: Mapping[UUID, Offer]) -> AreaOffer:
    area, details = concert.areas[area_id], concert.ensure_exists()
    ticket_types = [(one, offers[one.id]) for one in types_of(area_id, concert.ticket_types)]
    return AreaOffer(
        concert_id=concert_id,
        concert_name=details.name,
        organiser_id=concert.organiser_id,
        area_id=area_id,
        area_name=area.name,
        capacity=area.capacity,
        max_per_customer=details.max_per_customer,
        ticket_types=[
            TicketTypeOfArea(
                id=one.id,
                name=one.name,
                price=one.price,
                max_per_order=one.max_per_order,
                ceiling=one.ceiling,
                sales_start=offer.sales_start,
                sales_end=offer.sales_end,
                sales_paused=offer.sales_paused,
                terms_version=offer.terms_version,
            )
            for one, offer in ticket_types
        ],
    )
