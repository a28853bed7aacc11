"""Paying an order, over the whole way to the log."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import IdempotencyKeyReused, InvalidInput, NotFound, PaymentRefused, Unavailable
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.cart import MAX_LINES, CartFull
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.order import AlreadyPaid, OrderOverdue, PaymentInProgress
from chalicelib.shop.orders.payments.port import Attempt, PaymentOutcome
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from tests.support.shop import CUSTOMER, OTHER_CUSTOMER, PAY_WITHIN, Clock, CountingGateway, Shop, some_id


class LostReplies(CountingGateway):
    """Takes the money and loses the first replies."""

    def __init__(self, clock: Clock, lost: int) -> None:
        super().__init__(clock)
        self.lost = lost

    def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
        outcome = super().charge(attempt, token)
        if self.lost:
            self.lost -= 1
            raise Unavailable("The provider does not answer.")
        return outcome


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def shop(store: MemoryEventStore) -> Shop:
    return Shop(store)


def ordered(shop: Shop, quantity: int = 2, price: str = "25.00") -> tuple[UUID, UUID]:
    """A placed order and the ticket type it is for."""
    _, ticket_type_id = shop.on_sale(price=price)
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, quantity)
    return shop.check_out(cart_id).order_id, ticket_type_id


def test_paying_confirms_the_order_issues_its_tickets_and_sells_the_stock(shop: Shop) -> None:
    order_id, ticket_type_id = ordered(shop)
    paid = shop.pay(order_id)
    order = shop.order_state(order_id)
    assert (order.status, len(order.tickets), paid.version) == (OrderStatus.CONFIRMED, 2, 2)
    assert (shop.pool(ticket_type_id).held, shop.pool(ticket_type_id).sold) == (0, 2)


def test_the_attempt_is_in_the_log_before_the_provider_is_asked(shop: Shop) -> None:
    order_id, _ = ordered(shop)
    seen: list[int] = []

    class Watching(CountingGateway):
        def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
            seen.append(len(shop.store.read(order_id)))
            return super().charge(attempt, token)

    shop.gateway = Watching(shop.clock)
    shop.pay(order_id)
    assert seen == [2]


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_payment_gets_its_first_answer_and_takes_nothing_more(
    shop: Shop, store: MemoryEventStore, cold: bool
) -> None:
    order_id, _ = ordered(shop)
    first = shop.pay(order_id, caller=shop.request(CUSTOMER, "key"))
    before = shop.log(store.stream_ids())
    repository = shop.other_container() if cold else shop.repository
    shop.clock.advance(timedelta(days=1))
    assert shop.pay(order_id, caller=shop.request(CUSTOMER, "key"), repository=repository) == first
    assert shop.log(store.stream_ids()) == before
    assert len(shop.gateway.asked) == 1


def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    order_id, _ = ordered(shop)
    shop.pay(order_id, caller=shop.request(CUSTOMER, "key", "one"))
    with pytest.raises(IdempotencyKeyReused):
        shop.pay(order_id, caller=shop.request(CUSTOMER, "key", "two"))


def test_a_paid_order_is_not_paid_again(shop: Shop) -> None:
    order_id, _ = ordered(shop)
    shop.pay(order_id)
    with pytest.raises(AlreadyPaid):
        shop.pay(order_id)
    assert len(shop.gateway.asked) == 1


def test_a_declined_payment_keeps_the_hold_and_another_may_be_tried(shop: Shop) -> None:
    order_id, ticket_type_id = ordered(shop)
    with pytest.raises(PaymentRefused) as refusal:
        shop.pay(order_id, "tok_declined")
    payment_id = shop.gateway.asked[0]
    assert refusal.value.facts == {"payment_id": str(payment_id)}
    assert shop.order_state(order_id).payments[payment_id].status is PaymentStatus.FAILED
    assert shop.pool(ticket_type_id).held == 2
    shop.pay(order_id)
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_repeated_declined_payment_is_declined_again_without_asking(shop: Shop, store: MemoryEventStore) -> None:
    order_id, _ = ordered(shop)
    with pytest.raises(PaymentRefused) as first:
        shop.pay(order_id, "tok_declined", shop.request(CUSTOMER, "key"))
    before = shop.log(store.stream_ids())
    with pytest.raises(PaymentRefused) as again:
        shop.pay(order_id, "tok_declined", shop.request(CUSTOMER, "key"), shop.other_container())
    assert (again.value.detail, again.value.facts) == (first.value.detail, first.value.facts)
    assert len(shop.gateway.asked) == 1
    assert shop.log(store.stream_ids()) == before


def test_a_payment_whose_reply_was_lost_is_finished_by_repeating_it_under_the_same_payment_id(shop: Shop) -> None:
    order_id, _ = ordered(shop)
    shop.gateway = LostReplies(shop.clock, 1)
    with pytest.raises(Unavailable):
        shop.pay(order_id, caller=shop.request(CUSTOMER, "key"))
    with pytest.raises(PaymentInProgress):
        shop.pay(order_id, caller=shop.request(CUSTOMER, "other key"))
    shop.pay(order_id, caller=shop.request(CUSTOMER, "key"), repository=shop.other_container())
    assert len(set(shop.gateway.asked)) == 1
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_payment_started_in_time_finds_its_stock_after_the_deadline(shop: Shop) -> None:
    order_id, ticket_type_id = ordered(shop)
    shop.clock.advance(PAY_WITHIN - timedelta(milliseconds=1))
    shop.gateway = LostReplies(shop.clock, 1)
    with pytest.raises(Unavailable):
        shop.pay(order_id, caller=shop.request(CUSTOMER, "key"))
    shop.clock.advance(PAYMENT_GRACE - timedelta(seconds=1))
    shop.pay(order_id, caller=shop.request(CUSTOMER, "key"))
    assert shop.pool(ticket_type_id).sold == 2


def test_an_order_cannot_be_paid_once_its_time_is_over(shop: Shop, store: MemoryEventStore) -> None:
    order_id, _ = ordered(shop)
    shop.clock.advance(PAY_WITHIN)
    before = shop.log(store.stream_ids())
    with pytest.raises(OrderOverdue):
        shop.pay(order_id)
    assert shop.gateway.asked == []
    assert shop.log(store.stream_ids()) == before


def test_another_customers_order_is_not_found(shop: Shop) -> None:
    order_id, _ = ordered(shop)
    with pytest.raises(NotFound):
        shop.pay(order_id, caller=shop.request(OTHER_CUSTOMER))
    with pytest.raises(NotFound):
        shop.pay(some_id("no order"))


def test_what_cannot_be_a_token_is_refused_before_anything_is_written(shop: Shop, store: MemoryEventStore) -> None:
    order_id, _ = ordered(shop)
    before = shop.log(store.stream_ids())
    with pytest.raises(InvalidInput) as refusal:
        shop.pay(order_id, "tok_nonsense")
    assert refusal.value.fields == (("#/token", "is unknown"),)
    assert shop.log(store.stream_ids()) == before


def test_a_free_order_has_nothing_to_pay(shop: Shop) -> None:
    order_id, _ = ordered(shop, price="0")
    with pytest.raises(AlreadyPaid):
        shop.pay(order_id)
    assert shop.gateway.asked == []


def test_the_largest_order_with_the_longest_names_can_still_be_paid(shop: Shop) -> None:
    """As many tickets as a cart takes, names of two hundred characters: what the API accepts must fit the log. It must
    not turn out to be too large after the money was taken."""
    longest = "\N{MUSICAL SYMBOL G CLEF}" * 200
    concert_id = shop.draft(name=longest)
    types = [shop.ticket_type(concert_id, 40, max_per_order=40, name=longest) for _ in range(MAX_LINES)]
    shop.publish(concert_id)
    cart_id = shop.cart()
    for ticket_type_id in types:
        with suppress(CartFull):
            shop.add(cart_id, ticket_type_id, 40)
    order_id = shop.check_out(cart_id).order_id
    shop.pay(order_id)
    order = shop.order_state(order_id)
    assert len(order.tickets) == sum(line.quantity for line in order.lines) >= 40
