"""Says which terms of a ticket type on sale can change, and how they stand in events."""

from datetime import datetime

from chalicelib.shop.inventory.events import AreaPoolOpened, TicketPoolOpened, TicketPoolTermsChanged
from chalicelib.shop.inventory.shared_stock import terms_in

CHANGEABLE_TERMS = (
    "terms_version",
    "concert_name",
    "ticket_type_name",
    "price",
    "max_per_order",
    "max_per_customer",
    "sales_start",
    "sales_end",
    "sales_paused",
)


def terms_at(opening: TicketPoolOpened | AreaPoolOpened) -> list[TicketPoolOpened]:
    """Return the terms of each ticket type that a pool sells if it is opened so."""
    if isinstance(opening, TicketPoolOpened):
        return [opening]
    return [terms for one in opening.ticket_types if (terms := terms_in(opening, one.id, {})) is not None]


def terms_changed(terms: TicketPoolOpened, at: datetime) -> TicketPoolTermsChanged:
    facts = {name: getattr(terms, name) for name in CHANGEABLE_TERMS}
    return TicketPoolTermsChanged(ticket_type_id=terms.ticket_type_id, at=at, **facts)


def with_terms(terms: TicketPoolOpened, event: TicketPoolTermsChanged) -> TicketPoolOpened:
    return terms.model_copy(update={name: getattr(event, name) for name in CHANGEABLE_TERMS})
