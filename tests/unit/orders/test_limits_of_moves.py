"""What binds those who move tickets, and where places come from that nobody else may have."""

from datetime import timedelta

import pytest

from chalicelib.platform.caller import Actor
from chalicelib.shop.inventory.allowance import CustomerLimitExceeded
from chalicelib.shop.inventory.ticket_pool import TicketsSoldOut
from chalicelib.shop.orders.complimentary import issue_tickets
from chalicelib.shop.orders.moving import MoveNotPermitted, PlaceLimitExceeded
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from tests.support.shop import CUSTOMER, ORGANISER, Shop
from tests.unit.orders.moved_sale import GINA, MovedSale


@pytest.fixture
def moved_sale(memory_shop: Shop) -> MovedSale:
    return MovedSale(memory_shop)


# --- what binds customers ---------------------------------------------------------------------------------------------


def test_customers_go_by_the_policy_for_places_and_not_for_holders(moved_sale: MovedSale) -> None:
    with pytest.raises(MoveNotPermitted):
        moved_sale.move(moved_sale.stairs, actor=CUSTOMER)
    moved_sale.move(holder=GINA, actor=CUSTOMER)
    moved_sale.permit()
    moved_sale.move(moved_sale.stairs, (1,), actor=CUSTOMER)
    moved_sale.shop.clock.advance(timedelta(days=1))
    with pytest.raises(MoveNotPermitted) as refusal:
        moved_sale.move(moved_sale.standing, (3,), actor=CUSTOMER)
    assert refusal.value.facts["until"] is not None


def test_customers_take_no_more_of_a_type_than_one_order_may_have(moved_sale: MovedSale) -> None:
    moved_sale.permit()
    order_id = moved_sale.order_id
    moved_sale.move(moved_sale.balcony, (0, 1), actor=CUSTOMER)
    moved_sale.shop.pay(order_id)
    moved_sale.order_id = moved_sale.bought(2)
    with pytest.raises(TicketsSoldOut):
        moved_sale.move(moved_sale.balcony, actor=CUSTOMER)
    kind = moved_sale.shop.ticket_type(moved_sale.concert_id, 5, "25.00", name="Boxes", max_per_order=1)
    with pytest.raises(PlaceLimitExceeded):
        moved_sale.move(kind, (0, 1), actor=CUSTOMER)
    moved_sale.move(kind, (0, 1))


def test_a_move_keeps_within_what_one_customer_may_have(memory_shop: Shop) -> None:
    moved_sale = MovedSale(memory_shop, max_per_customer=2)
    moved_sale.permit()
    moved_sale.move(moved_sale.stairs, actor=CUSTOMER)
    moved_sale.move(moved_sale.balcony, (1,), actor=CUSTOMER)
    memory_shop.pay(moved_sale.order_id)
    moved_sale.move(holder=GINA, places=(3,), actor=CUSTOMER)
    assert moved_sale.counted == 2
    refund_order(
        memory_shop.repository,
        memory_shop.gateways,
        memory_shop.request(ORGANISER),
        moved_sale.order_id,
        WantedRefund("x"),
    )
    assert (moved_sale.counted, moved_sale.kept) == (0, 0)


@pytest.mark.parametrize("place", ["standing", "balcony"])
def test_a_place_of_another_concert_is_within_its_limit_whatever_it_costs(memory_shop: Shop, place: str) -> None:
    moved_sale = MovedSale(memory_shop, max_per_customer=3)
    kind = getattr(moved_sale, place)
    moved_sale.order_id = memory_shop.order(moved_sale.other, 2)
    memory_shop.pay(moved_sale.order_id)
    moved_sale.permit(concert_id=moved_sale.other_concert_id)
    with pytest.raises(CustomerLimitExceeded) as refusal:
        moved_sale.move(kind, (0, 1), concert_id=moved_sale.concert_id, actor=CUSTOMER)
    assert refusal.value.facts == {"limit": 3, "taken": 2}
    moved_sale.move(kind, concert_id=moved_sale.concert_id, actor=CUSTOMER)
    assert moved_sale.counted == 3
    if place == "balcony":
        memory_shop.pay(moved_sale.order_id)
    moved_sale.move(kind, (1,), concert_id=moved_sale.concert_id)
    assert moved_sale.counted == 4


