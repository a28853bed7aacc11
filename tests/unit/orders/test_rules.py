"""The order, its document and its process agree: after every history, and after events in no order that can be."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.errors import CloudbashError
from chalicelib.platform.eventsourcing.codec import RecordedEvent, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.orders.events import OrderEvent, OrderLine, TicketCheckedIn
from chalicelib.shop.orders.granting import GrantedBy, RefundRequest, grant_refund
from chalicelib.shop.orders.moving import MoveRequest, Paid, begin_move, carry_out, movable
from chalicelib.shop.orders.operators import settle_by_hand
from chalicelib.shop.orders.order import ORDER, Order
from chalicelib.shop.orders.order_facts import REQUEST_TIME
from chalicelib.shop.orders.payments.port import ProviderDispute, ProviderRefund, RefundState, Reversals
from chalicelib.shop.orders.process import CheckoutProcess
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.refund import DisputeStatus
from chalicelib.shop.orders.refund_policy import PolicyTerms, TicketsOnReversal
from chalicelib.shop.orders.reversals import follow, reduce_refund
from chalicelib.shop.orders.rules import OrderStatus, Outcome
from tests.support.any_events import events_of
from tests.support.shop import IDS, some_id
from tests.support.stored import SOME_TIME, store_all

THIS = some_id("order")
CONCERTS = [some_id("concert"), some_id("other concert")]
PAYMENTS = [some_id(f"payment {number}") for number in range(3)]
PRICES = ["25.00", "40.00", "0.00"]
EXAMPLES = settings(max_examples=150, deadline=None)

Decision = Callable[[Order, datetime], Sequence[Event]]


# --- histories that an order decides ---------------------------------------------------------------------------------


@st.composite
def lines(draw: st.DrawFn) -> tuple[OrderLine, ...]:
    chosen = draw(st.lists(st.tuples(st.sampled_from(CONCERTS), st.sampled_from(PRICES)), min_size=1, max_size=3))
    return tuple(
        OrderLine(
            hold_id=some_id(f"hold {place}"),
            ticket_type_id=some_id(f"type {place}"),
            ticket_type_name="Standing",
            concert_id=concert_id,
            concert_name="Patti Smith",
            quantity=draw(st.integers(1, 2)),
            unit_price=Money.of(price, "EUR"),
        )
        for place, (concert_id, price) in enumerate(chosen)
    )


def placing(of: tuple[OrderLine, ...]) -> Decision:
    buyer, customer_id = Sealed(ciphertext="c2VhbGVk", key="key"), some_id("customer")
    return lambda order, now: order.place(
        some_id("cart"), customer_id, buyer, of, SOME_TIME + timedelta(minutes=20), now
    )


def starting(payment_id: UUID) -> Decision:
    return lambda order, now: order.start_payment(payment_id, "sandbox", "hash", now)


@st.composite
def moving(draw: st.DrawFn) -> Decision:
    """Somebody moves a ticket to a place at some price, or to another holder."""
    key, price = some_id(draw(st.sampled_from(["move", "another move"]))), draw(st.sampled_from([*PRICES, "60.00"]))
    place, concert_id = draw(st.integers(0, 5)), draw(st.sampled_from(CONCERTS))
    holder = draw(st.sampled_from([None, Sealed(ciphertext="c2VhbGVk", key="another key")]))

    def decide(order: Order, now: datetime) -> Sequence[Event]:
        chosen = tuple(ticket.id for ticket in order.tickets[place : place + 1])
        request = MoveRequest(key, "hash", GrantedBy.ORGANISER, "why", frozenset(CONCERTS), chosen)
        if key in order.moves or not chosen:
            return []
        movable(order, request)
        line = OrderLine(
            hold_id=key,
            ticket_type_id=some_id("moved to"),
            ticket_type_name="Balcony",
            concert_id=concert_id,
            concert_name="Patti Smith",
            quantity=1,
            unit_price=Money.of(price, "EUR"),
        )
        begun = begin_move(order, request, line, holder, now + timedelta(minutes=20), now)
        return [begun] if begun.supplement.amount else carry_out(order, THIS, begun, IDS, now)

    return decide


def failing(place: int) -> Decision:
    return lambda order, now: order.fail_payment(picked(order.payments, place), "The card was declined.", now)


def charging(place: int, amount: Money | None) -> Decision:
    """The provider took the amount, that of the order if none is named."""

    def decide(order: Order, now: datetime) -> Sequence[Event]:
        payment_id = picked(order.payments, place)
        asked = order.asked_for(payment_id) if payment_id in order.payments else order.total
        taken, move = asked if amount is None else amount, order.open_move
        is_moving = move is not None and order.is_news(payment_id) and taken == move.supplement
        if move is not None and is_moving and order.valid.issuperset(move.ticket_ids):
            return carry_out(order, THIS, move, IDS, now, Paid(payment_id, "reference"))
        if order.is_paid_with(taken):
            return order.confirm(THIS, IDS, now, payment_id, "reference")
        return order.return_payment(payment_id, "reference", taken, "why", now)

    return decide


def returning(place: int) -> Decision:
    """The provider took the amount, and the stock is gone."""

    def decide(order: Order, now: datetime) -> Sequence[Event]:
        events = order.return_payment(picked(order.payments, place), "reference", order.total, "No stock.", now)
        return [*events, *order.end_without_stock(now)]

    return decide


def cancelling(concert_id: UUID) -> Decision:
    return lambda order, now: order.cancel_concert(concert_id, "Cancelled.", now)


def completing_revocation(concert_id: UUID) -> Decision:
    def decide(order: Order, now: datetime) -> Sequence[Event]:
        return order.complete_revocation(concert_id, frozenset(ticket.id for ticket in order.tickets), now)

    return decide


@st.composite
def granting(draw: st.DrawFn) -> Decision:
    """Somebody asks for money or tickets back."""
    key, by = draw(st.sampled_from(["one", "two", "three"])), draw(st.sampled_from(GrantedBy))
    of, fee = frozenset(draw(st.lists(st.sampled_from(CONCERTS), min_size=1))), draw(st.sampled_from([0, 15, 100]))
    terms = {concert_id: (PolicyTerms(SOME_TIME + timedelta(minutes=30), fee),) for concert_id in CONCERTS}
    amount = draw(st.sampled_from([None, None, Money.of("10.01", "EUR"), Money.of("40.00", "EUR")]))
    chosen = draw(st.none() | st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True))

    def decide(order: Order, now: datetime) -> Sequence[Event]:
        known = [order.tickets[place].id for place in chosen or () if place < len(order.tickets)]
        concerts_of_it = of & {one.concert_id for one in order.lines if one.concert_id is not None}
        request = RefundRequest(
            some_id(f"grant {key}"), "hash", by, "why", concerts_of_it, tuple(known) or None, amount, terms=terms
        )
        return grant_refund(order, request, now)

    return decide


def completing_refund(place: int) -> Decision:
    return lambda order, now: order.complete_refund(picked(order.refunds, place), now)


@st.composite
def following(draw: st.DrawFn) -> Decision:
    """The provider is asked what went back of a payment."""
    place, state, reference = draw(places), draw(st.sampled_from(RefundState)), draw(st.sampled_from(["r1", "r2"]))
    amount, is_ours = Money.of(draw(st.sampled_from(["10.00", "25.00", "90.00"])), "EUR"), draw(st.booleans())
    status = draw(st.sampled_from([None, None, *DisputeStatus]))
    policy = draw(st.sampled_from(TicketsOnReversal))
    disputes = () if status is None else (ProviderDispute("d1", amount, status, "why"),)

    def decide(order: Order, now: datetime) -> Sequence[Event]:
        payment_id, refund_id = picked(order.payments, place), picked(order.refunds, place) if is_ours else None
        if payment_id not in order.payments or order.payments[payment_id].may_succeed:
            return []
        refund = ProviderRefund(reference, amount, state, refund_id, "closed")
        return follow(order, payment_id, Reversals((refund,), disputes), now, lambda _: policy)

    return decide


def reducing(place: int) -> Decision:
    return lambda order, now: reduce_refund(order, picked(order.refunds, place), Money.of("5.00", "EUR"), now)


def ending(outcome: Outcome) -> Decision:
    return lambda order, now: settle_by_hand(order, outcome, "why", now)


def picked(known: Collection[UUID], place: int) -> UUID:
    """One of what the order knows; an id that nobody knows if there is none."""
    return [*known][-1 - place % len(known)] if known else some_id("unknown")


places, concerts = st.integers(0, 2), st.sampled_from(CONCERTS)
settling = st.builds(charging, places, st.sampled_from([None, None, Money.of("1.00", "EUR")]))
decisions: st.SearchStrategy[Decision] = st.one_of(
    st.sampled_from(PAYMENTS).map(starting),
    places.map(failing),
    settling,
    settling,
    places.map(returning),
    concerts.map(cancelling),
    concerts.map(cancelling),
    concerts.map(completing_revocation),
    places.map(completing_refund),
    places.map(completing_refund),
    granting(),
    granting(),
    moving(),
    moving(),
    following(),
    following(),
    places.map(reducing),
    st.sampled_from(Outcome).map(ending),
    st.just(Order.expire),
    st.just(Order.end_move),
    st.just(lambda order, now: order.confirm_free(THIS, IDS, now)),
)
pauses = st.sampled_from([0, 0, 0, 1, 15]).map(lambda count: timedelta(minutes=count))


@st.composite
def decided(draw: st.DrawFn) -> list[Event]:
    """What an order answers to whatever it is told, refusals left out."""
    order, now, history = Order(), SOME_TIME, list[Event]()
    told = [placing(draw(lines())), starting(PAYMENTS[0]), *draw(st.lists(decisions, min_size=6, max_size=20))]
    for decide in told:
        with suppress(CloudbashError):
            events = decide(order, now)
            order = ORDER.fold(events, order)
            history += events
        now += draw(pauses)
    return history


kinds: list[type[Event]] = [*OrderEvent.__subclasses__(), TicketCheckedIn]
anything = st.lists(st.sampled_from(kinds).flatmap(events_of), min_size=1, max_size=12)


# --- what follows an order -------------------------------------------------------------------------------------------


def steps(history: list[Event]) -> Iterator[tuple[Order, JsonObject, JsonObject]]:
    """The order, its document and what its process waits for, after each event; documents as they are stored."""
    order, document, waits = Order(), None, JsonObject()
    for event in map(recorded, store_all(THIS, history)):
        order = ORDER.evolve(order, event.event)
        document = as_stored(fold_order(document, event))
        waits = CheckoutProcess().react(waits, event).state
        yield order, document, waits


def as_stored(document: JsonObject) -> JsonObject:
    stored: JsonObject = json.loads(json.dumps(document))
    return stored


def said_by(order: Order) -> JsonObject:
    """What the document says of an order beside copied facts, read from the aggregate."""
    return {
        "status": order.status,
        "payments": [
            (str(key), payment.provider, as_text(payment.amount), payment.status, payment.reason)
            for key, payment in order.payments.items()
        ],
        "refunds": [
            (str(key), str(refund.payment_id), as_text(refund.amount), refund.status, refund.reason)
            for key, refund in order.refunds.items()
        ],
        "disputes": [
            (key, str(dispute.payment_id), as_text(dispute.amount), dispute.status, dispute.reason)
            for key, dispute in order.disputes.items()
        ],
        "paid_by": None if order.paid_by is None else str(order.paid_by),
        "tickets": [
            (str(ticket.id), "valid" if ticket in order.valid_tickets else "revoked") for ticket in order.tickets
        ],
    }


def said_in(document: JsonObject) -> JsonObject:
    payments, refunds = document["payments"].values(), document["refunds"].values()
    return {
        "status": document["status"],
        "payments": [
            (one["id"], one["provider"], one["amount"]["amount"], one["status"], one["reason"]) for one in payments
        ],
        "refunds": [
            (one["id"], one["payment_id"], one["amount"]["amount"], one["status"], one["reason"]) for one in refunds
        ],
        "disputes": [
            (one["id"], one["payment_id"], one["amount"]["amount"], one["status"], one["reason"])
            for one in document.get("disputes", {}).values()
        ],
        "paid_by": document["paid_by"],
        "tickets": [(ticket["id"], ticket["status"]) for ticket in document["tickets"]],
    }


def as_text(amount: Money) -> str:
    return str(amount.amount)


def unfinished(order: Order) -> dict[str, datetime | None]:
    """What the order waits for, and since when, where the aggregate knows it."""
    waits: dict[str, datetime | None] = {
        str(key): order.payments[key].started_at + REQUEST_TIME for key in order.open_payments
    }
    if order.status is OrderStatus.AWAITING_PAYMENT:
        waits["payment_due"] = order.payment_due_at
    if order.open_move is not None:
        waits[str(order.open_move.move_id)] = order.open_move.payment_due_at
    unended = [*order.refunds_under_way, *order.revocations_under_way, *order.open_disputes]
    return waits | {str(key): None for key in unended}


# --- the properties --------------------------------------------------------------------------------------------------


@EXAMPLES
@given(decided())
def test_after_every_decided_event_document_and_process_say_what_the_order_says(history: list[Event]) -> None:
    for order, document, waits in steps(history):
        assert said_in(document) == said_by(order)
        assert waits.keys() == unfinished(order).keys()
        for name, until in unfinished(order).items():
            assert until is None or datetime.fromisoformat(waits[name]) == until


@EXAMPLES
@given(anything)
def test_after_events_in_any_order_the_document_says_what_the_order_says(history: list[Event]) -> None:
    for order, document, _ in steps(history):
        assert said_in(document) == said_by(order)


@EXAMPLES
@given(decided(), st.randoms(use_true_random=False))
def test_after_events_in_any_order_a_process_waits_for_all_that_its_order_waits_for(
    history: list[Event], random: Random
) -> None:
    random.shuffle(history)
    for order, _, waits in steps(history):
        assert unfinished(order).keys() <= waits.keys()


@EXAMPLES
@given(anything, st.integers(0, 11), st.integers(1, 50))
def test_a_stream_that_begins_in_the_middle_is_folded_like_any_other(
    history: list[Event], place: int, begins_at: int
) -> None:
    events = history[place:] or history
    tail = [RecordedEvent(THIS, begins_at + offset, SOME_TIME, event) for offset, event in enumerate(events)]
    document: JsonObject | None = None
    for event in tail:
        document = as_stored(fold_order(document, event))
    assert document is not None
    assert said_in(document) == said_by(ORDER.fold(events))
