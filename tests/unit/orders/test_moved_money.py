"""Whatever is moved, given back and paid: an order keeps the price of its valid tickets and the fees, to the cent."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.money import Money
from chalicelib.shop.orders.events import OrderLine
from chalicelib.shop.orders.granting import GrantedBy, RefundRequest, grant_refund, lines_of_tickets
from chalicelib.shop.orders.moving import MoveRequest, Paid, begin_move, carry_out, movable
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.refund_policy import PolicyTerms
from chalicelib.shop.orders.shares import shares_of
from tests.support.shop import IDS, some_id
from tests.support.stored import SOME_TIME as NOW
from tests.support.stored import store_all
from tests.unit.orders.test_order import CONFIRMED, PAYMENT, THIS, placed, started

CONCERTS = (some_id("concert"), some_id("other concert"), some_id("third concert"))
Step = Callable[[Order, str], Sequence[Event]]


@st.composite
def moves(draw: st.DrawFn) -> Step:
    """A ticket is moved to a place at some price; what is dearer is paid, or not."""
    place, price = draw(st.integers(0, 7)), draw(st.sampled_from(["0.00", "9.99", "25.00", "40.01", "77.00"]))
    concert_id, is_paid = draw(st.sampled_from(CONCERTS)), draw(st.booleans())

    def step(order: Order, name: str) -> Sequence[Event]:
        chosen = tuple(ticket.id for ticket in order.tickets[place : place + 1])
        request = MoveRequest(some_id(name), "h", GrantedBy.ORGANISER, "why", frozenset(CONCERTS), chosen)
        movable(order, request)
        line = OrderLine(
            hold_id=some_id(name),
            ticket_type_id=some_id(f"{concert_id} {price}"),
            ticket_type_name="Balcony",
            concert_id=concert_id,
            concert_name="Night",
            quantity=len(chosen),
            unit_price=Money.of(price, "EUR"),
        )
        begun = begin_move(order, request, line, None, NOW + timedelta(minutes=30), NOW)
        if not begun.supplement.amount:
            return carry_out(order, THIS, begun, IDS, NOW)
        if not is_paid:
            return []
        payment_id, events = some_id(f"payment of {name}"), list[Event]([begun])
        events += ORDER.fold(events, order).start_payment(payment_id, "sandbox", "h", NOW)
        return [*events, *carry_out(ORDER.fold(events, order), THIS, begun, IDS, NOW, Paid(payment_id, "reference"))]

    return step


@st.composite
def refunds(draw: st.DrawFn) -> Step:
    """Tickets are given back, by a customer for a fee."""
    places, by = draw(st.lists(st.integers(0, 7), min_size=1, max_size=2)), draw(st.sampled_from(GrantedBy))
    terms = PolicyTerms(NOW + timedelta(days=1), draw(st.sampled_from([0, 15])), fee_per_ticket=Money.of("1.11", "EUR"))

    def step(order: Order, name: str) -> Sequence[Event]:
        known = tuple(dict.fromkeys(order.tickets[place].id for place in places if place < len(order.tickets)))
        of = frozenset(CONCERTS)
        by_concert = dict.fromkeys(CONCERTS, (terms,))
        return grant_refund(order, RefundRequest(some_id(name), "h", by, "why", of, known, terms=by_concert), NOW)

    return step


def cancellations(concert_id: UUID) -> Step:
    return lambda order, _: order.cancel_concert(concert_id, "Cancelled.", NOW)


steps = st.lists(st.one_of(moves(), moves(), refunds(), st.sampled_from(CONCERTS).map(cancellations)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_paid_less_refunded_and_fees_is_the_price_of_the_valid_tickets(history: list[Step]) -> None:
    events: list[Event] = [placed(), started(), CONFIRMED]
    order = ORDER.fold(events)
    for number, step in enumerate(history):
        with suppress(CloudbashError):
            news = step(order, f"step {number}")
            order, events = ORDER.fold(news, order), [*events, *news]
    lines, fees = lines_of_tickets(order), dict.fromkeys(CONCERTS, Decimal(0))
    for part in (part for grant in order.grants.values() for part in grant.parts):
        fees[part.concert_id] += part.fee.amount
    worth = sum((lines[key].unit_price.amount for key in order.valid), Decimal(0))
    paid = sum((order.payments[key].amount.amount for key in order.paying), Decimal(0))
    gone = sum((one.amount.amount for one in order.refunds.values()), Decimal(0))

    assert paid - gone - sum(fees.values()) == worth
    assert all(order.not_refunded(key) >= 0 for key in order.paying)
    assert PAYMENT in order.paying
    _ensure_each_concert_has_its_money(events, fees)


def _ensure_each_concert_has_its_money(events: Sequence[Event], fees: dict[UUID, Decimal]) -> None:
    document: JsonObject | None = None
    for event in map(recorded, store_all(THIS, list(events))):
        document = fold_order(document, event)
    assert document is not None
    for concert_id, share in shares_of(document).items():
        price = {line["ticket_type_id"]: Decimal(line["unit_price"]["amount"]) for line in document["lines"]}
        own = [one for one in document["tickets"] if one["concert_id"] == str(concert_id) and one["status"] == "valid"]
        valid = sum((price[one["ticket_type_id"]] for one in own), Decimal(0))
        assert share.taken == share.refunded + share.refunding + share.kept + valid
        assert share.kept == fees[concert_id]
        assert share.total == share.taken
