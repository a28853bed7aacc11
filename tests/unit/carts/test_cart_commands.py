"""What a customer can do with a cart, over the whole way to the log: cart and stock change together or not at all."""

from datetime import timedelta

import pytest

from chalicelib.platform.errors import IdempotencyKeyReused, NotFound, PreconditionFailed
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import CurrencyMismatch, Money
from chalicelib.shop.carts.cart import CART, CartCheckedOutAlready, CartEmpty, LinesExpired, OrderLimitExceeded
from chalicelib.shop.carts.commands import create_cart
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, NotOnSale, TicketsSoldOut, pool_id
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.events import OrderPlaced
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.shop import BUYER, CUSTOMER, HOLD_FOR, OTHER_CUSTOMER, PAY_WITHIN, Clock, Shop, some_id

MILLISECOND = timedelta(milliseconds=1)
THREE_POOLS = 3 * TICKETS_PER_POOL - 2


def test_a_repeated_creation_gives_the_same_cart_and_adds_nothing(memory_shop: Shop) -> None:
    first = create_cart(memory_shop.repository, memory_shop.request(CUSTOMER, "key"))
    before = memory_shop.log([first])
    for repository in (memory_shop.repository, memory_shop.other_container()):
        assert create_cart(repository, memory_shop.request(CUSTOMER, "key")) == first
    assert memory_shop.log([first]) == before


def test_a_line_holds_tickets_and_keeps_their_names_and_price(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(quantity=10)
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id, 3)
    line = memory_shop.cart_state(cart_id).lines[added.item_id]
    assert (line.concert_id, line.concert_name, line.ticket_type_name) == (concert_id, "Patti Smith", "Standing")
    assert (line.quantity, line.unit_price) == (3, Money.of("25.00", "EUR"))
    assert line.expires_at == added.hold_expires_at == memory_shop.clock.now + HOLD_FOR
    hold = memory_shop.pool(ticket_type_id).holds[added.item_id]
    assert (hold.quantity, hold.cart_id, hold.expires_at) == (3, cart_id, added.hold_expires_at)


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_request_gets_its_first_answer_and_holds_nothing_more(
    memory_shop: Shop, memory_store: MemoryEventStore, cold: bool
) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    first = memory_shop.add(cart_id, ticket_type_id, 2, memory_shop.request(CUSTOMER, "key"))
    memory_shop.add(cart_id, ticket_type_id, 1)
    memory_shop.clock.advance(timedelta(minutes=3))
    before = memory_shop.log(memory_store.stream_ids())
    repository = memory_shop.other_container() if cold else memory_shop.repository
    again = memory_shop.add(cart_id, ticket_type_id, 2, memory_shop.request(CUSTOMER, "key"), repository)
    assert again == first
    assert memory_shop.log(memory_store.stream_ids()) == before


