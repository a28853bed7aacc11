"""A concert on sale lives on: who buys afterwards meets the new terms, and who has tickets in a cart keeps the old."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from chalicelib.platform.caller import Caller
from chalicelib.platform.errors import Forbidden, IdempotencyKeyReused, InvalidInput, PreconditionFailed
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.shop.concerts import live_commands
from chalicelib.shop.concerts.commands import add_ticket_type, cancel_concert, change_concert, facts_of_concert
from chalicelib.shop.concerts.concert import ConcertNotPublished
from chalicelib.shop.concerts.events import ConcertTermsApplied, ConcertTermsChanged, TicketType
from chalicelib.shop.concerts.on_sale import Confirmation
from chalicelib.shop.concerts.process import FINISHED_WITHIN
from chalicelib.shop.concerts.publication import CHANGED_IN_THE_REQUEST
from chalicelib.shop.concerts.terms import Changed, finish_terms_change
from chalicelib.shop.concerts.windows import ConcertDates
from chalicelib.shop.inventory.commands import change_terms
from chalicelib.shop.inventory.events import TicketPoolTermsChanged
from chalicelib.shop.inventory.pool_sizing import TICKETS_PER_POOL
from chalicelib.shop.inventory.ticket_pool import NotOnSale, TicketsSoldOut
from tests.support.crashes import Crash, Trap
from tests.support.machinery import machinery
from tests.support.shop import OPENING, ORGANISER, OTHER_CUSTOMER, OTHER_ORGANISER, Shop, some_id

DAY = timedelta(days=1)
DEAR = Money.of("30.00", "EUR")


def rename(shop: Shop, concert_id: UUID, name: str, caller: Caller | None = None) -> Changed:
    caller = caller or shop.request(ORGANISER)
    return change_concert(shop.other_container(), caller, concert_id, lambda details: replace(details, name=name))


def change_type(
    shop: Shop, concert_id: UUID, ticket_type_id: UUID, caller: Caller | None = None, **changes: Any
) -> Changed:
    caller = caller or shop.request(ORGANISER)
    return live_commands.change_ticket_type(shop.other_container(), caller, concert_id, ticket_type_id, changes)


def move(shop: Shop, concert_id: UUID, by: timedelta = DAY, venue_id: UUID | None = None) -> Changed:
    schedule = ConcertDates(OPENING + by, OPENING + by + timedelta(hours=3))
    return live_commands.move_concert(
        shop.other_container(), shop.request(ORGANISER), concert_id, schedule, venue_id, shop.clock.now + 2 * DAY
    )


def terms_of(shop: Shop, ticket_type_id: UUID, name: str) -> set[Any]:
    return {getattr(pool.terms, name) for pool in shop.pools(ticket_type_id)}


def events_of(shop: Shop, stream_id: UUID, kind: type[Event]) -> list[Event]:
    return [event for event in map(decode, shop.store.read(stream_id)) if isinstance(event, kind)]


def test_what_is_bought_after_a_concert_was_renamed_has_the_new_name(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    before, after = memory_shop.cart(), memory_shop.cart(OTHER_CUSTOMER)
    memory_shop.add(before, ticket_type_id)
    rename(memory_shop, concert_id, "New name")
    memory_shop.add(after, ticket_type_id, caller=memory_shop.request(OTHER_CUSTOMER))
    (line,) = memory_shop.cart_state(after).lines.values()
    assert line.concert_name == "New name"
    (ordered,) = memory_shop.order_state(memory_shop.check_out(before).order_id).lines
    assert ordered.concert_name == "New name"


def test_what_lies_in_a_cart_keeps_its_price_until_its_hold_ends(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(price="25.00")
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    change_type(memory_shop, concert_id, ticket_type_id, price=DEAR, name="Floor")
    memory_shop.add(cart_id, ticket_type_id)
    assert [line.unit_price for line in memory_shop.cart_state(cart_id).lines.values()] == [
        Money.of("25.00", "EUR"),
        DEAR,
    ]
    lines = memory_shop.order_state(memory_shop.check_out(cart_id).order_id).lines
    assert [(line.unit_price, line.ticket_type_name) for line in lines] == [
        (Money.of("25.00", "EUR"), "Floor"),
        (DEAR, "Floor"),
    ]


def test_once_a_change_is_answered_no_container_holds_at_the_old_price(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    warm = memory_shop.other_container()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, repository=warm)
    assert change_type(memory_shop, concert_id, ticket_type_id, price=DEAR).is_applied
    memory_shop.add(cart_id, ticket_type_id, repository=warm)
    assert [*memory_shop.cart_state(cart_id).lines.values()][-1].unit_price == DEAR


def test_while_the_sales_are_closed_nothing_is_held_and_what_is_held_is_bought(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id)
    live_commands.close_sales(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id)
    with pytest.raises(NotOnSale):
        memory_shop.add(memory_shop.cart(OTHER_CUSTOMER), ticket_type_id, caller=memory_shop.request(OTHER_CUSTOMER))
    assert memory_shop.pay(memory_shop.check_out(cart_id).order_id).status == "succeeded"
    live_commands.open_sales(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id)
    memory_shop.add(memory_shop.cart(), ticket_type_id)


def test_a_postponed_concert_sells_nothing_until_it_has_a_date_and_then_until_that_date(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    promised = memory_shop.clock.now + DAY
    bought_at = memory_shop.clock.now
    memory_shop.clock.advance(timedelta(hours=1))
    live_commands.postpone_concert(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id, promised)
    facts = facts_of_concert(memory_shop.other_container(), concert_id)
    assert (facts.starts_at, facts.ends_at) == (None, None)
    assert facts.refundable_until(bought_at) == promised
    assert facts.refundable_until(memory_shop.clock.now) is None
    with pytest.raises(NotOnSale):
        memory_shop.add(memory_shop.cart(), ticket_type_id)
    move(memory_shop, concert_id, 9 * DAY)
    memory_shop.add(memory_shop.cart(), ticket_type_id)
    assert terms_of(memory_shop, ticket_type_id, "sales_end") == {OPENING + 9 * DAY}
    assert facts_of_concert(memory_shop.other_container(), concert_id).starts_at == OPENING + 9 * DAY


def test_ticket_holders_keep_their_tickets_when_a_concert_moves(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 2)
    order_id = memory_shop.check_out(cart_id).order_id
    memory_shop.pay(order_id)
    move(memory_shop, concert_id)
    assert len(memory_shop.order_state(order_id).valid) == 2


def test_a_ticket_type_that_is_added_to_a_published_concert_is_on_sale_at_once(memory_shop: Shop) -> None:
    concert_id, _ = memory_shop.on_sale()
    rename(memory_shop, concert_id, "New name")
    caller = memory_shop.request(ORGANISER, "late")

    def describe(key: UUID) -> TicketType:
        return TicketType(id=key, name="Balcony", price=DEAR, quantity=90 * TICKETS_PER_POOL, max_per_order=10)

    confirmed = (Confirmation.OVER_CAPACITY,)
    added = add_ticket_type(memory_shop.other_container(), caller, concert_id, describe, confirmed)
    assert add_ticket_type(memory_shop.other_container(), caller, concert_id, describe, confirmed) == added
    ticket_type_id, _ = added
    memory_shop.add(memory_shop.cart(), ticket_type_id, 10)
    assert len(memory_shop.pools(ticket_type_id)) == 90
    assert terms_of(memory_shop, ticket_type_id, "concert_name") == {"New name"}
    assert len(memory_shop.concert_state(concert_id).pools_of(ticket_type_id)) == 90
    change_type(memory_shop, concert_id, ticket_type_id, max_per_order=4)
    assert terms_of(memory_shop, ticket_type_id, "max_per_order") == {4}
    cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    assert all(pool.closed for pool in memory_shop.pools(ticket_type_id))


def test_a_ticket_type_added_while_the_sales_are_closed_waits_with_the_others(memory_shop: Shop) -> None:
    concert_id, _ = memory_shop.on_sale()
    live_commands.close_sales(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id)
    ticket_type_id = memory_shop.ticket_type(concert_id)
    with pytest.raises(NotOnSale):
        memory_shop.add(memory_shop.cart(), ticket_type_id)
    live_commands.open_sales(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id)
    memory_shop.add(memory_shop.cart(), ticket_type_id)


def test_a_request_that_comes_twice_changes_once(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    caller = memory_shop.request(ORGANISER, "key", if_match=memory_shop.publish(concert_id))
    first = rename(memory_shop, concert_id, "New name", caller)
    assert rename(memory_shop, concert_id, "New name", caller) == first
    pool_id = memory_shop.concert_state(concert_id).pools_of(ticket_type_id)[0]
    assert len(events_of(memory_shop, pool_id, TicketPoolTermsChanged)) == 1
    with pytest.raises(PreconditionFailed):
        rename(memory_shop, concert_id, "Newest", memory_shop.request(ORGANISER, if_match=caller.expected_version))


def test_a_request_that_comes_again_does_not_change_back_what_was_changed_since(memory_shop: Shop) -> None:
    concert_id, _ = memory_shop.on_sale()
    caller = memory_shop.request(ORGANISER, "key")
    first = rename(memory_shop, concert_id, "New name", caller)
    rename(memory_shop, concert_id, "Newest name")
    assert rename(memory_shop, concert_id, "New name", caller) == first
    details = memory_shop.concert_state(concert_id).details
    assert details is not None
    assert details.name == "Newest name"


def test_a_change_that_changes_no_terms_touches_no_pool(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    change_concert(
        memory_shop.repository,
        memory_shop.request(ORGANISER),
        concert_id,
        lambda details: replace(details, description="Doors at seven"),
    )
    assert memory_shop.concert_state(concert_id).publication.terms_version == 1
    assert not events_of(
        memory_shop, memory_shop.concert_state(concert_id).pools_of(ticket_type_id)[0], TicketPoolTermsChanged
    )


@pytest.mark.parametrize("carried_out", [False, True])
def test_killed_at_any_call_the_change_is_finished_by_whoever_comes_next(carried_out: bool) -> None:
    for call in count(1):
        shop, trap = Shop(MemoryEventStore()), Trap()
        log = shop.store
        concert_id, ticket_type_id = shop.on_sale(3 * TICKETS_PER_POOL)
        shop.store = trap.behind(log)
        trap.arm(call, carried_out)
        died = dies(lambda: change_type(shop, concert_id, ticket_type_id, price=DEAR))  # noqa: B023 - called here
        shop.store = log
        finish_terms_change(shop.other_container(), concert_id, shop.request(ORGANISER).origin)
        begun = bool(events_of(shop, concert_id, ConcertTermsChanged))
        assert len(events_of(shop, concert_id, ConcertTermsApplied)) == begun
        assert terms_of(shop, ticket_type_id, "price") == {DEAR if begun else Money.of("25.00", "EUR")}
        if not died:
            return


def dies(act: Callable[[], object]) -> bool:
    try:
        act()
    except Crash:
        return True
    return False


def test_a_change_whose_request_died_is_finished_by_the_process() -> None:
    running = machinery()
    shop, trap = running.shop, Trap()
    concert_id, ticket_type_id = shop.on_sale(4 * TICKETS_PER_POOL)
    log = shop.store
    shop.store = trap.behind(log)
    trap.arm(6, carried_out=True)
    assert dies(lambda: rename(shop, concert_id, "New name"))
    shop.store = log
    assert len(terms_of(shop, ticket_type_id, "concert_name")) == 2
    shop.clock.advance(FINISHED_WITHIN)
    running.run_until_quiet()
    assert terms_of(shop, ticket_type_id, "concert_name") == {"New name"}
    assert shop.concert_state(concert_id).publication.unapplied == []


def test_a_request_changes_so_many_pools_and_the_process_does_the_rest_at_once() -> None:
    running = machinery()
    shop = running.shop
    concert_id = shop.draft()
    types = [shop.ticket_type(concert_id, quantity=60 * TICKETS_PER_POOL) for _ in range(2)]
    shop.publish(concert_id)
    assert not rename(shop, concert_id, "New name").is_applied
    done = [pool.terms.concert_name for key in types for pool in shop.pools(key) if pool.terms]
    assert done.count("New name") == CHANGED_IN_THE_REQUEST
    running.run_until_quiet()
    assert terms_of(shop, types[0], "concert_name") | terms_of(shop, types[1], "concert_name") == {"New name"}
    assert shop.concert_state(concert_id).publication.unapplied == []


def test_of_two_changes_at_once_every_pool_ends_with_the_later_one(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(2 * TICKETS_PER_POOL)
    old = [pool.terms for pool in memory_shop.pools(ticket_type_id) if pool.terms]
    change_type(memory_shop, concert_id, ticket_type_id, price=DEAR)
    second = [pool.terms for pool in memory_shop.pools(ticket_type_id) if pool.terms]
    change_type(memory_shop, concert_id, ticket_type_id, max_per_order=3)
    for late in (old, second):
        change_terms(memory_shop.other_container(), late, memory_shop.request(ORGANISER).origin)
    assert terms_of(memory_shop, ticket_type_id, "max_per_order") == {3}
    assert terms_of(memory_shop, ticket_type_id, "price") == {DEAR}


def test_a_hold_over_pools_of_which_one_knows_newer_terms_has_one_price(memory_shop: Shop) -> None:
    _, ticket_type_id = memory_shop.on_sale(2 * TICKETS_PER_POOL)
    memory_shop.occupy(ticket_type_id, TICKETS_PER_POOL - 4)
    first, second = (pool.terms for pool in memory_shop.pools(ticket_type_id))
    assert first is not None
    assert second is not None
    newer = second.model_copy(update={"price": DEAR, "terms_version": 2})
    change_terms(memory_shop.other_container(), [newer], memory_shop.request(ORGANISER).origin)
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 8, repository=memory_shop.other_container())
    (line,) = memory_shop.cart_state(cart_id).lines.values()
    assert (line.unit_price, len(line.shares)) == (DEAR, 2)
    assert terms_of(memory_shop, ticket_type_id, "price") == {DEAR}


def test_sold_out_does_not_hide_that_the_sales_are_closed(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale(2)
    memory_shop.occupy(ticket_type_id, 2)
    with pytest.raises(TicketsSoldOut):
        memory_shop.add(memory_shop.cart(), ticket_type_id)
    live_commands.close_sales(memory_shop.other_container(), memory_shop.request(ORGANISER), concert_id)
    with pytest.raises(NotOnSale):
        memory_shop.add(memory_shop.cart(), ticket_type_id, repository=memory_shop.other_container())


def test_a_limit_that_is_lowered_leaves_what_is_held_alone(memory_shop: Shop) -> None:
    concert_id = memory_shop.draft(max_per_customer=6)
    ticket_type_id = memory_shop.ticket_type(concert_id)
    memory_shop.publish(concert_id)
    cart_id = memory_shop.cart()
    memory_shop.add(cart_id, ticket_type_id, 5)
    change_concert(
        memory_shop.other_container(),
        memory_shop.request(ORGANISER),
        concert_id,
        lambda details: replace(details, max_per_customer=2),
    )
    assert memory_shop.pay(memory_shop.check_out(cart_id).order_id).status == "succeeded"
    with pytest.raises(Exception, match="2"):
        memory_shop.add(memory_shop.cart(OTHER_CUSTOMER), ticket_type_id, 3, memory_shop.request(OTHER_CUSTOMER))


def test_only_who_manages_the_concert_may_and_a_cancelled_one_stays_as_it_is(memory_shop: Shop) -> None:
    concert_id, ticket_type_id = memory_shop.on_sale()
    with pytest.raises(Forbidden):
        change_type(memory_shop, concert_id, ticket_type_id, memory_shop.request(OTHER_ORGANISER), price=DEAR)
    cancel_concert(memory_shop.repository, memory_shop.request(ORGANISER), concert_id)
    with pytest.raises(ConcertNotPublished):
        change_type(memory_shop, concert_id, ticket_type_id, price=DEAR)
    with pytest.raises(ConcertNotPublished):
        move(memory_shop, concert_id)


def test_a_cancellation_in_the_middle_of_a_change_ends_both() -> None:
    running = machinery()
    shop, trap = running.shop, Trap()
    concert_id, _ = shop.on_sale(4 * TICKETS_PER_POOL)
    log = shop.store
    shop.store = trap.behind(log)
    trap.arm(6, carried_out=True)
    assert dies(lambda: rename(shop, concert_id, "New name"))
    shop.store = log
    cancel_concert(shop.repository, shop.request(ORGANISER), concert_id)
    shop.clock.advance(FINISHED_WITHIN)
    running.run_until_quiet()
    assert shop.concert_state(concert_id).status == "cancelled"


def test_another_body_under_the_key_of_an_added_type_is_refused(memory_shop: Shop) -> None:
    concert_id, _ = memory_shop.on_sale()

    def describe(key: UUID) -> TicketType:
        return TicketType(id=key, name="Balcony", price=DEAR, quantity=5, max_per_order=5)

    add_ticket_type(memory_shop.repository, memory_shop.request(ORGANISER, "key", "one"), concert_id, describe)
    with pytest.raises(IdempotencyKeyReused):
        add_ticket_type(memory_shop.repository, memory_shop.request(ORGANISER, "key", "two"), concert_id, describe)


def test_it_moves_only_to_a_venue_that_there_is(memory_shop: Shop) -> None:
    concert_id, _ = memory_shop.on_sale()
    with pytest.raises(InvalidInput):
        move(memory_shop, concert_id, venue_id=some_id("nowhere"))
    theirs = memory_shop.venue(OTHER_ORGANISER)
    with pytest.raises(InvalidInput) as refusal:
        move(memory_shop, concert_id, venue_id=theirs)
    assert refusal.value.fields[0][0] == "#/venue_id"
    move(memory_shop, concert_id, venue_id=memory_shop.venue())
