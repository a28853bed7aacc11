"""A customer has one open cart by default, and gets it again until it is checked out or its holds have ended."""

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.platform.errors import IdempotencyKeyReused
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.cart import CART, REQUEST_MEMORY, CartIsReplaced
from chalicelib.shop.carts.customer_carts import customer_carts_id
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.carts.limits import CartLimits, TooManyChanges
from chalicelib.shop.carts.opening import OpenedCart, open_cart
from tests.support.request_scenario import given_streams
from tests.support.shop import CUSTOMER, HOLD_FOR, OTHER_CUSTOMER, Clock, Shop, some_id
from tests.support.stored import store_all

LIST = customer_carts_id(CUSTOMER.id)


@pytest.fixture
def strict_shop(memory_store: MemoryEventStore) -> Shop:
    """A shop with the default limits."""
    return Shop(memory_store, limits=CartLimits())


def opened(strict_shop: Shop, key: str | None = None, actor: Actor = CUSTOMER, body: str = "") -> OpenedCart:
    return open_cart(strict_shop.repository, strict_shop.request(actor, key, body), strict_shop.limits)


def test_another_request_is_given_the_cart_that_is_open_with_its_version(strict_shop: Shop) -> None:
    _, ticket_type_id = strict_shop.on_sale()
    first = opened(strict_shop)
    assert (first.version, first.is_new) == (0, True)
    strict_shop.add(first.cart_id, ticket_type_id)
    assert opened(strict_shop) == OpenedCart(first.cart_id, 1, is_new=False)
    assert opened(strict_shop, actor=OTHER_CUSTOMER).is_new


def test_over_http_an_open_cart_is_answered_200() -> None:
    given = given_streams({})
    first = given.when(CUSTOMER, "POST", "/carts")
    again = given.when(CUSTOMER, "POST", "/carts")
    assert (first.status, again.status, again.body) == (201, 200, first.body)


@pytest.mark.parametrize("later", ["still open", "checked out"])
@pytest.mark.parametrize("cold", [False, True], ids=["same container", "other container"])
def test_a_repeated_request_gets_its_first_answer_whatever_became_of_the_cart(
    strict_shop: Shop, memory_store: MemoryEventStore, later: str, cold: bool
) -> None:
    _, ticket_type_id = strict_shop.on_sale()
    first = opened(strict_shop, "made it")
    given = opened(strict_shop, "was given it")
    if later == "checked out":
        strict_shop.add(first.cart_id, ticket_type_id)
        strict_shop.check_out(first.cart_id)
        opened(strict_shop, "made another")
    if cold:
        strict_shop.repository = strict_shop.other_container()
    before = strict_shop.log(memory_store.stream_ids())
    assert (opened(strict_shop, "made it"), opened(strict_shop, "was given it")) == (first, given)
    assert strict_shop.log(memory_store.stream_ids()) == before


@pytest.mark.parametrize("key", ["made it", "was given it"])
def test_the_same_key_with_another_body_is_refused(strict_shop: Shop, key: str) -> None:
    opened(strict_shop, "made it")
    opened(strict_shop, "was given it")
    with pytest.raises(IdempotencyKeyReused):
        opened(strict_shop, key, body="another")


def test_after_a_checkout_there_is_a_new_cart(strict_shop: Shop) -> None:
    _, ticket_type_id = strict_shop.on_sale()
    first = opened(strict_shop)
    strict_shop.add(first.cart_id, ticket_type_id)
    strict_shop.check_out(first.cart_id)
    second = opened(strict_shop)
    assert second.is_new
    assert strict_shop.cart_state(first.cart_id).replaced_by is None, "what is checked out stays as it is"


def test_a_cart_whose_holds_have_ended_gives_way_and_is_changed_no_more(strict_shop: Shop) -> None:
    _, ticket_type_id = strict_shop.on_sale()
    first = opened(strict_shop)
    strict_shop.add(first.cart_id, ticket_type_id)
    strict_shop.clock.advance(HOLD_FOR)
    second = opened(strict_shop)
    assert second.is_new
    with pytest.raises(CartIsReplaced) as refusal:
        strict_shop.add(first.cart_id, ticket_type_id)
    assert refusal.value.facts == {"cart_id": str(second.cart_id)}


def test_a_cart_of_before_there_were_lists_counts_from_its_next_line(memory_store: MemoryEventStore) -> None:
    strict_shop = Shop(memory_store, limits=CartLimits())
    _, ticket_type_id = strict_shop.on_sale()
    old, other = some_id("old cart"), some_id("other old cart")
    for cart_id in (old, other):
        for stored in store_all(cart_id, [CartCreated(customer_id=CUSTOMER.id, at=strict_shop.clock())]):
            memory_store.append([stored])
    strict_shop.add(old, ticket_type_id)
    strict_shop.add(old, ticket_type_id)
    assert opened(strict_shop).cart_id == old
    with pytest.raises(CartIsReplaced) as refusal:
        strict_shop.add(other, ticket_type_id)
    assert refusal.value.facts == {"cart_id": str(old)}
    strict_shop.check_out(old)
    strict_shop.add(other, ticket_type_id)


def test_a_first_cart_costs_one_request_and_a_second_container_reads_what_it_must(strict_shop: Shop) -> None:
    before = strict_shop.store.usage.requests.copy()
    opened(strict_shop)
    assert strict_shop.store.usage.requests - before == {"TransactWriteItems": 1}


def test_asking_for_carts_in_a_loop_is_limited_without_a_request_to_the_store(strict_shop: Shop) -> None:
    for _ in range(strict_shop.limits.burst):
        opened(strict_shop)
    before = strict_shop.store.usage.requests.copy()
    with pytest.raises(TooManyChanges) as refusal:
        opened(strict_shop)
    assert strict_shop.store.usage.requests == before
    strict_shop.clock.advance(refusal.value.retry_after)
    opened(strict_shop)


def test_the_list_forgets_what_it_gave_after_a_day(strict_shop: Shop) -> None:
    opened(strict_shop)
    opened(strict_shop, "yesterday")
    strict_shop.clock.advance(REQUEST_MEMORY)
    opened(strict_shop, "today")
    state, _ = strict_shop.other_container(Clock(strict_shop.clock())).load(CART, opened(strict_shop).cart_id)
    assert state.customer_id == CUSTOMER.id
