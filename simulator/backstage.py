"""What runs without anybody asking: the bus, the workers and the watchdog; and how all of it comes to rest."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import Projection
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.processes.work import from_message
from chalicelib.shop.orders.order import PaymentInProgress
from simulator.servers import Parcel
from simulator.stage import Crash
from simulator.workers import Workshop
from simulator.world import World

LARGEST_BATCH = 6
IDLE = (1, 20, 60, 240)
"""Seconds after which an idle part of the machinery looks again."""
OUTAGES = (0, 0, 0, 0.05, 0.3)
LONGEST_OUTAGE = timedelta(minutes=60)
LOST, AGAIN, OUT_OF_ORDER = 0.05, 0.15, 0.3
TASK_LIMIT = timedelta(seconds=30)
MOST_ROUNDS = 150


def set_going(world: World) -> None:
    """Everything works as long as the shop is open."""

    outages = world.random.choice(OUTAGES)

    def repeat(part: Callable[[], bool]) -> None:
        while world.stage.guests:
            if world.random.random() < outages:
                world.stage.sleep(LONGEST_OUTAGE * world.random.random())
            if not part():
                world.stage.sleep(timedelta(seconds=world.random.choice(IDLE)))

    for projection in world.projections():
        subscription: list[StoredEvent] = []
        world.log.subscriptions.append(subscription)
        bus = partial(repeat, partial(deliver, world, projection, subscription))
        world.stage.enter(f"bus {projection.name}", bus)
    for number in range(world.random.randint(1, 2)):
        world.stage.enter(f"worker {number}", partial(repeat, Labour(world).work))
    world.stage.enter("watchdog", partial(repeat, partial(watch, world)))


def deliver(world: World, projection: Projection, subscription: list[StoredEvent]) -> bool:
    """One batch, which may be out of order, come again or never arrive; whether there was any."""
    if not subscription:
        return False
    if world.random.random() < OUT_OF_ORDER:
        world.random.shuffle(subscription)
    size = world.random.randint(1, LARGEST_BATCH)
    batch, subscription[:] = subscription[:size], subscription[size:]
    if world.random.random() < LOST:
        world.stage.note(f"a batch of {len(batch)} is lost")
        world.reached.add("batch lost")
        return True
    if world.random.random() < AGAIN:
        subscription += batch
    try:
        failures = world.consumer(projection).consume(_records(batch))["batchItemFailures"]
    except Crash:
        subscription[:0] = batch
        return True
    first_failed = int(failures[0]["itemIdentifier"]) if failures else len(batch)
    subscription[:0] = batch[first_failed:]
    return not failures


def watch(world: World) -> bool:
    """The watchdog, which dies like everything else; never at once again."""
    try:
        pushed = world.runner().retry_overdue(world.stage.now)
    except (Unavailable, Crash):
        return False
    if pushed:
        world.reached.add("watchdog pushed")
    return False


class Labour:
    """A worker: after a crash another container takes its place."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._container = world.new_container()

    def work(self, *, twice: float = AGAIN) -> bool:
        """One message, if any is visible; it is deleted when it is done, and comes again otherwise."""
        parcel = self._world.queue.receive(twice=self._world.random.random() < twice)
        if parcel is None:
            return False
        with self._world.stage.time_limit(TASK_LIMIT):
            if self._is_done(parcel):
                self._world.queue.delete(parcel)
        return True

    def _is_done(self, parcel: Parcel) -> bool:
        world, container = self._world, self._container
        world.stage.note(f"works in {container.name}: {parcel.body}")
        try:
            worker = Workshop(container.repository, world.gateways, world.sends, container.clock).worker()
            worker.do(from_message(parcel.body))
        except Crash:
            self._container = world.new_container()
        except (Unavailable, PaymentInProgress) as reason:
            world.stage.note(f"comes again: {reason.detail}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            world.stage.fail(f"A worker failed with {error!r} at {parcel.body}.")
        else:
            return True
        return False


def come_to_rest(world: World) -> None:
    """Stop all faults: everything is delivered and done, and time passes until nothing is waited for any more."""
    world.faults.stop()
    world.stage.note("the faults stop")
    labour = Labour(world)
    for _ in range(MOST_ROUNDS):
        repair(world)
        while labour.work(twice=0):
            repair(world)
        due = _next_due(world)
        if due is None:
            return
        world.stage.sleep(max(due - world.stage.now, timedelta(seconds=1)))
        world.runner().retry_overdue(world.stage.now)
    world.stage.fail(f"Stuck: something is still due, or in the queue: {[p.body for p in world.queue.parcels]}.")


def repair(world: World) -> None:
    """As `verify --repair` does: every projection that is behind the head of a stream catches up from the log."""
    for projection in world.projections():
        consumer = world.consumer(projection)
        for stream_id in world.log.stream_ids():
            newest = world.log.read(stream_id)[-1]
            if newest.aggregate_type in projection.aggregate_types:
                consumer.catch_up(stream_id, [newest])


def _next_due(world: World) -> datetime | None:
    far = world.stage.now + timedelta(days=365)
    due = [one.due_at for one in world.instances.list_due(far, 1000) if one.due_at is not None]
    return min([*due, *(parcel.visible_at for parcel in world.queue.parcels)], default=None)


def _records(batch: list[StoredEvent]) -> list[BusRecord]:
    return [BusRecord(str(number), to_bus(event)) for number, event in enumerate(batch)]
