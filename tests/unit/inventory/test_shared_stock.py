"""Ticket types that share an area: together never more than it has, each never more than its ceiling."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError, Expired
from chalicelib.platform.eventsourcing.aggregate import Folded
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.snapshots import restore, take
from chalicelib.platform.eventsourcing.stored import Head
from chalicelib.shop.carts.lost_lines import LinesNotOnSale
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.inventory.events import TicketTypeQuotaChanged
from chalicelib.shop.inventory.on_sale import CANCELLED, CLOSED, POSTPONED, what_can_be_bought
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL, deal_ceiling
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, NotOnSale, TicketsSoldOut, pool_id
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import settle
from tests.support.shop import HOLD_FOR, ORGANISER, PAY_WITHIN, Shop
from tests.support.stored import SOME_TIME


def refused(shop: Shop, ticket_type_id: UUID, quantity: int = 1, container: Repository | None = None) -> int:
    """How many are said to be available by the refusal that must come."""
    with pytest.raises(TicketsSoldOut) as refusal:
        shop.add(shop.cart(), ticket_type_id, quantity, repository=container)
    available: int = refusal.value.facts["available"]
    return available


def hold(shop: Shop, ticket_type_id: UUID, quantity: int) -> tuple[UUID, UUID]:
    cart_id = shop.cart()
    return cart_id, shop.add(cart_id, ticket_type_id, quantity).item_id


def taken(shop: Shop, area_id: UUID) -> int:
    return sum(pool.held + pool.sold for pool in shop.area_pools(area_id))


def test_types_of_an_area_take_from_one_stock_until_nothing_is_left_for_either(memory_shop: Shop) -> None:
    _, area_id, (adult, child) = memory_shop.area_on_sale(10, Adult=None, Child=None)
    hold(memory_shop, adult, 6)
    assert refused(memory_shop, child, 5) == 4
    hold(memory_shop, child, 4)
    assert refused(memory_shop, adult) == refused(memory_shop, child) == 0
    assert taken(memory_shop, area_id) == 10


def test_a_type_sells_no_more_than_its_ceiling_and_the_others_the_rest(memory_shop: Shop) -> None:
    _, _, (adult, early) = memory_shop.area_on_sale(10, Adult=None, Early=3)
    assert refused(memory_shop, early, 4) == 3
    hold(memory_shop, early, 3)
    assert refused(memory_shop, early) == 0
    hold(memory_shop, adult, 7)
    assert refused(memory_shop, adult) == 0


def test_a_ceiling_is_reached_over_all_pools_though_others_filled_those_with_quota(memory_shop: Shop) -> None:
    """All the quota is in one pool, all the free tickets are in the other: the quota goes where the tickets are."""
    _, area_id, (adult, early) = memory_shop.area_on_sale(2 * TICKETS_PER_POOL, Adult=None, Early=8)
    with_quota = next(index for index, pool in enumerate(memory_shop.area_pools(area_id)) if pool.quotas[early])
    occupy(memory_shop, area_id, adult, with_quota, TICKETS_PER_POOL)
    assert refused(memory_shop, early, 9) == 8
    hold(memory_shop, early, 5)
    assert refused(memory_shop, early, 4) == 3
    hold(memory_shop, early, 3)
    assert refused(memory_shop, early) == 0
    assert sum(pool.quotas[early] for pool in memory_shop.area_pools(area_id)) == 8
    events = map(decode, memory_shop.store.read(pool_id(area_id, with_quota)))
    moved = [event for event in events if isinstance(event, TicketTypeQuotaChanged)]
    assert [event.by for event in moved] == [-5, -3]


def test_a_hold_spans_pools_and_is_extended_ordered_and_sold_in_all_of_them(memory_shop: Shop) -> None:
    _, area_id, (adult, early) = memory_shop.area_on_sale(3 * TICKETS_PER_POOL, Adult=None, Early=9)
    for index in range(3):
        occupy(memory_shop, area_id, adult, index, TICKETS_PER_POOL - 3)
    cart_id, _ = hold(memory_shop, early, 9)
    order = memory_shop.check_out(cart_id)
    assert memory_shop.pay(order.order_id).order_status is OrderStatus.CONFIRMED
    pools = memory_shop.area_pools(area_id)
    assert sum(pool.sold_of.get(early, 0) for pool in pools) == sum(pool.sold for pool in pools) == 9
    assert refused(memory_shop, early) == 0


def test_what_is_given_back_is_for_sale_to_every_type_that_may_have_it(memory_shop: Shop) -> None:
    _, _, (adult, early) = memory_shop.area_on_sale(6, Adult=None, Early=2)
    first, item = hold(memory_shop, early, 2)
    hold(memory_shop, adult, 4)
    assert refused(memory_shop, early) == refused(memory_shop, adult) == 0
    memory_shop.remove(first, item)
    hold(memory_shop, adult, 1)
    hold(memory_shop, early, 1)
    assert refused(memory_shop, early) == refused(memory_shop, adult) == 0


def test_a_hold_that_lapses_gives_back_its_part_of_the_ceiling(memory_shop: Shop) -> None:
    _, _, (_, early) = memory_shop.area_on_sale(6, Adult=None, Early=2)
    cart_id, _ = hold(memory_shop, early, 2)
    memory_shop.clock.advance(HOLD_FOR - timedelta(milliseconds=1))
    assert refused(memory_shop, early) == 0
    memory_shop.clock.advance(timedelta(milliseconds=1))
    hold(memory_shop, early, 2)
    with pytest.raises(Expired):
        memory_shop.check_out(cart_id)


@pytest.mark.parametrize(("others", "status"), [(1, OrderStatus.CONFIRMED), (2, OrderStatus.EXPIRED)])
def test_a_late_payment_takes_stock_anew_within_the_ceiling_and_goes_back_beyond(
    memory_shop: Shop, others: int, status: OrderStatus
) -> None:
    shop = memory_shop
    _, area_id, (_, early) = shop.area_on_sale(10, Adult=None, Early=3)
    cart_id, _ = hold(shop, early, 2)
    order_id = shop.check_out(cart_id).order_id
    with suppress(CloudbashError):
        shop.pay(order_id, "tok_lost_reply")
    shop.clock.advance(PAY_WITHIN + PAYMENT_GRACE)
    hold(shop, early, others)
    for _ in range(2):
        settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is status
    assert sum(pool.taken_of(early) for pool in shop.area_pools(area_id)) == (3 if others == 1 else 2)


def test_a_late_payment_finds_quota_in_one_pool_and_tickets_in_another(memory_shop: Shop) -> None:
    shop = memory_shop
    _, area_id, (adult, early) = shop.area_on_sale(2 * TICKETS_PER_POOL, Adult=None, Early=8)
    cart_id, _ = hold(shop, early, 8)
    order_id = shop.check_out(cart_id).order_id
    with suppress(CloudbashError):
        shop.pay(order_id, "tok_lost_reply")
    shop.clock.advance(PAY_WITHIN + PAYMENT_GRACE)
    with_quota = next(index for index, pool in enumerate(shop.area_pools(area_id)) if pool.quotas[early])
    occupy(shop, area_id, adult, with_quota, TICKETS_PER_POOL)
    settle(shop.context(), order_id, shop.clock())
    assert shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert [pool.sold_of.get(early, 0) for pool in shop.area_pools(area_id)] == [0, 8][:: -1 if with_quota else 1]


def test_the_sold_out_cache_is_the_areas_and_says_it_for_each_type(memory_shop: Shop) -> None:
    shop = memory_shop
    _, area_id, (adult, early) = shop.area_on_sale(10, Adult=None, Early=3)
    hold(shop, early, 3)
    container = shop.other_container()
    assert refused(shop, early, container=container) == 0
    assert shop.store.find_result(area_id).value is not None
    assert shop.store.find_result(early).value is None
    hold(shop, adult, 7)
    reads = shop.store.usage.reads
    assert refused(shop, adult, container=container) == 0, "the result was stored when adults could still buy"
    assert shop.store.usage.reads > reads


def test_the_cache_does_not_hide_that_the_sale_of_another_type_has_not_begun_or_has_ended(memory_shop: Shop) -> None:
    shop = memory_shop
    concert_id = shop.draft()
    area_id, now = shop.area(concert_id, 10), shop.clock()
    adult = shop.ticket_type(concert_id, 0, area_id=area_id)
    later = shop.ticket_type(concert_id, 0, area_id=area_id, sales_start=now + HOLD_FOR / 3)
    soon = shop.ticket_type(concert_id, 0, area_id=area_id, sales_end=now + HOLD_FOR / 2)
    shop.publish(concert_id)
    hold(shop, adult, 10)
    container = shop.other_container()
    assert refused(shop, adult, container=container) == refused(shop, soon, container=container) == 0
    for who in (container, shop.other_container()):
        with pytest.raises(NotOnSale):
            shop.add(shop.cart(), later, repository=who)
    shop.clock.advance(HOLD_FOR / 2)
    for who in (container, shop.other_container()):
        assert refused(shop, later, container=who) == 0
        with pytest.raises(NotOnSale):
            shop.add(shop.cart(), soon, repository=who)


def test_cancelling_closes_the_areas_pools_for_all_types(memory_shop: Shop) -> None:
    shop = memory_shop
    concert_id, area_id, types = shop.area_on_sale(2 * TICKETS_PER_POOL, Adult=None, Early=5)
    cart_id, _ = hold(shop, types[1], 2)
    concerts.cancel_concert(shop.other_container(), shop.request(ORGANISER), concert_id)
    assert all(pool.closed for pool in shop.area_pools(area_id))
    for ticket_type_id in types:
        with pytest.raises(NotOnSale):
            shop.add(shop.cart(), ticket_type_id)
    with pytest.raises(LinesNotOnSale):
        shop.check_out(cart_id)


def test_a_snapshot_of_an_areas_pool_and_of_a_types_entrance_is_the_state_it_was_taken_of(memory_shop: Shop) -> None:
    _, area_id, (adult, early) = memory_shop.area_on_sale(10, Adult=None, Early=4)
    cart_id, _ = hold(memory_shop, early, 2)
    memory_shop.pay(memory_shop.check_out(cart_id).order_id)
    hold(memory_shop, adult, 1)
    hold(memory_shop, early, 1)
    for key in (pool_id(area_id, 0), pool_id(early, 0)):
        folded = Folded(memory_shop.other_container().load(TICKET_POOL, key)[0], Head())
        restored = restore(TICKET_POOL, take(TICKET_POOL, key, folded))
        assert restored is not None
        assert restored.state == folded.state


@pytest.mark.parametrize("quantity", [1, 7, 40])
def test_the_largest_line_over_pools_that_have_one_ticket_each_is_one_transaction(
    memory_shop: Shop, quantity: int
) -> None:
    """Forty pools have a ticket and no quota, forty others quota and no ticket: 81 items with the cart's."""
    shop = memory_shop
    concert_id = shop.draft()
    area_id = shop.area(concert_id, 80 * TICKETS_PER_POOL)
    adult = shop.ticket_type(concert_id, 0, area_id=area_id)
    early = shop.ticket_type(concert_id, 0, area_id=area_id, max_per_order=40, ceiling=40 * TICKETS_PER_POOL)
    shop.publish(concert_id)
    for index, pool in enumerate(shop.area_pools(area_id)):
        if pool.quotas[early]:
            occupy(shop, area_id, early, index, pool.quotas[early] - 1)
            occupy(shop, area_id, adult, index, pool.capacity - pool.quotas[early] + 1)
        else:
            occupy(shop, area_id, adult, index, TICKETS_PER_POOL - 1)
    assert refused(shop, early, 41 if quantity == 40 else 40 + quantity) == 40
    hold(shop, early, quantity)
    pools = shop.area_pools(area_id)
    assert sum(pool.taken_of(early) for pool in pools) == 40 * TICKETS_PER_POOL - 40 + quantity
    assert sum(pool.quotas[early] for pool in pools) == 40 * TICKETS_PER_POOL


