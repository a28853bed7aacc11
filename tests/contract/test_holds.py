"""Holds on every store: whose they are at which instant, and what is left over several pools."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError, Expired
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TicketsSoldOut
from tests.support.shop import OTHER_CUSTOMER, Clock, Shop

MILLISECOND = timedelta(milliseconds=1)
APART = timedelta(seconds=2)


def test_a_hold_is_free_for_the_next_buyer_at_its_deadline_although_nothing_recorded_its_end(
    shop_on_store: Shop,
) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=10)
    cart_id = shop.cart()
    expires_at = shop.add(cart_id, ticket_type_id, 10).hold_expires_at
    shop.clock.now = expires_at - MILLISECOND
    with pytest.raises(TicketsSoldOut):
        shop.add(shop.cart(), ticket_type_id)
    shop.clock.now = expires_at
    shop.add(shop.cart(), ticket_type_id, 10)
    with pytest.raises(Expired):
        shop.check_out(cart_id)


@pytest.mark.parametrize("next_buyer_is_first", [True, False], ids=["the next buyer first", "the holder first"])
@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_two_lambdas_whose_clocks_differ_never_both_have_a_hold(
    shop_on_store: Shop, next_buyer_is_first: bool, cold: bool
) -> None:
    """By one clock the hold has ended, by the other it has two seconds left: whoever writes first is right."""
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=2)
    cart_id, rivals_cart = shop.cart(), shop.cart(OTHER_CUSTOMER)
    expires_at = shop.add(cart_id, ticket_type_id, 2).hold_expires_at
    behind = shop.other_container(Clock(expires_at - APART))
    ahead = shop.other_container(Clock(expires_at))
    if not cold:
        for container in (behind, ahead):
            with pytest.raises(CloudbashError):
                shop.add(shop.cart(), ticket_type_id, 3, repository=container)

    def holder() -> object:
        return shop.check_out(cart_id, repository=behind)

    def next_buyer() -> object:
        return shop.add(rivals_cart, ticket_type_id, 2, shop.request(OTHER_CUSTOMER), ahead)

    first, second = (next_buyer, holder) if next_buyer_is_first else (holder, next_buyer)
    first()
    with pytest.raises(Expired if next_buyer_is_first else TicketsSoldOut):
        second()
    assert shop.pool(ticket_type_id).held == 2


def test_two_lambdas_whose_clocks_differ_race_for_every_hold_and_one_of_them_has_it(shop_on_store: Shop) -> None:
    shop = shop_on_store
    for _ in range(10):
        _, ticket_type_id = shop.on_sale(quantity=2)
        cart_id, rivals_cart = shop.cart(), shop.cart(OTHER_CUSTOMER)
        expires_at = shop.add(cart_id, ticket_type_id, 2).hold_expires_at
        behind, ahead = shop.other_container(Clock(expires_at - APART)), shop.other_container(Clock(expires_at))
        start = Barrier(2)

        def holder(cart_id: UUID = cart_id, container: Repository = behind, start: Barrier = start) -> bool:
            start.wait()
            return succeeds(lambda: shop.check_out(cart_id, repository=container))

        def next_buyer(
            cart_id: UUID = rivals_cart,
            container: Repository = ahead,
            start: Barrier = start,
            ticket_type_id: UUID = ticket_type_id,
        ) -> bool:
            start.wait()
            caller = shop.request(OTHER_CUSTOMER)
            return succeeds(lambda: shop.add(cart_id, ticket_type_id, 2, caller, container))

        with ThreadPoolExecutor(2) as threads:
            winners = [threads.submit(holder), threads.submit(next_buyer)]
        assert sum(winner.result() for winner in winners) == 1
        assert shop.pool(ticket_type_id).held == 2


def succeeds(command: Callable[[], object]) -> bool:
    try:
        command()
    except (Expired, TicketsSoldOut):
        return False
    return True


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_three_left_and_four_asked_is_refused_with_what_is_available(shop_on_store: Shop, cold: bool) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=3)
    container = shop.other_container() if cold else shop.repository
    for _ in range(2):
        with pytest.raises(TicketsSoldOut) as refusal:
            shop.add(shop.cart(), ticket_type_id, 4, repository=container)
        assert refusal.value.facts == {"available": 3}


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_four_left_over_four_pools_and_four_asked_are_held_together(shop_on_store: Shop, cold: bool) -> None:
    shop = shop_on_store
    _, ticket_type_id = shop.on_sale(quantity=4 * TICKETS_PER_POOL)
    shop.occupy(ticket_type_id, TICKETS_PER_POOL - 1)
    assert [pool.free for pool in shop.pools(ticket_type_id)] == [1, 1, 1, 1]
    container = shop.other_container() if cold else shop.repository
    with pytest.raises(TicketsSoldOut) as refusal:
        shop.add(shop.cart(), ticket_type_id, 5, repository=container)
    assert refusal.value.facts == {"available": 4}
    shop.add(shop.cart(), ticket_type_id, 4, repository=container)
    assert [pool.free for pool in shop.pools(ticket_type_id)] == [0, 0, 0, 0]
