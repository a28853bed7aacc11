"""The stock is counted thrice, in the pool, in memory and in Lua: all three agree."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.port import Contents
from chalicelib.platform.readmodels.redis.model import Operation
from chalicelib.platform.readmodels.redis.projection import RedisProjection
from chalicelib.shop.inventory.availability import OPERATIONS, change
from chalicelib.shop.inventory.events import AreaPoolOpened, OfferedTicketType, TicketPoolEvent, TicketPoolOpened
from chalicelib.shop.inventory.projections import (
    AVAILABILITY_MODEL,
    fold_availability,
    milliseconds,
)
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool
from tests.support.any_events import events_of
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME

MINUTE = timedelta(minutes=1)
HOLDS = [some_id(f"hold {number}") for number in range(4)]
ORDER = some_id("order")
EXAMPLES = settings(max_examples=60, deadline=None)


# --- Lua and Python --------------------------------------------------------------------------------------------------

hold_names = st.sampled_from([str(key) for key in HOLDS])
numbers = st.integers(1, 5)
times = st.integers(0, 6).map(lambda minutes: milliseconds(SOME_TIME + minutes * MINUTE))
ticket_types = st.sampled_from([str(some_id("adult")), str(some_id("child"))])
of_some_type = st.one_of(st.just(""), ticket_types)
arguments: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "offer": (ticket_types, st.text(max_size=5), st.sampled_from(["", "0", "4"])),
    "move_quota": (ticket_types, st.integers(-3, 3)),
    "hold": (hold_names, numbers, times, of_some_type),
    "extend": (hold_names, times),
    "release": (hold_names,),
    "sell": (hold_names, numbers, of_some_type),
    "take_back": (numbers, ticket_types),
    "advance": (times,),
    "open": (st.just(str(some_id("type"))), st.text(max_size=5), numbers),
    "resize": (st.integers(-3, 3),),
    "close": (),
    "publish": (st.sampled_from(["", "one", "one two"]),),
    "add_pools": (st.sampled_from(["three", "three four"]),),
    "rename": (st.one_of(st.just(str(some_id("type"))), ticket_types), st.text(max_size=5)),
    "withdraw": (),
    "say": (st.sampled_from(["cancelled", "starts", "one"]), st.text(min_size=1, max_size=5)),
    "unsay": (st.sampled_from(["cancelled", "starts", "one"]),),
}
operations: st.SearchStrategy[Operation] = st.sampled_from([*arguments, "hold", "hold"]).flatmap(
    lambda name: st.tuples(st.just(name), *arguments[name])
)


@EXAMPLES
@given(st.lists(st.lists(operations, max_size=4), min_size=1, max_size=8))
def test_whatever_the_operations_lua_leaves_in_redis_what_python_leaves_in_memory(
    redis: Redis, batches: list[list[Operation]]
) -> None:
    model = replace(AVAILABILITY_MODEL, operations_of=lambda event: batches[event.version])
    projection, stream_id, contents = RedisProjection(redis, model), uuid4(), Contents()
    for version, batch in enumerate(batches):
        projection.apply(stream_id, version - 1, [RecordedEvent(stream_id, version, SOME_TIME, OPENED)])
        for name, *arguments in batch:
            change(contents, str(name), *arguments)
        assert projection.read([stream_id])[stream_id].contents == contents


def test_lua_and_python_have_the_same_operations_and_all_are_compared() -> None:
    in_lua = re.findall(r"^function change\.(\w+)", AVAILABILITY_MODEL.changes, re.MULTILINE)
    assert sorted(in_lua) == sorted(OPERATIONS) == sorted(arguments)


# --- the pool and what is told of it ---------------------------------------------------------------------------------

OPENED = TicketPoolOpened(
    concert_id=some_id("concert"),
    concert_name="Patti Smith",
    ticket_type_id=some_id("type"),
    ticket_type_name="Standing",
    pool_index=0,
    pool_count=1,
    capacity=8,
    price=Money.of("25.00", "EUR"),
    max_per_order=10,
    sales_end=SOME_TIME + 90 * MINUTE,
    at=SOME_TIME,
)
ADULT, CHILD = some_id("adult"), some_id("child")
AREA_OPENED = AreaPoolOpened(
    concert_id=some_id("concert"),
    concert_name="Patti Smith",
    area_id=some_id("area"),
    area_name="Floor",
    pool_index=0,
    pool_count=1,
    capacity=8,
    ticket_types=tuple(
        OfferedTicketType(
            id=key,
            name="",
            price=Money.of("25.00", "EUR"),
            max_per_order=10,
            sales_end=SOME_TIME + 90 * MINUTE,
            quota=quota,
        )
        for key, quota in ((ADULT, None), (CHILD, 4))
    ),
    at=SOME_TIME,
)
Decision = Callable[[TicketPool, datetime], Sequence[Event]]

holds, changes = st.sampled_from(HOLDS), st.sampled_from([some_id("change"), some_id("other change")])
spans = st.sampled_from([0, 1, 5, 15]).map(lambda count: count * MINUTE)


def deciding(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Decision]:
    """`TicketPool.<name>` with these arguments before `now`."""
    return st.tuples(*arguments).map(lambda drawn: lambda pool, now: getattr(pool, name)(*drawn, now))


def deciding_until(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Decision]:
    """The same with a deadline behind `now`."""
    return st.tuples(spans, *arguments).map(
        lambda drawn: lambda pool, now: getattr(pool, name)(*drawn[1:], now, now + drawn[0])
    )


holding = deciding_until("hold", holds, st.just(some_id("cart")), numbers)
decisions: st.SearchStrategy[Decision] = st.one_of(
    holding,
    holding,
    holding,
    deciding_until("extend", holds),
    deciding_until("place_on_order", holds, st.just(ORDER)),
    deciding("release", holds),
    deciding("sell", holds, st.just(ORDER)),
    deciding("sell_unheld", holds, st.just(ORDER), numbers),
    deciding("take_back", holds, st.just(ORDER), st.just(some_id("type")), numbers),
    deciding("record_lapsed"),
    deciding("change_capacity", changes, st.integers(-4, 4)),
    deciding("give_back_change", changes),
)
of_types = st.sampled_from([ADULT, CHILD])
in_areas = st.one_of(
    decisions,
    st.tuples(holds, numbers, spans, of_types, st.integers(0, 2)).map(
        lambda drawn: (
            lambda pool, now: pool.hold(
                drawn[0], some_id("cart"), drawn[1], now, now + drawn[2], drawn[3], drawn[4] * (drawn[3] == CHILD)
            )
        )
    ),
    st.tuples(holds, numbers, of_types).map(
        lambda drawn: lambda pool, now: pool.sell_unheld(drawn[0], ORDER, drawn[1], now, drawn[2])
    ),
    st.tuples(of_types, st.integers(-4, 4)).map(lambda drawn: lambda pool, now: pool.change_quota(*drawn, now)),
    deciding("take_back", holds, st.just(ORDER), of_types, numbers),
)
endings = st.lists(st.one_of(deciding("close"), deciding("clear"), decisions), max_size=4)


@st.composite
def decided(draw: st.DrawFn) -> list[Event]:
    """What a pool answers to whatever it is told, refusals left out; clocks go back now and then."""
    opened = draw(st.sampled_from([OPENED, AREA_OPENED]))
    pool, now, history = TICKET_POOL.fold([opened]), SOME_TIME, list[Event]([opened])
    for decide in draw(st.lists(in_areas if opened is AREA_OPENED else decisions, max_size=14)) + draw(endings):
        now += draw(st.sampled_from([0, 0, 1, 5, -1])) * MINUTE
        with suppress(CloudbashError):
            events = decide(pool, now)
            pool = TICKET_POOL.fold(events, pool)
            history += events
    return history


kinds: list[type[Event]] = [*TicketPoolEvent.__subclasses__()]
anything = st.lists(st.sampled_from(kinds).flatmap(events_of), max_size=12)


def counted_by(pool: TicketPool) -> JsonObject:
    return {
        "at": milliseconds(pool.last_at),
        "capacity": pool.capacity,
        "held": pool.held,
        "sold": pool.sold,
        "closed": pool.closed,
        "holds": {
            str(key): (hold.quantity, milliseconds(hold.expires_at), str(hold.ticket_type_id or ""))
            for key, hold in pool.holds.items()
        },
        "types": {str(key): (pool.quotas.get(key), pool.taken_of(key)) for key in types_known(pool)},
    }


def types_known(pool: TicketPool) -> set[UUID]:
    of_holds = {hold.ticket_type_id for hold in pool.holds.values() if hold.ticket_type_id}
    return {*pool.quotas, *pool.sold_of, *of_holds}


def counted_in(contents: Contents) -> JsonObject:
    pool, deadlines = contents["pool"], contents.get("deadlines", {})
    counts = {name: int(pool.get(name, 0)) for name in ("at", "capacity", "held", "sold")}
    of_types = contents.get("types", {})
    holds = {
        key: (int(quantity), deadlines[key], of_types.get(key, ""))
        for key, quantity in contents.get("quantities", {}).items()
    }
    assert of_types.keys() <= holds.keys()
    taken = dict[str, int]()
    for name, count in pool.items():
        what, _, key = name.partition(":")
        if what in {"held", "sold"} and key:
            taken[key] = taken.get(key, 0) + int(count)
    quotas = {name.removeprefix("quota:"): int(quota) for name, quota in pool.items() if name.startswith("quota:")}
    known = quotas.keys() | {key for key in taken if f"sold:{key}" in pool or key in of_types.values()}
    types = {key: (quotas.get(key), taken.get(key, 0)) for key in known}
    assert contents.get("first_deadline") == min(deadlines.values(), default=None)
    return counts | {"closed": "closed" in pool, "holds": holds, "types": types}


@EXAMPLES
@given(decided())
def test_after_every_decided_event_redis_counts_what_the_pool_counts(redis: Redis, history: list[Event]) -> None:
    projection, stream_id = RedisProjection(redis, AVAILABILITY_MODEL), uuid4()
    pool, contents = TicketPool(), None
    for event in recorded_as(stream_id, history):
        pool = TICKET_POOL.fold([event.event], pool)
        contents = fold_availability(deepcopy(contents), event)
        projection.apply(stream_id, event.version - 1, [event])
        assert projection.read([stream_id])[stream_id].contents == contents
        assert counted_in(contents) == counted_by(pool)
        assert 0 <= pool.held + pool.sold <= pool.capacity


@settings(max_examples=300, deadline=None)
@given(anything)
def test_after_events_in_any_order_memory_counts_what_the_pool_counts(history: list[Event]) -> None:
    pool, contents = TicketPool(), None
    for event in recorded_as(uuid4(), history):
        pool = TICKET_POOL.fold([event.event], pool)
        contents = fold_availability(contents, event)
        assert counted_in(contents) == counted_by(pool)


def recorded_as(stream_id: UUID, history: list[Event]) -> list[RecordedEvent]:
    return [RecordedEvent(stream_id, version, SOME_TIME, event) for version, event in enumerate(history)]
