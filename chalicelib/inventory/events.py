"""What can happen to a pool of tickets.

Every event carries `At`, the pool's own time, which never goes back: holds whose deadline it has reached are gone.
"""

from uuid import UUID

from chalicelib.eventsourcing.event import Event, Instant, StoredModel
from chalicelib.money import Money


class PoolShare(StoredModel):
    """How many of a line's tickets are held in one pool; the hold has the line's id there."""

    pool_id: UUID
    quantity: int


class TicketPoolEvent(Event, aggregate="TicketPool"):
    """A fact about one pool."""

    at: Instant


class TicketPoolOpened(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolOpenedEvent"):
    """The pool exists, with all that a hold needs to know: pool `pool_index` of `pool_count` of a ticket type.

    `max_per_order` counts tickets of this type in one order. A sales window is open from `sales_start` (None: at once)
    until just before `sales_end`.
    """

    concert_id: UUID
    concert_name: str
    organiser_id: UUID | None = None
    ticket_type_id: UUID
    ticket_type_name: str
    pool_index: int
    pool_count: int
    capacity: int
    price: Money
    max_per_order: int
    sales_start: Instant | None = None
    sales_end: Instant
    terms_version: int = 1


class TicketsHeld(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketsHeldEvent"):
    """`quantity` tickets are kept for a cart until just before `expires_at`."""

    hold_id: UUID
    cart_id: UUID
    quantity: int
    expires_at: Instant


class HoldExtended(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldExtendedEvent"):
    """The cart keeps the tickets longer: until just before `expires_at`."""

    hold_id: UUID
    expires_at: Instant


class HoldPlacedOnOrder(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldPlacedOnOrderEvent"):
    """The hold now waits for the payment of an order, until just before `expires_at`."""

    hold_id: UUID
    order_id: UUID
    expires_at: Instant


class HoldReleased(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldReleasedEvent"):
    """The customer gave the tickets back before the deadline."""

    hold_id: UUID
    quantity: int


class TicketsSold(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketsSoldEvent"):
    """The tickets belong to the order for good. They were held under `hold_id`; if that hold had ended before a late
    payment came, they were taken from what was free."""

    hold_id: UUID
    order_id: UUID
    quantity: int


class TicketPoolClosed(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolClosedEvent"):
    """Nothing is held, kept or sold from here any more: the concert is cancelled."""


class TicketPoolCleared(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolClearedEvent"):
    """Of every order that ever had tickets of the closed pool the log says how it ends: cancelled, expired, or with the
    tickets revoked and their refund started, which the order's own process sees through."""
