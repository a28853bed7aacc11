"""The memory of "sold out", when something happens between two of its steps."""

from collections.abc import Callable
from uuid import UUID

from chalicelib.eventsourcing.marks import Mark
from chalicelib.eventsourcing.memory import MemoryEventStore
from tests.support.shop import Shop


class Interrupted(MemoryEventStore):
    """Something happens just before a mark is next read."""

    def __init__(self) -> None:
        super().__init__()
        self.before_the_mark: Callable[[], object] | None = None

    def find_mark(self, key: UUID) -> Mark:
        happens, self.before_the_mark = self.before_the_mark, None
        if happens is not None:
            happens()
        return super().find_mark(key)


def test_a_ticket_given_back_between_the_look_at_a_pool_and_at_the_mark_is_for_sale() -> None:
    store = Interrupted()
    shop = Shop(store)
    _, ticket_type_id = shop.on_sale(quantity=3)
    first = shop.cart()
    taken = shop.add(first, ticket_type_id, 3)
    second = shop.cart()
    store.before_the_mark = lambda: shop.remove(first, taken.item_id)
    shop.add(second, ticket_type_id, 1, repository=shop.other_container())
    assert shop.pool(ticket_type_id).held == 1
    shop.add(second, ticket_type_id, 2, repository=shop.other_container())
    assert shop.pool(ticket_type_id).held == 3
