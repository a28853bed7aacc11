"""What an order decides, and what it refuses."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import CurrencyMismatch, Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.inventory.events import PoolShare
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreatedByTheOriginal,
    OrderExpired,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundStarted,
    TicketRevocationCompleted,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import (
    MAX_PAYMENTS,
    ORDER,
    AlreadyPaid,
    NotPayable,
    Order,
    OrderOverdue,
    PaymentInProgress,
    TooManyPayments,
    tickets_of,
)
from chalicelib.shop.orders.order_facts import Revocation
from chalicelib.shop.orders.refund import refund_id_of
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from tests.support.scenario import given
from tests.support.shop import CUSTOMER, IDS, OTHER_CUSTOMER, some_id
from tests.support.stored import SOME_TIME as NOW

DUE = NOW + timedelta(minutes=20)
THIS, CART = some_id("order"), some_id("cart")
PAYMENT, SECOND = some_id("payment"), some_id("second payment")
BUYER = Sealed(ciphertext="c2VhbGVk", key=str(CUSTOMER.id))


def line(
    name: str = "Standing", quantity: int = 2, price: str = "25.00", currency: str = "EUR", concert: str = "concert"
) -> OrderLine:
    return OrderLine(
        hold_id=some_id(f"hold {name}"),
        ticket_type_id=some_id(name),
        ticket_type_name=name,
        concert_id=some_id(concert),
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


CONFIRMED = OrderConfirmed(
    payment_id=PAYMENT, provider_reference="reference", tickets=tickets_of(THIS, LINES, IDS), at=NOW
)
CONFIRMED_FREE = OrderConfirmed(tickets=tickets_of(THIS, FREE_LINES, IDS), at=NOW)
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


@pytest.mark.parametrize("price", ["0.10", "600000.00"])
def test_a_total_that_providers_never_take_is_refused_at_the_checkout(price: str) -> None:
    outcome = given(ORDER).when(lambda order: order.place(CART, CUSTOMER.id, BUYER, (line(price=price),), DUE, NOW))
    assert isinstance(outcome.refusal, InvalidInput)
    assert outcome.refusal.fields == (("#/items", "must be 0, or from 0.50 to 999999.99 EUR"),)


def test_an_order_of_former_times_is_placed_whatever_it_costs() -> None:
    cheap = placed((line(price="0.10"),), "0.20")
    given(ORDER, cheap).when(lambda order: order.place(CART, CUSTOMER.id, BUYER, LINES, DUE, NOW)).then_nothing()


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
    order.when(lambda o: o.start_payment(PAYMENT, "sandbox", "hash", DUE)).then_refuses(OrderOverdue)


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
    outcome = given(ORDER, placed(), started()).when(lambda order: order.confirm(THIS, IDS, NOW, PAYMENT, "reference"))
    outcome.then(CONFIRMED)


def test_confirming_again_changes_nothing() -> None:
    given(ORDER, *PAID).when(lambda order: order.confirm(THIS, IDS, NOW, PAYMENT, "reference")).then_nothing()


def test_only_a_payment_that_was_started_confirms() -> None:
    given(ORDER, placed()).when(lambda o: o.confirm(THIS, IDS, NOW, PAYMENT, "reference")).then_nothing()


def test_an_order_that_costs_nothing_is_confirmed_without_a_payment() -> None:
    free = placed(FREE_LINES, "0")
    given(ORDER, free).when(lambda order: order.confirm_free(THIS, IDS, NOW)).then(CONFIRMED_FREE)
    given(ORDER, free, CONFIRMED_FREE).when(lambda order: order.confirm_free(THIS, IDS, NOW)).then_nothing()


def test_an_order_that_costs_something_is_not_confirmed_without_a_payment() -> None:
    given(ORDER, placed()).when(lambda order: order.confirm_free(THIS, IDS, NOW)).then_nothing()
    given(ORDER, IMPORTED).when(lambda order: order.confirm_free(THIS, IDS, NOW)).then_nothing()


def test_there_is_one_ticket_per_admission_and_their_ids_follow_from_the_order() -> None:
    tickets = tickets_of(THIS, LINES, IDS)
    assert [ticket.ticket_type_id for ticket in tickets] == [LINES[0].ticket_type_id] * 2 + [LINES[1].ticket_type_id]
    assert tickets == tickets_of(THIS, LINES, IDS)
    assert len({ticket.id for ticket in tickets + tickets_of(some_id("other order"), LINES, IDS)}) == 6


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


REFUND = refund_id_of(PAYMENT)
TOTAL = Money.of("90.00", "EUR")
SUCCEEDED = PaymentSucceeded(payment_id=PAYMENT, provider_reference="reference", amount=TOTAL, at=NOW)
REFUND_STARTED = RefundStarted(payment_id=PAYMENT, refund_id=REFUND, amount=TOTAL, reason="why", at=NOW)
REFUNDED = RefundCompleted(payment_id=PAYMENT, refund_id=REFUND, at=NOW)
EXPIRED = OrderExpired(at=DUE)
CANCELLED = OrderCancelled(reason="why", at=NOW)


def test_an_unpaid_order_expires_at_its_deadline_and_not_before() -> None:
    order = given(ORDER, placed())
    order.when(lambda o: o.expire(DUE - timedelta(milliseconds=1))).then_nothing()
    order.when(lambda o: o.expire(DUE)).then(EXPIRED)


@pytest.mark.parametrize(
    "history",
    [(), (placed(), started()), PAID, (placed(), EXPIRED), (placed(), CANCELLED), (IMPORTED,)],
    ids=["never placed", "payment under way", "confirmed", "expired", "cancelled", "imported"],
)
def test_nothing_else_expires(history: tuple[Event, ...]) -> None:
    given(ORDER, *history).when(lambda order: order.expire(DUE)).then_nothing()


def test_an_expired_order_takes_no_new_payment() -> None:
    outcome = given(ORDER, placed(), EXPIRED).when(lambda o: o.start_payment(SECOND, "sandbox", "hash", NOW))
    outcome.then_refuses(OrderOverdue)


@pytest.mark.parametrize("ending", [EXPIRED, failed()], ids=["expired", "failed"])
def test_a_payment_that_succeeds_after_all_still_confirms(ending: Event) -> None:
    order = given(ORDER, placed(), started(), ending)
    assert order.state.is_paid_with(TOTAL)
    order.when(lambda o: o.confirm(THIS, IDS, NOW, PAYMENT, "reference")).then(CONFIRMED)


@pytest.mark.parametrize("amount", [Money.of("89.99", "EUR"), Money.of("90.01", "EUR"), Money.of("90.00", "USD")])
def test_another_amount_or_currency_is_no_payment_of_the_order(amount: Money) -> None:
    assert not given(ORDER, placed(), started()).state.is_paid_with(amount)


@pytest.mark.parametrize("history", [PAID, (placed(), CANCELLED), (*PAID, REFUND_STARTED), (IMPORTED,)])
def test_only_an_order_that_waits_or_expired_can_be_paid(history: tuple[Event, ...]) -> None:
    assert not given(ORDER, *history).state.is_paid_with(TOTAL)


def test_a_success_that_confirms_nothing_goes_back_once_and_whole() -> None:
    def back(order: Order) -> list[Event]:
        return order.return_payment(PAYMENT, "reference", TOTAL, "why", NOW)

    given(ORDER, placed(), started()).when(back).then(SUCCEEDED, REFUND_STARTED)
    given(ORDER, placed(), started(), SUCCEEDED, REFUND_STARTED).when(back).then_nothing()
    given(ORDER, placed(), started(), SUCCEEDED, REFUND_STARTED, REFUNDED).when(back).then_nothing()
    given(ORDER, *PAID).when(back).then_nothing()


def test_a_second_payment_of_a_confirmed_order_goes_back_and_the_order_stays_confirmed() -> None:
    history = [placed(), started(), failed(), started(SECOND)]
    confirmed = CONFIRMED.model_copy(update={"payment_id": SECOND})
    order = given(ORDER, *history, confirmed, SUCCEEDED, REFUND_STARTED, REFUNDED).state
    assert order.status is OrderStatus.CONFIRMED
    assert order.payments[PAYMENT].status is PaymentStatus.REFUNDED
    assert order.payments[SECOND].status is PaymentStatus.SUCCEEDED


def test_a_refund_is_completed_once_and_only_if_it_was_started() -> None:
    given(ORDER, *PAID).when(lambda order: order.complete_refund(REFUND, NOW)).then_nothing()
    given(ORDER, *PAID, REFUND_STARTED).when(lambda order: order.complete_refund(REFUND, NOW)).then(REFUNDED)
    given(ORDER, *PAID, REFUND_STARTED, REFUNDED).when(lambda o: o.complete_refund(REFUND, NOW)).then_nothing()
    given(ORDER).when(lambda order: order.complete_refund(REFUND, NOW)).then_nothing()


CONCERT, OTHER = some_id("concert"), some_id("other concert")
TWO_CONCERTS = (line(), line("Balcony", 1, "40.00", concert="other concert"), line("Programme", 1, "0"))
MIXED: tuple[Event, ...] = (
    placed(TWO_CONCERTS),
    started(),
    CONFIRMED.model_copy(update={"tickets": tickets_of(THIS, TWO_CONCERTS, IDS)}),
)
FREE_CONCERT = (line(), line("Choir", 1, "0", concert="other concert"))


def cancelling(concert_id: UUID = CONCERT) -> Callable[[Order], list[Event]]:
    return lambda order: order.cancel_concert(concert_id, "why", NOW)


def revoked(lines: tuple[OrderLine, ...] = LINES, concert_id: UUID = CONCERT) -> TicketsRevoked:
    ids = tuple(ticket.id for ticket in tickets_of(THIS, lines, IDS) if ticket.concert_id == concert_id)
    return TicketsRevoked(concert_id=concert_id, ticket_ids=ids, reason="why", at=NOW)


def part_started(amount: str, concert_id: UUID = CONCERT) -> RefundStarted:
    refund_id = refund_id_of(PAYMENT, concert_id)
    return RefundStarted(payment_id=PAYMENT, refund_id=refund_id, amount=Money.of(amount, "EUR"), reason="why", at=NOW)


def part_completed(concert_id: UUID = CONCERT) -> RefundCompleted:
    return RefundCompleted(payment_id=PAYMENT, refund_id=refund_id_of(PAYMENT, concert_id), at=NOW)


def revocation_completed(concert_id: UUID = CONCERT) -> TicketRevocationCompleted:
    return TicketRevocationCompleted(concert_id=concert_id, at=NOW)


def test_a_cancelled_concert_ends_an_unpaid_order_and_refunds_a_paid_one() -> None:
    given(ORDER, placed()).when(cancelling()).then(CANCELLED)
    given(ORDER, *PAID).when(cancelling()).then(part_started("90.00"), revoked())
    free = (placed(FREE_LINES, "0"), CONFIRMED_FREE)
    given(ORDER, *free).when(cancelling()).then(revoked(FREE_LINES), CANCELLED)


@pytest.mark.parametrize(
    "history",
    [
        (placed(), CANCELLED),
        (placed(), EXPIRED),
        (*PAID, part_started("90.00"), revoked()),
        (*PAID, part_started("90.00"), revoked(), part_completed()),
        (*PAID, REFUND_STARTED),
        (*PAID, REFUND_STARTED, REFUNDED),
        (),
    ],
    ids=["cancelled", "expired", "refunding", "refunded", "wholly refunding", "wholly refunded", "never placed"],
)
def test_cancelling_what_has_ended_changes_nothing(history: tuple[Event, ...]) -> None:
    given(ORDER, *history).when(cancelling()).then_nothing()


def test_a_concert_that_is_not_in_the_order_takes_nothing_away() -> None:
    for history in (PAID, (placed(),), (placed(), started())):
        given(ORDER, *history).when(cancelling(some_id("elsewhere"))).then_nothing()


def test_an_order_is_not_cancelled_under_an_open_payment() -> None:
    given(ORDER, placed(), started()).when(cancelling()).then_refuses(PaymentInProgress)


def test_of_an_order_over_two_concerts_the_part_of_the_cancelled_one_goes_back_once() -> None:
    history = (*MIXED, part_started("50.00"), revoked(TWO_CONCERTS))
    given(ORDER, *MIXED).when(cancelling()).then(*history[3:])
    for done in ((), (part_completed(),), (part_completed(), revocation_completed())):
        order = given(ORDER, *history, *done)
        order.when(cancelling()).then_nothing()
        assert order.state.status is OrderStatus.CONFIRMED
        assert order.state.payments[PAYMENT].status is PaymentStatus.SUCCEEDED
        assert [ticket.concert_id for ticket in order.state.valid_tickets] == [OTHER]


def test_when_the_last_concert_of_an_order_is_cancelled_it_is_refunded_with_all_its_parts() -> None:
    first = (*MIXED, part_started("50.00"), revoked(TWO_CONCERTS))
    second = (part_started("40.00", OTHER), revoked(TWO_CONCERTS, OTHER))
    given(ORDER, *first).when(cancelling(OTHER)).then(*second)
    under_way = given(ORDER, *first, *second, part_completed(OTHER)).state
    assert (under_way.status, list(under_way.refunds_under_way)) == (
        OrderStatus.REFUNDING,
        [refund_id_of(PAYMENT, CONCERT)],
    )
    assert under_way.payments[PAYMENT].status is PaymentStatus.REFUNDING
    done = given(ORDER, *first, *second, part_completed(OTHER), part_completed()).state
    assert (done.status, done.payments[PAYMENT].status) == (OrderStatus.REFUNDED, PaymentStatus.REFUNDED)


def test_tickets_that_were_free_keep_a_paid_order_and_end_it_without_another_refund() -> None:
    tickets = CONFIRMED.model_copy(update={"tickets": tickets_of(THIS, FREE_CONCERT, IDS)})
    history = (
        placed(FREE_CONCERT, "50.00"),
        started().model_copy(update={"amount": Money.of("50.00", "EUR")}),
        tickets,
    )
    first = (*history, part_started("50.00"), revoked(FREE_CONCERT), part_completed())
    assert given(ORDER, *first).state.status is OrderStatus.CONFIRMED
    given(ORDER, *first).when(cancelling(OTHER)).then(revoked(FREE_CONCERT, OTHER))
    assert given(ORDER, *first, revoked(FREE_CONCERT, OTHER)).state.status is OrderStatus.REFUNDED


def test_a_free_order_stays_confirmed_with_the_tickets_of_the_other_concert() -> None:
    lines = (line(price="0"), line("Choir", 1, "0", concert="other concert"))
    history = (placed(lines, "0"), OrderConfirmed(tickets=tickets_of(THIS, lines, IDS), at=NOW))
    given(ORDER, *history).when(cancelling()).then(revoked(lines))
    left = given(ORDER, *history, revoked(lines))
    assert left.state.status is OrderStatus.CONFIRMED
    left.when(cancelling(OTHER)).then(revoked(lines, OTHER), CANCELLED)


def test_a_revocation_is_under_way_until_it_is_completed_once() -> None:
    order = given(ORDER, *PAID, part_started("90.00"), revoked(), part_completed())
    told = frozenset(ticket.id for ticket in order.state.tickets)
    assert order.state.revocations_under_way == {CONCERT: Revocation("why", frozenset(revoked().ticket_ids))}
    order.when(lambda o: o.complete_revocation(CONCERT, told, NOW)).then(revocation_completed())
    order.when(lambda o: o.complete_revocation(OTHER, told, NOW)).then_nothing()
    order.when(lambda o: o.complete_revocation(CONCERT, frozenset([*told][1:]), NOW)).then_nothing()
    done = given(ORDER, *PAID, part_started("90.00"), revoked(), part_completed(), revocation_completed())
    assert not done.state.is_unfinished
    done.when(lambda o: o.complete_revocation(CONCERT, told, NOW)).then_nothing()


prices = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=5
)
"""Lines: of which concert, at how much, how many."""


@given_any(prices, st.lists(st.sampled_from(["a", "b", "c"]), max_size=6))
def test_whatever_is_cancelled_each_part_goes_back_once_and_together_no_more_than_was_paid(
    bought: list[tuple[str, int, int]], cancelled: list[str]
) -> None:
    lines = tuple(
        line(f"type {index}", quantity, str(price), concert=concert)
        for index, (concert, price, quantity) in enumerate(bought)
    )
    total = sum((of_line.unit_price.amount * of_line.quantity for of_line in lines), Decimal())
    paying = started().model_copy(update={"amount": Money.of(total, "EUR")})
    confirming = OrderConfirmed(payment_id=PAYMENT if total else None, tickets=tickets_of(THIS, lines, IDS), at=NOW)
    order = ORDER.fold([placed(lines, str(total)), *([paying] if total else []), confirming])
    for concert in cancelled:
        order = ORDER.fold(order.cancel_concert(some_id(concert), "why", NOW), order)
    back = sum((refund.amount.amount for refund in order.refunds.values()), Decimal())
    assert back == sum((price * quantity for concert, price, quantity in bought if concert in cancelled), Decimal())
    left = {concert for concert, _, _ in bought} - set(cancelled)
    assert {ticket.concert_id for ticket in order.valid_tickets} == {some_id(concert) for concert in left}
    ending = OrderStatus.REFUNDING if total else OrderStatus.CANCELLED
    assert order.status is (OrderStatus.CONFIRMED if left else ending)


def test_a_refund_of_the_whole_payment_that_confirmed_the_order_revokes_every_ticket() -> None:
    """So it was before a concert's part could go back alone; those logs stay."""
    assert given(ORDER, *PAID, REFUND_STARTED).state.status is OrderStatus.REFUNDING
    assert given(ORDER, *PAID, REFUND_STARTED).state.valid_tickets == []
    assert given(ORDER, *PAID, REFUND_STARTED, REFUNDED).state.status is OrderStatus.REFUNDED


def test_without_stock_the_order_has_expired_or_before_its_deadline_is_cancelled() -> None:
    order = given(ORDER, placed(), started())
    order.when(lambda o: o.end_without_stock(DUE)).then(EXPIRED)
    cancelled = OrderCancelled(reason="The concert is cancelled.", at=NOW)
    order.when(lambda o: o.end_without_stock(NOW)).then(cancelled)
    given(ORDER, *PAID).when(lambda o: o.end_without_stock(NOW)).then_nothing()
