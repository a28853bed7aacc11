"""An organiser offers more tickets or fewer, while the sale goes on: never fewer than are held or sold."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any, cast
from uuid import UUID

import pytest

from chalicelib.platform.errors import Forbidden, IdempotencyKeyReused, NotFound, PreconditionFailed
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.concerts.commands import cancel_concert, finish_capacity_change
from chalicelib.shop.concerts.concert import CapacityAbovePools, CapacityBelowCommitted, ConcertNotPublished
from chalicelib.shop.concerts.events import ConcertCapacityChanged, ConcertCapacityChangeStarted
from chalicelib.shop.inventory.events import TicketPoolCapacityChanged
from chalicelib.shop.inventory.ticket_pool import NotOnSale, TicketsSoldOut
from tests.support.crashes import Crash, Trap
from tests.support.shop import HOLD_FOR, ORGANISER, OTHER_ORGANISER, CountedStore, Shop, some_id

MANY = 600


def capacities(shop: Shop, ticket_type_id: UUID) -> list[int]:
    return [pool.capacity for pool in shop.pools(ticket_type_id)]


def refused(shop: Shop, cart_id: UUID, ticket_type_id: UUID, quantity: int = 1) -> int:
    """How many are said to be available by the refusal that must come."""
    with pytest.raises(TicketsSoldOut) as refusal:
        shop.add(cart_id, ticket_type_id, quantity)
    available: int = refusal.value.facts["available"]
    return available


def offered(shop: Shop, concert_id: UUID, ticket_type_id: UUID) -> int:
    return shop.concert_state(concert_id).ticket_types[ticket_type_id].quantity


def test_in_a_draft_the_quantity_is_just_another(memory_shop: Shop) -> None:
    concert_id = memory_shop.draft()
    ticket_type_id = memory_shop.ticket_type(concert_id, 10)
    memory_shop.change_quantity(concert_id, ticket_type_id, MANY)
    assert offered(memory_shop, concert_id, ticket_type_id) == MANY
    memory_shop.publish(concert_id)
    assert sum(capacities(memory_shop, ticket_type_id)) == MANY


def test_more_tickets_are_dealt_evenly_over_the_pools_and_are_for_sale_at_once(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(MANY)
    pools = len(memory_shop.pools(ticket_type_id))
    memory_shop.change_quantity(concert_id, ticket_type_id, 2 * MANY)
    assert offered(memory_shop, concert_id, ticket_type_id) == 2 * MANY
    assert sum(capacities(memory_shop, ticket_type_id)) == 2 * MANY
    assert len(memory_shop.pools(ticket_type_id)) == pools
    assert max(capacities(memory_shop, ticket_type_id)) - min(capacities(memory_shop, ticket_type_id)) <= 1


def test_a_container_that_knew_the_type_was_sold_out_sells_what_is_added(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(10)
    memory_shop.add(memory_shop.cart(), ticket_type_id, 10)
    late = memory_shop.cart()
    refused(memory_shop, late, ticket_type_id)
    memory_shop.change_quantity(concert_id, ticket_type_id, 12)
    memory_shop.add(late, ticket_type_id, 2)
    refused(memory_shop, late, ticket_type_id)


def test_fewer_tickets_down_to_what_is_held_and_sold(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(MANY)
    memory_shop.occupy(ticket_type_id, 5)
    committed = 5 * len(memory_shop.pools(ticket_type_id))
    memory_shop.change_quantity(concert_id, ticket_type_id, committed)
    assert sum(capacities(memory_shop, ticket_type_id)) == offered(memory_shop, concert_id, ticket_type_id) == committed
    refused(memory_shop, memory_shop.cart(), ticket_type_id)


def test_below_what_is_held_and_sold_nothing_changes_and_the_facts_are_told(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(MANY)
    before = capacities(memory_shop, ticket_type_id)
    sold, held = memory_shop.cart(), memory_shop.cart()
    memory_shop.add(sold, ticket_type_id, 4)
    memory_shop.pay(memory_shop.check_out(sold).order_id)
    memory_shop.add(held, ticket_type_id, 3)
    with pytest.raises(CapacityBelowCommitted) as refusal:
        memory_shop.change_quantity(concert_id, ticket_type_id, 6)
    assert refusal.value.facts == {"held": 3, "sold": 4, "committed": 7}
    assert capacities(memory_shop, ticket_type_id) == before
    assert offered(memory_shop, concert_id, ticket_type_id) == MANY
    memory_shop.change_quantity(concert_id, ticket_type_id, 7)
    assert sum(capacities(memory_shop, ticket_type_id)) == 7


def test_what_a_refused_change_gave_back_is_for_sale_to_a_container_that_had_found_nothing(memory_shop: Shop) -> None:
    """The refusal of the crowd may be remembered in the moment in which there was less."""
    concert_id, ticket_type_id = memory_shop.on_sale(10)
    memory_shop.add(memory_shop.cart(), ticket_type_id, 8)
    log, late = memory_shop.store, memory_shop.cart()
    refusals: list[int] = []

    class Interrupted:
        """The log, in which a buyer asks for two right after something was lowered."""

        def __getattr__(self, name: str) -> Any:
            return getattr(log, name)

        def append(self, events: Sequence[StoredEvent], raising: Collection[UUID] = ()) -> None:
            log.append(events, raising)
            if isinstance(decode(events[0]), TicketPoolCapacityChanged) and not refusals:
                refusals.append(refused(memory_shop, late, ticket_type_id, 2))

    memory_shop.store = cast(CountedStore, Interrupted())
    with pytest.raises(CapacityBelowCommitted):
        memory_shop.change_quantity(concert_id, ticket_type_id, 7)
    memory_shop.store = log
    assert refusals == [0]
    memory_shop.add(late, ticket_type_id, 2)


def test_a_hold_that_has_ended_does_not_stand_in_the_way(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(10)
    memory_shop.add(memory_shop.cart(), ticket_type_id, 10)
    memory_shop.clock.advance(HOLD_FOR)
    memory_shop.change_quantity(concert_id, ticket_type_id, 1)
    assert capacities(memory_shop, ticket_type_id) == [1]


def test_no_more_than_the_pools_can_take(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(10)
    with pytest.raises(CapacityAbovePools) as refusal:
        memory_shop.change_quantity(concert_id, ticket_type_id, 1001)
    assert refusal.value.facts == {"limit": 1000}
    memory_shop.change_quantity(concert_id, ticket_type_id, 1000)


def test_the_same_request_has_the_same_answer_and_another_body_is_refused(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(10)
    first = memory_shop.change_quantity(concert_id, ticket_type_id, 20, memory_shop.request(ORGANISER, "more"))
    memory_shop.change_quantity(concert_id, ticket_type_id, 30)
    log = memory_shop.log([concert_id])
    assert memory_shop.change_quantity(concert_id, ticket_type_id, 20, memory_shop.request(ORGANISER, "more")) == first
    assert memory_shop.log([concert_id]) == log
    with pytest.raises(IdempotencyKeyReused):
        memory_shop.change_quantity(
            concert_id, ticket_type_id, 40, memory_shop.request(ORGANISER, "more", body="other")
        )


def test_only_who_manages_the_concert_may_and_only_what_there_is_can_be_changed(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(10)
    with pytest.raises(Forbidden):
        memory_shop.change_quantity(concert_id, ticket_type_id, 20, memory_shop.request(OTHER_ORGANISER))
    with pytest.raises(NotFound):
        memory_shop.change_quantity(concert_id, some_id("no type"), 20)
    with pytest.raises(PreconditionFailed):
        memory_shop.change_quantity(concert_id, ticket_type_id, 20, memory_shop.request(ORGANISER, if_match=0))


def test_a_cancelled_concert_offers_nothing_more(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(10)
    cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    with pytest.raises(ConcertNotPublished):
        memory_shop.change_quantity(concert_id, ticket_type_id, 20)
    with pytest.raises(NotOnSale):
        memory_shop.add(memory_shop.cart(), ticket_type_id)


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize(("quantity", "fits"), [(900, True), (300, True), (5, False)])
def test_killed_at_any_call_the_change_is_finished_or_undone_by_whoever_comes_next(
    quantity: int, fits: bool, carried_out: bool
) -> None:
    for call in count(1):
        shop, trap = Shop(MemoryEventStore()), Trap()
        log = shop.store
        concert_id, ticket_type_id = shop.on_sale(MANY)
        shop.add(shop.cart(), ticket_type_id, 10)
        before = capacities(shop, ticket_type_id)
        shop.store = trap.behind(log)
        trap.arm(call, carried_out)
        died = died_changing(shop, concert_id, ticket_type_id, quantity)
        shop.store = log
        finish_capacity_change(shop.other_container(), concert_id, shop.request(ORGANISER).origin)
        events = [decode(event) for event in log.read(concert_id)]
        begun = any(isinstance(event, ConcertCapacityChangeStarted) for event in events)
        changed = any(isinstance(event, ConcertCapacityChanged) for event in events)
        assert changed == (fits and begun)
        assert shop.concert_state(concert_id).capacity_change is None
        assert sum(capacities(shop, ticket_type_id)) == (quantity if changed else MANY)
        assert changed or capacities(shop, ticket_type_id) == before
        if not died:
            return


def died_changing(shop: Shop, concert_id: UUID, ticket_type_id: UUID, quantity: int) -> bool:
    try:
        with suppress(CapacityBelowCommitted):
            shop.change_quantity(concert_id, ticket_type_id, quantity)
    except Crash:
        return True
    return False


def test_two_runners_of_one_change_come_to_the_same(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(MANY)
    memory_shop.clock.advance(timedelta(minutes=1))
    memory_shop.change_quantity(concert_id, ticket_type_id, 100)
    finish_capacity_change(memory_shop.other_container(), concert_id, memory_shop.request(ORGANISER).origin)
    assert sum(capacities(memory_shop, ticket_type_id)) == 100
