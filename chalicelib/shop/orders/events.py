"""Defines the events of an order, and of a ticket."""

from uuid import UUID, uuid5

from chalicelib.platform.eventsourcing.event import Event, Instant, JsonObject, StoredModel
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.inventory.events import PoolShare


class OrderLine(StoredModel):
    """Describes what is bought, at the price that was fixed when it was held.

    `hold_id` names the holds in the pools of `shares`.
    """

    hold_id: UUID
    ticket_type_id: UUID
    ticket_type_name: str
    concert_id: UUID | None = None
    concert_name: str
    quantity: int
    unit_price: Money
    shares: tuple[PoolShare, ...] = ()


class IssuedTicket(StoredModel):
    """Names one admission.

    Names and prices are in the order's line, because the confirmation of 800 tickets must fit into one item.
    """

    id: UUID
    ticket_type_id: UUID
    concert_id: UUID | None = None


class OrderEvent(Event, aggregate="Order"):
    """Base of the events of one order."""


class OrderPlaced(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderPlacedEvent"):
    """Records that a customer placed an order, and until when it must be paid.

    `buyer` has name and e-mail address, sealed with the customer's key. The tickets stay held a little longer than
    `payment_due_at`, so that a payment begun in time always finds them. With `issued_by`, that person issued free
    tickets for a guest: the order has no cart, `cart_id` is its own id, and the guest's name is sealed under it.
    `language` is that in which the buyer wants mails; None if nobody has said.
    """

    cart_id: UUID
    customer_id: UUID
    buyer: Sealed
    lines: tuple[OrderLine, ...]
    total: Money
    payment_due_at: Instant
    issued_by: UUID | None = None
    language: str | None = None
    request_hash: str | None = None
    at: Instant


class BuyerCorrected(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.BuyerCorrectedEvent"):
    """Records that the buyer's name or address was corrected; `buyer` has both, sealed with the same key."""

    buyer: Sealed
    at: Instant


class BuyerErased(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.BuyerErasedEvent"):
    """Records that the data key of a guest was destroyed, under which the order's buyer is sealed.

    Only a complimentary order has a key of its own. Other buyers are erased with their account.
    """

    at: Instant


class OrderLinkIssued(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderLinkIssuedEvent"):
    """Records that a guest's order has a new link, and that those of before are not valid any more.

    The link that comes with the order has the number 0. `link_id` is that of the request, and is no part of the link.
    """

    link_id: UUID
    number: int
    expires_at: Instant
    at: Instant


class OrderJoined(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderJoinedEvent"):
    """Records that a guest's order was joined to an account, whose order it is from now on.

    The stock and the limits know it under the guest as before, and the buyer's name stays sealed with the guest's key.
    """

    account_id: UUID
    at: Instant


class PaymentStarted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.PaymentStartedEvent"):
    """Records that a payment was started, before the provider is called.

    `payment_id` is the provider's idempotency key. With `move_id` it pays the difference of a move of tickets.
    """

    payment_id: UUID
    provider: str
    amount: Money
    request_hash: str
    move_id: UUID | None = None
    at: Instant


class PaymentFailed(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.PaymentFailedEvent"):
    """Records that the provider declined the payment.

    No money was taken, and another payment may be started.
    """

    payment_id: UUID
    reason: str
    at: Instant


class OrderConfirmed(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderConfirmedEvent"):
    """Records that the order was confirmed, and issues its tickets.

    A free order has no payment.
    """

    payment_id: UUID | None = None
    provider_reference: str | None = None
    tickets: tuple[IssuedTicket, ...]
    at: Instant


class PaymentSucceeded(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.PaymentSucceededEvent"):
    """Records that the provider took `amount` for a payment that does not confirm the order.

    Its refund is started in the same commit.
    """

    payment_id: UUID
    provider_reference: str
    amount: Money
    at: Instant


class RefundStarted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundStartedEvent"):
    """Records that a refund was started, before the provider is called.

    `refund_id` follows from the payment's id if all of it goes back, and from payment and concert if it is the part of
    a cancelled concert, so each exists once. If the whole payment that confirmed the order goes back, all tickets are
    revoked.
    """

    payment_id: UUID
    refund_id: UUID
    amount: Money
    reason: str
    at: Instant


class RefundCompleted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundCompletedEvent"):
    """Records that the provider gave the money back."""

    payment_id: UUID
    refund_id: UUID
    at: Instant


class RefundFailed(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundFailedEvent"):
    """Records that the provider could not give the money back, at once, later, or after it had said so.

    It is tried again at `retry_at`; without that, it waits for an operator. `provider_reference` is the provider's id
    of the refund that failed; None if the provider made none.
    """

    payment_id: UUID
    refund_id: UUID
    provider_reference: str | None = None
    reason: str
    retry_at: Instant | None = None
    at: Instant


class RefundReduced(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundReducedEvent"):
    """Records that a refund is down to `amount`, because the rest went back at the provider already."""

    payment_id: UUID
    refund_id: UUID
    amount: Money
    at: Instant


class RefundRecorded(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundRecordedEvent"):
    """Records that a refund was made at the provider, by its dashboard, and not by us.

    If all of the payment is back by that, the order's tickets are revoked in the same commit.
    """

    payment_id: UUID
    refund_id: UUID
    provider_reference: str
    amount: Money
    reason: str
    at: Instant


class DisputeOpened(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.DisputeOpenedEvent"):
    """Records that the buyer disputes the payment, and that the provider took `amount` back for now."""

    payment_id: UUID
    dispute_id: str
    amount: Money
    reason: str
    at: Instant


class DisputeWon(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.DisputeWonEvent"):
    """Records that the dispute ended in our favour, and the money stays."""

    payment_id: UUID
    dispute_id: str
    at: Instant


class DisputeLost(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.DisputeLostEvent"):
    """Records that the dispute ended in the buyer's favour, and the money is gone.

    The order's tickets are revoked in the same commit.
    """

    payment_id: UUID
    dispute_id: str
    at: Instant


class OrderSettled(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderSettledEvent"):
    """Records that an operator ended what the order was waiting for, and why.

    `outcome` is `refunded`, `retained`, `failed`, `charged_back` or `confirmed`. The event's actor is the operator.
    """

    outcome: str
    reason: str
    payment_ids: tuple[UUID, ...] = ()
    refund_ids: tuple[UUID, ...] = ()
    dispute_ids: tuple[str, ...] = ()
    at: Instant


class GrantedPart(StoredModel):
    """Says what a granted refund gives back of one concert: these tickets, or an amount without any.

    `fee` is kept of their price. Without `refund_id` no money goes back.
    """

    concert_id: UUID
    ticket_ids: tuple[UUID, ...] = ()
    amount: Money
    fee: Money
    refund_id: UUID | None = None


class RefundGranted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundGrantedEvent"):
    """Records that a `customer`, an `organiser` or an `operator` had money or tickets of a confirmed order given back.

    The event's actor is who asked. In the same commit each part's refund is started and its tickets are revoked; if
    `restocked`, they are for sale again, unless their concert is cancelled.
    """

    grant_id: UUID
    request_hash: str
    by: str
    reason: str
    restocked: bool = False
    parts: tuple[GrantedPart, ...]
    at: Instant


class TicketMoveStarted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketMoveStartedEvent"):
    """Records that tickets shall be moved to a dearer place, which is held until the difference is paid.

    `line` is the place, held under `move_id`. `supplement` is to be paid until just before `payment_due_at`; the place
    stays held a little longer. The tickets stay valid until then. `holder` means what it means in `TicketsMoved`.
    """

    move_id: UUID
    request_hash: str
    by: str
    reason: str
    concert_id: UUID
    ticket_ids: tuple[UUID, ...]
    line: OrderLine
    holder: Sealed | None = None
    supplement: Money
    payment_due_at: Instant
    at: Instant


class TicketMoveEnded(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketMoveEndedEvent"):
    """Records that a move that was started does not take place.

    What was held for it is released in the same commit.
    """

    move_id: UUID
    reason: str
    at: Instant


class TicketsMoved(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketsMovedEvent"):
    """Records that `tickets` replaced `ticket_ids`, in their order: for another holder, in another type or concert.

    The replaced ones, all of `concert_id`, are revoked in the same commit, each in its own stream. `line` has the place
    and the price of the new ones, which were sold to it under `move_id`. `carried` of what was paid for the replaced
    ones pays for the new ones, and `refunded` goes back by `refund_ids`. `paid_by` is the payment of `supplement`.
    `holder` has the name and e-mail address of the new holder, sealed under `move_id`; None if the holder stays.
    """

    move_id: UUID
    request_hash: str
    by: str
    reason: str
    concert_id: UUID
    ticket_ids: tuple[UUID, ...]
    line: OrderLine
    tickets: tuple[IssuedTicket, ...]
    holder: Sealed | None = None
    carried: Money
    refunded: Money
    refund_ids: tuple[UUID, ...] = ()
    supplement: Money
    paid_by: UUID | None = None
    provider_reference: str | None = None
    at: Instant


class OrderExpired(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderExpiredEvent"):
    """Records that the order was not paid by its deadline.

    Its holds are released in the same commit. A payment that succeeds later may still confirm it.
    """

    at: Instant


class OrderCancelled(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderCancelledEvent"):
    """Records that the order was cancelled without any money to give back.

    It was unpaid or free. Its tickets, if it had any, are revoked.
    """

    reason: str
    at: Instant


class TicketsRevoked(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketsRevokedEvent"):
    """Records that the order's tickets of one concert were revoked and admit nobody any more.

    If they cost anything, their refund is started in the same commit. The rest of the order stays as it is.
    """

    concert_id: UUID
    ticket_ids: tuple[UUID, ...]
    reason: str
    at: Instant


def refund_id_for_concert(payment_id: UUID, concert_id: UUID) -> UUID:
    """Return the id of the refund of what a payment paid for one concert: it follows from both ids."""
    return uuid5(payment_id, f"refund/{concert_id}")


class TicketRevocationCompleted(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketRevocationCompletedEvent"):
    """Records that every revoked ticket of the concert is revoked in its own stream too."""

    concert_id: UUID
    at: Instant


class TicketsReissued(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketsReissuedEvent"):
    """Records that tickets got new codes, and that the codes they had admit nobody any more.

    `by` is `customer`, `organiser` or `operator`; the event's actor is who asked.
    """

    reissue_id: UUID
    request_hash: str
    ticket_ids: tuple[UUID, ...]
    by: str
    reason: str | None = None
    at: Instant


class OrderCreatedByTheOriginal(OrderEvent, stored_as="Cloudbash.Domain.Orders.Events.OrderCreatedEvent"):
    """Records that the original Cloudbash created an order, without prices and without a payment.

    It is read and never written.
    """

    customer_id: UUID
    items: tuple[JsonObject, ...] = ()


class TicketEvent(Event, aggregate="Ticket"):
    """Base of the events of one ticket, whose stream begins when it is checked in or revoked."""


class TicketCheckedIn(TicketEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketCheckedInEvent"):
    """Records that somebody was let in with the ticket, for the first time or again.

    The event's actor is the member of staff at the door. `nonce` is the device's own id of the scan, `serial` that of
    the code. With `override`, a supervisor decided so, and why.
    """

    order_id: UUID
    ticket_type_id: UUID
    concert_id: UUID
    gate: str | None = None
    device_id: UUID | None = None
    nonce: UUID | None = None
    serial: int = 0
    override: str | None = None
    at: Instant


class OfflineScanRecorded(TicketEvent, stored_as="Cloudbash.Domain.Orders.Events.OfflineScanRecordedEvent"):
    """Records that a device without a network let somebody through, `in` or `out`, which it told later.

    `scanned_at` is by the device's clock, and `happened_at` by ours: corrected by how far the device's clock was off
    when it told. With `flaw`, the ticket was `revoked` or `reissued` then, which the device did not know.
    """

    order_id: UUID
    ticket_type_id: UUID
    concert_id: UUID
    gate: str
    device_id: UUID
    nonce: UUID
    serial: int
    direction: str
    flaw: str | None = None
    scanned_at: Instant
    happened_at: Instant
    at: Instant


class TicketExited(TicketEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketExitedEvent"):
    """Records that whoever was let in with the ticket left, and may come in again."""

    order_id: UUID
    ticket_type_id: UUID
    concert_id: UUID
    gate: str
    device_id: UUID | None = None
    nonce: UUID
    at: Instant


class TicketCheckInUndone(TicketEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketCheckInUndoneEvent"):
    """Records that a scan does not count, and why: the ticket is as if it had not been shown then."""

    order_id: UUID
    concert_id: UUID
    nonce: UUID
    reason: str
    at: Instant


class TicketRevoked(TicketEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketRevokedEvent"):
    """Records that the ticket was revoked and admits nobody any more."""

    order_id: UUID
    ticket_type_id: UUID
    concert_id: UUID | None = None
    reason: str
    at: Instant


class RefundPolicyEvent(Event, aggregate="RefundPolicy"):
    """Base of the events of one concert's refund policy."""


class RefundPolicySet(RefundPolicyEvent, stored_as="Cloudbash.Domain.Orders.Events.RefundPolicySetEvent"):
    """Records that from `at` on the organiser lets this happen to the concert's orders.

    Customers may give tickets back until just before `customers_until`, None for never, and `fee_percent` of the price
    is kept, with `fee_per_ticket` beside it. They may move tickets to another ticket type or concert until just before
    `moves_until`. `tickets_on_reversal` is `revoke_at_once`, `revoke_when_final` or `keep`: what becomes of tickets
    whose payment is disputed, or refunded at the provider.
    """

    concert_id: UUID
    organiser_id: UUID | None = None
    customers_until: Instant | None = None
    fee_percent: int = 0
    fee_per_ticket: Money | None = None
    moves_until: Instant | None = None
    tickets_on_reversal: str
    at: Instant


class DoorsEvent(Event, aggregate="Doors"):
    """Base of the events of one concert's doors."""


class DoorRulesSet(DoorsEvent, stored_as="Cloudbash.Domain.Orders.Events.DoorRulesSetEvent"):
    """Records that the organiser lets people come in again after they left, or does not."""

    concert_id: UUID
    organiser_id: UUID | None = None
    has_reentry: bool
    at: Instant


class TicketKeyRotated(DoorsEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketKeyRotatedEvent"):
    """Records that the concert's tickets are signed with a key of this generation from now on.

    The keys before it still count.
    """

    concert_id: UUID
    generation: int
    reason: str
    at: Instant


class TicketKeyRevoked(DoorsEvent, stored_as="Cloudbash.Domain.Orders.Events.TicketKeyRevokedEvent"):
    """Records that nobody is let in any more by what the key of this generation has signed."""

    concert_id: UUID
    generation: int
    reason: str
    at: Instant


class SoldCounterEvent(Event, aggregate="SoldCounter"):
    """Base of the events of one concert's counter of tickets sold."""


class SoldTicketsCertified(SoldCounterEvent, stored_as="Cloudbash.Domain.Orders.Events.SoldTicketsCertifiedEvent"):
    """Records that `issued` tickets of the concert had been issued by `counted_at`, of which `sold` were valid.

    `root` is that of the tree over all of them, in hex, and `previous` the digest of the certificate before it.
    """

    concert_id: UUID
    number: int
    issued: int
    sold: int
    root: str
    previous: str
    counted_at: Instant
    at: Instant
