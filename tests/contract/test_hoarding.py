"""One customer's limits on every store, against requests that really come at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import cycle, islice
from threading import Barrier
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.carts.limits import CartLimits
from chalicelib.shop.carts.opening import open_cart
from chalicelib.shop.inventory.allowance import CustomerLimitExceeded
from tests.support.shop import CUSTOMER, CountedStore, Shop

AT_ONCE = 20
LIMIT = CartLimits().held_per_concert

Result = TypeVar("Result")


@pytest.fixture
def strict_shop(store: CountedStore) -> Shop:
    """A shop with the default limits, on the store under contract."""
    return Shop(store, salt=str(uuid4()), limits=CartLimits())


def all_at_once(strict_shop: Shop, command: Callable[[Repository], Result], containers: int = 4) -> list[Result | str]:
    """Run the command in many threads over a few containers: what each returned, or the code of its refusal."""
    start = Barrier(AT_ONCE)
    repositories = islice(cycle([strict_shop.other_container() for _ in range(containers)]), AT_ONCE)

    def run(repository: Repository) -> Result | str:
        start.wait()
        try:
            return command(repository)
        except CloudbashError as refusal:
            return refusal.code

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(run, repositories))


def opened(strict_shop: Shop, repository: Repository) -> UUID:
    return open_cart(repository, strict_shop.request(CUSTOMER), strict_shop.limits).cart_id


def held(strict_shop: Shop, ticket_type_id: UUID) -> int:
    return sum(pool.held for pool in strict_shop.pools(ticket_type_id))


def test_twenty_requests_for_a_cart_at_once_make_one(strict_shop: Shop) -> None:
    carts = [
        cart for cart in all_at_once(strict_shop, lambda repository: opened(strict_shop, repository)) if cart != "busy"
    ]
    assert len(set(carts)) == 1


def test_twenty_carts_of_one_customer_filled_at_once_hold_no_more_than_the_limit(strict_shop: Shop) -> None:
    _, ticket_type_id = strict_shop.on_sale(quantity=200)

    def hoard(repository: Repository) -> object:
        cart_id = opened(strict_shop, repository)
        return strict_shop.add(cart_id, ticket_type_id, LIMIT // 2, repository=repository)

    answers = all_at_once(strict_shop, hoard)
    assert held(strict_shop, ticket_type_id) == LIMIT
    codes = {answer for answer in answers if isinstance(answer, str)}
    assert codes <= {"held_limit_exceeded", "order_limit_exceeded", "too_many_changes", "busy"}


def test_holding_and_ordering_at_once_hold_no_more_than_the_limit(strict_shop: Shop) -> None:
    _, ticket_type_id = strict_shop.on_sale(quantity=200)

    def hoard(repository: Repository) -> object:
        cart_id = opened(strict_shop, repository)
        strict_shop.add(cart_id, ticket_type_id, 3, repository=repository)
        return strict_shop.check_out(cart_id, repository=repository)

    all_at_once(strict_shop, hoard)
    assert 0 < held(strict_shop, ticket_type_id) <= LIMIT


def test_free_tickets_ordered_at_once_are_no_more_than_the_limit(strict_shop: Shop) -> None:
    _, ticket_type_id = strict_shop.on_sale(quantity=200, price="0.00")

    def take(repository: Repository) -> object:
        cart_id = opened(strict_shop, repository)
        strict_shop.add(cart_id, ticket_type_id, 3, repository=repository)
        return strict_shop.check_out(cart_id, repository=repository)

    all_at_once(strict_shop, take)
    sold = sum(pool.sold for pool in strict_shop.pools(ticket_type_id))
    assert 0 < sold <= LIMIT
    strict_shop.clock.advance(timedelta(hours=1))
    cart_id = opened(strict_shop, strict_shop.repository)
    strict_shop.add(cart_id, ticket_type_id, LIMIT - sold + 1)
    with pytest.raises(CustomerLimitExceeded) as refusal:
        strict_shop.check_out(cart_id)
    assert refusal.value.facts == {"limit": LIMIT, "taken": sold}
