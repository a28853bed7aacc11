"""Finds the steps of a sale in its events, and for each the events that it caused, in whatever streams."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.carts.commands import LONGEST_HOLD
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartHoldsExtended,
    CartItemAdded,
    CartItemRemoved,
)
from chalicelib.shop.inventory.events import (
    HoldExtended,
    HoldPlacedOnOrder,
    HoldReleased,
    TicketPoolClosed,
    TicketPoolEvent,
    TicketsHeld,
    TicketsReturned,
    TicketsSold,
)
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderExpired,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundGranted,
    RefundStarted,
)
from chalicelib.shop.orders.granting import returns_of
from chalicelib.shop.orders.order import ORDER
from ops.what_if.demand import (
    Cancel,
    ChangeStock,
    CheckOut,
    EndPayment,
    Expire,
    Extend,
    GiveBack,
    Remove,
    Sold,
    StartPayment,
    Step,
    Take,
)
from ops.what_if.recording import Recording, Stream

Place = tuple[UUID, int]
"""A stream and a version."""

CLOCKS_DIFFER_BY = timedelta(seconds=4)
"""The time of a step in one container is that of a later step in another at most so much sooner."""


@dataclass(frozen=True, slots=True)
class Found:
    """A step, and the places of the events that it caused, all of one commit; it came later than those of `after`."""

    step: Step
    places: tuple[Place, ...]
    after: tuple[Place, ...] = ()


@dataclass(slots=True)
class _PoolEvents:
    """The places of the pools' events by what names them elsewhere."""

    held: dict[UUID, list[Place]] = field(default_factory=lambda: defaultdict(list))
    extended: dict[tuple[UUID, datetime], list[Place]] = field(default_factory=lambda: defaultdict(list))
    placed: dict[tuple[UUID, UUID], list[Place]] = field(default_factory=lambda: defaultdict(list))
    released: dict[UUID, list[Place]] = field(default_factory=lambda: defaultdict(list))
    sold: dict[UUID, list[tuple[Place, Sold]]] = field(default_factory=lambda: defaultdict(list))
    returned: dict[tuple[UUID, datetime], list[tuple[Place, TicketsReturned]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    closed: list[tuple[Place, datetime]] = field(default_factory=list)
    lapsed: dict[UUID, list[tuple[Place, datetime]]] = field(default_factory=lambda: defaultdict(list))
    """For each hold where a pool was first told a time by which the hold had ended, and when it ended."""
    _lasting: dict[UUID, dict[UUID, datetime]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, pool_id: UUID, version: int, event: Event) -> None:
        place = pool_id, version
        self._note_end(place, event)
        match event:
            case TicketsHeld():
                self.held[event.hold_id].append(place)
            case HoldExtended():
                self.extended[event.hold_id, event.expires_at].append(place)
            case HoldPlacedOnOrder():
                self.placed[event.order_id, event.hold_id].append(place)
            case HoldReleased():
                self.released[event.hold_id].append(place)
            case TicketsSold():
                self.sold[event.order_id].append((place, Sold(pool_id, event.hold_id, event.quantity)))
            case TicketPoolClosed():
                self.closed.append((place, event.at))
            case TicketsReturned():
                self.returned[event.order_id, event.at].append((place, event))

    def _note_end(self, place: Place, event: Event) -> None:
        lasting = self._lasting[place[0]]
        match event:
            case TicketsHeld() | HoldExtended() | HoldPlacedOnOrder():
                lasting[event.hold_id] = event.expires_at
            case HoldReleased() | TicketsSold():
                lasting.pop(event.hold_id, None)
        if isinstance(event, TicketPoolEvent):
            for hold_id in [key for key, until in lasting.items() if until <= event.at]:
                self.lapsed[hold_id].append((place, lasting.pop(hold_id)))

    def lapsed_before(self, at: datetime, hold_ids: Iterable[UUID]) -> tuple[Place, ...]:
        """Return after what a step came at whose time these holds still lasted, and which found none of them.

        A pool never goes back in time, so a container whose clock was ahead had been there before.
        """
        ends = chain.from_iterable(self.lapsed.get(hold_id, ()) for hold_id in hold_ids)
        return tuple(place for place, until in ends if at < until)

    def closed_before(self, at: datetime) -> tuple[Place, ...]:
        """Return after what a payment came for which there was no stock, if pools were closed at about that time."""
        return tuple(place for place, closed_at in self.closed if at <= closed_at <= at + CLOCKS_DIFFER_BY)

    def sold_to(self, order_id: UUID, placed: OrderPlaced) -> list[tuple[Place, Sold]]:
        """Return what was sold of the order's own lines; a place that its tickets were moved to is stock like any."""
        bought = {line.hold_id for line in placed.lines}
        return [(place, one) for place, one in self.sold.get(order_id, ()) if one.hold_id in bought]


def steps_of(recording: Recording) -> list[Found]:
    """Return every step, with its places; events of pools that no cart or order explains are steps of their own."""
    pools = _PoolEvents()
    for key, (first, events) in recording.pools.items():
        for version, event in enumerate(events, first):
            pools.add(key, version, event)
    found = [one for key, stream in recording.orders.items() for one in _of_order(key, stream, pools)]
    found += [one for key, stream in recording.carts.items() for one in _of_cart(key, stream, recording, pools)]
    explained = {place for one in found for place in one.places}
    for key, (first, events) in recording.pools.items():
        for version, event in enumerate(events, first):
            if (key, version) not in explained and isinstance(event, TicketPoolEvent):
                found.append(Found(ChangeStock(event.at, key, event), ((key, version),)))
    return found


def _of_cart(key: UUID, stream: Stream, recording: Recording, pools: _PoolEvents) -> Iterator[Found]:
    first, events = stream
    created = events[0] if events else None
    if not isinstance(created, CartCreated):
        return
    for version, event in enumerate(events, first):
        place = key, version
        match event:
            case CartItemAdded(at=datetime()):
                take = _take(key, created, event, recording)
                yield Found(take, (place, *(pools.held.get(event.item.id, ()) if take.line.shares else ())))
            case CartHoldsExtended(at=datetime() as at):
                longest = max((line.expires_at for line in event.lines), default=at) - at
                extended = [(line.item_id, line.expires_at) for line in event.lines]
                places = chain.from_iterable(pools.extended.get(one, ()) for one in extended)
                yield Found(Extend(at, key, event.extension_id, longest), (place, *places))
            case CartItemRemoved(at=datetime() as at):
                released = pools.released.get(event.item_id, ())
                lapsed = pools.lapsed_before(at, [event.item_id])
                yield Found(Remove(at, key, event.item_id), (place, *released), lapsed)
            case CartCheckedOut(at=datetime() as at, order_id=UUID() as order_id) if order_id in recording.orders:
                yield from _checkout(at, place, order_id, recording, pools)


def _take(key: UUID, created: CartCreated, event: CartItemAdded, recording: Recording) -> Take:
    """Read what was asked for; lines of other concerts lose their shares, because their stock is not replayed."""
    assert event.at is not None  # noqa: S101 - the caller has matched it
    line, since = event.item, event.holding_since or event.at
    if any(share.pool_id not in recording.pools for share in line.shares):
        line = line.model_copy(update={"shares": ()})
    hold_for = (line.expires_at or event.at) - event.at
    if line.extendable_until is not None:
        hold_for = (line.extendable_until - since) / LONGEST_HOLD
    return Take(event.at, key, created, line, since, hold_for)


def _checkout(at: datetime, place: Place, order_id: UUID, recording: Recording, pools: _PoolEvents) -> Iterator[Found]:
    first, events = recording.orders[order_id]
    placed = events[0] if events else None
    if not isinstance(placed, OrderPlaced):
        return
    on_order = [pools.placed.get((order_id, line.hold_id), ()) for line in placed.lines]
    places = [place, (order_id, first), *chain.from_iterable(on_order)]
    if len(events) > 1 and isinstance(events[1], OrderConfirmed) and events[1].payment_id is None:
        places += [(order_id, first + 1), *(sold for sold, _ in pools.sold_to(order_id, placed))]
    yield Found(CheckOut(at, place[0], order_id, placed.payment_due_at - at), tuple(places))


def _of_order(key: UUID, stream: Stream, pools: _PoolEvents) -> Iterator[Found]:
    first, events = stream
    placed = events[0] if events else None
    if not isinstance(placed, OrderPlaced):
        return
    hold_ids = [line.hold_id for line in placed.lines]
    released = [place for hold_id in hold_ids for place in pools.released.get(hold_id, ())]
    for index, event in _without_moves(events):
        version = first + index
        match event:
            case PaymentStarted():
                yield Found(StartPayment(event.at, key, event.payment_id, event.provider), ((key, version),))
            case PaymentFailed():
                yield Found(EndPayment(event.at, key, event.payment_id, is_paid=False), ((key, version),))
            case OrderConfirmed(payment_id=UUID() as payment_id):
                sold = pools.sold_to(key, placed)
                step = EndPayment(event.at, key, payment_id, is_paid=True, sold=tuple(one for _, one in sold))
                yield Found(step, ((key, version), *(place for place, _ in sold)))
            case PaymentSucceeded():
                is_last = not _ends_by_return(events, index + 2)
                places = [(key, version), (key, version + 1)] + ([] if is_last else [(key, version + 2), *released])
                wrong = event.amount if event.amount != placed.total else None
                step = EndPayment(event.at, key, event.payment_id, is_paid=True, wrong_amount=wrong)
                is_refused = not (is_last or released)
                yield Found(step, tuple(places), pools.closed_before(event.at) if is_refused else ())
            case OrderExpired() if not _ends_by_return(events, index):
                late_by = event.at - placed.payment_due_at
                lapsed = pools.lapsed_before(event.at, hold_ids)
                yield Found(Expire(event.at, key, late_by), ((key, version), *released), lapsed)
            case OrderCancelled() if not (_ends_by_return(events, index) or _is_confirmed(events[:index])):
                lapsed = pools.lapsed_before(event.at, hold_ids)
                yield Found(Cancel(event.at, key, event.reason), ((key, version), *released), lapsed)
            case RefundGranted() if placed.issued_by is None:
                yield _return(key, (key, version), events[:index], event, pools)


def _without_moves(events: Sequence[Event]) -> Iterator[tuple[int, Event]]:
    """Give the events with their places, but for payments of moves: the replay moves no tickets, only their stock."""
    of_moves = {event.payment_id for event in events if isinstance(event, PaymentStarted) and event.move_id is not None}
    for index, event in enumerate(events):
        match event:
            case PaymentStarted() | PaymentFailed() | PaymentSucceeded() if event.payment_id in of_moves:
                continue
        yield index, event


def _return(key: UUID, place: Place, before: Sequence[Event], event: RefundGranted, pools: _PoolEvents) -> Found:
    """Find what came back by a grant; what a pool took at a later time of its own is a step of its own."""
    freed = tuple((one.purchase.hold_id, one.quantity) for one in returns_of(ORDER.fold(before), event))
    found = pools.returned.pop((key, event.at), [])
    returned = tuple((pool_id, one) for (pool_id, _), one in found)
    return Found(GiveBack(event.at, key, freed, returned), (place, *(place for place, _ in found)))


def _is_confirmed(events: Sequence[Event]) -> bool:
    return any(isinstance(event, OrderConfirmed) for event in events)


def _ends_by_return(events: Sequence[Event], index: int) -> bool:
    """Tell whether the order ended in the commit that sent a payment back, because there was no stock for it."""
    ends = events[index] if 2 <= index < len(events) else None  # noqa: PLR2004 - the success and its refund come first
    if not isinstance(ends, OrderExpired | OrderCancelled):
        return False
    succeeded, refund = events[index - 2], events[index - 1]
    return isinstance(succeeded, PaymentSucceeded) and isinstance(refund, RefundStarted) and succeeded.at == ends.at
