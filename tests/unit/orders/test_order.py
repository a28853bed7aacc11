"""What an order decides, and what it refuses."""

from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.errors import IdempotencyKeyReused, NotFound
from chalicelib.eventsourcing.event import Event
from chalicelib.inventory.events import PoolShare
from chalicelib.money import CurrencyMismatch, Money
from chalicelib.orders.events import (
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
)
from chalicelib.orders.order import (
    MAX_PAYMENTS,
    ORDER,
    AlreadyPaid,
    NotPayable,
    Order,
    OrderExpired,
    OrderStatus,
    PaymentInProgress,
    PaymentStatus,
    TooManyPayments,
    tickets_of,
)
from chalicelib.privacy.sealed import Sealed
from tests.support.scenario import given
from tests.support.shop import CUSTOMER, OTHER_CUSTOMER, some_id
from tests.support.stored import SOME_TIME as NOW

DUE = NOW + timedelta(minutes=20)
THIS, CART = some_id("order"), some_id("cart")
PAYMENT, SECOND = some_id("payment"), some_id("second payment")
BUYER = Sealed(ciphertext="c2VhbGVk", key=str(CUSTOMER.id))


def line(name: str = "Standing", quantity: int = 2, price: str = "25.00", currency: str = "EUR") -> OrderLine:
    return OrderLine(
        hold_id=some_id(f"hold {name}"),
        ticket_type_id=some_id(name),
        ticket_type_name=name,
        concert_id=some_id("concert"),
        concert_name="Patti Smith",
        quantity=quantity,
        unit_price=Money.of(price, currency),
        shares=(PoolShare(pool_id=some_id(f"pool {name}"), quantity=quantity),),
    )


LINES = (line(), line("Balcony", quantity=1, price="40.00"))
FREE_LINES = (line(price="0"),)


def placed(lines: tuple[OrderLine, ...] = LINES, total: str = "90.00") -> OrderPlaced:
    return OrderPlaced(
        cart_id=CART,
        customer_id=CUSTOMER.id,
        buyer=BUYER,
        lines=lines,
        total=Money.of(total, "EUR"),
        payment_due_at=DUE,
        at=NOW,
    )


def started(payment_id: UUID = PAYMENT) -> PaymentStarted:
    return PaymentStarted(
        payment_id=payment_id, provider="sandbox", amount=Money.of("90.00", "EUR"), request_hash="hash", at=NOW
    )


def failed(payment_id: UUID = PAYMENT) -> PaymentFailed:
    return PaymentFailed(payment_id=payment_id, reason="The card was declined.", at=NOW)


CONFIRMED = OrderConfirmed(payment_id=PAYMENT, provider_reference="reference", tickets=tickets_of(THIS, LINES), at=NOW)
CONFIRMED_FREE = OrderConfirmed(tickets=tickets_of(THIS, FREE_LINES), at=NOW)
PAID: tuple[Event, ...] = (placed(), started(), CONFIRMED)
IMPORTED = OrderCreatedByTheOriginal(customer_id=CUSTOMER.id, items=({"Id": "1", "TicketId": "2"},))


def test_an_order_is_placed_with_its_total() -> None:
    given(ORDER).when(lambda order: order.place(CART, CUSTOMER.id, BUYER, LINES, DUE, NOW)).then(placed())


def test_placing_again_changes_nothing() -> None:
    outcome = given(ORDER, placed()).when(lambda order: order.place(CART, CUSTOMER.id, BUYER, FREE_LINES, DUE, NOW))
    outcome.then_nothing()


def test_one_order_has_one_currency() -> None:
    mixed = (line(), line("Balcony", currency="USD"))
    outcome = given(ORDER).when(lambda order: order.place(CART, CUSTOMER.id, BUYER, mixed, DUE, NOW))
    outcome.then_refuses(CurrencyMismatch)


def test_an_attempt_to_pay_is_recorded_with_the_amount_of_the_order() -> None:
    outcome = given(ORDER, placed()).when(lambda order: order.start_payment(PAYMENT, "sandbox", "hash", NOW))
    outcome.then(started())


@pytest.mark.parametrize(
    "history",
    [(placed(), started()), (placed(), started(), failed()), PAID],
    ids=["started", "failed", "succeeded"],
)
def test_starting_the_same_payment_again_changes_nothing(history: tuple[Event, ...]) -> None:
    order = given(ORDER, *history)
    order.when(lambda o: o.start_payment(PAYMENT, "sandbox", "hash", NOW)).then_nothing()
    order.when(lambda o: o.start_payment(PAYMENT, "sandbox", "hash", DUE)).then_nothing()
    order.when(lambda o: o.start_payment(PAYMENT, "sandbox", "other", NOW)).then_refuses(IdempotencyKeyReused)


def test_an_order_has_one_open_payment() -> None:
    outcome = given(ORDER, placed(), started()).when(lambda o: o.start_payment(SECOND, "sandbox", "hash", NOW))
    outcome.then_refuses(PaymentInProgress)


def test_after_a_failed_payment_another_may_be_started() -> None:
    outcome = given(ORDER, placed(), started(), failed()).when(
        lambda order: order.start_payment(SECOND, "sandbox", "hash", NOW)
    )
    outcome.then(started(SECOND))


def test_a_confirmed_order_is_not_paid_again() -> None:
    given(ORDER, *PAID).when(lambda o: o.start_payment(SECOND, "sandbox", "hash", NOW)).then_refuses(AlreadyPaid)


def test_an_order_that_never_was_and_one_of_the_original_cannot_be_paid() -> None:
    given(ORDER).when(lambda o: o.start_payment(PAYMENT, "sandbox", "hash", NOW)).then_refuses(NotPayable)
    given(ORDER, IMPORTED).when(lambda o: o.start_payment(PAYMENT, "sandbox", "hash", NOW)).then_refuses(NotPayable)


