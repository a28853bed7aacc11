"""What availability says of a concert."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis

from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.events import (
    ConcertDeleted,
    ConcertPublished,
    TicketType,
)
from chalicelib.shop.inventory.events import (
    HoldPlacedOnOrder,
    TicketPoolEvent,
    TicketsSold,
)
from chalicelib.shop.inventory.queries import (
    availability,
)
from tests.contract.availability.histories import HOLDS, SECOND, a_pool, counts, deliver, from_log, held, logged, memory
from tests.support.shop import HOLD_FOR, ORGANISER, Shop
from tests.support.stored import SOME_TIME, imported, store_all


def test_ticket_types_are_listed_by_name_with_all_their_pools(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id = salted_shop.draft()
    for name, quantity in [("Stehplatz “vorne”", 600), ("Balcony", 5)]:

        def describe(key: UUID, name: str = name, quantity: int = quantity) -> TicketType:
            price = Money.of("25.00", "EUR")
            return TicketType(id=key, name=name, price=price, quantity=quantity, max_per_order=400)

        concerts.add_ticket_type(salted_shop.repository, salted_shop.request(ORGANISER), concert_id, describe)
    salted_shop.publish(concert_id)
    types = {kind.name: key for key, kind in salted_shop.concert_state(concert_id).ticket_types.items()}
    cart_id = salted_shop.cart()
    salted_shop.add(cart_id, types["Balcony"], quantity=2)
    salted_shop.add(cart_id, types["Stehplatz “vorne”"], quantity=350)
    deliver(projection, memory(salted_shop))

    def row(name: str, capacity: int, available: int, held: int) -> JsonObject:
        key = str(types[name])
        row = {"id": key, "name": name, "capacity": capacity, "available": available, "held": held, "sold": 0}
        return {**row, "reason": None}

    expected = [row("Balcony", 5, 3, 2), row("Stehplatz “vorne”", 600, 250, 350)]
    assert availability(redis, concert_id, salted_shop.clock()) == expected
    assert from_log(memory(salted_shop), concert_id, salted_shop.clock()) == expected


def test_a_hold_is_free_again_at_its_deadline_without_any_event(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale(quantity=10)
    salted_shop.add(salted_shop.cart(), ticket_type_id, quantity=4)
    deliver(projection, memory(salted_shop))
    for before_deadline, expected in [(timedelta(milliseconds=1), (6, 4, 0)), (timedelta(0), (10, 0, 0))]:
        now = SOME_TIME + HOLD_FOR - before_deadline
        assert counts(availability(redis, concert_id, now)) == [expected]
        assert counts(from_log(memory(salted_shop), concert_id, now)) == [expected]


def test_a_hold_that_has_ended_is_not_brought_back(redis: Redis, projection: RedisProjection) -> None:
    deadline = SOME_TIME + 60 * SECOND
    extended = HoldPlacedOnOrder(
        hold_id=HOLDS[0], order_id=uuid4(), at=deadline, expires_at=deadline + timedelta(hours=1)
    )
    concert_id, _, store = a_pool(held(HOLDS[0], 4, until=60), extended)
    deliver(projection, store)
    for now in (SOME_TIME, deadline, deadline + SECOND):
        assert counts(availability(redis, concert_id, now)) == [(10, 0, 0)] == counts(from_log(store, concert_id, now))


def test_time_in_a_pool_does_not_go_back(redis: Redis, projection: RedisProjection) -> None:
    extended = HoldPlacedOnOrder(
        hold_id=HOLDS[1], order_id=uuid4(), at=SOME_TIME + 60 * SECOND, expires_at=SOME_TIME + 900 * SECOND
    )
    concert_id, _, store = a_pool(held(HOLDS[0], after=120), held(HOLDS[1], after=50, until=110), extended)
    deliver(projection, store)
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(9, 1, 0)]
    assert counts(from_log(store, concert_id, SOME_TIME)) == [(9, 1, 0)]


def test_a_hold_that_is_heard_of_twice_counts_once(redis: Redis, projection: RedisProjection) -> None:
    concert_id, _, store = a_pool(held(HOLDS[0], 4), held(HOLDS[0], 3))
    deliver(projection, store)
    assert (
        counts(availability(redis, concert_id, SOME_TIME))
        == [(7, 3, 0)]
        == counts(from_log(store, concert_id, SOME_TIME))
    )


def test_more_sold_than_there_was_leaves_nothing_and_not_less(redis: Redis, projection: RedisProjection) -> None:
    sold = TicketsSold(hold_id=HOLDS[0], order_id=uuid4(), quantity=11, at=SOME_TIME)
    concert_id, _, store = a_pool(sold)
    deliver(projection, store)
    assert (
        counts(availability(redis, concert_id, SOME_TIME))
        == [(0, 0, 11)]
        == counts(from_log(store, concert_id, SOME_TIME))
    )


def test_nothing_is_available_of_a_cancelled_concert(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale(quantity=10)
    salted_shop.add(salted_shop.cart(), ticket_type_id, quantity=4)
    concerts.cancel_concert(salted_shop.repository, salted_shop.request(ORGANISER), concert_id)
    deliver(projection, memory(salted_shop))
    assert counts(availability(redis, concert_id, salted_shop.clock())) == [(0, 4, 0)]
    assert counts(from_log(memory(salted_shop), concert_id, salted_shop.clock())) == [(0, 4, 0)]


def test_an_answer_costs_one_round_trip(
    salted_shop: Shop, redis: Redis, projection: RedisProjection, monkeypatch: pytest.MonkeyPatch
) -> None:
    concert_id, _ = salted_shop.on_sale(quantity=2000)
    deliver(projection, memory(salted_shop))
    availability(redis, concert_id, SOME_TIME)
    sent: list[object] = []
    execute: Callable[..., Any] = redis.execute_command

    def counting(*args: Any, **options: Any) -> Any:
        sent.append(args[0])
        return execute(*args, **options)

    monkeypatch.setattr(redis, "execute_command", counting)
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(2000, 0, 0)]
    assert sent == ["EVALSHA"]


def test_a_concert_that_is_not_on_sale_is_not_found(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    draft, deleted, cart_id, nothing = salted_shop.draft(), uuid4(), salted_shop.cart(), uuid4()
    for event in store_all(deleted, [ConcertPublished(), ConcertDeleted()]):
        memory(salted_shop).append([event])
    deliver(projection, memory(salted_shop))
    unknown = imported("Cloudbash.Domain.Unknown.Events.SomethingHappenedEvent", uuid4())
    memory(salted_shop).append([unknown])
    for key in (draft, deleted, cart_id, unknown.aggregate_id, nothing):
        assert availability(redis, key, SOME_TIME) is None
        with pytest.raises(NotFound):
            from_log(memory(salted_shop), key, SOME_TIME)


def test_a_concert_of_the_original_has_no_stock(redis: Redis, projection: RedisProjection) -> None:
    concert_id = uuid4()
    store = logged({concert_id: [ConcertPublished()]})
    deliver(projection, store)
    assert availability(redis, concert_id, SOME_TIME) == [] == from_log(store, concert_id, SOME_TIME)


def test_an_event_of_another_time_moves_the_position_and_the_time_only(
    redis: Redis, projection: RedisProjection
) -> None:
    class TicketPoolPolished(TicketPoolEvent):
        pass

    concert_id, pool_key, store = a_pool(held(HOLDS[0], until=60))
    deliver(projection, store)
    later = SOME_TIME + 60 * SECOND
    projection.apply(pool_key, 1, [RecordedEvent(pool_key, 2, later, TicketPoolPolished(at=later))])
    assert projection.position(pool_key) == 2
    assert counts(availability(redis, concert_id, SOME_TIME)) == [(10, 0, 0)]


def test_of_another_quantity_redis_says_what_the_log_says(
    salted_shop: Shop, redis: Redis, projection: RedisProjection
) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale(200)
    salted_shop.add(salted_shop.cart(), ticket_type_id, 3)
    salted_shop.change_quantity(concert_id, ticket_type_id, 400)
    salted_shop.change_quantity(concert_id, ticket_type_id, 90)
    deliver(projection, memory(salted_shop))
    assert counts(availability(redis, concert_id, salted_shop.clock())) == [(87, 3, 0)]
