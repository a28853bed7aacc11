"""Replays a log, and tells whether the shop kept its promises."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from benchmarks import refunds
from benchmarks.recount import UnknownEvent, recount
from chalicelib import contexts
from chalicelib.platform.errors import LogDamaged
from chalicelib.platform.eventsourcing.codec import aggregate_type_of, decode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import GENESIS_HASH, StoredEvent
from chalicelib.shop.carts.cart import CART, Cart
from chalicelib.shop.concerts.concert import CONCERT
from chalicelib.shop.concerts.events import ConcertCancelled
from chalicelib.shop.inventory.events import TicketsReturned, TicketsSold
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL
from chalicelib.shop.orders.events import OrderConfirmed, TicketsMoved
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.rules import PaymentStatus
from chalicelib.shop.orders.ticket import TICKET

Streams = Mapping[UUID, list[StoredEvent]]


@dataclass(frozen=True, slots=True)
class OracleReport:
    """Holds every finding as one sentence, by kind. The shop promises that all are empty."""

    oversold: tuple[str, ...] = ()
    tickets_lost: tuple[str, ...] = ()
    double_charged: tuple[str, ...] = ()
    money_astray: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    broken_streams: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        return {field.name: len(getattr(self, field.name)) for field in fields(self)}

    @property
    def findings(self) -> list[str]:
        return [finding for field in fields(self) for finding in getattr(self, field.name)]

    @property
    def clean(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Stock:
    capacity: int
    held: int
    sold: int


def judge(events: Iterable[StoredEvent]) -> OracleReport:
    """Check a log that is at rest: nothing is under way any more. The events may come in any order."""
    contexts.load_events()
    streams = by_stream(events)
    decoded, unreadable = _decoded(streams)
    pools = {key: stream for key, stream in streams.items() if _is(stream, TICKET_POOL.name)}
    orders = {key: decoded[key] for key, stream in streams.items() if _is(stream, ORDER.name)}
    carts = {key: decoded[key] for key, stream in streams.items() if _is(stream, CART.name)}
    tickets = {key: decoded[key] for key, stream in streams.items() if _is(stream, TICKET.name)}
    concerts = {key: decoded[key] for key, stream in streams.items() if _is(stream, CONCERT.name)}
    counts = {key: refunds.count(events) for key, events in orders.items()}
    return OracleReport(
        oversold=tuple(finding for key, stream in pools.items() for finding in _oversold(stream, decoded[key])),
        tickets_lost=(
            *_lost(_by_order(TicketsSold, decoded.values()), counts),
            *_not_for_sale_again(_by_order(TicketsReturned, decoded.values()), counts, concerts),
            *refunds.tickets_at_odds(tickets, counts),
        ),
        double_charged=tuple(_double_charged(orders)),
        money_astray=tuple(refunds.money_astray(counts)),
        stuck=(
            *_open_payments(orders),
            *_orphaned_checkouts(carts, orders),
            *refunds.unfinished(counts),
            *refunds.unfinished_cancellations(concerts, counts),
        ),
        broken_streams=tuple(finding for stream in streams.values() for finding in _broken(stream)),
        unreadable=tuple(unreadable),
    )


def stock_of(events: Iterable[StoredEvent], now: datetime) -> Stock:
    """Return what all pools of the log have, hold and sold at `now`."""
    streams = by_stream(events)
    contexts.load_events()
    decoded, _ = _decoded(streams)
    pools = [TICKET_POOL.fold(decoded[key]).at(now) for key, stream in streams.items() if _is(stream, TICKET_POOL.name)]
    held, sold = sum(pool.held for pool in pools), sum(pool.sold for pool in pools)
    return Stock(sum(pool.free for pool in pools) + held + sold, held, sold)


def by_stream(events: Iterable[StoredEvent]) -> dict[UUID, list[StoredEvent]]:
    streams: defaultdict[UUID, list[StoredEvent]] = defaultdict(list)
    for event in events:
        streams[event.aggregate_id].append(event)
    return {key: sorted(stream, key=lambda event: event.aggregate_version) for key, stream in streams.items()}


def _is(stream: list[StoredEvent], aggregate_type: str) -> bool:
    return aggregate_type_of(stream[0]) == aggregate_type


def _decoded(streams: Streams) -> tuple[dict[UUID, list[Event]], list[str]]:
    decoded: dict[UUID, list[Event]] = {key: [] for key in streams}
    unreadable = []
    for key, stream in streams.items():
        for stored in stream:
            try:
                decoded[key].append(decode(stored))
            except LogDamaged as damage:
                unreadable.append(damage.detail)
    return decoded, unreadable


def _oversold(stream: list[StoredEvent], events: list[Event]) -> Iterator[str]:
    """Find pools that sold too much. Between two events tickets only become free, so the instants of the events
    suffice.
    """
    name, pool = stream[0].aggregate_id, TICKET_POOL.initial
    for event in events:
        pool = TICKET_POOL.fold([event], pool)
        if pool.free < 0 or pool.held < 0 or pool.sold < 0:
            yield f"Pool {name} by its aggregate: {pool.held} held + {pool.sold} sold, {-pool.free} too many."
    try:
        for stored, count in zip(stream, recount(stream), strict=False):
            if count.taken > count.capacity:
                yield f"Pool {name} at version {stored.aggregate_version}: {count.taken} taken of {count.capacity}."
            for kind, quota in count.quotas.items():
                if count.taken_of(kind) > quota:
                    yield f"Pool {name} at version {stored.aggregate_version}: {kind} has taken more than {quota}."
        if (count.sold, count.taken) != (pool.sold, pool.held + pool.sold):
            yield f"Pool {name}: the aggregate has {pool.held} held + {pool.sold} sold, the count {count.taken} taken."
    except (UnknownEvent, ValueError, KeyError, TypeError) as error:
        yield f"Pool {name} cannot be counted: {error!r}."


def _by_order(kind: type[TicketsSold | TicketsReturned], streams: Iterable[list[Event]]) -> Counter[UUID]:
    """Count the tickets in events of this kind, by the order that they name."""
    counted: Counter[UUID] = Counter()
    for events in streams:
        for event in events:
            if isinstance(event, kind):
                counted[event.order_id] += event.quantity
    return counted


def _not_for_sale_again(
    returned: Counter[UUID], orders: Mapping[UUID, refunds.Count], concerts: Mapping[UUID, list[Event]]
) -> Iterator[str]:
    """Find tickets that should be for sale again and are not, or are and should not; a cancelled concert takes none."""
    cancelled = {key for key, events in concerts.items() if any(isinstance(one, ConcertCancelled) for one in events)}
    for order_id in returned.keys() | orders.keys():
        counted = orders.get(order_id, refunds.Count())
        is_exact = not cancelled.intersection(counted.concerts.values())
        found, due = returned[order_id], counted.back_on_sale
        if found > due or (is_exact and found < due):
            yield f"Of order {order_id}, {found} tickets came back to the stock, and {due} should have."


def _lost(sold: Counter[UUID], orders: Mapping[UUID, refunds.Count]) -> Iterator[str]:
    """Find tickets that were sold, but are neither valid nor revoked."""
    for order_id in sold.keys() | orders.keys():
        tickets = orders[order_id].tickets if order_id in orders else 0
        if sold[order_id] != tickets:
            yield f"Order {order_id} has {tickets} tickets, valid or revoked; the pools sold it {sold[order_id]}."


def _double_charged(orders: Mapping[UUID, list[Event]]) -> Iterator[str]:
    for order_id, events in orders.items():
        confirmed = sum(isinstance(event, OrderConfirmed) for event in events)
        moves = [event.paid_by for event in events if isinstance(event, TicketsMoved) and event.paid_by is not None]
        payments = {key: one for key, one in _order(events).payments.items() if key not in moves}
        paid = sum(payment.status is PaymentStatus.SUCCEEDED for payment in payments.values())
        if confirmed > 1 or paid > 1 or len(moves) > len(set(moves)):
            yield f"Order {order_id} was confirmed {confirmed} times by {paid} payments."


def _open_payments(orders: Mapping[UUID, list[Event]]) -> Iterator[str]:
    for order_id, events in orders.items():
        for payment_id, payment in _order(events).payments.items():
            if payment.status is PaymentStatus.STARTED:
                yield f"Payment {payment_id} of order {order_id} was started and never ended."


def _orphaned_checkouts(carts: Mapping[UUID, list[Event]], orders: Mapping[UUID, list[Event]]) -> Iterator[str]:
    """Find carts whose order does not exist. Carts of the original name no order."""
    for cart_id, events in carts.items():
        cart: Cart = CART.fold(events)
        if cart.order_id is not None and cart.order_id not in orders:
            yield f"Cart {cart_id} is checked out, and there is no order {cart.order_id}."


def _order(events: list[Event]) -> Order:
    return ORDER.fold(events)


def _broken(stream: list[StoredEvent]) -> Iterator[str]:
    """Find gaps and edits. Imported events carry no hashes, and an imported stream may begin above 0; ours may not."""
    version = -1 if stream[0].hash else stream[0].aggregate_version - 1
    chain_hash, created = GENESIS_HASH, ""
    for event in stream:
        name = f"Event {event.aggregate_version} of stream {event.aggregate_id}"
        if event.aggregate_version != version + 1:
            yield f"{name} follows version {version}."
        if event.hash and event.hash != event.expected_hash():
            yield f"{name} is not what was written."
        if event.hash and event.previous_hash != chain_hash:
            yield f"{name} does not follow what stands before it."
        if event.created < created:
            yield f"{name} is older than the one before it."
        version, chain_hash, created = event.aggregate_version, event.chain_hash, event.created