def test_an_order_can_be_paid_until_just_before_it_is_due() -> None:
    just_before = DUE - timedelta(milliseconds=1)
    order = given(ORDER, placed())
    order.when(lambda o: o.start_payment(PAYMENT, "sandbox", "hash", just_before)).then(
        started().model_copy(update={"at": just_before})
    )
    order.when(lambda o: o.start_payment(PAYMENT, "sandbox", "hash", DUE)).then_refuses(OrderExpired)


def test_twenty_payments_may_fail_and_no_more() -> None:
    history: list[Event] = [placed()]
    for number in range(MAX_PAYMENTS):
        given(ORDER, *history).when(
            lambda order, number=number: order.start_payment(some_id(f"{number}"), "sandbox", "hash", NOW)  # type: ignore[misc]
        ).then(started(some_id(f"{number}")))
        history += [started(some_id(f"{number}")), failed(some_id(f"{number}"))]
    outcome = given(ORDER, *history).when(lambda order: order.start_payment(PAYMENT, "sandbox", "hash", NOW))
    outcome.then_refuses(TooManyPayments, limit=MAX_PAYMENTS)


def test_a_started_payment_can_fail_once() -> None:
    reason = "The card was declined."
    given(ORDER, placed(), started()).when(lambda o: o.fail_payment(PAYMENT, reason, NOW)).then(failed())
    given(ORDER, placed(), started(), failed()).when(lambda o: o.fail_payment(PAYMENT, reason, NOW)).then_nothing()


def test_a_payment_that_succeeded_or_never_was_cannot_fail() -> None:
    given(ORDER, *PAID).when(lambda order: order.fail_payment(PAYMENT, "late news", NOW)).then_nothing()
    given(ORDER, placed()).when(lambda order: order.fail_payment(PAYMENT, "never was", NOW)).then_nothing()


def test_a_successful_payment_confirms_the_order_and_issues_its_tickets() -> None:
    outcome = given(ORDER, placed(), started()).when(lambda order: order.confirm(THIS, NOW, PAYMENT, "reference"))
    outcome.then(CONFIRMED)


def test_confirming_again_changes_nothing() -> None:
    given(ORDER, *PAID).when(lambda order: order.confirm(THIS, NOW, PAYMENT, "reference")).then_nothing()


def test_only_a_started_payment_confirms() -> None:
    given(ORDER, placed()).when(lambda o: o.confirm(THIS, NOW, PAYMENT, "reference")).then_nothing()
    given(ORDER, placed(), started(), failed()).when(lambda o: o.confirm(THIS, NOW, PAYMENT, "r")).then_nothing()


def test_an_order_that_costs_nothing_is_confirmed_without_a_payment() -> None:
    free = placed(FREE_LINES, "0")
    given(ORDER, free).when(lambda order: order.confirm_free(THIS, NOW)).then(CONFIRMED_FREE)
    given(ORDER, free, CONFIRMED_FREE).when(lambda order: order.confirm_free(THIS, NOW)).then_nothing()


def test_an_order_that_costs_something_is_not_confirmed_without_a_payment() -> None:
    given(ORDER, placed()).when(lambda order: order.confirm_free(THIS, NOW)).then_nothing()
    given(ORDER, IMPORTED).when(lambda order: order.confirm_free(THIS, NOW)).then_nothing()


def test_there_is_one_ticket_per_admission_and_their_ids_follow_from_the_order() -> None:
    tickets = tickets_of(THIS, LINES)
    assert [ticket.ticket_type_id for ticket in tickets] == [LINES[0].ticket_type_id] * 2 + [LINES[1].ticket_type_id]
    assert tickets == tickets_of(THIS, LINES)
    assert len({ticket.id for ticket in tickets + tickets_of(some_id("other order"), LINES)}) == 6


def test_the_status_of_a_payment_can_be_told() -> None:
    state = given(ORDER, placed(), started(), failed(), started(SECOND)).state
    assert [payment.status for payment in state.payments.values()] == [PaymentStatus.FAILED, PaymentStatus.STARTED]
    assert given(ORDER, *PAID).state.payments[PAYMENT].status is PaymentStatus.SUCCEEDED


def test_an_unpaid_order_expires_by_the_clock_unless_a_payment_is_under_way() -> None:
    just_before = DUE - timedelta(milliseconds=1)
    unpaid = given(ORDER, placed()).state
    assert unpaid.status_at(just_before) is OrderStatus.AWAITING_PAYMENT
    assert unpaid.status_at(DUE) is OrderStatus.EXPIRED
    assert given(ORDER, placed(), started()).state.status_at(DUE) is OrderStatus.AWAITING_PAYMENT
    assert given(ORDER, placed(), started(), failed()).state.status_at(DUE) is OrderStatus.EXPIRED
    assert given(ORDER, *PAID).state.status_at(DUE) is OrderStatus.CONFIRMED
    assert given(ORDER, IMPORTED).state.status_at(DUE) is OrderStatus.IMPORTED
    assert Order().status_at(DUE) is None


def test_another_customers_order_does_not_exist() -> None:
    given(ORDER, placed()).state.ensure_of(CUSTOMER.id)
    with pytest.raises(NotFound):
        given(ORDER, placed()).state.ensure_of(OTHER_CUSTOMER.id)
    with pytest.raises(NotFound):
        Order().ensure_of(CUSTOMER.id)


def test_a_customer_who_bought_before_sees_the_imported_order() -> None:
    given(ORDER, IMPORTED).state.ensure_of(CUSTOMER.id)
