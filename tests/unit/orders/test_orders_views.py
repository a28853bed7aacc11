"""What the document of an order shows of its events."""

from datetime import timedelta

from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.orders.events import (
    OrderConfirmed,
    OrderExpired,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    RefundCompleted,
    RefundStarted,
)
from chalicelib.shop.orders.order import tickets_of
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.refund import refund_id_of
from tests.support.scenario import given_view
from tests.support.shop import CUSTOMER, IDS, some_id
from tests.support.stored import SOME_TIME as NOW

ORDER, PAYMENT = some_id("order"), some_id("payment")
REFUND = refund_id_of(PAYMENT)
DUE = NOW + timedelta(minutes=20)
LINE = OrderLine(
    hold_id=some_id("hold"),
    ticket_type_id=some_id("standing"),
    ticket_type_name="Standing",
    concert_id=some_id("concert"),
    concert_name="Patti Smith",
    quantity=2,
    unit_price=Money.of("25.00", "EUR"),
)
TOTAL = Money.of("50.00", "EUR")
PLACED = OrderPlaced(
    cart_id=some_id("cart"),
    customer_id=CUSTOMER.id,
    buyer=Sealed(ciphertext="c2VhbGVk", key=str(CUSTOMER.id)),
    lines=(LINE,),
    total=TOTAL,
    payment_due_at=DUE,
    at=NOW,
)
STARTED = PaymentStarted(payment_id=PAYMENT, provider="sandbox", amount=TOTAL, request_hash="hash", at=NOW)
TICKETS = tickets_of(ORDER, (LINE,), IDS)
CONFIRMED = OrderConfirmed(payment_id=PAYMENT, provider_reference="reference", tickets=TICKETS, at=NOW)
REFUNDING = RefundStarted(payment_id=PAYMENT, refund_id=REFUND, amount=TOTAL, reason="requested", at=NOW)


def payment(status: str, reason: str | None = None) -> dict[str, object]:
    shown = {"id": str(PAYMENT), "provider": "sandbox", "amount": {"amount": "50.00", "currency": "EUR"}}
    return {str(PAYMENT): {**shown, "status": status, "reason": reason}}


def test_a_placed_order_waits_for_its_payment_and_keeps_its_buyer_sealed() -> None:
    given_view(fold_order, PLACED, stream_id=ORDER).then_shows(
        id=str(ORDER),
        customer_id=str(CUSTOMER.id),
        status="awaiting_payment",
        total={"amount": "50.00", "currency": "EUR"},
        payment_due_at=format_instant(DUE),
        buyer={"$enc": "c2VhbGVk", "key": str(CUSTOMER.id), "v": 1},
        payments={},
        tickets=[],
    )


def test_a_failed_payment_says_why_and_leaves_the_order_open() -> None:
    failed = PaymentFailed(payment_id=PAYMENT, reason="declined", at=NOW)
    view = given_view(fold_order, PLACED, STARTED, failed)
    view.then_shows(status="awaiting_payment", payments=payment("failed", "declined"))


def test_a_confirmed_order_has_its_tickets() -> None:
    view = given_view(fold_order, PLACED, STARTED, CONFIRMED)
    tickets = [
        {
            "id": str(ticket.id),
            "ticket_type_id": str(some_id("standing")),
            "concert_id": str(some_id("concert")),
            "status": "valid",
        }
        for ticket in TICKETS
    ]
    view.then_shows(status="confirmed", paid_by=str(PAYMENT), payments=payment("succeeded"), tickets=tickets)


def test_a_refunded_order_has_no_valid_ticket() -> None:
    refunded = RefundCompleted(payment_id=PAYMENT, refund_id=REFUND, at=NOW)
    view = given_view(fold_order, PLACED, STARTED, CONFIRMED, REFUNDING, refunded)
    view.then_shows(status="refunded")
    assert view.contents is not None
    assert {ticket["status"] for ticket in view.contents["tickets"]} == {"revoked"}
    assert view.contents["refunds"][str(REFUND)]["status"] == "completed"


def test_an_order_that_was_not_paid_has_expired() -> None:
    given_view(fold_order, PLACED, OrderExpired(at=DUE)).then_shows(status="expired", payments={}, tickets=[])
