"""What can happen to a pool of tickets, and to a customer's allowance.

Every event carries `At`, the stream's own time, which never goes back: what has a deadline that it has reached is gone.
"""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, StoredModel
from chalicelib.platform.money import Money


class PoolShare(StoredModel):
    """How many of a line's tickets are held in one pool; the hold has the line's id there."""

    pool_id: UUID
    quantity: int


class TicketPoolEvent(Event, aggregate="TicketPool"):
    """A fact about one pool."""

    at: Instant


class TicketPoolOpened(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolOpenedEvent"):
    """The pool exists, with all that a hold needs to know: pool `pool_index` of `pool_count` of a ticket type.

    `max_per_order` counts tickets of this type in one order, `max_per_customer` those of the whole concert that one
    person has, held or bought (None: any number). A sales window is open from `sales_start` (None: at once)
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
    max_per_customer: int | None = None
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


class HoldsLapsed(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldsLapsedEvent"):
    """These holds had ended by `at`. It is recorded for those who follow the pool; it was true without it."""

    hold_ids: tuple[UUID, ...]
    quantity: int


class TicketPoolCapacityChanged(
    TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolCapacityChangedEvent"
):
    """The pool has `by` tickets more, or less, as its part of one change of the ticket type's quantity. A change that
    cannot be completed is given back by a second event under its id."""

    change_id: UUID
    by: int


class TicketPoolClosed(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolClosedEvent"):
    """Nothing is held, kept or sold from here any more: the concert is cancelled."""


class TicketPoolCleared(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolClearedEvent"):
    """Of every order that ever had tickets of the closed pool the log says how it ends: cancelled, expired, or with the
    tickets revoked and their refund started, which the order's own process sees through."""


class AllowanceEvent(Event, aggregate="Allowance"):
    """A fact about what one customer has of one concert that limits it."""

    at: Instant


class AllowanceTaken(AllowanceEvent, stored_as="Cloudbash.Domain.Inventory.Events.AllowanceTakenEvent"):
    """The hold counts `quantity` tickets until just before `expires_at`, in place of what it counted before; None:
    they are bought, and count for good."""

    concert_id: UUID
    customer_id: UUID
    hold_id: UUID
    quantity: int
    expires_at: Instant | None = None


class AllowanceReturned(AllowanceEvent, stored_as="Cloudbash.Domain.Inventory.Events.AllowanceReturnedEvent"):
    """The hold was given back before its deadline."""

    hold_id: UUID
