"""Simulates one shop: the servers, the containers before them, and every answer that a client was given."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.projection import Projection
from chalicelib.platform.caller import Actor, Caller, RequestIdentity
from chalicelib.platform.errors import CloudbashError, Expired, PaymentRefused, RuleViolated, Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.ids import IdKey
from chalicelib.platform.privacy.vault import PersonVault
from chalicelib.platform.processes.process import MemoryInstances
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.concerts.process import ConcertProcess
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.payments.port import PaymentGateway
from chalicelib.shop.orders.payments.sandbox import MemoryLedger
from chalicelib.shop.orders.payments.signatures import HEADER, sign
from chalicelib.shop.orders.payments.webhooks import receive
from chalicelib.shop.orders.process import CheckoutProcess
from simulator import faults
from simulator.faults import FaultInjector, Port
from simulator.scheduler import Crash, Line, Scheduler
from simulator.servers import Keys, Log, Provider, Queue, ReferenceProjection, Snapshots

REQUEST_LIMIT = timedelta(seconds=29)
LARGEST_SKEW = timedelta(seconds=2)
REFUSALS = (RuleViolated, Expired, PaymentRefused)
"""A customer who asks for nothing absurd may be refused with these errors."""

IDS = IdKey("the same in every run of the simulator")


@dataclass(frozen=True, slots=True)
class Container:
    """Is one Lambda container, with a cache and a clock of its own."""

    name: str
    repository: Repository
    clock: Callable[[], datetime]


@dataclass(slots=True)
class Reply:
    """Records what a client was told, if anything: `answer`, or `refusal`.

    `since` and `until` are positions in the commits; `clock` is the container's time when the request began.
    """

    what: str
    request_id: UUID
    about: Mapping[str, Any]
    since: int
    clock: datetime
    ended_at: datetime
    until: int = 0
    answer: Any = None
    refusal: CloudbashError | None = None


@dataclass(slots=True)
class Stock:
    """Describes what was put on sale: the concert, and its ticket types with the capacities of their pools.

    `areas` has those of its areas, `area_of` the area of each type that draws from one, `ceilings` those that are set.
    """

    concert_id: UUID = field(default_factory=lambda: NAMESPACE_OID)
    types: dict[UUID, list[int]] = field(default_factory=dict)
    areas: dict[UUID, list[int]] = field(default_factory=dict)
    area_of: dict[UUID, UUID] = field(default_factory=dict)
    ceilings: dict[UUID, int] = field(default_factory=dict)

    @property
    def kinds(self) -> list[UUID]:
        """Return every ticket type."""
        return [*self.types, *self.area_of]

    def pools_of(self, kind: UUID) -> list[UUID]:
        """Return the pools from which the ticket type draws."""
        area = self.area_of.get(kind)
        stock_id, capacities = (kind, self.types[kind]) if area is None else (area, self.areas[area])
        return [pool_id(stock_id, index) for index in range(len(capacities))]


class World:
    """Holds the shop. Every port of every container has faults before it; what stands behind the ports is the truth."""

    def __init__(self, seed: int, trace: Line | None = None) -> None:
        self.scheduler = Scheduler(seed, trace)
        self.random = self.scheduler.random
        self.faults = FaultInjector(self.scheduler)
        self.log = Log(self.scheduler)
        self.queue = Queue(self.scheduler)
        self.instances = MemoryInstances()
        self.parking = MemoryParking()
        self.snapshots = Snapshots()
        self.ledger = MemoryLedger()
        self.reference = ReferenceProjection(CART, ORDER, TICKET_POOL)
        self.stock = Stock()
        self.replies: list[Reply] = []
        self.reached: set[str] = set()
        self.unheard: list[tuple[datetime, bytes]] = []
        self._event_ids = count()
        self._container_names = count()
        self.store: Any = self._port("log", self.log, faults.LOG)
        self.sends: Any = self._port("queue", self.queue, faults.QUEUE)
        self.vault = PersonVault(self._port("keys", Keys(), faults.PERSON_KEYS))
        provider = Provider(self._port("ledger", self.ledger, faults.LEDGER), self.scheduler, self._receive)
        self.gateways: dict[str, PaymentGateway] = {"sandbox": self._port("provider", provider, faults.GATEWAY)}
        self.containers = [self.new_container() for _ in range(self.random.randint(1, 4))]

    def new_container(self) -> Container:
        skew = LARGEST_SKEW * self.random.uniform(-1, 1) if self.random.random() < 0.7 else timedelta()  # noqa: PLR2004
        name = f"c{next(self._container_names)}"
        return Container(name, self._repository(lambda: self.scheduler.now + skew), lambda: self.scheduler.now + skew)

    def runner(self) -> ProcessRunner:
        instances: Any = self._port("instances", self.instances, faults.INSTANCES)
        return ProcessRunner(instances, self.sends, (CheckoutProcess(), ConcertProcess()))

    def consumer(self, projection: Projection) -> Consumer:
        parking: Any = self._port("parking", self.parking, faults.PARKING)
        return Consumer(projection, self.store, parking, lambda: self.scheduler.now)

    def projections(self) -> list[Projection]:
        return [self.runner(), self._port("reference", self.reference, faults.PROJECTION)]

    def serve(
        self, person: Actor, what: str, key: str, command: Callable[[Repository, Caller], Any], **about: Any
    ) -> Reply:
        """Serve one request, in any container. Without answer and refusal, the client does not know its outcome."""
        place = self.random.randrange(len(self.containers))
        container = self.containers[place]
        caller = caller_of(person, what, key)
        reply = Reply(what, caller.request.id, about, len(self.log.commits), container.clock(), self.scheduler.now)
        self.scheduler.note(f"{what} {key} in {container.name}" + "".join(f", {k} {v}" for k, v in about.items()))
        with self.scheduler.time_limit(REQUEST_LIMIT):
            try:
                reply.answer = command(container.repository, caller)
            except Crash:
                self.containers[place] = self.new_container()
            except Unavailable:
                pass
            except REFUSALS as refusal:
                reply.refusal = refusal
            except CloudbashError as error:
                self.scheduler.fail(f"{what} {key} was answered with {type(error).__name__}: {error.detail}")
        reply.until, reply.ended_at = len(self.log.commits), self.scheduler.now
        self.scheduler.note(f"{what} {key}: {_outcome(reply)}")
        self.replies.append(reply)
        return reply

    def _repository(self, clock: Callable[[], datetime]) -> Repository:
        snapshots: Any = self._port("snapshots", self.snapshots, faults.SNAPSHOTS)
        return Repository(
            self.store,
            clock,
            snapshots=snapshots,
            new_id=lambda: uuid5(NAMESPACE_OID, f"event {next(self._event_ids)}"),
            pause=lambda seconds: self.scheduler.sleep(timedelta(seconds=seconds)),
            ids=lambda: IDS,
        )

    def _receive(self, body: bytes, _: Mapping[str, str], delay: timedelta) -> None:
        """Receive a notification as the shop wires the sandbox: its call goes straight to our webhook, signed now.

        A provider sends again what was not accepted, and so does `notify_again`.
        """
        sent = self.scheduler.now + delay, body
        headers = {HEADER: sign("secret", body, self.scheduler.now)}
        self.unheard.append(sent)
        with suppress(Unavailable):
            receive(self.gateways["sandbox"], self.sends, body, headers, delay)
            self.unheard.remove(sent)

    def notify_again(self) -> None:
        """Send every notification that was not accepted once more."""
        unheard, self.unheard = self.unheard, []
        for due_at, body in unheard:
            self._receive(body, {}, max(timedelta(), due_at - self.scheduler.now))

    def _port(self, name: str, target: Any, methods: faults.Methods) -> Any:
        return Port(name, target, methods, self.faults)


def caller_of(person: Actor, what: str, key: str) -> Caller:
    """Make the caller of a request. The same key is the same request, whichever container it reaches."""
    request_id = uuid5(NAMESPACE_OID, f"{person.id} {what} {key}")
    request = RequestIdentity(request_id, _hash(what), is_repeatable=True)
    return Caller(person, Origin(str(person.id), key, str(request_id)), request)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _outcome(reply: Reply) -> str:
    if reply.refusal is not None:
        return f"refused, {reply.refusal.code}"
    return "no answer" if reply.answer is None else f"answered {reply.answer}"
