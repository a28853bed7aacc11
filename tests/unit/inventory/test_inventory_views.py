"""What Redis holds of a pool and of a concert, as their events say."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.events import (
    ConcertCancelled,
    ConcertDeleted,
    ConcertPublished,
    ConcertScheduled,
    ConcertTicketTypeAdded,
    ConcertTicketTypeRemoved,
    PoolsOfTicketType,
    TicketType,
)
from chalicelib.shop.inventory.events import (
    HoldExtended,
    HoldPlacedOnOrder,
    HoldReleased,
    HoldsLapsed,
    TicketPoolCapacityChanged,
    TicketPoolClosed,
    TicketPoolOpened,
    TicketsHeld,
    TicketsSold,
)
from chalicelib.shop.inventory.projections import fold_availability, milliseconds
from tests.support.scenario import View, given_view
from tests.support.shop import some_id
from tests.support.stored import SOME_TIME as NOW

STANDING, HOLD, ORDER = some_id("standing"), some_id("hold"), some_id("order")
POOLS = (some_id("pool 0"), some_id("pool 1"))
MINUTE = timedelta(minutes=1)
DEADLINE = NOW + 15 * MINUTE
OPENED = TicketPoolOpened(
    concert_id=some_id("concert"),
    concert_name="Patti Smith",
    ticket_type_id=STANDING,
    ticket_type_name="Standing",
    pool_index=0,
    pool_count=1,
    capacity=10,
    price=Money.of("25.00", "EUR"),
    max_per_order=10,
    sales_end=NOW + timedelta(days=30),
    at=NOW,
)
TERMS = {"type": str(STANDING), "name": "Standing", "capacity": "10"}
PUBLISHED = ConcertPublished(pools=(PoolsOfTicketType(ticket_type_id=STANDING, pool_ids=POOLS),))


def availability(*history: Event) -> View:
    return given_view(fold_availability, *history)


def held(quantity: int = 2, hold_id: UUID = HOLD, until: datetime = DEADLINE) -> TicketsHeld:
    return TicketsHeld(hold_id=hold_id, cart_id=some_id("cart"), quantity=quantity, expires_at=until, at=NOW)


def pool(at: datetime = NOW, **counts: int | str) -> dict[str, str]:
    return {**TERMS, "at": str(milliseconds(at)), **{name: str(count) for name, count in counts.items()}}


def holds(deadline: datetime, quantity: int = 2) -> dict[str, Any]:
    return {
        "quantities": {str(HOLD): str(quantity)},
        "deadlines": {str(HOLD): milliseconds(deadline)},
        "first_deadline": milliseconds(deadline),
    }


def test_an_opened_pool_has_its_terms() -> None:
    availability(OPENED).then({"pool": pool()})


def test_a_hold_counts_until_its_deadline() -> None:
    availability(OPENED, held()).then({"pool": pool(held=2), **holds(DEADLINE)})


def test_a_hold_that_is_extended_or_ordered_has_its_new_deadline() -> None:
    later = DEADLINE + 5 * MINUTE
    for event in (
        HoldExtended(hold_id=HOLD, expires_at=later, at=NOW),
        HoldPlacedOnOrder(hold_id=HOLD, order_id=ORDER, expires_at=later, at=NOW),
    ):
        availability(OPENED, held(), event).then({"pool": pool(held=2), **holds(later)})


def test_a_released_hold_counts_no_more() -> None:
    released = HoldReleased(hold_id=HOLD, quantity=2, at=NOW)
    availability(OPENED, held(), released).then({"pool": pool(held=0)})


def test_sold_tickets_are_held_no_more() -> None:
    sold = TicketsSold(hold_id=HOLD, order_id=ORDER, quantity=2, at=NOW)
    availability(OPENED, held(), sold).then({"pool": pool(held=0, sold=2)})


def test_any_later_event_ends_the_holds_whose_deadline_it_has_reached() -> None:
    lapsed = HoldsLapsed(hold_ids=(HOLD,), quantity=2, at=DEADLINE)
    availability(OPENED, held(), lapsed).then({"pool": pool(at=DEADLINE, held=0)})


def test_a_changed_capacity_and_the_end_of_sales_are_told() -> None:
    smaller = TicketPoolCapacityChanged(change_id=some_id("change"), by=-4, at=NOW)
    availability(OPENED, smaller, TicketPoolClosed(at=NOW)).then({"pool": pool(capacity=6, closed=1)})


def test_a_concert_says_when_its_ticket_types_are_on_sale_and_that_it_is_cancelled() -> None:
    seated = TicketType(
        id=STANDING, name="Seated", price=Money.of("5.00", "EUR"), quantity=1, max_per_order=1, sales_end=DEADLINE
    )
    scheduled = ConcertScheduled(start_date=NOW, end_date=DEADLINE)
    said = {str(STANDING): f"- {milliseconds(DEADLINE)}", "starts": str(milliseconds(NOW)), "cancelled": "1"}
    history = (ConcertTicketTypeAdded(type=seated), scheduled, ConcertCancelled())
    availability(*history).then({"sales": said})
    removed = ConcertTicketTypeRemoved(ticket_type_id=STANDING)
    availability(history[0], removed).then({})
    availability(*history, ConcertDeleted()).then({})


def test_a_published_concert_names_its_pools_and_a_deleted_one_none() -> None:
    availability(PUBLISHED).then({"concert": " ".join(map(str, POOLS))})
    availability(PUBLISHED, ConcertDeleted()).then({})