@pytest.mark.parametrize("later", ["removed", "checked out", "expired"])
def test_a_repeated_request_gets_its_first_answer_whatever_became_of_the_line(
    memory_shop: Shop, memory_store: MemoryEventStore, later: str
) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    first = memory_shop.add(cart_id, ticket_type_id, 2, memory_shop.request(CUSTOMER, "key"))
    if later == "removed":
        memory_shop.remove(cart_id, first.item_id)
    elif later == "checked out":
        memory_shop.check_out(cart_id)
    else:
        memory_shop.clock.advance(HOLD_FOR)
    before = memory_shop.log(memory_store.stream_ids())
    assert memory_shop.add(cart_id, ticket_type_id, 2, memory_shop.request(CUSTOMER, "key")) == first
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_the_same_key_with_another_body_is_refused(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 2, memory_shop.request(CUSTOMER, "key", "two"))
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(IdempotencyKeyReused):
        memory_shop.add(cart_id, ticket_type_id, 3, memory_shop.request(CUSTOMER, "key", "three"))
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_another_customers_cart_is_not_found(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    item = memory_shop.add(cart_id, ticket_type_id)
    with pytest.raises(NotFound):
        memory_shop.add(cart_id, ticket_type_id, 1, memory_shop.request(OTHER_CUSTOMER))
    with pytest.raises(NotFound):
        memory_shop.remove(cart_id, item.item_id, memory_shop.request(OTHER_CUSTOMER))
    with pytest.raises(NotFound):
        memory_shop.check_out(cart_id, memory_shop.request(OTHER_CUSTOMER))


def test_what_is_not_on_sale_is_not_found(memory_shop: Shop) -> None:
    with pytest.raises(NotFound):
        memory_shop.add(memory_shop.cart(), some_id("no ticket type"))
    with pytest.raises(NotFound):
        memory_shop.add(memory_shop.cart(), memory_shop.ticket_type(memory_shop.draft()))


def test_sold_out_says_how_many_are_left(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=5)
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 3)
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(TicketsSoldOut) as refusal:
        memory_shop.add(cart_id, ticket_type_id, 3)
    assert refusal.value.facts == {"available": 2}
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_sold_out_counts_all_pools(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=THREE_POOLS)
    memory_shop.occupy(ticket_type_id, TICKETS_PER_POOL - 2)
    with pytest.raises(TicketsSoldOut) as refusal:
        memory_shop.add(memory_shop.cart(), ticket_type_id, 5)
    assert refusal.value.facts == {"available": 4}


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_hold_spans_pools_when_only_together_they_have_enough(memory_shop: Shop, cold: bool) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=THREE_POOLS)
    memory_shop.occupy(ticket_type_id, TICKETS_PER_POOL - 3)
    assert [pool.free for pool in memory_shop.pools(ticket_type_id)] == [3, 2, 2]
    cart_id = memory_shop.cart()
    repository = memory_shop.other_container() if cold else memory_shop.repository
    added = memory_shop.add(cart_id, ticket_type_id, 5, repository=repository)
    shares = memory_shop.cart_state(cart_id).lines[added.item_id].shares
    assert sorted(share.quantity for share in shares) == [2, 3]
    for share in shares:
        index = next(i for i in range(3) if pool_id(ticket_type_id, i) == share.pool_id)
        assert memory_shop.pool(ticket_type_id, index).holds[added.item_id].quantity == share.quantity
    assert sum(pool.free for pool in memory_shop.pools(ticket_type_id)) == 2


def test_a_spanning_hold_is_removed_and_bought_as_one(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=THREE_POOLS)
    memory_shop.occupy(ticket_type_id, TICKETS_PER_POOL - 3)
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id, 7)
    assert [pool.free for pool in memory_shop.pools(ticket_type_id)] == [0, 0, 0]
    memory_shop.remove(cart_id, added.item_id)
    assert [pool.free for pool in memory_shop.pools(ticket_type_id)] == [3, 2, 2]
    memory_shop.add(cart_id, ticket_type_id, 7)
    memory_shop.pay(memory_shop.check_out(cart_id).order_id)
    assert {pool.held for pool in memory_shop.pools(ticket_type_id)} == {TICKETS_PER_POOL - 3}
    assert [pool.sold for pool in memory_shop.pools(ticket_type_id)] == [3, 2, 2]


def test_ended_holds_are_sold_again_without_anybody_recording_their_end(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    memory_shop.add(memory_shop.cart(), ticket_type_id, 2)
    memory_shop.clock.advance(HOLD_FOR - MILLISECOND)
    with pytest.raises(TicketsSoldOut):
        memory_shop.add(memory_shop.cart(), ticket_type_id)
    memory_shop.clock.advance(MILLISECOND)
    memory_shop.add(memory_shop.cart(), ticket_type_id, 2)


def test_the_limit_per_order_is_that_of_the_ticket_type(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    _, ticket_type_id = memory_shop.on_sale(max_per_order=3)
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 2)
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(OrderLimitExceeded) as refusal:
        memory_shop.add(cart_id, ticket_type_id, 2)
    assert refusal.value.facts == {"limit": 3, "selected": 2}
    assert memory_shop.log(memory_store.stream_ids()) == before, "a refused line holds nothing"
    memory_shop.add(cart_id, ticket_type_id, 1)


def test_one_cart_has_one_currency(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    _, euros = memory_shop.on_sale()
    _, pounds = memory_shop.on_sale(currency="GBP")
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, euros)
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(CurrencyMismatch):
        memory_shop.add(cart_id, pounds)
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_outside_the_sales_window_nothing_is_held(memory_shop: Shop) -> None:
    start = memory_shop.clock.now + timedelta(hours=1)
    end = start + timedelta(hours=1)
    concert_id = memory_shop.draft()
    ticket_type_id = memory_shop.ticket_type(concert_id, sales_start=start, sales_end=end)
    memory_shop.publish(concert_id)
    cart_id = memory_shop.cart()
    with pytest.raises(NotOnSale) as early:
        memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.now = start
    memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.now = end
    with pytest.raises(NotOnSale) as late:
        memory_shop.add(cart_id, ticket_type_id)
    assert early.value.facts == {"sales_start": "2030-01-01T13:00:00.000Z"}
    assert late.value.facts == {"sales_end": "2030-01-01T14:00:00.000Z"}


def test_removing_a_line_gives_its_tickets_back(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id, 2)
    assert memory_shop.remove(cart_id, added.item_id) == 2
    assert memory_shop.pool(ticket_type_id).free == 2
    assert memory_shop.cart_state(cart_id).lines == {}


def test_removing_again_gives_the_same_answer_and_adds_nothing(
    memory_shop: Shop, memory_store: MemoryEventStore
) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id)
    first = memory_shop.remove(cart_id, added.item_id)
    before = memory_shop.log(memory_store.stream_ids())
    assert memory_shop.remove(cart_id, added.item_id, repository=memory_shop.other_container()) == first
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_a_container_that_never_saw_the_hold_releases_it_all_the_same(memory_shop: Shop) -> None:
    """Its cached pool is from before the hold: "nothing to release" must not be believed of it."""
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    elsewhere = memory_shop.other_container()
    elsewhere.load(TICKET_POOL, pool_id(ticket_type_id, 0))
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id, 2)
    memory_shop.remove(cart_id, added.item_id, repository=elsewhere)
    assert memory_shop.pool(ticket_type_id).free == 2