@pytest.mark.parametrize(("ceiling", "capacities"), [(1, [50, 50, 50]), (50, [50] * 90), (260, [50, 49, 49]), (7, [3])])
def test_a_ceiling_is_dealt_whole_and_in_few_parts(ceiling: int, capacities: list[int]) -> None:
    for number in range(4):
        dealt = deal_ceiling(ceiling, capacities, number)
        assert sum(dealt) == ceiling
        assert len(dealt) == len(capacities)
        assert sum(map(bool, dealt)) == min(len(capacities), -(-ceiling // min(capacities)))


def occupy(shop: Shop, area_id: UUID, ticket_type_id: UUID, index: int, quantity: int) -> None:
    """Somebody holds so many tickets of the type in this very pool."""
    shop.occupy_pool(pool_id(area_id, index), quantity, ticket_type_id)


def test_nothing_is_available_in_an_area_whose_concert_is_not_on_sale_as_a_whole() -> None:
    floor = {"id": "floor", "name": "Floor", "capacity": 10, "available": 7, "held": 1, "sold": 2}
    row = floor | {"id": "adult", "name": "Adult", "area": floor}
    [on_sale] = what_can_be_bought([row], {}, SOME_TIME)
    assert (on_sale["available"], on_sale["area"]["available"]) == (7, 7)
    for said in (CANCELLED, POSTPONED, CLOSED):
        [shown] = what_can_be_bought([row], {said: "1"}, SOME_TIME)
        assert (shown["available"], shown["area"]["available"], shown["area"]["sold"]) == (0, 0, 2)
