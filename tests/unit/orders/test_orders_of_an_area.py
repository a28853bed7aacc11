"""Orders of ticket types that share an area: tickets that come back, that are given away, and that are cancelled."""

from uuid import UUID

import pytest

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import TicketsSoldOut, pool_id
from chalicelib.shop.orders.complimentary import issue_tickets
from chalicelib.shop.orders.refunding import WantedRefund, refund_order
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.machinery import Machinery
from tests.support.shop import ORGANISER, Shop


def bought(shop: Shop, ticket_type_id: UUID, quantity: int) -> UUID:
    order_id = shop.order(ticket_type_id, quantity)
    shop.pay(order_id)
    return order_id


def refused(shop: Shop, ticket_type_id: UUID, container: Repository) -> int:
    """How many are said to be available by the refusal that must come."""
    with pytest.raises(TicketsSoldOut) as refusal:
        shop.add(shop.cart(), ticket_type_id, repository=container)
    available: int = refusal.value.facts["available"]
    return available


def give_back_one(shop: Shop, order_id: UUID) -> None:
    ticket_id = next(iter(shop.order_state(order_id).valid))
    wanted = WantedRefund("The view is blocked.", (ticket_id,))
    refund_order(shop.other_container(), shop.gateways, shop.request(ORGANISER), order_id, wanted)


def issue(shop: Shop, concert_id: UUID, ticket_type_id: UUID, quantity: int) -> UUID:
    caller, guest = shop.request(ORGANISER), {"name": "Gina Guest"}
    container = shop.other_container()
    return issue_tickets(container, shop.vault, caller, concert_id, ticket_type_id, quantity, guest).order_id


def sold_of(shop: Shop, area_id: UUID, ticket_type_id: UUID) -> int:
    return sum(pool.sold_of.get(ticket_type_id, 0) for pool in shop.area_pools(area_id))


def test_a_ticket_that_comes_back_is_for_sale_in_its_area_and_under_its_ceiling(memory_shop: Shop) -> None:
    shop = memory_shop
    _, area_id, (adult, early) = shop.area_on_sale(6, Adult=None, Early=2)
    order_id = bought(shop, early, 2)
    bought(shop, adult, 4)
    crowd = shop.other_container()
    assert refused(shop, early, crowd) == refused(shop, adult, crowd) == 0
    give_back_one(shop, order_id)
    assert (sold_of(shop, area_id, early), sold_of(shop, area_id, adult)) == (1, 4)
    shop.add(shop.cart(), early, repository=crowd)
    assert refused(shop, early, crowd) == refused(shop, adult, crowd) == 0
    give_back_one(shop, order_id)
    shop.add(shop.cart(), adult, repository=crowd)
    assert refused(shop, early, crowd) == refused(shop, adult, crowd) == 0
    assert sum(pool.free for pool in shop.area_pools(area_id)) == 0


def test_tickets_are_given_away_out_of_an_area_up_to_the_ceiling(memory_shop: Shop) -> None:
    """All the quota is in one pool, all the free tickets are in the other."""
    shop = memory_shop
    concert_id, area_id, (adult, early) = shop.area_on_sale(2 * TICKETS_PER_POOL, Adult=None, Early=8)
    with_quota = next(index for index, pool in enumerate(shop.area_pools(area_id)) if pool.quotas[early])
    shop.occupy_pool(pool_id(area_id, with_quota), TICKETS_PER_POOL, adult)
    with pytest.raises(TicketsSoldOut):
        issue(shop, concert_id, early, 9)
    order_id = issue(shop, concert_id, early, 5)
    assert (shop.order_state(order_id).status, sold_of(shop, area_id, early)) == (OrderStatus.CONFIRMED, 5)
    assert sum(pool.quotas[early] for pool in shop.area_pools(area_id)) == 8
    with pytest.raises(TicketsSoldOut) as refusal:
        issue(shop, concert_id, early, 4)
    assert refusal.value.facts["available"] == 3
    issue(shop, concert_id, adult, 1)
    other_concert, _ = shop.on_sale()
    with pytest.raises(NotFound):
        issue(shop, other_concert, early, 1)


def test_a_cancelled_concert_with_an_area_gives_all_its_money_back(running: Machinery) -> None:
    shop = running.shop
    concert_id, area_id, (adult, early) = shop.area_on_sale(2 * TICKETS_PER_POOL, Adult=None, Early=8)
    orders = [bought(shop, adult, 2), bought(shop, early, 3)]
    unpaid = shop.order(early, 1)
    concerts.cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    running.run_until_quiet()
    assert shop.concert_state(concert_id).status is ConcertStatus.CANCELLED
    assert all(pool.closed and pool.cleared for pool in shop.area_pools(area_id))
    assert [shop.order_state(order_id).status for order_id in orders] == [OrderStatus.REFUNDED] * 2
    assert [shop.gateway.taken_for(order_id) for order_id in [*orders, unpaid]] == [0, 0, 0]
