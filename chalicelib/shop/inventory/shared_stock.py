"""Says what a ticket type of an area may take from one of the area's pools, and at which terms.

A ticket type may have a ceiling. It is dealt over the area's pools as quotas, so each pool decides alone, and what all
pools have granted together never exceeds the ceiling. Quotas move between pools, always within one transaction.
"""

from uuid import UUID

from chalicelib.shop.inventory.events import AreaPoolOpened, TicketPoolOpened


def terms_in(area: AreaPoolOpened, ticket_type_id: UUID | None) -> TicketPoolOpened | None:
    """Return what a pool of that type alone would have as its terms; None if the type does not draw from the area.

    Without a type, return those of the first: what the concert has set is the same in all.
    """
    for offered in area.ticket_types:
        if ticket_type_id in {offered.id, None}:
            # What is in an event was validated with it, and each hold comes this way.
            return TicketPoolOpened.model_construct(
                concert_id=area.concert_id,
                concert_name=area.concert_name,
                organiser_id=area.organiser_id,
                ticket_type_id=offered.id,
                ticket_type_name=offered.name,
                pool_index=area.pool_index,
                pool_count=area.pool_count,
                capacity=area.capacity,
                price=offered.price,
                max_per_order=offered.max_per_order,
                max_per_customer=area.max_per_customer,
                sales_start=offered.sales_start,
                sales_end=offered.sales_end,
                terms_version=area.terms_version,
                at=area.at,
            )
    return None
