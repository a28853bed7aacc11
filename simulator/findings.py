"""Checks what must be true when everything has come to rest; each finding is one sentence."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.carts.cart import CART, Cart
from chalicelib.shop.carts.events import CartCheckedOut, CartCreated, CartHoldsExtended, CartItemAdded, CartItemRemoved
from chalicelib.shop.concerts.concert import CONCERT, ConcertStatus
from chalicelib.shop.concerts.events import ConcertCancelled
from chalicelib.shop.inventory.events import TicketsHeld, TicketsSold
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundStarted,
    TicketsMoved,
)
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.refund import Dispute, DisputeStatus, Refund, RefundStatus
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from simulator.areas import ceilings_broken
from simulator.hoarding import hoarded
from simulator.living import wrong_terms
from simulator.oracle import judge
from simulator.refusals import broken_promises, false_sold_out
from simulator.resizing import wrong_capacities
from simulator.world import Reply, World

Streams = dict[UUID, list[RecordedEvent]]
EDITS = {"add item", "extend holds", "check out", "refund", "give away", "move"}
RESTING = {
    OrderStatus.CONFIRMED,
    OrderStatus.EXPIRED,
    OrderStatus.CANCELLED,
    OrderStatus.REFUNDED,
    OrderStatus.RETAINED,
    OrderStatus.CHARGED_BACK,
}


def findings(world: World) -> Iterator[str]:
    """Yield everything that is wrong with the log, the money, the read model and the answers."""
    report = judge(world.log.events())
    yield from report.findings
    if report.unreadable:
        return
    streams: Streams = {}
    for entry in world.log.recorded():
        streams.setdefault(entry.stream_id, []).append(entry)
    orders = {key: ORDER.fold(e.event for e in stream) for key, stream in _of(streams, ORDER).items()}
    yield from _unfinished(orders)
    yield from _wrong_money(world, orders)
    yield from _wrong_tickets(orders, _sold(streams))
    yield from _wrong_cancellation(world, streams, orders)
    yield from _wrong_read_model(world, streams)
    yield from _repeated_effects(streams)
    yield from _contradicted(world, streams)
    yield from _different_answers(world)
    yield from _refused_though_done(world)
    yield from ceilings_broken(world)
    yield from false_sold_out(world)
    yield from broken_promises(world, orders)
    yield from hoarded(world)
    yield from wrong_terms(world, streams)
    yield from wrong_capacities(world, streams)


def _of(streams: Streams, aggregate: Aggregate[Any]) -> Streams:
    return {key: stream for key, stream in streams.items() if stream[0].event.aggregate_type == aggregate.name}


def _unfinished(orders: dict[UUID, Order]) -> Iterator[str]:
    for key, order in orders.items():
        if order.status not in RESTING and not order.stuck_refunds:
            yield f"Order {key} is {order.status} for ever."
        if order.open_payments or order.open_move or order.refunds_under_way != order.stuck_refunds:
            yield f"Order {key} waits for its payments or refunds for ever."


def _wrong_money(world: World, orders: dict[UUID, Order]) -> Iterator[str]:
    """Compare the books with the provider: of each payment it must have kept what the order says."""
    kept: defaultdict[UUID, Decimal] = defaultdict(Decimal)
    owners: dict[UUID, UUID | None] = {}
    for entry in world.ledger.entries.values():
        payment_id = entry.refund_of or entry.id
        kept[payment_id] += entry.moved(world.scheduler.now)
        owners[payment_id] = entry.order_id
    books = {payment_id: amount for order in orders.values() for payment_id, amount in _kept(order)}
    for payment_id in kept.keys() | books.keys():
        found, known = kept[payment_id], books.get(payment_id, Decimal(0))
        if found != known:
            status = getattr(orders.get(owners.get(payment_id) or payment_id), "status", None)
            yield f"Payment {payment_id} kept {found}, and its order, which is {status}, says {known}."
        if found < 0:
            yield f"Payment {payment_id} gave back more than it took."


def _is_back(refund: Refund, payment_id: UUID) -> bool:
    return refund.payment_id == payment_id and refund.status is RefundStatus.COMPLETED


def _is_away(dispute: Dispute, payment_id: UUID) -> bool:
    return dispute.payment_id == payment_id and dispute.status is not DisputeStatus.WON


def _kept(order: Order) -> Iterator[tuple[UUID, Decimal]]:
    """Yield what is left of each payment by the books."""
    for payment_id, payment in order.payments.items():
        if payment.status.is_open or payment.may_succeed:
            continue
        back = sum(
            (
                *(one.amount.amount for one in order.refunds.values() if _is_back(one, payment_id)),
                *(one.amount.amount for one in order.disputes.values() if _is_away(one, payment_id)),
            ),
            Decimal(0),
        )
        yield payment_id, payment.amount.amount - back


def _sold(streams: Streams) -> Counter[tuple[UUID, UUID]]:
    sold: Counter[tuple[UUID, UUID]] = Counter()
    for stream in streams.values():
        for entry in stream:
            if isinstance(entry.event, TicketsSold):
                sold[entry.event.order_id, entry.event.hold_id] += entry.event.quantity
    return sold


def _wrong_tickets(orders: dict[UUID, Order], sold: Counter[tuple[UUID, UUID]]) -> Iterator[str]:
    """Check that a confirmed order has what it was placed for, and that one without tickets has bought nothing."""
    for key, order in orders.items():
        stayed = {
            move_id for move_id, move in order.moves.items() if move.moved is not None and _stays(order, move.moved)
        }
        for line in order.lines:
            due = line.quantity if order.tickets and line.hold_id not in stayed else 0
            if sold[key, line.hold_id] != due:
                yield f"Line {line.hold_id} of order {key} should have {due} tickets, not {sold[key, line.hold_id]}."
        if order.status is OrderStatus.CONFIRMED:
            wanted = Counter({line.ticket_type_id: 0 for line in order.lines})
            for line in order.lines:
                wanted[line.ticket_type_id] += line.quantity
            if wanted != Counter(ticket.ticket_type_id for ticket in order.tickets):
                yield f"Order {key} is confirmed with other tickets than those of its lines."


def _stays(order: Order, moved: TicketsMoved) -> bool:
    """Tell whether only the holder changed: then nothing was sold anew."""
    types = {ticket.ticket_type_id for ticket in order.tickets if ticket.id in moved.ticket_ids}
    return types == {moved.line.ticket_type_id}


def _wrong_cancellation(world: World, streams: Streams, orders: dict[UUID, Order]) -> Iterator[str]:
    concert = CONCERT.fold(entry.event for entry in streams[world.stock.concert_id])
    if concert.status not in {ConcertStatus.CANCELLING, ConcertStatus.CANCELLED}:
        return
    if concert.status is ConcertStatus.CANCELLING:
        yield "The concert is cancelling for ever."
    for key in concert.pool_ids:
        if not TICKET_POOL.fold(entry.event for entry in streams[key]).closed:
            yield f"Pool {key} of the cancelled concert is open."
    for key, order in orders.items():
        if order.status is OrderStatus.CONFIRMED:
            yield f"Order {key} is confirmed, and the concert is cancelled."


def _wrong_read_model(world: World, streams: Streams) -> Iterator[str]:
    for parked in world.parking.list_parked():
        yield f"{parked.projection}: stream {parked.stream_id} is parked: {parked.error}"
    for aggregate in (TICKET_POOL, ORDER, CART):
        for key, stream in _of(streams, aggregate).items():
            if world.reference.states.get(key) != aggregate.fold(entry.event for entry in stream):
                yield f"The read model of {aggregate.name} {key} is not what the log says."


def _repeated_effects(streams: Streams) -> Iterator[str]:
    """Check that one request adds one line, and holds no more than that."""
    held: Counter[UUID] = Counter()
    lines: Counter[UUID] = Counter()
    added: Counter[UUID] = Counter()
    for entry in (entry for stream in streams.values() for entry in stream):
        match entry.event:
            case TicketsHeld():
                held[entry.event.hold_id] += entry.event.quantity
            case CartItemAdded():
                lines[entry.event.item.id] += entry.event.item.quantity
                added[entry.event.item.id] += 1
    for item_id, times in added.items():
        if times != 1 or held[item_id] != lines[item_id]:
            yield f"Item {item_id} was added {times} times: {lines[item_id]} in carts, {held[item_id]} held."


def _contradicted(world: World, streams: Streams) -> Iterator[str]:
    for reply in world.replies:
        is_known = _is_in_order if reply.what in {"cancel order", "refund", "give away", "move"} else _is_in_log
        if reply.answer is not None and not is_known(reply, streams):
            yield f"{reply.what} {reply.request_id} was answered {reply.answer}, and the log knows nothing of it."
        if reply.refusal is not None and not _refusal_is_in_log(reply, streams):
            yield f"{reply.what} {reply.request_id} was refused, {reply.refusal.code}, and the log says otherwise."


def _is_in_log(reply: Reply, streams: Streams) -> bool:
    answer = reply.answer
    match reply.what:
        case "create cart":
            return _has(streams, answer, lambda e: isinstance(e.event, CartCreated) and e.version == 0)
        case "add item":
            return _has(
                streams,
                reply.about["cart"],
                lambda e: (
                    isinstance(e.event, CartItemAdded)
                    and (e.event.item.id, e.event.item.expires_at, e.version, e.event.item.quantity)
                    == (answer.item_id, answer.hold_expires_at, answer.version, reply.about["quantity"])
                ),
            )
        case "extend holds" if not answer.changed:
            cart: Cart = CART.fold(e.event for e in streams[reply.about["cart"]] if e.version <= answer.version)
            return all(cart.lines[line.item_id].expires_at == line.expires_at for line in answer.lines)
        case "extend holds":
            return _has(
                streams,
                reply.about["cart"],
                lambda e: (
                    isinstance(e.event, CartHoldsExtended)
                    and (e.event.lines, e.version) == (answer.lines, answer.version)
                ),
            )
        case "check out":
            is_placed = _has(
                streams,
                answer.order_id,
                lambda e: (
                    isinstance(e.event, OrderPlaced)
                    and (e.event.total, e.event.payment_due_at) == (answer.total, answer.payment_due_at)
                ),
            )
            return is_placed and _has(
                streams,
                reply.about["cart"],
                lambda e: isinstance(e.event, CartCheckedOut) and e.event.order_id == answer.order_id,
            )
        case "pay":
            is_paid = answer.status is PaymentStatus.SUCCEEDED
            return _has(streams, reply.about["order"], lambda e: answer.payment_id == _pays(e.event, is_paid=is_paid))
        case "change concert" | "cancel concert":
            return _is_done_to_concert(reply, streams)
        case "remove item":
            return any(
                isinstance(e.event, CartItemRemoved) and e.event.item_id == reply.about["item"]
                for e in streams[reply.about["cart"]]
            )
    raise ValueError(reply.what)


def _pays(event: Event, *, is_paid: bool) -> UUID | None:
    """Return the payment that the event says is started, or that it says has paid for tickets."""
    match event:
        case PaymentStarted() if not is_paid:
            return event.payment_id
        case OrderConfirmed() if is_paid:
            return event.payment_id
        case TicketsMoved() if is_paid:
            return event.paid_by
    return None


def _is_in_order(reply: Reply, streams: Streams) -> bool:
    def is_answered(entry: RecordedEvent) -> bool:
        if reply.what == "cancel order":
            return isinstance(entry.event, OrderCancelled)
        if reply.what == "give away":
            return isinstance(entry.event, OrderConfirmed) and entry.event.tickets == reply.answer.tickets
        done = reply.answer.event if reply.what == "move" else reply.answer.granted
        return (entry.event, entry.version) == (done, reply.answer.version)

    order_id = reply.answer.order_id if reply.what == "give away" else reply.about["order"]
    return _has(streams, order_id, is_answered)


def _is_done_to_concert(reply: Reply, streams: Streams) -> bool:
    if reply.what == "change concert":
        return _has(streams, reply.about["concert"], lambda e: e.version == reply.answer.version)
    return any(isinstance(e.event, ConcertCancelled) for stream in streams.values() for e in stream)


def _refusal_is_in_log(reply: Reply, streams: Streams) -> bool:
    """Tell whether the log has the failure or the refund of which the customer was told."""
    if reply.refusal is None or reply.what != "pay":
        return True
    wanted: dict[str, tuple[type, ...]] = {
        "payment_declined": (PaymentFailed,),
        "payment_returned": (PaymentSucceeded, RefundStarted),
    }
    return all(
        _has(
            streams,
            reply.about["order"],
            lambda e, kind=kind: isinstance(e.event, kind) and e.event.payment_id == reply.request_id,  # type: ignore[misc]
        )
        for kind in wanted.get(reply.refusal.code, ())
    )


def _different_answers(world: World) -> Iterator[str]:
    """Check that a repeated request is answered the same.

    Only a payment moves on from started, and an extension that changed nothing is not remembered.
    """
    answers: defaultdict[UUID, list[str]] = defaultdict(list)
    for reply in world.replies:
        is_remembered = reply.what != "extend holds" or (reply.answer is not None and reply.answer.changed)
        if reply.what in {"create cart", *EDITS} and reply.answer is not None and is_remembered:
            answers[reply.request_id].append(repr(reply.answer))
        if reply.what == "pay" and (outcome := _final(reply)) is not None:
            answers[reply.request_id].append(outcome)
    for request_id, given in answers.items():
        if len(set(given)) > 1:
            yield f"Request {request_id} was answered differently: {sorted(set(given))}."


def _refused_though_done(world: World) -> Iterator[str]:
    """Check that a request that was carried out is not refused when it comes again.

    Of two that are under way at once, one may be refused by what was true before the other was carried out; and also by
    what the other took, when that was the last: knowing better would cost every refused buyer another read.
    """
    done: dict[str, int] = {}
    for position, commit in enumerate(world.log.commits):
        for event in commit:
            done.setdefault(event.causation_id, position)
    for reply in world.replies:
        carried_out = done.get(str(reply.request_id), reply.since)
        if reply.refusal is not None and reply.what in EDITS and carried_out < reply.since:
            yield f"{reply.what} {reply.request_id} was refused, {reply.refusal.code}, after it had been carried out."


def _final(reply: Reply) -> str | None:
    if reply.refusal is not None:
        return reply.refusal.code if reply.refusal.code in {"payment_declined", "payment_returned"} else None
    if reply.answer is not None and reply.answer.status is PaymentStatus.SUCCEEDED:
        return f"{reply.answer.payment_id} {reply.answer.status} {reply.answer.order_status}"
    return None


def _has(streams: Streams, stream_id: UUID, matches: Callable[[RecordedEvent], bool]) -> bool:
    return sum(map(matches, streams.get(stream_id, []))) == 1
