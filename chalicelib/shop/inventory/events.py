"""Defines the events of a pool of tickets, and of a customer's allowance.

Every event has `at`, the stream's own time, which never goes back. A hold whose deadline it has reached is gone.
"""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, StoredModel
from chalicelib.platform.money import Money


class PoolShare(StoredModel):
    """Says how many of a line's tickets are held in one pool, where the hold has the line's id."""

    pool_id: UUID
    quantity: int


class TicketPoolEvent(Event, aggregate="TicketPool"):
    """Base of the events of one pool."""

    at: Instant


class TicketPoolOpened(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolOpenedEvent"):
    """Records that a pool was opened, with everything that a hold needs to know.

    It is pool `pool_index` of the `pool_count` pools of its ticket type. `max_per_order` limits the tickets of this
    type in one order. `max_per_customer` limits the tickets of the whole concert that one person may hold or have
    bought; None means no limit. The sales window is open from `sales_start` (None: at once) until just before
    `sales_end`. While `sales_paused`, nothing is sold whatever the window says.
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
    sales_paused: bool = False
    terms_version: int = 1


class TicketPoolTermsChanged(
    TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolTermsChangedEvent"
):
    """Records that a ticket type's tickets in this pool are sold on other terms from then on.

    What is held or sold keeps its price. The fields mean what they mean when the pool is opened; `terms_version` rises.
    """

    ticket_type_id: UUID
    terms_version: int
    concert_name: str
    ticket_type_name: str
    price: Money
    max_per_order: int
    max_per_customer: int | None = None
    sales_start: Instant | None = None
    sales_end: Instant
    sales_paused: bool = False


class OfferedTicketType(StoredModel):
    """Describes a ticket type that draws from the pools of an area, with everything that a hold needs to know.

    `quota` is this pool's part of the type's ceiling; None if the type has no ceiling. The other fields are those of
    `TicketPoolOpened`.
    """

    id: UUID
    name: str
    price: Money
    max_per_order: int
    sales_start: Instant | None = None
    sales_end: Instant
    sales_paused: bool = False
    terms_version: int = 1
    quota: int | None = None


class AreaPoolOpened(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.AreaPoolOpenedEvent"):
    """Records that a pool of an area was opened, from which all ticket types of the area draw.

    The fields are those of `TicketPoolOpened`, and mean the same.
    """

    concert_id: UUID
    concert_name: str
    organiser_id: UUID | None = None
    area_id: UUID
    area_name: str
    pool_index: int
    pool_count: int
    capacity: int
    max_per_customer: int | None = None
    ticket_types: tuple[OfferedTicketType, ...]


class TicketTypeAssignedToArea(
    TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketTypeAssignedToAreaEvent"
):
    """Records that a ticket type draws from the pools of an area.

    It stands where the type's first pool would be. `quotas` is how its ceiling was dealt over the area's pools at
    first; empty if it has none.
    """

    concert_id: UUID
    ticket_type_id: UUID
    area_id: UUID
    pool_count: int
    quotas: tuple[int, ...] = ()


class TicketTypeQuotaChanged(
    TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketTypeQuotaChangedEvent"
):
    """Records that the pool's part of a ticket type's ceiling rose by `by` tickets, or fell if `by` is negative."""

    ticket_type_id: UUID
    by: int


class TicketsHeld(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketsHeldEvent"):
    """Records that `quantity` tickets are held for a cart until just before `expires_at`.

    A pool of an area says of which ticket type, and how much of the type's quota came with the hold from other pools,
    in the same transaction.
    """

    hold_id: UUID
    cart_id: UUID
    quantity: int
    expires_at: Instant
    ticket_type_id: UUID | None = None
    quota_moved_in: int | None = None


class HoldExtended(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldExtendedEvent"):
    """Records that a cart's hold was extended until just before `expires_at`."""

    hold_id: UUID
    expires_at: Instant


class HoldPlacedOnOrder(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldPlacedOnOrderEvent"):
    """Records that a hold was moved to an order, and waits for its payment until just before `expires_at`."""

    hold_id: UUID
    order_id: UUID
    expires_at: Instant


class HoldReleased(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldReleasedEvent"):
    """Records that a hold was released before its deadline.

    Its tickets are for sale at once.
    """

    hold_id: UUID
    quantity: int


class TicketsSold(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketsSoldEvent"):
    """Records that the tickets were sold to an order for good.

    They were held under `hold_id`. If that hold had ended before a late payment came, free tickets were taken instead.
    A pool of an area says of which ticket type, as `TicketsHeld` does.
    """

    hold_id: UUID
    order_id: UUID
    quantity: int
    ticket_type_id: UUID | None = None
    quota_moved_in: int | None = None


class TicketsReturned(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketsReturnedEvent"):
    """Records that `quantity` tickets that were sold to an order came back, and are for sale again.

    They were sold under `hold_id`.
    """

    hold_id: UUID
    order_id: UUID
    ticket_type_id: UUID
    quantity: int


class HoldsLapsed(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.HoldsLapsedEvent"):
    """Records that these holds have ended by `at`.

    They had ended without this event; it only tells those who follow the pool.
    """

    hold_ids: tuple[UUID, ...]
    quantity: int


class TicketPoolCapacityChanged(
    TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolCapacityChangedEvent"
):
    """Records that the pool's capacity rose by `by` tickets, or fell if `by` is negative.

    It is the pool's part of one change of the ticket type's quantity. A part that is given back is a second event under
    the same `change_id`.
    """

    change_id: UUID
    by: int


class TicketPoolClosed(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolClosedEvent"):
    """Records that the pool was closed, because the concert is cancelled.

    From then on nothing is held, extended or sold in it.
    """


class TicketPoolCleared(TicketPoolEvent, stored_as="Cloudbash.Domain.Inventory.Events.TicketPoolClearedEvent"):
    """Records that every order that ever had tickets of the closed pool has decided how it ends.

    Each is cancelled or expired, or its tickets are revoked and their refund is started; the order's own process does
    the rest.
    """


class AllowanceEvent(Event, aggregate="Allowance"):
    """Base of the events of one customer's allowance for one concert that has a limit."""

    at: Instant


class AllowanceTaken(AllowanceEvent, stored_as="Cloudbash.Domain.Inventory.Events.AllowanceTakenEvent"):
    """Records that a hold counts `quantity` tickets of the customer's allowance until just before `expires_at`.

    It replaces what the hold counted before. If `expires_at` is None, the tickets are bought and count for good.
    """

    concert_id: UUID
    customer_id: UUID
    hold_id: UUID
    quantity: int
    expires_at: Instant | None = None


class AllowanceReturned(AllowanceEvent, stored_as="Cloudbash.Domain.Inventory.Events.AllowanceReturnedEvent"):
    """Records that a hold was released before its deadline, and counts no more."""

    hold_id: UUID


class BoughtAllowanceReturned(
    AllowanceEvent, stored_as="Cloudbash.Domain.Inventory.Events.BoughtAllowanceReturnedEvent"
):
    """Records that `quantity` tickets that were bought under a hold were given back, and count no more."""

    hold_id: UUID
    quantity: int
