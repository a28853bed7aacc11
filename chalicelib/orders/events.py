"""What can happen to an order."""

from uuid import UUID

from chalicelib.eventsourcing.event import Event, Instant, JsonObject, StoredModel
from chalicelib.inventory.events import PoolShare
from chalicelib.money import Money
from chalicelib.privacy.sealed import Sealed


class OrderLine(StoredModel):
    """What is bought, at the price fixed when it was held. `hold_id` names the holds in the pools of `shares`."""

    hold_id: UUID
    ticket_type_id: UUID
    ticket_type_name: str
    concert_id: UUID | None = None
    concert_name: str
    quantity: int
    unit_price: Money
    shares: tuple[PoolShare, ...] = ()


class Ticket(StoredModel):
    """One admission. Names are in the order's line: the confirmation of 800 tickets must fit into one item."""

    id: UUID
    ticket_type_id: UUID
    concert_id: UUID | None = None


class OrderEvent(Event, aggregate="Order"):
    """A fact about one order."""


class OrderPlaced(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderPlacedEvent"):
    """`buyer` seals name and e-mail address for the customer's key. The stock waits a little longer than
    `payment_due_at`, so that a payment begun in time always finds it."""

    cart_id: UUID
    customer_id: UUID
    buyer: Sealed
    lines: tuple[OrderLine, ...]
    total: Money
    payment_due_at: Instant
    at: Instant


class PaymentStarted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.PaymentStartedEvent"):
    """Written before the provider is called; `payment_id` is the provider's idempotency key."""

    payment_id: UUID
    provider: str
    amount: Money
    request_hash: str
    at: Instant


class PaymentFailed(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.PaymentFailedEvent"):
    """The provider said no: nothing was taken, and another payment may be started."""

    payment_id: UUID
    reason: str
    at: Instant


class OrderConfirmed(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderConfirmedEvent"):
    """Paid, or free: then there is no payment. The tickets are the customer's."""

    payment_id: UUID | None = None
    provider_reference: str | None = None
    tickets: tuple[Ticket, ...]
    at: Instant


class OrderCreatedByTheOriginal(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderCreatedEvent"):
    """An order of the original: no prices, no payment. Read, never written."""

    customer_id: UUID
    items: tuple[JsonObject, ...] = ()
