"""The cache of "sold out", when something happens between two of its steps."""

from collections.abc import Callable
from uuid import UUID

import pytest

from chalicelib.platform.errors import Busy
from chalicelib.platform.eventsourcing.epoch_cache import CachedResult
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.inventory import pool_sizing
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from tests.support.shop import CUSTOMER, HOLD_FOR, Shop, some_id


class Interrupted(MemoryEventStore):
    """Something happens just before a cached result is next read, or before a stream is read after that."""

    def __init__(self) -> None:
        super().__init__()
        self.before_the_result: Callable[[], object] | None = None
        self.before_recounting: dict[UUID, Callable[[], object]] = {}
        self._recounts = False

    def find_result(self, key: UUID) -> CachedResult:
        happens, self.before_the_result = self.before_the_result, None
        if happens is not None:
            happens()
        self._recounts = True
        return super().find_result(key)

    def store_result(self, key: UUID, epoch: int, value: str) -> bool:
        self._recounts = False
        return super().store_result(key, epoch, value)

    def read(self, stream_id: UUID, after: int = -1) -> list[StoredEvent]:
        if self._recounts and after >= 0 and stream_id in self.before_recounting:
            self._recounts = False
            self.before_recounting.pop(stream_id)()
        return super().read(stream_id, after)


@pytest.fixture
def interrupted_store() -> Interrupted:
    return Interrupted()


@pytest.fixture
def interrupted_shop(interrupted_store: Interrupted) -> Shop:
    return Shop(interrupted_store)


def hold(shop: Shop, key: UUID, quantity: int) -> None:
    """Somebody else holds these in this very pool."""

    def command(session: Session) -> None:
        hold_id = some_id(f"{key} {quantity} {session.load(TICKET_POOL, key).held}")
        until = session.now + HOLD_FOR
        events = session.load(TICKET_POOL, key).hold(hold_id, hold_id, quantity, session.now, until)
        session.append(TICKET_POOL, key, *events)

    shop.other_container().execute(command, shop.request(CUSTOMER).origin)


def test_a_ticket_given_back_between_the_look_at_a_pool_and_at_the_cache_is_for_sale(
    interrupted_shop: Shop, interrupted_store: Interrupted
) -> None:
    _, ticket_type_id = interrupted_shop.on_sale(quantity=3)
    first = interrupted_shop.cart()
    taken = interrupted_shop.add(first, ticket_type_id, 3)
    second = interrupted_shop.cart()
    interrupted_store.before_the_result = lambda: interrupted_shop.remove(first, taken.item_id)
    interrupted_shop.add(second, ticket_type_id, 1, repository=interrupted_shop.other_container())
    interrupted_shop.add(second, ticket_type_id, 2, repository=interrupted_shop.other_container())
    assert interrupted_shop.pool(ticket_type_id).held == 3


def test_tickets_that_were_free_in_one_pool_or_the_other_all_the_time_are_not_sold_out(
    interrupted_shop: Shop, interrupted_store: Interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four are free: one and three, then four and none. A recount that meets the change sees one and none."""
    monkeypatch.setattr(pool_sizing, "TICKETS_PER_POOL", 4)
    _, ticket_type_id = interrupted_shop.on_sale(quantity=8)
    left, right = pool_id(ticket_type_id, 0), pool_id(ticket_type_id, 1)
    first, second = interrupted_shop.cart(), interrupted_shop.cart()
    taken = interrupted_shop.add(first, ticket_type_id, 3, repository=interrupted_shop.other_container())
    hold(interrupted_shop, right, 1)

    def change() -> None:
        interrupted_shop.remove(first, taken.item_id, repository=interrupted_shop.other_container())
        hold(interrupted_shop, right, 3)

    interrupted_store.before_recounting[right] = change
    interrupted_shop.add(second, ticket_type_id, 4, repository=interrupted_shop.other_container())
    assert interrupted_store.before_recounting == {}
    assert interrupted_shop.other_container().load(TICKET_POOL, left)[0].held == 4


def test_a_recount_that_is_overtaken_again_and_again_is_busy_and_refuses_nothing(
    interrupted_shop: Shop, interrupted_store: Interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ticket_type_id = interrupted_shop.on_sale(quantity=3)
    interrupted_shop.add(interrupted_shop.cart(), ticket_type_id, 3)
    cart_id = interrupted_shop.cart()
    monkeypatch.setattr(interrupted_store, "store_result", lambda *_: False)
    with pytest.raises(Busy):
        interrupted_shop.add(cart_id, ticket_type_id, 1)
