"""A whole shop over one event store, with a clock that tests move and ids that are the same in every run."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Protocol
from uuid import UUID, uuid5

from chalicelib.platform.caller import Actor, Caller, RequestIdentity, Role, guest_id
from chalicelib.platform.counters.port import MemoryCounters
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.eventsourcing.store import EventStore, StoreUsage
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.ids import IdKey
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.keys import MemoryPersonKeys
from chalicelib.platform.privacy.vault import PersonVault
from chalicelib.shop.carts import commands as carts
from chalicelib.shop.carts.cart import CART, Cart
from chalicelib.shop.carts.commands import AddedItem
from chalicelib.shop.carts.limits import CartLimits
from chalicelib.shop.concerts import area_commands
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import CONCERT, Concert, ConcertDetails
from chalicelib.shop.concerts.events import TicketType
from chalicelib.shop.concerts.on_sale import Confirmation
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, TicketPool, pool_id
from chalicelib.shop.orders import commands as orders
from chalicelib.shop.orders import settlement
from chalicelib.shop.orders.commands import PaidOrder, PlacedOrder
from chalicelib.shop.orders.doors import admission
from chalicelib.shop.orders.doors.admission import Passage
from chalicelib.shop.orders.doors.book import CodeBook
from chalicelib.shop.orders.doors.code import TicketFacts
from chalicelib.shop.orders.doors.keys import TicketKeys
from chalicelib.shop.orders.doors.reissue import serial_of
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.payments.port import (
    Attempt,
    Charged,
    Declined,
    PaymentGateway,
    PaymentOutcome,
    ProviderRefund,
)
from chalicelib.shop.orders.payments.sandbox import MemoryLedger, SandboxGateway
from chalicelib.shop.orders.settlement import Settled, SettlementContext
from chalicelib.shop.orders.ticket import Scan
from chalicelib.shop.venues import commands as venues
from chalicelib.shop.venues.venue import VenueDetails
from local.keys import LOCAL_ID_KEY, LOCAL_TICKET_KEY
from tests.support.stored import SOME_TIME

_TEST_IDS = UUID("7e571d00-0000-4000-8000-000000000000")
IDS = IdKey(LOCAL_ID_KEY)
TICKET_KEYS = TicketKeys([LOCAL_TICKET_KEY])

HOLD_FOR = timedelta(minutes=15)
PAY_WITHIN = timedelta(minutes=20)
OPENING = SOME_TIME + timedelta(days=30)
"""When the concerts of these shops begin."""

ORGANISER = Actor.of("olga", ["organisers"])
OTHER_ORGANISER = Actor.of("otto", ["organisers"])
OPERATOR = Actor(uuid5(_TEST_IDS, "oscar"), frozenset({Role.OPERATOR}))
CUSTOMER = Actor.of("carla", [])
OTHER_CUSTOMER = Actor.of("carlos", [])
GUEST, OTHER_GUEST = (Actor.of(str(guest_id(bits)), []) for bits in (0x61, 0x62))

VENUE_DETAILS = VenueDetails(
    "Paradiso", "A church once", 1500, "Weteringschans 6", "Amsterdam", "NL", "Europe/Amsterdam"
)
NO_LIMITS = CartLimits(10**6, 10**6, 10**6, timedelta(0), 10**6)
"""Lets one customer of a test do what it takes many to do."""

BUYER = {"name": "Carla Jones", "email": "carla@example.org"}


class CountedStore(EventStore, Protocol):
    @property
    def usage(self) -> StoreUsage: ...


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = SOME_TIME) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        self.now += by
        return self.now


class CountingGateway(SandboxGateway):
    """The sandbox, which also remembers under which ids it was asked, and what it sent to our webhook."""

    def __init__(self, clock: Clock) -> None:
        self.ledger = MemoryLedger()
        self.asked: list[UUID] = []
        self.refunds_asked: list[UUID] = []
        self.sent: list[tuple[bytes, Mapping[str, str]]] = []
        self.unreachable = False
        self.lose_charge_replies = 0
        self.lose_refund_replies = 0
        super().__init__(self.ledger, clock, "secret", lambda body, headers, _: self.sent.append((body, headers)))

    def charge(self, attempt: Attempt, token: str) -> PaymentOutcome:
        self.asked.append(attempt.payment_id)
        self._ensure_reachable()
        outcome = super().charge(attempt, token)
        if self.lose_charge_replies:
            self.lose_charge_replies -= 1
            raise Unavailable("The provider does not answer.")
        return outcome

    def find_payment(self, attempt: Attempt) -> PaymentOutcome | None:
        self._ensure_reachable()
        return super().find_payment(attempt)

    def cancel(self, attempt: Attempt) -> Charged | Declined:
        self._ensure_reachable()
        return super().cancel(attempt)

    def refund(self, refund_id: UUID, attempt: Attempt, amount: Money, failures: int = 0) -> ProviderRefund:
        self.refunds_asked.append(refund_id)
        refund = super().refund(refund_id, attempt, amount, failures)
        if self.lose_refund_replies:
            self.lose_refund_replies -= 1
            raise Unavailable("The provider does not answer.")
        return refund

    def _ensure_reachable(self) -> None:
        if self.unreachable:
            raise Unavailable("The provider cannot be reached.")

    def taken_for(self, order_id: UUID) -> Decimal:
        """The money that the provider took for the order, less what it gave back."""
        entries = [entry for entry in self.ledger.entries.values() if entry.order_id == order_id]
        return sum((entry.moved(self._clock()) for entry in entries), Decimal(0))


def some_id(name: str) -> UUID:
    return uuid5(_TEST_IDS, name)


class Shop:
    """The commands with the arguments that do not matter filled in. Every request has a key of its own unless named."""

    def __init__(
        self, store: CountedStore, clock: Clock | None = None, salt: str = "", limits: CartLimits = NO_LIMITS
    ) -> None:
        """`salt` keeps shops apart that share one store."""
        self.limits = limits
        self.store = store
        self.clock = clock or Clock()
        self.salt = salt
        self.vault = PersonVault(MemoryPersonKeys())
        self.gateway = CountingGateway(self.clock)
        self.counters = MemoryCounters()
        self._requests = count()
        self._event_ids = count()
        self.repository = self.other_container()

    def other_container(self, clock: Clock | None = None) -> Repository:
        """Another Lambda container: the same log, a cache of its own and, if given, a clock of its own."""
        return Repository(
            self.store, clock or self.clock, new_id=self._new_event_id, pause=lambda _: None, ids=lambda: IDS
        )

    def request(self, actor: Actor, key: str | None = None, body: str = "", if_match: int | None = None) -> Caller:
        key = key or f"request {next(self._requests)}"
        request_id = some_id(f"{self.salt}/{actor.id}/{key}")
        identity = RequestIdentity(request_id, sha256(body.encode()).hexdigest(), is_repeatable=True)
        return Caller(actor, Origin(str(actor.id), "correlation", key), identity, if_match)

    def log(self, stream_ids: Iterable[UUID]) -> dict[UUID, list[StoredEvent]]:
        """What is stored in these streams, down to the last byte."""
        return {stream_id: self.store.read(stream_id) for stream_id in stream_ids}

    def venue(self, actor: Actor = ORGANISER) -> UUID:
        return venues.create_venue(self.repository, self.request(actor), VENUE_DETAILS)

    def draft(self, actor: Actor = ORGANISER, name: str = "Patti Smith", max_per_customer: int | None = None) -> UUID:
        details = ConcertDetails(name, self.venue(actor), max_per_customer=max_per_customer)
        concert_id = concerts.create_concert(self.repository, self.request(actor), details)
        ends_at = OPENING + timedelta(hours=3)
        concerts.schedule_concert(self.repository, self.request(actor), concert_id, OPENING, ends_at)
        return concert_id

    def ticket_type(
        self,
        concert_id: UUID,
        quantity: int = 10,
        price: str = "25.00",
        currency: str = "EUR",
        max_per_order: int = 10,
        actor: Actor = ORGANISER,
        sales_start: datetime | None = None,
        sales_end: datetime | None = None,
        name: str = "Standing",
        area_id: UUID | None = None,
        ceiling: int | None = None,
    ) -> UUID:
        def describe(key: UUID) -> TicketType:
            return TicketType(
                id=key,
                name=name,
                price=Money.of(price, currency),
                quantity=quantity,
                max_per_order=max_per_order,
                sales_start=sales_start,
                sales_end=sales_end,
                area_id=area_id,
                ceiling=ceiling,
            )

        return concerts.add_ticket_type(self.repository, self.request(actor), concert_id, describe)[0]

    def area(self, concert_id: UUID, capacity: int = 10, name: str = "Floor", actor: Actor = ORGANISER) -> UUID:
        return area_commands.add_area(self.repository, self.request(actor), concert_id, name, capacity)[0]

    def area_on_sale(self, capacity: int, **ceilings: int | None) -> tuple[UUID, UUID, list[UUID]]:
        """A published concert with one area, from which types of these names draw: the ids of all."""
        concert_id = self.draft()
        area_id = self.area(concert_id, capacity)
        types = [
            self.ticket_type(concert_id, 0, name=name, area_id=area_id, ceiling=ceiling)
            for name, ceiling in ceilings.items()
        ]
        self.publish(concert_id)
        return concert_id, area_id, types

    def area_pools(self, area_id: UUID) -> list[TicketPool]:
        area = self.pool(area_id).area
        return [self.pool(area_id, index) for index in range(area.pool_count if area else 0)]

    def change_quantity(
        self, concert_id: UUID, ticket_type_id: UUID, quantity: int, caller: Caller | None = None
    ) -> int:
        """By a container of its own."""
        caller = caller or self.request(ORGANISER)
        confirmed = (Confirmation.OVER_CAPACITY,)
        return concerts.change_quantity(self.other_container(), caller, concert_id, ticket_type_id, quantity, confirmed)

    def publish(
        self,
        concert_id: UUID,
        actor: Actor = ORGANISER,
        confirmed: Collection[Confirmation] = (Confirmation.OVER_CAPACITY,),
    ) -> int:
        return concerts.publish_concert(self.repository, self.request(actor), concert_id, confirmed)

    def on_sale(
        self, quantity: int = 10, price: str = "25.00", currency: str = "EUR", max_per_order: int = 10
    ) -> tuple[UUID, UUID]:
        """A published concert with one ticket type: their ids."""
        concert_id = self.draft()
        ticket_type_id = self.ticket_type(concert_id, quantity, price, currency, max_per_order)
        self.publish(concert_id)
        return concert_id, ticket_type_id

    def cart(self, actor: Actor = CUSTOMER) -> UUID:
        return carts.create_cart(self.repository, self.request(actor), self.limits)

    def occupy(self, ticket_type_id: UUID, quantity: int) -> None:
        """Somebody holds this many tickets in every pool of the type; no cart is large enough for that."""
        for index in range(len(self.pools(ticket_type_id))):
            self.occupy_pool(pool_id(ticket_type_id, index), quantity, ticket_type_id)

    def occupy_pool(self, key: UUID, quantity: int, ticket_type_id: UUID) -> None:
        """Somebody holds so many tickets of the type in this very pool."""
        hold_id = some_id(f"crowd {key} {ticket_type_id}")

        def command(session: Session) -> None:
            until = session.now + HOLD_FOR
            pool = session.load(TICKET_POOL, key)
            events = pool.hold(hold_id, some_id("crowd"), quantity, session.now, until, ticket_type_id)
            session.append(TICKET_POOL, key, *events)

        self.repository.execute(command, self.request(OTHER_CUSTOMER).origin)

    def add(
        self,
        cart_id: UUID,
        ticket_type_id: UUID,
        quantity: int = 1,
        caller: Caller | None = None,
        repository: Repository | None = None,
    ) -> AddedItem:
        caller = caller or self.request(CUSTOMER)
        repository = repository or self.repository
        return carts.add_item(repository, caller, cart_id, ticket_type_id, quantity, HOLD_FOR, self.limits)

    def remove(
        self, cart_id: UUID, item_id: UUID, caller: Caller | None = None, repository: Repository | None = None
    ) -> int:
        return carts.remove_item(repository or self.repository, caller or self.request(CUSTOMER), cart_id, item_id)

    def check_out(
        self,
        cart_id: UUID,
        caller: Caller | None = None,
        repository: Repository | None = None,
        language: str | None = None,
    ) -> PlacedOrder:
        caller = caller or self.request(CUSTOMER)
        repository = repository or self.repository
        return carts.check_out(repository, self.vault, caller, cart_id, BUYER, PAY_WITHIN, self.limits, language)

    def order(
        self, ticket_type_id: UUID, quantity: int = 2, actor: Actor = CUSTOMER, language: str | None = None
    ) -> UUID:
        """An order of these tickets that is not paid, by way of a cart of its own."""
        cart_id = self.cart(actor)
        self.add(cart_id, ticket_type_id, quantity, self.request(actor))
        return self.check_out(cart_id, self.request(actor), language=language).order_id

    def pay(
        self,
        order_id: UUID,
        token: str = "tok_visa",
        caller: Caller | None = None,
        repository: Repository | None = None,
    ) -> PaidOrder:
        caller = caller or self.request(CUSTOMER)
        return orders.pay_order(repository or self.repository, self.gateways, caller, order_id, "sandbox", token)

    @property
    def code_book(self) -> CodeBook:
        """The codes as a container of its own knows them."""
        return CodeBook(self.other_container(), lambda: TICKET_KEYS, self.clock)

    def code(self, order_id: UUID, place: int = 0) -> str:
        """The code on a ticket of the order, as its customer has it now."""
        order = self.order_state(order_id)
        issued = order.tickets[place]
        assert issued.concert_id is not None
        ids = (issued.concert_id, order_id, issued.id, issued.ticket_type_id)
        return self.code_book.write(TicketFacts(*ids, serial=serial_of(order, issued.id)))

    def scan(self, gate: str = "North", nonce: UUID | None = None, device_id: UUID | None = None) -> Scan:
        """What a device tells of a scan, under a nonce of its own unless it is given."""
        return Scan(gate, nonce or some_id(f"{self.salt}/nonce {next(self._requests)}"), device_id)

    def let_in(
        self,
        concert_id: UUID,
        code: str,
        scan: Scan | None = None,
        caller: Caller | None = None,
        repository: Repository | None = None,
        override: str | None = None,
    ) -> Passage:
        """Somebody shows a code at a door, by default of a container of its own."""
        caller = caller or self.request(ORGANISER)
        repository = repository or self.other_container()
        return admission.check_in(repository, self.code_book, caller, concert_id, code, scan or self.scan(), override)

    def cancel_order(self, order_id: UUID, actor: Actor = CUSTOMER) -> Settled:
        """The actor cancels an order that is not paid."""
        return orders.cancel_order(self.repository, self.gateways, self.request(actor), order_id)

    def settle(self, order_id: UUID) -> None:
        """A worker brings the order as far as it can be brought now."""
        settlement.settle(self.context(), order_id, self.clock())

    @property
    def gateways(self) -> dict[str, PaymentGateway]:
        return {"sandbox": self.gateway}

    def context(self) -> SettlementContext:
        """A worker of the shop, in a container of its own."""
        return SettlementContext(self.other_container(), self.gateways, Origin("a worker", "correlation", "cause"))

    def concert_state(self, concert_id: UUID) -> Concert:
        return self.other_container().load(CONCERT, concert_id)[0]

    def cart_state(self, cart_id: UUID) -> Cart:
        return self.other_container().load(CART, cart_id)[0]

    def order_state(self, order_id: UUID) -> Order:
        return self.other_container().load(ORDER, order_id)[0]

    def pool(self, ticket_type_id: UUID, index: int = 0) -> TicketPool:
        """A pool as the log has it, at the time of its last event."""
        return self.other_container().load(TICKET_POOL, pool_id(ticket_type_id, index))[0]

    def pools(self, ticket_type_id: UUID) -> list[TicketPool]:
        terms = self.pool(ticket_type_id).terms
        return [self.pool(ticket_type_id, index) for index in range(terms.pool_count if terms else 0)]

    def _new_event_id(self) -> UUID:
        return some_id(f"{self.salt}/event {next(self._event_ids)}")
