"""Stands in for Lambda's event source mappings: delivers at least once, in shard order, and retries for ever.

`python -m local.pump` is the process that `make run` starts; tests use `Pump.drain`.
"""

import argparse
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping as EnvironmentMapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Cron

from local.checkout import PROJECT
from local.feed import Feed, Subscription, Waiting
from local.invocation import Mapping, Source, delivered
from local.kinesis import DECLARED_BY, bus_of
from local.queues import QueuePoller
from local.resources import Aws
from local.schedules import tick
from local.shutdown import Shutdown
from local.streams import DynamoDbStream, IteratorLost, RecordTrimmed, ShardGone, Stream

if TYPE_CHECKING:
    from chalice.app import Chalice

__all__ = ["Mapping", "Pump", "PumpStuck", "mappings_of", "pollers_of"]

log = logging.getLogger("local.pump")

TRANSIENT_FAILURES = (BotoCoreError, ClientError, ShardGone, IteratorLost, RecordTrimmed)
FORWARDING_FIRST: tuple[Source, ...] = ("dynamodb", "bus")

BUSY_POLL = 0.02
# The forwarder wakes the reader of the bus, so only other writers wait as long as an idle bus may.
IDLE_POLL: dict[Source, float] = {"dynamodb": 0.1, "bus": 0.2}
SLOWER = 1.5
LONGEST_WINDOW = 5.0
"""A developer does not want to wait minutes until a batch is large enough for a file."""
RETRY_POLL = 1.0
LOOK_AT_STOP_EVERY = 0.2

FAILED_TASK_AGAIN = 2
SCHEDULES_RUN_EVERY = 60.0

FIRST_RETRY = 0.05
SLOWEST_RETRY = 2.0


class PumpStuck(TimeoutError):
    pass


