"""What differs between a provider's list and the orders is named, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.orders import reconciliation
from chalicelib.shop.orders.events import (
    DisputeOpened,
    DisputeWon,
    OrderConfirmed,
    OrderLine,
    OrderPlaced,
    OrderSettled,
    PaymentFailed,
    PaymentStarted,
    RefundCompleted,
    RefundFailed,
    RefundRecorded,
    RefundStarted,
)
from chalicelib.shop.orders.order import ORDER, Order, tickets_of
from chalicelib.shop.orders.payments.port import (
    Charged,
    Movement,
    ProviderDispute,
    ProviderRefund,
    RefundState,
)
from chalicelib.shop.orders.payments.sandbox import DELAY, Token
from chalicelib.shop.orders.reconciliation import Kind, compare, differences, loader, missing, movements_of
from chalicelib.shop.orders.refund import DisputeStatus, recorded_refund_id, refund_id_of
from tests.support.shop import IDS, some_id
from tests.support.stored import SOME_TIME, store_all
from tests.unit.orders.test_reversals import Sale

ORDER_ID, PAYMENT = some_id("order"), some_id("payment")
PRICE, HALF = Money.of("25.00", "EUR"), Money.of("12.50", "EUR")
OURS = refund_id_of(PAYMENT)
THERE = recorded_refund_id(PAYMENT, "re_there")
LINE = OrderLine(
    hold_id=some_id("hold"),
    ticket_type_id=some_id("type"),
    ticket_type_name="Floor",
    concert_id=some_id("concert"),
    concert_name="Patti Smith",
    quantity=1,
    unit_price=PRICE,
)
PLACED = OrderPlaced(
    cart_id=some_id("cart"),
    customer_id=some_id("customer"),
    buyer=Sealed(ciphertext="", key=str(some_id("customer"))),
    lines=(LINE,),
    total=PRICE,
    payment_due_at=SOME_TIME + timedelta(minutes=15),
    at=SOME_TIME,
)
STARTED = PaymentStarted(payment_id=PAYMENT, provider="sandbox", amount=PRICE, request_hash="", at=SOME_TIME)
DECLINED = PaymentFailed(payment_id=PAYMENT, reason="declined", at=SOME_TIME)
CONFIRMED = OrderConfirmed(
    payment_id=PAYMENT, provider_reference="pi_1", tickets=tickets_of(ORDER_ID, (LINE,), IDS), at=SOME_TIME
)
PAID: tuple[Event, ...] = (PLACED, STARTED, CONFIRMED)
REFUNDING = RefundStarted(payment_id=PAYMENT, refund_id=OURS, amount=PRICE, reason="", at=SOME_TIME)
REFUNDED = RefundCompleted(payment_id=PAYMENT, refund_id=OURS, at=SOME_TIME)
FAILED = RefundFailed(
    payment_id=PAYMENT, refund_id=OURS, provider_reference="re_1", reason="closed", retry_at=None, at=SOME_TIME
)
RECORDED = RefundRecorded(
    payment_id=PAYMENT, refund_id=THERE, provider_reference="re_there", amount=HALF, reason="there", at=SOME_TIME
)
SETTLED = OrderSettled(outcome="refunded", reason="bank transfer", refund_ids=(OURS,), at=SOME_TIME)
DISPUTED = DisputeOpened(payment_id=PAYMENT, dispute_id="du_1", amount=PRICE, reason="fraud", at=SOME_TIME)
WON = DisputeWon(payment_id=PAYMENT, dispute_id="du_1", at=SOME_TIME)

CHARGED = Charged("pi_1", PRICE)
OUR_REFUND = ProviderRefund("re_1", PRICE, RefundState.SUCCEEDED, OURS)
THEIR_REFUND = ProviderRefund("re_there", HALF, RefundState.SUCCEEDED)
DISPUTE = ProviderDispute("du_1", PRICE, DisputeStatus.OPEN)
What = Charged | ProviderRefund | ProviderDispute


@dataclass(frozen=True)
class Given:
    """An order with this history."""

    order: Order

    def when_listed(self, *what: What, payment_id: UUID = PAYMENT) -> "Then":
        listed = [Movement(one, ORDER_ID, payment_id) for one in what]
        return Then(
            [one.kind for one in differences(ORDER_ID, self.order, listed)],
            [one.kind for one in missing(ORDER_ID, self.order, listed)],
        )


@dataclass(frozen=True)
class Then:
    found: list[Kind]
    absent: list[Kind] = field(default_factory=list)

    def then(self, *kinds: Kind) -> None:
        assert self.found == list(kinds)

    def then_missing(self, *kinds: Kind) -> None:
        assert (self.found, self.absent) == ([], list(kinds))


def given(*history: Event) -> Given:
    return Given(ORDER.fold(history))


# The provider did it, and the log does not say so


def test_an_order_that_was_never_placed_is_named() -> None:
    given().when_listed(CHARGED, OUR_REFUND).then(Kind.NO_ORDER, Kind.NO_ORDER)


def test_a_payment_that_the_order_never_started_is_named() -> None:
    given(*PAID).when_listed(CHARGED, payment_id=some_id("another")).then(Kind.NOT_SUCCEEDED_HERE)


@pytest.mark.parametrize("history", [(PLACED, STARTED), (PLACED, STARTED, DECLINED)], ids=["open", "failed"])
def test_a_charge_of_which_the_log_knows_no_success_is_named(history: tuple[Event, ...]) -> None:
    given(*history).when_listed(CHARGED).then(Kind.NOT_SUCCEEDED_HERE)


def test_a_charge_that_the_log_has_is_no_difference() -> None:
    given(*PAID).when_listed(CHARGED).then()


def test_another_amount_than_the_log_has_is_named() -> None:
    given(*PAID).when_listed(Charged("pi_1", HALF)).then(Kind.AMOUNT)


def test_one_payment_under_two_ids_of_the_provider_was_charged_twice() -> None:
    given(*PAID).when_listed(CHARGED, Charged("pi_2", PRICE)).then(Kind.CHARGED_TWICE)


def test_a_refund_that_the_log_does_not_know_is_named_once_the_money_is_back() -> None:
    given(*PAID).when_listed(THEIR_REFUND).then(Kind.REFUND_UNKNOWN)
    for state in (RefundState.PENDING, RefundState.FAILED):
        given(*PAID).when_listed(replace(THEIR_REFUND, state=state)).then()


def test_a_refund_that_the_log_has_is_no_difference() -> None:
    given(*PAID, RECORDED).when_listed(THEIR_REFUND).then()
    given(*PAID, REFUNDING, REFUNDED).when_listed(OUR_REFUND).then()


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ((REFUNDING,), RefundState.SUCCEEDED),
        ((REFUNDING, FAILED), RefundState.SUCCEEDED),
        ((REFUNDING, FAILED, SETTLED), RefundState.SUCCEEDED),
        ((REFUNDING, REFUNDED), RefundState.PENDING),
        ((REFUNDING, REFUNDED), RefundState.FAILED),
        ((REFUNDING,), RefundState.FAILED),
    ],
    ids=["not done here", "failed here", "paid by hand too", "not done there", "failed there later", "failed there"],
)
def test_another_end_of_a_refund_than_the_log_has_is_named(history: tuple[Event, ...], state: RefundState) -> None:
    given(*PAID, *history).when_listed(replace(OUR_REFUND, state=state)).then(Kind.REFUND_STATE)


def test_a_refund_under_way_and_a_failure_that_is_known_are_no_differences() -> None:
    given(*PAID, REFUNDING).when_listed(replace(OUR_REFUND, state=RefundState.PENDING)).then()
    failed, second = replace(OUR_REFUND, state=RefundState.FAILED), replace(OUR_REFUND, reference="re_2")
    given(*PAID, REFUNDING, FAILED).when_listed(failed).then()
    given(*PAID, REFUNDING, FAILED, SETTLED).when_listed(replace(failed, reference="re_9")).then()
    given(*PAID, REFUNDING, FAILED, REFUNDED).when_listed(failed, second).then()


def test_another_amount_of_a_refund_is_named() -> None:
    given(*PAID, REFUNDING, REFUNDED).when_listed(replace(OUR_REFUND, amount=HALF)).then(Kind.AMOUNT)


def test_disputes_that_the_log_does_not_have_so_are_named() -> None:
    given(*PAID).when_listed(DISPUTE).then(Kind.DISPUTE_UNKNOWN)
    given(*PAID, DISPUTED).when_listed(DISPUTE).then()
    given(*PAID, DISPUTED).when_listed(replace(DISPUTE, status=DisputeStatus.LOST)).then(Kind.DISPUTE_STATE)
    given(*PAID, DISPUTED, WON).when_listed(DISPUTE).then(Kind.DISPUTE_STATE)
    given(*PAID, DISPUTED).when_listed(replace(DISPUTE, amount=HALF)).then(Kind.AMOUNT)


# The log says it, and the provider did not do it


def test_a_success_that_the_provider_does_not_have_is_missing_there() -> None:
    given(*PAID).when_listed().then_missing(Kind.NOT_CHARGED_THERE)
    given(*PAID).when_listed(CHARGED).then_missing()
    given(PLACED, STARTED).when_listed().then_missing()
    given(PLACED, STARTED, DECLINED).when_listed().then_missing()


def test_a_refund_that_the_provider_does_not_have_is_missing_there() -> None:
    given(*PAID, REFUNDING, REFUNDED).when_listed(CHARGED).then_missing(Kind.REFUND_MISSING)
    given(*PAID, REFUNDING, REFUNDED).when_listed(CHARGED, OUR_REFUND).then_missing()
    given(*PAID, RECORDED).when_listed(CHARGED).then_missing(Kind.REFUND_MISSING)
    given(*PAID, RECORDED).when_listed(CHARGED, THEIR_REFUND).then_missing()
    given(*PAID, REFUNDING).when_listed(CHARGED).then_missing()
    given(*PAID, REFUNDING, FAILED, SETTLED).when_listed(CHARGED).then_missing()


def test_a_dispute_that_the_provider_does_not_have_is_missing_there() -> None:
    given(*PAID, DISPUTED).when_listed(CHARGED).then_missing(Kind.DISPUTE_MISSING)
    given(*PAID, DISPUTED).when_listed(CHARGED, DISPUTE).then_missing()


# Many orders


def a_log(*order_ids: UUID) -> MemoryEventStore:
    log = MemoryEventStore()
    for order_id in order_ids:
        for stored in store_all(order_id, PAID):
            log.append([stored])
    return log


def test_each_order_is_read_once_and_what_is_not_ours_is_passed_over() -> None:
    orders = [some_id(f"order {number}") for number in range(5)]
    log = a_log(*orders)
    listed = [Movement(what, order_id, PAYMENT) for what in (CHARGED, THEIR_REFUND, DISPUTE) for order_id in orders]
    before = log.usage.reads
    found = list(compare([*listed, Movement(CHARGED)], loader(log)))
    assert log.usage.reads - before == 5
    assert [one.kind for one in found] == [Kind.REFUND_UNKNOWN, Kind.DISPUTE_UNKNOWN] * 5


def test_a_long_list_is_compared_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "AT_ONCE", 10)
    taken: list[int] = []

    def long() -> Iterator[Movement]:
        while len(taken) < 1000:
            taken.append(1)
            yield Movement(DISPUTE, ORDER_ID, PAYMENT)

    found = compare(long(), loader(a_log(ORDER_ID)))
    assert next(found).kind is Kind.DISPUTE_UNKNOWN
    assert len(taken) == 10


def test_an_order_that_cannot_be_read_is_named_and_the_others_are_compared() -> None:
    log = a_log(ORDER_ID)

    def load(order_id: UUID) -> Order:
        if order_id != ORDER_ID:
            raise LogDamaged("It cannot be read.")
        return loader(log)(order_id)

    listed = [Movement(DISPUTE, some_id("damaged"), PAYMENT), Movement(DISPUTE, ORDER_ID, PAYMENT)]
    assert [one.kind for one in compare(listed, load)] == [Kind.UNREADABLE, Kind.DISPUTE_UNKNOWN]


# With everything behind it


@pytest.mark.parametrize("token", [token for token in Token if token is not Token.AUTHENTICATED])
def test_when_the_shop_rests_nothing_differs_whatever_becomes_of_the_money(token: Token) -> None:
    sale = Sale(token)
    for _ in range(3):
        sale.wait()
    sale.cancel()
    sale.wait()
    sale.rest()
    now = sale.shop.clock()
    load = loader(sale.shop.store)
    listed = sale.shop.gateway.list_movements(SOME_TIME, now + timedelta(days=1))
    assert list(compare(listed, load)) == []
    order = load(sale.order_id)
    its = list(movements_of(sale.order_id, order, sale.shop.gateways))
    assert [*differences(sale.order_id, order, its), *missing(sale.order_id, order, its)] == []


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (Token.DELAYED, Kind.NOT_SUCCEEDED_HERE),
        (Token.REFUNDED_THERE, Kind.REFUND_UNKNOWN),
        (Token.PARTLY_REFUNDED_THERE, Kind.REFUND_UNKNOWN),
        (Token.DISPUTE_LOST, Kind.DISPUTE_UNKNOWN),
    ],
)
def test_what_the_shop_has_not_heard_of_differs(token: Token, kind: Kind) -> None:
    sale = Sale(token)
    sale.shop.clock.advance(DELAY)
    listed = sale.shop.gateway.list_movements(SOME_TIME, sale.shop.clock() + timedelta(seconds=10))
    assert [one.kind for one in compare(listed, loader(sale.shop.store))] == [kind]
