"""The same checkout, sent a second time while the first is under way."""

from collections.abc import Callable
from uuid import UUID

import pytest

from chalicelib.eventsourcing.memory import MemoryEventStore
from chalicelib.eventsourcing.stored import StoredEvent
from chalicelib.inventory.ticket_pool import pool_id
from tests.support.shop import CUSTOMER, Shop


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
def test_both_are_given_the_same_answer(price: str) -> None:
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
