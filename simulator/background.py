"""Runs the bus, the workers and the watchdog, and brings all of it to rest at the end."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import Projection
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.processes.work import from_message
from chalicelib.shop.inventory.commands import record_lapsed_holds
from chalicelib.shop.orders.operators import settle_order
from chalicelib.shop.orders.order import PaymentInProgress
from chalicelib.shop.orders.rules import Outcome
from chalicelib.shop.orders.settlement import SettlementContext
from simulator.scheduler import Crash
from simulator.servers import QueuedMessage
from simulator.workers import WorkerServices
from simulator.world import World

LARGEST_BATCH = 6
IDLE = (1, 20, 60, 240)
"""An idle part of the machinery looks again after so many seconds."""
OUTAGES = (0, 0, 0, 0.05, 0.3)
LONGEST_OUTAGE = timedelta(minutes=60)
LOST, AGAIN, OUT_OF_ORDER = 0.05, 0.15, 0.3
TASK_LIMIT = timedelta(seconds=30)
MOST_ROUNDS = 150
SWEEP = Origin("system:sweep", "sweep", "sweep")
MOST_TASKS = 100
"""The tasks of one round; a schedule of the shop as it is has 11 at most (200 seeds)."""


def start_background(world: World) -> None:
    """Start all parts; they work as long as the shop is open."""

    outages = world.random.choice(OUTAGES)

    def repeat(part: Callable[[], bool]) -> None:
        while world.scheduler.visitors:
            if world.random.random() < outages:
                world.scheduler.sleep(LONGEST_OUTAGE * world.random.random())
            if not part():
                world.scheduler.sleep(timedelta(seconds=world.random.choice(IDLE)))

    for projection in world.projections():
        subscription: list[StoredEvent] = []
        world.log.subscriptions.append(subscription)
        bus = partial(repeat, partial(deliver, world, projection, subscription))
        world.scheduler.add(f"bus {projection.name}", bus)
    for number in range(world.random.randint(1, 2)):
        world.scheduler.add(f"worker {number}", partial(repeat, WorkerLoop(world).work))
    world.scheduler.add("watchdog", partial(repeat, partial(watch, world)))
    world.scheduler.add("sweep", partial(repeat, partial(sweep, world)))


def deliver(world: World, projection: Projection, subscription: list[StoredEvent]) -> bool:
    """Deliver one batch, and tell whether there was any. It may be out of order, come again or get lost."""
    if not subscription:
        return False
    if world.random.random() < OUT_OF_ORDER:
        world.random.shuffle(subscription)
    size = world.random.randint(1, LARGEST_BATCH)
    batch, subscription[:] = subscription[:size], subscription[size:]
    if world.random.random() < LOST:
        world.scheduler.note(f"a batch of {len(batch)} is lost")
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
    """Run the watchdog once, which dies like everything else. Return False, because it never runs again at once."""
    try:
        retried = world.runner().retry_overdue(world.scheduler.now)
    except (Unavailable, Crash):
        return False
    if retried:
        world.reached.add("watchdog retried")
    return False


def sweep(world: World) -> bool:
    """Record what has lapsed in some of the pools; the sweep dies like everything else. Return False, as `watch`."""
    pools = list(dict.fromkeys(key for kind in world.stock.kinds for key in world.stock.pools_of(kind)))
    some = world.random.sample(pools, world.random.randint(1, len(pools)))
    with suppress(Unavailable, Crash):
        record_lapsed_holds(world.new_container().repository, some, SWEEP)
    return False


class WorkerLoop:
    """Does the tasks of the queue; after a crash another container takes its place."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._container = world.new_container()

    def work(self, *, twice: float = AGAIN) -> bool:
        """Handle one message, if any is visible. It is deleted when it is done, and comes again otherwise."""
        message = self._world.queue.receive(twice=self._world.random.random() < twice)
        if message is None:
            return False
        with self._world.scheduler.time_limit(TASK_LIMIT):
            if self._is_done(message):
                self._world.queue.delete(message)
        return True

    def _is_done(self, message: QueuedMessage) -> bool:
        world, container = self._world, self._container
        world.scheduler.note(f"works in {container.name}: {message.body}")
        try:
            worker = WorkerServices(container.repository, world.gateways, world.sends, container.clock).worker()
            worker.do(from_message(message.body))
        except Crash:
            self._container = world.new_container()
        except (Unavailable, PaymentInProgress) as reason:
            world.scheduler.note(f"comes again: {reason.detail}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            world.scheduler.fail(f"A worker failed with {error!r} at {message.body}.")
        else:
            return True
        return False


def come_to_rest(world: World) -> None:
    """Stop all faults, deliver and do everything, and let time pass until nothing is due any more."""
    world.faults.stop()
    world.scheduler.note("the faults stop")
    world.notify_again()
    worker_loop = WorkerLoop(world)
    for _ in range(MOST_ROUNDS):
        repair(world)
        if not _work_off(world, worker_loop):
            return
        due = _next_due(world)
        if due is None and not _settle_by_hand(world):
            return
        if due is None:
            continue
        world.scheduler.sleep(max(due - world.scheduler.now, timedelta(seconds=1)))
        world.runner().retry_overdue(world.scheduler.now)
    world.scheduler.fail(f"Something is still due, or in the queue: {[p.body for p in world.queue.messages]}.")


def _work_off(world: World, worker_loop: WorkerLoop) -> bool:
    """Do every task that is due, and tell whether that has an end: work may cause work, but not for ever."""
    for _ in range(MOST_TASKS):
        if not worker_loop.work(twice=0):
            return True
        repair(world)
    world.scheduler.fail(f"Work causes work without end, at last: {[p.body for p in world.queue.messages]}.")
    return False


def _settle_by_hand(world: World) -> bool:
    """Let an operator end what waits for one, and tell whether anything did."""
    stuck = world.instances.list_stuck(MOST_ROUNDS)
    for instance in stuck:
        origin = Origin("operator:oscar", str(instance.stream_id), "ops")
        context = SettlementContext(world.new_container().repository, world.gateways, origin)
        outcome = world.random.choice((Outcome.REFUNDED, Outcome.RETAINED))
        world.scheduler.note(f"the operator settles {instance.stream_id} as {outcome}")
        settle_order(context, instance.stream_id, outcome, "The account is closed.")
    return bool(stuck)


def repair(world: World) -> None:
    """Repair as `verify --repair` does: let every projection that is behind catch up from the log."""
    for projection in world.projections():
        consumer = world.consumer(projection)
        for stream_id in world.log.stream_ids():
            newest = world.log.read(stream_id)[-1]
            if newest.aggregate_type in projection.aggregate_types:
                consumer.catch_up(stream_id, [newest])


def _next_due(world: World) -> datetime | None:
    far = world.scheduler.now + timedelta(days=365)
    due = [one.due_at for one in world.instances.list_due(far, 1000) if one.due_at is not None]
    return min([*due, *(message.visible_at for message in world.queue.messages)], default=None)


def _records(batch: list[StoredEvent]) -> list[BusRecord]:
    return [BusRecord(str(number), to_bus(event)) for number, event in enumerate(batch)]