def test_removing_a_line_whose_hold_has_ended_changes_the_cart_only(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.advance(HOLD_FOR)
    memory_shop.remove(cart_id, added.item_id)
    assert len(memory_shop.store.read(pool_id(ticket_type_id, 0))) == 2


def test_a_removal_names_the_version_it_was_made_for(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id)
    with pytest.raises(PreconditionFailed) as refusal:
        memory_shop.remove(cart_id, added.item_id, memory_shop.request(CUSTOMER, if_match=0))
    assert refusal.value.facts == {"version": 1}
    assert memory_shop.remove(cart_id, added.item_id, memory_shop.request(CUSTOMER, if_match=1)) == 2


def test_a_checkout_places_the_order_and_moves_the_holds_to_its_deadline(memory_shop: Shop) -> None:
    _, standing = memory_shop.on_sale()
    _, seated = memory_shop.on_sale(price="40.00")
    cart_id = memory_shop.cart()
    items = [memory_shop.add(cart_id, standing, 2).item_id, memory_shop.add(cart_id, seated, 1).item_id]
    placed = memory_shop.check_out(cart_id)
    assert (placed.status, placed.total, placed.version) == (
        OrderStatus.AWAITING_PAYMENT,
        Money.of("90.00", "EUR"),
        0,
    )
    assert placed.payment_due_at == memory_shop.clock.now + PAY_WITHIN
    assert memory_shop.order_state(placed.order_id).cart_id == cart_id
    assert memory_shop.cart_state(cart_id).order_id == placed.order_id
    for ticket_type_id, item_id in zip((standing, seated), items, strict=True):
        hold = memory_shop.pool(ticket_type_id).holds[item_id]
        assert (hold.order_id, hold.expires_at) == (placed.order_id, placed.payment_due_at + PAYMENT_GRACE)


def test_the_buyer_is_in_the_log_only_in_an_envelope(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    placed = memory_shop.check_out(cart_id)
    everything = "".join(
        event.data for stream in memory_shop.log(memory_store.stream_ids()).values() for event in stream
    )
    assert BUYER["name"] not in everything
    assert BUYER["email"] not in everything
    buyer = memory_shop.order_state(placed.order_id).buyer
    assert buyer is not None
    assert memory_shop.vault.open(buyer) == BUYER


@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_checkout_gets_its_first_answer_and_adds_nothing(
    memory_shop: Shop, memory_store: MemoryEventStore, cold: bool
) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    first = memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "key"))
    memory_shop.pay(first.order_id)
    memory_shop.clock.advance(timedelta(minutes=1))
    before = memory_shop.log(memory_store.stream_ids())
    repository = memory_shop.other_container() if cold else memory_shop.repository
    assert memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "key"), repository) == first
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_a_checkout_with_the_same_key_and_another_buyer_is_refused(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "key", "carla"))
    with pytest.raises(IdempotencyKeyReused):
        memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "key", "carlos"))


