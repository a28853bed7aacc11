"""A cart that another window checks out while a request looks at it."""

from collections.abc import Callable
from uuid import UUID

import pytest

from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.carts.cart import CartCheckedOutAlready
from chalicelib.shop.carts.commands import extend_holds
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.support.shop import CUSTOMER, HOLD_FOR, Shop


class Interrupted(MemoryEventStore):
    """Something happens just before a stream is next read."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[UUID, Callable[[], object]] = {}

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        happens = self.before.pop(stream_id, None)
        if happens is not None:
            happens()
        return super().read(stream_id, after)


@pytest.mark.parametrize("price", ["25.00", "0.00"])
def test_a_checkout_that_is_sent_twice_at_once_is_given_the_same_answer_twice(price: str) -> None:
    """A free order's holds are sold at checkout: the second finds a cart that still has them, and then a pool that
    has not."""
    store = Interrupted()
    shop = Shop(store)
    _, ticket_type_id = shop.on_sale(quantity=3, price=price)
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    first: list[object] = []
    store.before[pool_id(ticket_type_id, 0)] = lambda: first.append(
        shop.check_out(cart_id, shop.request(CUSTOMER, "one key"))
    )
    second = shop.check_out(cart_id, shop.request(CUSTOMER, "one key"), shop.other_container())
    assert first == [second]


def test_an_extension_that_is_overtaken_by_a_checkout_is_told_so() -> None:
    store = Interrupted()
    shop = Shop(store)
    _, ticket_type_id = shop.on_sale(quantity=3)
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, 2)
    shop.clock.advance(HOLD_FOR / 2)
    store.before[pool_id(ticket_type_id, 0)] = lambda: shop.check_out(cart_id)
    with pytest.raises(CartCheckedOutAlready):
        extend_holds(shop.other_container(), shop.request(CUSTOMER), cart_id, HOLD_FOR)
