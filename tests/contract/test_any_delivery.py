"""Whatever the bus does and wherever a consumer dies, every read model is what the log adds up to."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.readmodels.port import Contents, ReadModel
from chalicelib.platform.readmodels.verification import canonical, catch_up
from chalicelib.shop.orders.settlement import cancel_order
from tests.support.crashes import Crash, Trap
from tests.support.stored import SOME_TIME
from tests.support.world import World, is_whole

EXAMPLES = settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def takes(world: World) -> UUID:
    cart_id = world.shop.cart()
    world.shop.add(cart_id, world.ticket_type_id, quantity=2)
    return cart_id


def changes_mind(world: World) -> None:
    cart_id = world.shop.cart()
    item = world.shop.add(cart_id, world.ticket_type_id)
    world.shop.remove(cart_id, item.item_id)


def buys(world: World) -> UUID:
    order_id = world.shop.check_out(takes(world)).order_id
    world.shop.pay(order_id)
    return order_id


def is_let_in(world: World) -> None:
    order_id = buys(world)
    world.shop.let_in(world.concert_id, world.shop.code(order_id))


def gets_the_money_back(world: World) -> None:
    cancel_order(world.shop.context(), buys(world), world.concert_id, "The concert is cancelled.")


STEPS: dict[str, Callable[[World], object]] = {
    "holds tickets": takes,
    "changes her mind": changes_mind,
    "orders": lambda world: world.shop.check_out(takes(world)),
    "buys": buys,
    "is let in": is_let_in,
    "gets the money back": gets_the_money_back,
    "holds lapse": lambda world: world.shop.clock.advance(timedelta(minutes=16)),
    "a concert is planned": lambda world: world.shop.draft(),
    "a concert is cancelled": World.cancel_a_concert,
}


class Mortal:
    """The read model of a consumer that can die at any call to a server."""

    def __init__(self, model: ReadModel, trap: Trap) -> None:
        self._model = model
        self._trap = trap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def fed_generations(self) -> list[Any]:
        return [self._trap.behind(generation) for generation in self._model.fed_generations()]


@EXAMPLES
@given(data=st.data())
def test_whatever_is_repeated_late_lost_or_cut_short_the_read_model_becomes_the_fold_of_the_log(
    model: ReadModel, data: st.DataObject
) -> None:
    world, trap = World(model), Trap()
    for step in ["buys", *data.draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=5), "steps")]:
        STEPS[step](world)
    events = world.news()
    lost = data.draw(st.sets(st.sampled_from(range(len(events))), max_size=len(events)), "lost")
    sent = [place for place in range(len(events)) if place not in lost]
    again = data.draw(st.lists(st.sampled_from(sent), max_size=10) if sent else st.just([]), "again")
    arriving = [events[place] for place in data.draw(st.permutations(sent + again), "order")]
    mortal = Consumer(Mortal(model, trap), world.log, trap.behind(world.parking), lambda: SOME_TIME)
    while arriving:
        size = data.draw(st.integers(1, len(arriving)), "batch")
        trap.arm(data.draw(st.integers(0, 12), "dies at call"), data.draw(st.booleans(), "carried out"))
        deliver(mortal, arriving[:size], trap)
        del arriving[:size]

    found = world.findings()
    assert found.different_count == 0
    heads = {key: world.log.read(key)[-1].aggregate_version for key in world.log.stream_ids()}
    lost_heads = {key for key, version in heads.items() if (key, version) in {at(events[place]) for place in lost}}
    assert {one.stream_id for one in found.behind} <= lost_heads
    event(f"behind: {min(found.behind_count, 3)}")
    for one in found.behind:
        catch_up(world.consumer, world.log, one.stream_id)
    assert is_whole(world.findings())
    kept = world.live().read(world.streams())
    assert {key: (one.version, canonical(one.contents)) for key, one in kept.items()} == {
        key: (heads[key], canonical(fold(model, world.log.read(key)))) for key in world.streams()
    }


def deliver(consumer: Consumer, events: Sequence[StoredEvent], trap: Trap) -> None:
    """One batch, and again if the consumer dies of it."""
    records = [BusRecord(str(place), to_bus(one)) for place, one in enumerate(events)]
    try:
        assert consumer.consume(records) == succeeded()
    except Crash:
        trap.disarm()
        assert consumer.consume(records) == succeeded()


def at(one: StoredEvent) -> tuple[UUID, int]:
    return one.aggregate_id, one.aggregate_version


def fold(model: ReadModel, events: Sequence[StoredEvent]) -> Contents | None:
    contents = None
    for one in events:
        contents = model.fold(contents, recorded(one))
    return contents
