"""What can happen to an order."""

from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event, Instant, JsonObject, StoredModel
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.inventory.events import PoolShare


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


class IssuedTicket(StoredModel):
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
    tickets: tuple[IssuedTicket, ...]
    at: Instant


class PaymentSucceeded(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.PaymentSucceededEvent"):
    """The provider took `amount`, and the order is not confirmed by it: its refund is started in the same commit."""

    payment_id: UUID
    provider_reference: str
    amount: Money
    at: Instant


class RefundStarted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundStartedEvent"):
    """Written before the provider is called. `refund_id` follows from the payment's id if all of it goes back, and from
    payment and concert if it is the part of a cancelled concert: there is one of each. If the whole payment that
    confirmed the order goes back, all tickets are revoked."""

    payment_id: UUID
    refund_id: UUID
    amount: Money
    reason: str
    at: Instant


class RefundCompleted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundCompletedEvent"):
    """The provider gave the money back."""

    payment_id: UUID
    refund_id: UUID
    at: Instant


class OrderExpired(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderExpiredEvent"):
    """Unpaid at its deadline; what was held for it was given back in the same commit. A payment that arrives yet may
    still confirm it."""

    at: Instant


class OrderCancelled(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderCancelledEvent"):
    """The order ends without money in it: unpaid, or free. Its tickets, if it had any, are revoked."""

    reason: str
    at: Instant


class TicketsRevoked(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketsRevokedEvent"):
    """The tickets of one concert admit nobody any more; their refund, if they cost anything, is started in the same
    commit. What else is in the order stays as it is."""

    concert_id: UUID
    ticket_ids: tuple[UUID, ...]
    reason: str
    at: Instant


class TicketRevocationCompleted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketRevocationCompletedEvent"):
    """Each revoked ticket of the concert says so in its own stream."""

    concert_id: UUID
    at: Instant


class OrderCreatedByTheOriginal(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderCreatedEvent"):
    """An order of the original: no prices, no payment. Read, never written."""

    customer_id: UUID
    items: tuple[JsonObject, ...] = ()


class TicketEvent(Event, aggregate="Ticket"):
    """A fact about one ticket. Its stream begins when it stops being what the order's confirmation says of it."""


class TicketCheckedIn(TicketEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketCheckedInEvent"):
    """Somebody was let in with it. Who did so is the event's actor."""

    order_id: UUID
    ticket_type_id: UUID
    concert_id: UUID
    at: Instant


class TicketRevoked(TicketEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketRevokedEvent"):
    """The ticket admits nobody any more."""

    order_id: UUID
    ticket_type_id: UUID
    concert_id: UUID | None = None
    reason: str
    at: Instant
