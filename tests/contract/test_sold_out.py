"""Sold out is remembered exactly: cheap for the crowd that comes after, and never a false refusal."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.carts.commands import AddedItem
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import NotOnSale, TicketsSoldOut
from tests.support.shop import HOLD_FOR, ORGANISER, Clock, Shop


def hold_all(shop: Shop, ticket_type_id: UUID, quantity: int) -> list[tuple[UUID, AddedItem]]:
    """Hold everything, ten a cart; the carts with what they hold."""
    held = []
    for _ in range(quantity // 10):
        cart_id = shop.cart()
        held.append((cart_id, shop.add(cart_id, ticket_type_id, 10)))
    return held


def refused(shop: Shop, cart_id: UUID, ticket_type_id: UUID, container: Repository, quantity: int = 1) -> int:
    """How many are said to be available by the refusal that must come."""
    with pytest.raises(TicketsSoldOut) as refusal:
        shop.add(cart_id, ticket_type_id, quantity, repository=container)
    available: int = refusal.value.facts["available"]
    return available


def usage_of(shop: Shop) -> tuple[int, int]:
    """Reads and writes so far."""
    return shop.store.usage.reads, shop.store.usage.writes


def on_sale_between(shop: Shop, sales_start: datetime | None, sales_end: datetime | None) -> UUID:
    """Ten tickets of one type: its id."""
    concert_id = shop.draft()
    ticket_type_id = shop.ticket_type(concert_id, 10, max_per_order=20, sales_start=sales_start, sales_end=sales_end)
    shop.publish(concert_id)
    return ticket_type_id


@pytest.mark.endurance
def test_a_thousand_refusals_from_fifty_fresh_containers_cost_two_reads_each_and_no_write(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=4 * TICKETS_PER_POOL)
    hold_all(shop, ticket_type_id, 4 * TICKETS_PER_POOL)
    carts = [shop.cart() for _ in range(1000)]
    one_more = shop.cart()
    reads, writes = usage_of(shop)
    refused(shop, one_more, ticket_type_id, shop.other_container())
    recount_reads, recount_writes = usage_of(shop)
    assert (recount_reads - reads, recount_writes - writes) == (10, 1), (
        "cart, result, four pools, all again; the new result"
    )
    containers = [shop.other_container() for _ in range(50)]
    for number, cart_id in enumerate(carts):
        assert refused(shop, cart_id, ticket_type_id, containers[number % 50]) == 0
    reads, writes = usage_of(shop)
    assert (reads - recount_reads, writes - recount_writes) == (2 * 1000, 0)


def test_a_refused_buyer_whose_cart_is_warm_costs_two_reads(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=2 * TICKETS_PER_POOL)
    hold_all(shop, ticket_type_id, 2 * TICKETS_PER_POOL)
    cart_id = shop.cart()
    refused(shop, cart_id, ticket_type_id, shop.repository)
    reads, writes = usage_of(shop)
    refused(shop, cart_id, ticket_type_id, shop.repository)
    now_reads, now_writes = usage_of(shop)
    assert (now_reads - reads, now_writes - writes) == (2, 0)


def test_a_fresh_container_that_may_buy_asks_the_mark_besides_cart_and_pool(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=4 * TICKETS_PER_POOL)
    cart_id = shop.cart()
    reads, writes = usage_of(shop)
    shop.add(cart_id, ticket_type_id, repository=shop.other_container())
    now_reads, now_writes = usage_of(shop)
    assert (now_reads - reads, now_writes - writes) == (3, 1)


def test_a_ticket_given_back_is_for_sale_at_once_to_containers_that_had_the_mark_as_well(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=2 * TICKETS_PER_POOL)
    held = hold_all(shop, ticket_type_id, 2 * TICKETS_PER_POOL)
    containers = [shop.other_container() for _ in range(3)]
    for container in containers:
        refused(shop, shop.cart(), ticket_type_id, container)
    cart_id, item = held[0]
    shop.remove(cart_id, item.item_id)
    for container in containers:
        shop.add(shop.cart(), ticket_type_id, 3, repository=container)
    assert refused(shop, shop.cart(), ticket_type_id, containers[0], quantity=2) == 1


def test_a_hold_that_lapses_is_for_sale_at_its_deadline_and_not_a_millisecond_before(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=10)
    hold_all(shop, ticket_type_id, 10)
    container = shop.other_container()
    refused(shop, shop.cart(), ticket_type_id, container)
    shop.clock.advance(HOLD_FOR - timedelta(milliseconds=1))
    refused(shop, shop.cart(), ticket_type_id, container)
    shop.clock.advance(timedelta(milliseconds=1))
    shop.add(shop.cart(), ticket_type_id, 10, repository=container)


def test_fewer_than_what_is_left_are_sold_although_more_were_refused(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=13)
    hold_all(shop, ticket_type_id, 10)
    assert refused(shop, shop.cart(), ticket_type_id, shop.repository, quantity=4) == 3
    shop.add(shop.cart(), ticket_type_id, 3)
    assert refused(shop, shop.cart(), ticket_type_id, shop.repository) == 0


def test_what_is_given_back_while_a_container_finds_nothing_is_sold_by_it_and_no_result_is_stored(
    shop_on_store: Shop,
) -> None:
    """The recount of one container is interleaved with a release of another, between its reads and its result."""
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=10)
    [(cart_id, item)] = hold_all(shop, ticket_type_id, 10)
    store_result = shop.store.store_result

    def released_just_before(key: UUID, epoch: int, value: str) -> bool:
        shop.store.store_result = store_result  # type: ignore[method-assign]
        shop.remove(cart_id, item.item_id)
        return store_result(key, epoch, value)

    shop.store.store_result = released_just_before  # type: ignore[method-assign]
    shop.add(shop.cart(), ticket_type_id, 4, repository=shop.other_container())
    result = shop.store.find_result(ticket_type_id).value
    assert result is not None
    assert '"free":10' in result
    shop.add(shop.cart(), ticket_type_id, 6, repository=shop.other_container())


def test_the_mark_does_not_hide_that_the_sale_has_ended(shop_on_store: Shop) -> None:
    shop = shop_on_store
    ends_at = shop.clock() + HOLD_FOR / 2
    ticket_type_id = on_sale_between(shop, None, ends_at)
    hold_all(shop, ticket_type_id, 10)
    known, fresh = shop.other_container(), shop.other_container()
    refused(shop, shop.cart(), ticket_type_id, known)
    shop.clock.now = ends_at - timedelta(milliseconds=1)
    refused(shop, shop.cart(), ticket_type_id, known)
    shop.clock.now = ends_at
    for container in (fresh, known):
        with pytest.raises(NotOnSale):
            shop.add(shop.cart(), ticket_type_id, repository=container)


def test_the_mark_does_not_hide_that_the_sale_has_not_begun(shop_on_store: Shop) -> None:
    shop = shop_on_store
    ticket_type_id = on_sale_between(shop, shop.clock() + timedelta(days=1), None)
    container = shop.other_container()
    for _ in range(2):
        with pytest.raises(NotOnSale):
            shop.add(shop.cart(), ticket_type_id, 11, repository=container)


def test_the_mark_does_not_hide_that_the_concert_is_cancelled(shop_on_store: Shop) -> None:
    shop = shop_on_store
    concert_id, ticket_type_id = shop.on_sale(quantity=500)
    hold_all(shop, ticket_type_id, 500)
    known, fresh = shop.other_container(), shop.other_container()
    refused(shop, shop.cart(), ticket_type_id, known)
    concerts.cancel_concert(shop.other_container(), shop.request(ORGANISER), concert_id)
    for container in (fresh, known):
        with pytest.raises(NotOnSale):
            shop.add(shop.cart(), ticket_type_id, repository=container)


def test_a_container_whose_clock_is_behind_refuses_no_longer_than_its_own_deadline(shop_on_store: Shop) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=10)
    hold_all(shop, ticket_type_id, 10)
    behind = Clock(shop.clock() - timedelta(seconds=2))
    container = shop.other_container(behind)
    refused(shop, shop.cart(), ticket_type_id, container)
    behind.advance(HOLD_FOR + timedelta(seconds=2))
    shop.add(shop.cart(), ticket_type_id, 10, repository=container)
