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


def ordered(shop: Shop, quantity: int = 2, price: str = "25.00") -> tuple[UUID, UUID]:
    """A placed order and the ticket type it is for."""
    _, ticket_type_id = shop.on_sale(price=price)
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, quantity)
    return shop.check_out(cart_id).order_id, ticket_type_id


def test_paying_confirms_the_order_issues_its_tickets_and_sells_the_stock(memory_shop: Shop) -> None:
    order_id, ticket_type_id = ordered(memory_shop)
    paid = memory_shop.pay(order_id)
    order = memory_shop.order_state(order_id)
    assert (order.status, len(order.tickets), paid.version) == (OrderStatus.CONFIRMED, 2, 2)
    assert (memory_shop.pool(ticket_type_id).held, memory_shop.pool(ticket_type_id).sold) == (0, 2)


def test_the_attempt_is_in_the_log_before_the_provider_is_asked(memory_shop: Shop) -> None:
    order_id, _ = ordered(memory_shop)
    seen: list[int] = []

    class Watching(CountingGateway):
        def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
            seen.append(len(memory_shop.store.read(order_id)))
            return super().charge(attempt, token)

    memory_shop.gateway = Watching(memory_shop.clock)
    memory_shop.pay(order_id)
    assert seen == [2]


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_payment_gets_its_first_answer_and_takes_nothing_more(
    memory_shop: Shop, memory_store: MemoryEventStore, cold: bool
) -> None:
    order_id, _ = ordered(memory_shop)
    first = memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key"))
    before = memory_shop.log(memory_store.stream_ids())
    repository = memory_shop.other_container() if cold else memory_shop.repository
    memory_shop.clock.advance(timedelta(days=1))
    assert memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key"), repository=repository) == first
    assert memory_shop.log(memory_store.stream_ids()) == before
    assert len(memory_shop.gateway.asked) == 1


def test_the_same_key_with_another_body_is_refused(memory_shop: Shop) -> None:
    order_id, _ = ordered(memory_shop)
    memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key", "one"))
    with pytest.raises(IdempotencyKeyReused):
        memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key", "two"))


def test_a_paid_order_is_not_paid_again(memory_shop: Shop) -> None:
    order_id, _ = ordered(memory_shop)
    memory_shop.pay(order_id)
    with pytest.raises(AlreadyPaid):
        memory_shop.pay(order_id)
    assert len(memory_shop.gateway.asked) == 1


def test_a_declined_payment_keeps_the_hold_and_another_may_be_tried(memory_shop: Shop) -> None:
    order_id, ticket_type_id = ordered(memory_shop)
    with pytest.raises(PaymentRefused) as refusal:
        memory_shop.pay(order_id, "tok_declined")
    payment_id = memory_shop.gateway.asked[0]
    assert refusal.value.facts == {"payment_id": str(payment_id)}
    assert memory_shop.order_state(order_id).payments[payment_id].status is PaymentStatus.FAILED
    assert memory_shop.pool(ticket_type_id).held == 2
    memory_shop.pay(order_id)
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_repeated_declined_payment_is_declined_again_without_asking(
    memory_shop: Shop, memory_store: MemoryEventStore
) -> None:
    order_id, _ = ordered(memory_shop)
    with pytest.raises(PaymentRefused) as first:
        memory_shop.pay(order_id, "tok_declined", memory_shop.request(CUSTOMER, "key"))
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(PaymentRefused) as again:
        memory_shop.pay(order_id, "tok_declined", memory_shop.request(CUSTOMER, "key"), memory_shop.other_container())
    assert (again.value.detail, again.value.facts) == (first.value.detail, first.value.facts)
    assert len(memory_shop.gateway.asked) == 1
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_a_payment_whose_reply_was_lost_is_finished_by_repeating_it_under_the_same_payment_id(
    memory_shop: Shop,
) -> None:
    order_id, _ = ordered(memory_shop)
    memory_shop.gateway = LostReplies(memory_shop.clock, 1)
    with pytest.raises(Unavailable):
        memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key"))
    with pytest.raises(PaymentInProgress):
        memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "other key"))
    memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key"), repository=memory_shop.other_container())
    assert len(set(memory_shop.gateway.asked)) == 1
    assert memory_shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_payment_started_in_time_finds_its_stock_after_the_deadline(memory_shop: Shop) -> None:
    order_id, ticket_type_id = ordered(memory_shop)
    memory_shop.clock.advance(PAY_WITHIN - timedelta(milliseconds=1))
    memory_shop.gateway = LostReplies(memory_shop.clock, 1)
    with pytest.raises(Unavailable):
        memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key"))
    memory_shop.clock.advance(PAYMENT_GRACE - timedelta(seconds=1))
    memory_shop.pay(order_id, caller=memory_shop.request(CUSTOMER, "key"))
    assert memory_shop.pool(ticket_type_id).sold == 2


def test_an_order_cannot_be_paid_once_its_time_is_over(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    order_id, _ = ordered(memory_shop)
    memory_shop.clock.advance(PAY_WITHIN)
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(OrderOverdue):
        memory_shop.pay(order_id)
    assert memory_shop.gateway.asked == []
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_another_customers_order_is_not_found(memory_shop: Shop) -> None:
    order_id, _ = ordered(memory_shop)
    with pytest.raises(NotFound):
        memory_shop.pay(order_id, caller=memory_shop.request(OTHER_CUSTOMER))
    with pytest.raises(NotFound):
        memory_shop.pay(some_id("no order"))


def test_what_cannot_be_a_token_is_refused_before_anything_is_written(
    memory_shop: Shop, memory_store: MemoryEventStore
) -> None:
    order_id, _ = ordered(memory_shop)
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(InvalidInput) as refusal:
        memory_shop.pay(order_id, "tok_nonsense")
    assert refusal.value.fields == (("#/token", "is unknown"),)
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_a_free_order_has_nothing_to_pay(memory_shop: Shop) -> None:
    order_id, _ = ordered(memory_shop, price="0")
    with pytest.raises(AlreadyPaid):
        memory_shop.pay(order_id)
    assert memory_shop.gateway.asked == []


def test_the_largest_order_with_the_longest_names_can_still_be_paid(memory_shop: Shop) -> None:
    """As many tickets as a cart takes, names of two hundred characters: what the API accepts must fit the log. It must
    not turn out to be too large after the money was taken."""
    longest = "\N{MUSICAL SYMBOL G CLEF}" * 200
    concert_id = memory_shop.draft(name=longest)
    types = [memory_shop.ticket_type(concert_id, 40, max_per_order=40, name=longest) for _ in range(MAX_LINES)]
    memory_shop.publish(concert_id)
    cart_id = memory_shop.cart()
    for ticket_type_id in types:
        with suppress(CartFull):
            memory_shop.add(cart_id, ticket_type_id, 40)
    order_id = memory_shop.check_out(cart_id).order_id
    memory_shop.pay(order_id)
    order = memory_shop.order_state(order_id)
    assert len(order.tickets) == sum(line.quantity for line in order.lines) >= 40
