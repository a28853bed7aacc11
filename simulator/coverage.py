"""Records what a schedule has reached, to show that the faults have effects."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.carts.events import CartHoldsExtended, CartItemAdded, CartItemRemoved
from chalicelib.shop.concerts.events import (
    ConcertAreaCapacityChanged,
    ConcertAreaCapacityChangeRefused,
    ConcertCancelled,
    ConcertCapacityChanged,
    ConcertCapacityChangeRefused,
    ConcertPostponed,
    ConcertTermsApplied,
)
from chalicelib.shop.inventory.events import HoldsLapsed, TicketsReturned, TicketTypeQuotaChanged
from chalicelib.shop.orders.events import (
    DisputeLost,
    DisputeWon,
    OrderCancelled,
    OrderConfirmed,
    OrderExpired,
    OrderPlaced,
    OrderSettled,
    PaymentFailed,
    RefundCompleted,
    RefundFailed,
    RefundGranted,
    RefundRecorded,
    RefundReduced,
    RefundStarted,
    TicketMoveEnded,
    TicketsMoved,
)
from chalicelib.shop.orders.granting import GrantedBy
from simulator.authentication import MILESTONES as AUTHENTICATIONS
from simulator.faults import Fault
from simulator.giveaways import GIVEN_AWAY
from simulator.moves import ENDED, HANDED_ON, MOVED, PAID
from simulator.moves import MILESTONES as MOVES
from simulator.refunds import BACK_ON_SALE, BY_CUSTOMER, BY_ORGANISER, FEE_KEPT
from simulator.refunds import MILESTONES as REFUNDS
from simulator.world import World

NO_STOCK = "The tickets are not available any more."
_EVENTS: dict[type[Event], str] = {
    CartItemRemoved: "item removed",
    CartHoldsExtended: "holds extended",
    OrderConfirmed: "order confirmed",
    PaymentFailed: "payment declined",
    OrderExpired: "order expired",
    OrderCancelled: "order cancelled",
    RefundCompleted: "refund",
    RefundFailed: "refund failed",
    RefundReduced: "refund reduced",
    RefundRecorded: "refunded at the provider",
    DisputeWon: "dispute won",
    DisputeLost: "dispute lost",
    OrderSettled: "settled by an operator",
    ConcertCancelled: "concert cancelled",
    TicketTypeQuotaChanged: "quota moved",
    HoldsLapsed: "lapsed holds recorded",
    ConcertPostponed: "concert postponed",
    ConcertTermsApplied: "terms changed",
    ConcertCapacityChanged: "capacity changed",
    ConcertAreaCapacityChanged: "capacity of an area changed",
    ConcertCapacityChangeRefused: "capacity refused",
    ConcertAreaCapacityChangeRefused: "capacity refused",
}
MILESTONES = (
    "sold out",
    "hold over several pools",
    "quota moved",
    "lapsed holds recorded",
    "item removed",
    "holds extended",
    "order confirmed",
    "payment declined",
    "order expired",
    "late payment confirmed",
    "late payment without stock",
    "refund",
    "refund failed",
    "refund reduced",
    "refunded at the provider",
    "dispute won",
    "dispute lost",
    "settled by an operator",
    "concert cancelled",
    "concert postponed",
    "terms changed",
    "capacity changed",
    "capacity of an area changed",
    "capacity refused",
    "order cancelled",
    *REFUNDS,
    *MOVES,
    GIVEN_AWAY,
    "race lost",
    "snapshot read",
    "request repeated",
    "batch lost",
    "watchdog retried",
    *AUTHENTICATIONS,
    *(f"fault: {fault}" for fault in Fault),
)


def reached(world: World) -> frozenset[str]:
    """Return the milestones of this schedule."""
    return frozenset(world.reached | set(_milestones(world)))


def _milestones(world: World) -> Iterator[str]:
    yield from (f"fault: {fault}" for fault in world.faults.struck)
    yield from ("sold out" for reply in world.replies if reply.refusal and reply.refusal.code == "sold_out")
    if world.log.lost_races:
        yield "race lost"
    if world.snapshots.used:
        yield "snapshot read"
    due = {
        recorded.stream_id: recorded.event.payment_due_at
        for recorded in world.log.recorded()
        if isinstance(recorded.event, OrderPlaced)
    }
    for recorded in world.log.recorded():
        yield from _milestones_of(recorded.event, due.get(recorded.stream_id))


def _milestones_of(event: Event, due: datetime | None) -> Iterator[str]:
    if type(event) in _EVENTS:
        yield _EVENTS[type(event)]
    match event:
        case CartItemAdded() if len(event.item.shares) > 1:
            yield "hold over several pools"
        case OrderConfirmed() if due is not None and event.at > due:
            yield "late payment confirmed"
        case RefundStarted() if event.reason == NO_STOCK:
            yield "late payment without stock"
        case OrderPlaced(issued_by=UUID()):
            yield GIVEN_AWAY
        case TicketsReturned():
            yield BACK_ON_SALE
        case TicketsMoved():
            yield from (MOVED, *([HANDED_ON] if event.holder else []), *([PAID] if event.paid_by else []))
        case TicketMoveEnded():
            yield ENDED
        case RefundGranted():
            yield BY_CUSTOMER if event.by == GrantedBy.CUSTOMER else BY_ORGANISER
            yield from (FEE_KEPT for part in event.parts if part.fee.amount)
