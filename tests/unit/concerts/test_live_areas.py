"""An area on sale lives on: each of its types gets new terms in all pools of the area, and no other type does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.eventsourcing.aggregate import Folded
from chalicelib.platform.eventsourcing.snapshots import restore, take
from chalicelib.platform.eventsourcing.stored import Head
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.shop.concerts import live_commands
from chalicelib.shop.concerts.area_commands import change_area_capacity
from chalicelib.shop.concerts.areas import AreaOnSale
from chalicelib.shop.concerts.commands import change_concert
from chalicelib.shop.concerts.offers import terms_of_pools
from chalicelib.shop.concerts.terms import Changed
from chalicelib.shop.inventory.commands import change_terms, open_pools
from chalicelib.shop.inventory.events import AreaPoolOpened
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, NotOnSale, TicketsSoldOut, pool_id
from tests.support.shop import ORGANISER, Shop

DEAR, DEARER = Money.of("30.00", "EUR"), Money.of("40.00", "EUR")


def change_type(shop: Shop, concert_id: UUID, ticket_type_id: UUID, **changes: Any) -> Changed:
    caller = shop.request(ORGANISER)
    return live_commands.change_ticket_type(shop.other_container(), caller, concert_id, ticket_type_id, changes)


def terms_of(shop: Shop, area_id: UUID, ticket_type_id: UUID, name: str) -> set[Any]:
    return {getattr(pool.terms_of(ticket_type_id), name) for pool in shop.area_pools(area_id)}


def price_of_a_line(shop: Shop, ticket_type_id: UUID, quantity: int = 1) -> Money:
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, quantity, repository=shop.other_container())
    (line,) = shop.cart_state(cart_id).lines.values()
    return line.unit_price


def test_a_new_price_is_that_of_one_type_in_all_pools_of_the_area(memory_shop: Shop) -> None:
    concert_id, area_id, (adult, child) = memory_shop.area_on_sale(3 * TICKETS_PER_POOL, Adult=None, Child=5)
    before = terms_of(memory_shop, area_id, child, "price")
    assert change_type(memory_shop, concert_id, adult, price=DEAR, name="Grown-up").is_applied
    assert terms_of(memory_shop, area_id, adult, "price") == {DEAR}
    assert terms_of(memory_shop, area_id, adult, "ticket_type_name") == {"Grown-up"}
    assert terms_of(memory_shop, area_id, child, "price") == before
    assert price_of_a_line(memory_shop, adult) == DEAR
    assert {price_of_a_line(memory_shop, child)} == before


def test_what_the_concert_sets_reaches_every_type_and_a_cart_keeps_its_price(memory_shop: Shop) -> None:
    concert_id, area_id, types = memory_shop.area_on_sale(10, Adult=None, Child=5)
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, types[0], 1)
    (held,) = memory_shop.cart_state(cart_id).lines.values()
    change_type(memory_shop, concert_id, types[0], price=DEAR)
    change_concert(
        memory_shop.other_container(),
        memory_shop.request(ORGANISER),
        concert_id,
        lambda details: replace(details, name="Horses", max_per_customer=2),
    )
    for key in types:
        assert terms_of(memory_shop, area_id, key, "max_per_customer") == {2}
    order = memory_shop.order_state(memory_shop.check_out(cart_id).order_id)
    assert [(line.concert_name, line.unit_price) for line in order.lines] == [("Horses", held.unit_price)]


def test_closed_sales_stop_every_type_also_where_all_is_sold_out(memory_shop: Shop) -> None:
    concert_id, _, (adult, child) = memory_shop.area_on_sale(4, Adult=None, Child=2)
    memory_shop.add(memory_shop.cart(), adult, 4)
    with pytest.raises(TicketsSoldOut):
        memory_shop.add(memory_shop.cart(), child)
    live_commands.close_sales(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id)
    for key in (adult, child):
        with pytest.raises(NotOnSale):
            memory_shop.add(memory_shop.cart(), key)
    live_commands.open_sales(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id)
    with pytest.raises(TicketsSoldOut):
        memory_shop.add(memory_shop.cart(), child)


def test_sold_out_does_not_hide_that_the_sale_of_one_type_is_over(memory_shop: Shop) -> None:
    concert_id, _, (adult, child) = memory_shop.area_on_sale(4, Adult=None, Child=2)
    memory_shop.add(memory_shop.cart(), adult, 4)
    with pytest.raises(TicketsSoldOut):
        memory_shop.add(memory_shop.cart(), child)
    ends = memory_shop.clock.now + timedelta(minutes=5)
    change_type(memory_shop, concert_id, child, sales_end=ends)
    memory_shop.clock.now = ends
    with pytest.raises(NotOnSale):
        memory_shop.add(memory_shop.cart(), child)
    with pytest.raises(TicketsSoldOut):
        memory_shop.add(memory_shop.cart(), adult)


def test_a_hold_over_pools_of_which_one_knows_newer_terms_has_one_price(memory_shop: Shop) -> None:
    _, area_id, (adult, child) = memory_shop.area_on_sale(2 * TICKETS_PER_POOL, Adult=None, Child=10)
    for index in range(2):
        memory_shop.occupy_pool(pool_id(area_id, index), TICKETS_PER_POOL - 4, adult)
    opening = memory_shop.area_pools(area_id)[1].area
    assert opening is not None
    newer = opening.model_copy(
        update={
            "ticket_types": tuple(
                one.model_copy(update={"price": DEAR, "terms_version": 2}) if one.id == child else one
                for one in opening.ticket_types
            )
        }
    )
    change_terms(memory_shop.other_container(), [newer], memory_shop.request(ORGANISER).origin)
    assert price_of_a_line(memory_shop, child, 8) == DEAR
    assert terms_of(memory_shop, area_id, child, "price") == {DEAR}
    assert DEAR not in terms_of(memory_shop, area_id, adult, "price")


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(4)))
def test_in_whatever_order_changes_arrive_each_type_has_its_newest_terms(order: list[int]) -> None:
    shop = Shop(MemoryEventStore())
    concert_id, area_id, (adult, child) = shop.area_on_sale(5, Adult=None, Child=None)
    offered = [openings_now(shop, concert_id)]
    for key, changes in ((adult, {"price": DEAR}), (child, {"price": DEARER}), (adult, {"max_per_order": 3})):
        change_type(shop, concert_id, key, **changes)
        offered.append(openings_now(shop, concert_id))
    other = Shop(MemoryEventStore())
    for number in order:
        change_terms(other.repository, offered[number], shop.request(ORGANISER).origin)
    for key in (adult, child):
        (pool,) = shop.area_pools(area_id)
        (late,) = other.area_pools(area_id)
        names = ("price", "max_per_order", "terms_version", "sales_paused")
        assert [getattr(late.terms_of(key), name) for name in names] == [
            getattr(pool.terms_of(key), name) for name in names
        ]


def openings_now(shop: Shop, concert_id: UUID) -> list[AreaPoolOpened]:
    concert = shop.concert_state(concert_id)
    openings = terms_of_pools(concert_id, concert, concert.ticket_types, shop.clock.now)
    return [opening for opening in openings if isinstance(opening, AreaPoolOpened)]


def test_a_snapshot_has_the_new_terms(memory_shop: Shop) -> None:
    concert_id, area_id, (adult, _) = memory_shop.area_on_sale(5, Adult=None, Child=None)
    change_type(memory_shop, concert_id, adult, price=DEAR)
    key = pool_id(area_id, 0)
    folded = Folded(memory_shop.other_container().load(TICKET_POOL, key)[0], Head())
    restored = restore(TICKET_POOL, take(TICKET_POOL, key, folded))
    assert restored is not None
    assert restored.state == folded.state


def test_a_published_concert_takes_types_with_a_stock_of_their_own_and_none_of_an_area_on_sale(
    memory_shop: Shop,
) -> None:
    concert_id, area_id, _ = memory_shop.area_on_sale(5, Adult=None)
    with pytest.raises(AreaOnSale) as refusal:
        memory_shop.ticket_type(concert_id, 0, name="Late", area_id=area_id)
    assert refusal.value.code == "area_on_sale"
    balcony = memory_shop.ticket_type(concert_id, 4, name="Balcony")
    memory_shop.add(memory_shop.cart(), balcony, 4)


def test_an_area_that_lost_most_of_its_capacity_takes_new_terms(memory_shop: Shop) -> None:
    concert_id, area_id, (adult, _) = memory_shop.area_on_sale(3 * TICKETS_PER_POOL, Adult=None, Child=20)
    change_area_capacity(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id, area_id, 1)
    change_type(memory_shop, concert_id, adult, price=DEAR)
    assert terms_of(memory_shop, area_id, adult, "price") == {DEAR}
    concert = memory_shop.concert_state(concert_id)
    again = terms_of_pools(concert_id, concert, concert.ticket_types, memory_shop.clock.now)
    memory_shop.repository.execute(lambda session: open_pools(session, again), memory_shop.request(ORGANISER).origin)
    assert sum(pool.capacity for pool in memory_shop.area_pools(area_id)) == 1
