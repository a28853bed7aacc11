"""Says what a ticket type of an area may take from one of the area's pools, and at which terms.

A ticket type may have a ceiling. It is dealt over the area's pools as quotas, so each pool decides alone, and what all
pools have granted together never exceeds the ceiling. Quotas move between pools, always within one transaction.
"""

from collections.abc import Iterator, Mapping
from uuid import UUID

from chalicelib.shop.inventory.events import (
    AreaPoolOpened,
    OfferedTicketType,
    TicketPoolOpened,
    TicketPoolTermsChanged,
)

ChangedTerms = Mapping[UUID, TicketPoolTermsChanged]
"""The newest terms of those ticket types whose terms were changed since the pool was opened."""


def terms_in(area: AreaPoolOpened, ticket_type_id: UUID | None, changed: ChangedTerms) -> TicketPoolOpened | None:
    """Return what a pool of that type alone would have as its terms; None if the type does not draw from the area.

    Without a type, return those of the first: what the concert has set is the same in all.
    """
    for offered in area.ticket_types:
        if ticket_type_id in {offered.id, None}:
            newest = changed.get(offered.id)
            of_type, of_concert = newest or offered, newest or area
            # What is in an event was validated with it, and each hold comes this way.
            return TicketPoolOpened.model_construct(
                concert_id=area.concert_id,
                concert_name=of_concert.concert_name,
                organiser_id=area.organiser_id,
                ticket_type_id=offered.id,
                ticket_type_name=newest.ticket_type_name if newest else offered.name,
                pool_index=area.pool_index,
                pool_count=area.pool_count,
                capacity=area.capacity,
                price=of_type.price,
                max_per_order=of_type.max_per_order,
                max_per_customer=of_concert.max_per_customer,
                sales_start=of_type.sales_start,
                sales_end=of_type.sales_end,
                sales_paused=of_type.sales_paused,
                terms_version=of_type.terms_version,
                at=area.at,
            )
    return None


def windows_in(
    area: AreaPoolOpened, changed: ChangedTerms
) -> Iterator[tuple[UUID, OfferedTicketType | TicketPoolTermsChanged]]:
    """Name each ticket type with whatever has its sales window now."""
    for offered in area.ticket_types:
        yield offered.id, changed.get(offered.id, offered)
