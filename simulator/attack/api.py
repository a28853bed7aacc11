"""Simulates the API's function: a container serves one request at a time, and remembers streams of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from chalicelib.platform.caller import Actor, Caller
from chalicelib.platform.counters.port import MemoryCounters
from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.snapshots import MemorySnapshots
from chalicelib.platform.privacy.vault import PersonVault
from chalicelib.shop.orders.payments.declines import DeclineLimit, Limits
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.payments.sandbox import MemoryLedger, SandboxGateway
from ops.plan.limits import CONCURRENCY
from ops.plan.simulation.aws import COLD_START_SECONDS
from simulator.attack.dynamodb import Network, Timed, TimedLog
from simulator.scheduler import Crash, Scheduler
from simulator.servers import Keys, Log
from simulator.world import IDS, REQUEST_LIMIT, caller_of

DONE = "done"
PASSING = frozenset({"busy", "unavailable", "timeout", "concurrency"})
"""These answers are 429, 503 and 504 of a shop that is too busy: whoever meets them comes again."""


@dataclass(slots=True)
class Container:
    repository: Repository
    is_cold: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """Records one answer: `code` is `done` or the code of the refusal."""

    code: str
    answer: Any = None


Command = Callable[[Container, Caller], Any]


class Api:
    """Serves requests in as many containers as are needed, up to the account's concurrency."""

    def __init__(self, scheduler: Scheduler, network: Network, log: Log) -> None:
        self.log = TimedLog(log, network)
        read, write = network.timings.read_seconds, network.timings.write_seconds
        keys: Any = Timed(Keys(), network, {"get_or_create": read, "find": read})
        self.vault = PersonVault(keys)
        provider: Any = Timed(
            SandboxGateway(MemoryLedger(), lambda: scheduler.now, "secret", lambda *_: None),
            network,
            dict.fromkeys(("charge", "cancel", "find_payment"), network.timings.provider_ms / 1000),
        )
        self.gateways: dict[str, PaymentGateway] = {"sandbox": provider}
        counters: Any = Timed(
            MemoryCounters(), network, {"find": read, "take": write, "give_back": write, "salt": write}
        )
        self.declines = DeclineLimit(counters, lambda: scheduler.now, Limits())
        self.peak = 0
        self._snapshots: Any = Timed(MemorySnapshots(), network, {"find": read, "save": write})
        self._scheduler, self._network = scheduler, network
        self._idle: list[Container] = []
        self._busy = 0
        self._event_ids = count()

    def ask(self, person: Actor, what: str, key: str, command: Command) -> Reply:
        """Send one request, and return its answer once it is back at the client."""
        self._network.wait(self._network.timings.around_ms / 2000)
        reply = self._admit(caller_of(person, what, key), command)
        self._network.wait(self._network.timings.around_ms / 2000)
        return reply

    def new_container(self) -> Container:
        log: Any = self.log
        repository = Repository(
            log,
            lambda: self._scheduler.now,
            snapshots=self._snapshots,
            new_id=lambda: uuid5(NAMESPACE_OID, f"event {next(self._event_ids)}"),
            pause=self._network.wait_exactly,
            ids=lambda: IDS,
        )
        return Container(repository)

    def look(self, _: Container, __: Caller) -> None:
        """Answer from a read model, as a look at the availability or an own order does."""
        self._network.wait(self._network.timings.store_ms / 1000)

    def _admit(self, caller: Caller, command: Command) -> Reply:
        """Serve in the container that was used last, or in a new one."""
        if self._busy >= CONCURRENCY:
            return Reply("concurrency")
        self._busy += 1
        self.peak = max(self.peak, self._busy)
        container = self._idle.pop() if self._idle else self.new_container()
        try:
            with self._scheduler.time_limit(REQUEST_LIMIT):
                reply = self._serve(container, caller, command)
        except Crash:
            container, reply = self.new_container(), Reply("timeout")
        self._busy -= 1
        self._idle.append(container)
        return reply

    def _serve(self, container: Container, caller: Caller, command: Command) -> Reply:
        if container.is_cold:
            self._network.wait(COLD_START_SECONDS)
            container.is_cold = False
        self._network.wait(self._network.timings.work_ms / 1000)
        try:
            return Reply(DONE, command(container, caller))
        except CloudbashError as refusal:
            return Reply(refusal.code)


def think(network: Network, seconds: float) -> None:
    """Let a person think for so many seconds on average, never longer than three times that."""
    network.wait_exactly(min(3 * seconds, network.random.expovariate(1 / seconds)))