def test_a_place_that_is_not_paid_in_time_counts_no_more(memory_shop: Shop) -> None:
    moved_sale = MovedSale(memory_shop, max_per_customer=3)
    moved_sale.order_id = memory_shop.order(moved_sale.other, 1)
    memory_shop.pay(moved_sale.order_id)
    moved_sale.move(moved_sale.balcony, concert_id=moved_sale.concert_id)
    assert moved_sale.counted == 3
    memory_shop.clock.advance(timedelta(days=1))
    memory_shop.settle(moved_sale.order_id)
    assert moved_sale.counted == 2


def test_free_places_are_limited_as_at_the_checkout(moved_sale: MovedSale) -> None:
    moved_sale.permit()
    free = moved_sale.shop.ticket_type(moved_sale.concert_id, 5, "0.00", name="Lawn", max_per_order=1)
    moved_sale.move(free, actor=CUSTOMER, free_limit=1)
    moved_sale.order_id = moved_sale.bought(2)
    with pytest.raises(CustomerLimitExceeded):
        moved_sale.move(free, actor=CUSTOMER, free_limit=1)


def test_what_was_given_away_costs_nothing_elsewhere(moved_sale: MovedSale) -> None:
    shop = moved_sale.shop
    issued = issue_tickets(
        shop.repository, shop.vault, shop.request(ORGANISER), moved_sale.concert_id, moved_sale.standing, 1, GINA
    )
    moved_sale.order_id = issued.order_id
    moved = moved_sale.move(moved_sale.balcony)
    assert (str(moved.event.supplement.amount), moved_sale.sold(moved_sale.balcony), len(moved_sale.valid)) == (
        "0.00",
        1,
        1,
    )


# --- to types that share their stock ----------------------------------------------------------------------------------


def test_a_ticket_moves_between_types_of_one_area_and_keeps_within_a_ceiling(memory_shop: Shop) -> None:
    concert_id, area_id, [adult, child] = memory_shop.area_on_sale(4, adult=None, child=1)
    order_id = memory_shop.order(adult, 2)
    memory_shop.pay(order_id)
    moved_sale = MovedSale(memory_shop)
    moved_sale.order_id, moved_sale.concert_id = order_id, concert_id
    moved_sale.move(child)
    pools = memory_shop.area_pools(area_id)
    assert sum(pool.sold for pool in pools) == 2
    assert [sum(pool.sold_of.get(kind, 0) for pool in pools) for kind in (adult, child)] == [1, 1]
    with pytest.raises(TicketsSoldOut):
        moved_sale.move(child, (1,))


@pytest.mark.parametrize("actor", [ORGANISER, CUSTOMER])
def test_in_a_sold_out_area_the_tickets_that_move_leave_their_own_place(memory_shop: Shop, actor: Actor) -> None:
    concert_id, area_id, [adult, child] = memory_shop.area_on_sale(2, adult=None, child=1)
    order_id = memory_shop.order(adult, 2)
    memory_shop.pay(order_id)
    moved_sale = MovedSale(memory_shop)
    moved_sale.order_id, moved_sale.concert_id = order_id, concert_id
    moved_sale.permit()
    moved_sale.move(child, actor=actor)
    pools = memory_shop.area_pools(area_id)
    assert [sum(pool.sold_of.get(kind, 0) for pool in pools) for kind in (adult, child)] == [1, 1]
    with pytest.raises(TicketsSoldOut) as refusal:
        moved_sale.move(child, (1,), actor=actor)
    assert refusal.value.facts["available"] == 0
    assert moved_sale.valid == moved_sale.tickets[1:]


def test_what_must_be_paid_first_needs_a_place_beside_the_one_it_has(memory_shop: Shop) -> None:
    concert_id = memory_shop.draft()
    area_id = memory_shop.area(concert_id, 2)
    child, adult = (memory_shop.ticket_type(concert_id, 0, price, area_id=area_id) for price in ("10.00", "25.00"))
    memory_shop.publish(concert_id)
    order_id = memory_shop.order(child, 2)
    memory_shop.pay(order_id)
    moved_sale = MovedSale(memory_shop)
    moved_sale.order_id, moved_sale.concert_id = order_id, concert_id
    with pytest.raises(TicketsSoldOut):
        moved_sale.move(adult)
    assert [pool.sold_of for pool in memory_shop.area_pools(area_id)] == [{child: 2}]