def test_what_a_checkout_remembers_of_the_buyer_cannot_be_guessed(memory_shop: Shop) -> None:
    """The stored request hash is under the person's key: without the key a name cannot be tried against it."""
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    caller = memory_shop.request(CUSTOMER, "key", "the body with the name in it")
    memory_shop.check_out(cart_id, caller)
    assert memory_shop.cart_state(cart_id).checkout_hash != caller.request.request_hash


def test_a_second_checkout_of_the_same_cart_is_refused(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    placed = memory_shop.check_out(cart_id)
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(CartCheckedOutAlready) as refusal:
        memory_shop.check_out(cart_id)
    assert refusal.value.facts == {"order_id": str(placed.order_id)}
    with pytest.raises(CartCheckedOutAlready):
        memory_shop.add(cart_id, ticket_type_id)
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_an_empty_cart_is_not_checked_out(memory_shop: Shop) -> None:
    with pytest.raises(CartEmpty):
        memory_shop.check_out(memory_shop.cart())


def test_a_cart_with_an_ended_hold_is_not_checked_out(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id)
    memory_shop.clock.advance(HOLD_FOR)
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(LinesExpired) as refusal:
        memory_shop.check_out(cart_id)
    assert refusal.value.facts == {"items": [str(added.item_id)]}
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_a_slow_clock_does_not_check_out_what_the_pool_has_given_away(
    memory_shop: Shop, memory_store: MemoryEventStore
) -> None:
    _, ticket_type_id = memory_shop.on_sale(quantity=2)
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 2)
    slow = memory_shop.other_container(Clock(memory_shop.clock.now + HOLD_FOR - timedelta(seconds=2)))
    memory_shop.clock.advance(HOLD_FOR)
    memory_shop.add(memory_shop.cart(OTHER_CUSTOMER), ticket_type_id, 2, memory_shop.request(OTHER_CUSTOMER))
    before = memory_shop.log(memory_store.stream_ids())
    with pytest.raises(LinesExpired):
        memory_shop.check_out(cart_id, repository=slow)
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_a_free_order_is_confirmed_and_its_tickets_sold_at_checkout(
    memory_shop: Shop, memory_store: MemoryEventStore
) -> None:
    _, ticket_type_id = memory_shop.on_sale(price="0")
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 2)
    placed = memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "key"))
    assert (placed.status, placed.version, placed.total) == (OrderStatus.CONFIRMED, 1, Money.zero("EUR"))
    assert len(memory_shop.order_state(placed.order_id).tickets) == 2
    assert (memory_shop.pool(ticket_type_id).held, memory_shop.pool(ticket_type_id).sold) == (0, 2)
    before = memory_shop.log(memory_store.stream_ids())
    assert memory_shop.check_out(cart_id, memory_shop.request(CUSTOMER, "key"), memory_shop.other_container()) == placed
    assert memory_shop.log(memory_store.stream_ids()) == before


def test_a_hold_over_forty_pools_is_bought_in_one_transaction(
    memory_shop: Shop, memory_store: MemoryEventStore
) -> None:
    """Forty shares, sold in one commit with a free order: as much as a cart may hold."""
    _, ticket_type_id = memory_shop.on_sale(quantity=40 * TICKETS_PER_POOL, price="0", max_per_order=40)
    memory_shop.occupy(ticket_type_id, TICKETS_PER_POOL - 1)
    cart_id = memory_shop.cart()
    added = memory_shop.add(cart_id, ticket_type_id, 40)
    assert len(memory_shop.cart_state(cart_id).lines[added.item_id].shares) == 40
    transactions = memory_store.usage.requests["TransactWriteItems"]
    memory_shop.check_out(cart_id)
    assert memory_store.usage.requests["TransactWriteItems"] == transactions + 1
    assert [pool.sold for pool in memory_shop.pools(ticket_type_id)] == [1] * 40


def test_reading_a_bought_cart_over_and_over_writes_nothing(memory_shop: Shop, memory_store: MemoryEventStore) -> None:
    """The predecessor made an order whenever a checked out cart was loaded."""
    _, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    placed = memory_shop.check_out(cart_id)
    before = memory_shop.log(memory_store.stream_ids())
    for _ in range(3):
        assert memory_shop.other_container().load(CART, cart_id)[0].order_id == placed.order_id
    assert memory_shop.log(memory_store.stream_ids()) == before
    orders = [event for items in before.values() for event in map(decode, items) if isinstance(event, OrderPlaced)]
    assert len(orders) == 1