class Worker:
    """Delivers for one mapping, with its place in the stream and its retries."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.subscription = Subscription()
        self.last_error: BaseException | None = None

    def step(self) -> bool:
        """Deliver one batch from every shard that has one, and tell whether any record was delivered."""
        delivered_any = [self._deliver(waiting) for waiting in self.subscription.due()]
        return any(delivered_any)

    def _deliver(self, waiting: Waiting) -> bool:
        batch = self.subscription.first(waiting, self.mapping.batch_size)
        done, error = delivered(self.mapping, batch)
        self.subscription.took(waiting, done)
        if error is None:
            waiting.failures, self.last_error = 0, None
            return True
        if done:
            waiting.failures = 0
        self._back_off(waiting, len(batch) - done, error)
        return done > 0

    def _back_off(self, waiting: Waiting, left: int, error: BaseException) -> None:
        pause = min(SLOWEST_RETRY, FIRST_RETRY * 2**waiting.failures)
        waiting.failures = min(waiting.failures + 1, 10)
        waiting.retry_at = time.monotonic() + pause
        seen_before = repr(error) == repr(self.last_error)
        self.last_error = error
        log.warning(
            "%s: %d records of %s left, again in %.2f s: %r",
            self.mapping.name,
            left,
            waiting.shard.id,
            pause,
            error,
            exc_info=None if seen_before else error,
        )


class _Channel:
    """Joins a stream with the mappings that read it."""

    def __init__(self, source: Source, stream: Stream, workers: list[Worker]) -> None:
        self.source = source
        self.workers = workers
        self.feed = Feed(stream, [worker.subscription for worker in workers])
        self.look_now = threading.Event()

    @property
    def caught_up(self) -> bool:
        return all(worker.subscription.caught_up for worker in self.workers)


class Pump:
    def __init__(
        self,
        mappings: Sequence[Mapping],
        streams: EnvironmentMapping[Source, Stream],
        pollers: Sequence[QueuePoller] = (),
    ) -> None:
        self._pollers = pollers
        self._scheduled = [mapping for mapping in mappings if mapping.source == "schedule"]
        self._channels = [
            _Channel(source, streams[source], [Worker(mapping) for mapping in mappings if mapping.source == source])
            for source in FORWARDING_FIRST
            if any(mapping.source == source for mapping in mappings)
        ]
        self._running = threading.Lock()

    @classmethod
    def connect(cls, mappings: Sequence[Mapping], environment: EnvironmentMapping[str, str]) -> "Pump":
        """Connect to the streams that `environment` names, from their start.

        After `Stack.reset` the streams are new ones, which need a new pump.
        """
        aws = Aws(environment["AWS_ENDPOINT_URL"])
        streams: dict[Source, Stream] = {
            "dynamodb": DynamoDbStream(aws.dynamodbstreams, environment["EVENTS_STREAM_ARN"]),
            "bus": bus_of(aws, environment["EVENT_BUS"]),
        }
        return cls(mappings, streams, pollers_of(mappings, aws.sqs, environment))

    def tick(self) -> None:
        """Run every scheduled function once, as if a minute had passed."""
        for mapping in self._scheduled:
            tick(mapping)

    def drain(self, timeout: float = 30.0) -> None:
        """Deliver everything that the streams hold, and what handlers add meanwhile.

        It works in the calling thread, forwarding first, then the consumers in their order: the same input gives the
        same calls.
        """
        if not self._running.acquire(blocking=False):
            raise RuntimeError("The pump runs already.")
        try:
            deadline = time.monotonic() + timeout
            found_any = True
            while found_any:
                found_any = False
                for channel in self._channels:
                    found_any |= self._settle(channel, deadline)
                for poller in self._pollers:
                    while poller.step():
                        found_any = True
                        if time.monotonic() > deadline:
                            raise PumpStuck(f"did not catch up in time: {poller.mapping.name}")
        finally:
            self._running.release()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set, and raise what none of its threads should ever raise."""
        crashes: list[BaseException] = []
        with self._running:
            threads = [*self._threads(stop, crashes)]
            for thread in threads:
                thread.start()
            while not stop.wait(LOOK_AT_STOP_EVERY) and not crashes:
                continue
            stop.set()
            for thread in threads:
                thread.join()
        if crashes:
            raise crashes[0]

    def _settle(self, channel: _Channel, deadline: float) -> bool:
        found_any = False
        while True:
            problem: BaseException | None = None
            found = False
            try:
                found = channel.feed.read_all()
            except TRANSIENT_FAILURES as failure:
                problem = failure
            moved = False
            for worker in channel.workers:
                moved |= worker.step()
            found_any |= found or moved
            if channel.caught_up and not found and problem is None:
                return found_any
            if time.monotonic() > deadline:
                raise self._stuck(channel, problem)
            if not moved and not found:
                time.sleep(BUSY_POLL)

    def _stuck(self, channel: _Channel, problem: BaseException | None) -> PumpStuck:
        behind = [worker for worker in channel.workers if not worker.subscription.caught_up]
        cause = problem or next((worker.last_error for worker in behind if worker.last_error), None)
        names = ", ".join(worker.mapping.name for worker in behind) or channel.feed.stream.name
        stuck = PumpStuck(f"did not catch up in time: {names}; last error: {cause!r}")
        stuck.__cause__ = cause
        return stuck

    def _threads(self, stop: threading.Event, crashes: list[BaseException]) -> list[threading.Thread]:
        def guarded(work: Any, *arguments: Any) -> None:
            try:
                work(*arguments)
            except BaseException as crash:  # noqa: BLE001 - handed to `run`, which raises it
                crashes.append(crash)

        threads = []
        for channel in self._channels:
            threads.append(
                threading.Thread(target=guarded, args=(self._read_until_stopped, channel, stop), daemon=True)
            )
            for worker in channel.workers:
                work = (self._deliver_until_stopped, channel, worker, stop)
                threads.append(threading.Thread(target=guarded, args=work, name=worker.mapping.name, daemon=True))
        others = [(self._poll_until_stopped, poller, stop) for poller in self._pollers]
        for others_work in (*others, (self._tick_until_stopped, stop)):
            threads += [threading.Thread(target=guarded, args=others_work, daemon=True)]
        return threads

    def _poll_until_stopped(self, poller: QueuePoller, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if not poller.step(wait=1, retry_after=FAILED_TASK_AGAIN):
                    stop.wait(LOOK_AT_STOP_EVERY)
            except TRANSIENT_FAILURES as failure:
                log.warning("%s: %s", poller.mapping.name, failure)
                stop.wait(RETRY_POLL)

    def _tick_until_stopped(self, stop: threading.Event) -> None:
        while not stop.wait(SCHEDULES_RUN_EVERY):
            try:
                self.tick()
            except Exception:
                log.exception("a scheduled function failed; it runs again in %d s", SCHEDULES_RUN_EVERY)

    def _read_until_stopped(self, channel: _Channel, stop: threading.Event) -> None:
        pause = BUSY_POLL
        while not stop.is_set():
            try:
                found = channel.feed.read_once()
                pause = BUSY_POLL if found else min(pause * SLOWER, IDLE_POLL[channel.source])
            except TRANSIENT_FAILURES as failure:
                log.warning("%s: %s", channel.feed.stream.name, failure)
                pause = RETRY_POLL
            channel.look_now.wait(pause)
            channel.look_now.clear()

    def _deliver_until_stopped(self, channel: _Channel, worker: Worker, stop: threading.Event) -> None:
        while not stop.is_set():
            if not worker.step():
                worker.subscription.wait(LOOK_AT_STOP_EVERY)
            elif channel.source == "dynamodb":
                self._look_at_the_bus_now()
            elif worker.mapping.window:
                stop.wait(min(worker.mapping.window, LONGEST_WINDOW))

    def _look_at_the_bus_now(self) -> None:
        for channel in self._channels:
            if channel.source == "bus":
                channel.look_now.set()


def pollers_of(mappings: Sequence[Mapping], sqs: Any, environment: EnvironmentMapping[str, str]) -> list[QueuePoller]:
    """Return a poller for each mapping of a queue, at the address that `environment` has for the queue's name."""
    urls = {environment[name]: environment[f"{name}_URL"] for name in ("WORK_QUEUE", "WEBHOOK_QUEUE", "MAIL_QUEUE")}
    return [QueuePoller(mapping, sqs, urls[mapping.queue]) for mapping in mappings if mapping.source == "sqs"]


def mappings_of(app: "Chalice") -> list[Mapping]:
    """List the mappings that the decorators in `app.py` declare, with their batch sizes.

    What runs once a day runs nowhere here; an operator has a command for it.
    """
    sources: dict[str, Source] = {
        "DynamoDBEventConfig": "dynamodb",
        DECLARED_BY: "bus",
        "SQSEventConfig": "sqs",
        "ScheduledEventConfig": "schedule",
    }
    return [
        Mapping(
            config.name,
            sources[type(config).__name__],
            app.handler_map[config.name],
            getattr(config, "batch_size", 1),
            getattr(config, "maximum_batching_window_in_seconds", 0),
            getattr(config, "queue", None) or "",
        )
        for config in app.event_sources
        if type(config).__name__ in sources and not isinstance(getattr(config, "schedule_expression", None), Cron)
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m local.pump", description="Deliver events.")
    parser.add_argument("--app-directory", type=Path, default=PROJECT, help="use app.py from this directory")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    sys.path.insert(0, str(options.app_directory))
    shutdown = Shutdown()
    shutdown.on_signals()
    app = importlib.import_module("app").app
    stop = threading.Event()
    pump = threading.Thread(target=Pump.connect(mappings_of(app), os.environ).run, args=(stop,))
    pump.start()
    while pump.is_alive() and not shutdown.asked:
        time.sleep(LOOK_AT_STOP_EVERY)
    stop.set()
    pump.join()
    if not shutdown.asked:
        sys.exit("The event pump ended by itself.")


if __name__ == "__main__":
    main(sys.argv[1:])
