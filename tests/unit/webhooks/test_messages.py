"""What receivers are told of an order, its tickets and its concert: ids, and nothing about a person."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.access.events import PersonErased
from chalicelib.shop.concerts.events import ConcertMoved, ConcertTermsApplied
from chalicelib.shop.orders.events import (
    GrantedPart,
    IssuedTicket,
    OrderConfirmed,
    OrderLine,
    OrderPlaced,
    OrderSettled,
    RefundCompleted,
    RefundGranted,
    TicketCheckedIn,
    TicketRevoked,
    refund_id_for_concert,
)
from chalicelib.shop.orders.refund import refund_id_of
from chalicelib.shop.webhooks.events import ConcertSoldOut
from chalicelib.shop.webhooks.messages import WebhookMessage, concert_messages, in_order, order_messages
from tests.support.stored import SOME_TIME as NOW

ORDER, CUSTOMER, PAYMENT = uuid4(), uuid4(), uuid4()
OURS, THEIRS = uuid4(), uuid4()
OUR_TYPE, THEIR_TYPE = uuid4(), uuid4()
OUR_TICKET, THEIR_TICKET = uuid4(), uuid4()
PRICE = Money.of("25.00", "EUR")


def line(concert_id: UUID, ticket_type_id: UUID) -> OrderLine:
    return OrderLine(
        hold_id=uuid4(),
        ticket_type_id=ticket_type_id,
        ticket_type_name="Floor",
        concert_id=concert_id,
        concert_name="Björk",
        quantity=1,
        unit_price=PRICE,
    )


PLACED = OrderPlaced(
    cart_id=uuid4(),
    customer_id=CUSTOMER,
    buyer=Sealed(ciphertext="c2VhbGVk", key=str(CUSTOMER)),
    lines=(line(OURS, OUR_TYPE), line(THEIRS, THEIR_TYPE)),
    total=PRICE,
    payment_due_at=NOW,
    at=NOW,
)
CONFIRMED = OrderConfirmed(
    payment_id=PAYMENT,
    tickets=(
        IssuedTicket(id=OUR_TICKET, ticket_type_id=OUR_TYPE),
        IssuedTicket(id=THEIR_TICKET, ticket_type_id=THEIR_TYPE, concert_id=THEIRS),
    ),
    at=NOW,
)


def as_recorded(stream_id: UUID, *events: Event, at: datetime = NOW, after: int = -1) -> list[RecordedEvent]:
    return [RecordedEvent(stream_id, after + 1 + number, at, event) for number, event in enumerate(events)]


def told(*events: Event, concerts: frozenset[UUID] = frozenset({OURS})) -> list[tuple[str, JsonObject]]:
    made = order_messages(ORDER, concerts, as_recorded(ORDER, *events))
    return [(one.kind, one.data) for one in made]


def refunded(refund_id: UUID) -> RefundCompleted:
    return RefundCompleted(payment_id=PAYMENT, refund_id=refund_id, at=NOW)


def test_a_confirmed_order_is_told_with_the_tickets_of_the_receivers_concerts_alone() -> None:
    ticket = {"ticket_id": str(OUR_TICKET), "ticket_type_id": str(OUR_TYPE), "concert_id": str(OURS)}
    assert told(PLACED, CONFIRMED) == [
        ("order.confirmed", {"order_id": str(ORDER), "concert_ids": [str(OURS)]}),
        ("ticket.issued", {"order_id": str(ORDER), "tickets": [ticket]}),
    ]


def test_who_has_no_concert_in_the_order_is_told_nothing() -> None:
    erased = PersonErased(at=NOW)
    assert told(PLACED, CONFIRMED, refunded(uuid4()), erased, concerts=frozenset({uuid4()})) == []


def test_a_refund_for_a_cancelled_concert_is_told_to_its_organiser_alone() -> None:
    ours, theirs = (refund_id_for_concert(PAYMENT, key) for key in (OURS, THEIRS))
    assert ours == refund_id_of(PAYMENT, OURS)
    assert told(PLACED, CONFIRMED, refunded(theirs))[2:] == []
    data = {"order_id": str(ORDER), "refund_ids": [str(ours)], "concert_ids": [str(OURS)]}
    assert told(PLACED, CONFIRMED, refunded(ours))[2:] == [("order.refunded", data)]


def test_a_granted_refund_is_told_to_the_organiser_of_its_part() -> None:
    refund_id = uuid4()
    part = GrantedPart(concert_id=THEIRS, amount=PRICE, fee=PRICE, refund_id=refund_id)
    granted = RefundGranted(grant_id=uuid4(), request_hash="", by="operator", reason="", parts=(part,), at=NOW)
    assert told(PLACED, CONFIRMED, granted, refunded(refund_id))[2:] == []
    assert len(told(PLACED, CONFIRMED, granted, refunded(refund_id), concerts=frozenset({THEIRS}))[2:]) == 1


def test_money_that_confirmed_nothing_is_no_refund_of_the_order() -> None:
    other = RefundCompleted(payment_id=uuid4(), refund_id=uuid4(), at=NOW)
    assert told(PLACED, CONFIRMED, other)[2:] == []
    assert told(PLACED, refunded(uuid4())) == []


def test_a_refund_that_an_operator_settled_is_told() -> None:
    refund_id = uuid4()
    settled = OrderSettled(outcome="refunded", reason="by bank", refund_ids=(refund_id,), at=NOW)
    [(kind, data)] = told(PLACED, CONFIRMED, settled)[2:]
    assert (kind, data["refund_ids"]) == ("order.refunded", [str(refund_id)])


def test_tickets_are_told_in_the_order_in_which_it_happened_and_after_their_order() -> None:
    order = as_recorded(ORDER, PLACED, CONFIRMED)
    checked_in = TicketCheckedIn(order_id=ORDER, ticket_type_id=OUR_TYPE, concert_id=OURS, at=NOW)
    revoked = TicketRevoked(order_id=ORDER, ticket_type_id=OUR_TYPE, reason="", at=NOW)
    ticket = [*as_recorded(OUR_TICKET, checked_in), *as_recorded(OUR_TICKET, revoked, at=NOW + timedelta(1), after=0)]
    made = list(order_messages(ORDER, frozenset({OURS}), in_order([ticket, order])))
    assert [one.kind for one in made] == ["order.confirmed", "ticket.issued", "ticket.checked_in", "ticket.revoked"]
    assert made[-1].data["concert_id"] == str(OURS), "an old revocation names no concert, and its order does"
    assert made[-1].data["ticket_id"] == str(OUR_TICKET)


def test_a_message_names_no_person() -> None:
    made = order_messages(ORDER, frozenset({OURS}), as_recorded(ORDER, PLACED, CONFIRMED, PersonErased(at=NOW)))
    bodies = b" ".join(one.body for one in made).decode()
    assert "person.erased" in bodies
    assert str(CUSTOMER) not in bodies
    assert "c2VhbGVk" not in bodies


def test_a_concert_tells_what_changed_and_when_it_was_sold_out() -> None:
    moved = ConcertMoved(start_date=NOW, end_date=NOW, venue_id=uuid4(), at=NOW)
    sold_out = ConcertSoldOut(concert_id=OURS, tickets=20, at=NOW)
    events = as_recorded(OURS, moved, ConcertTermsApplied(terms_version=2), sold_out)
    assert [(one.kind, one.data) for one in concert_messages(OURS, events)] == [
        ("concert.changed", {"concert_id": str(OURS), "change": "moved"}),
        ("concert.sold_out", {"concert_id": str(OURS), "tickets": 20}),
    ]


def test_the_id_of_a_message_follows_from_its_endpoint_and_its_event() -> None:
    first, second = (
        list(order_messages(ORDER, frozenset({OURS}), as_recorded(ORDER, PLACED, CONFIRMED))) for _ in "ab"
    )
    endpoint = uuid4()
    assert [one.id_for(endpoint) for one in first] == [one.id_for(endpoint) for one in second]
    assert len({one.id_for(key) for one in first for key in (endpoint, uuid4())}) == 2 * len(first)


def test_an_erasure_has_an_id_for_each_order() -> None:
    erased = as_recorded(CUSTOMER, PersonErased(at=NOW))

    def of(order_id: UUID) -> WebhookMessage:
        order = as_recorded(order_id, PLACED)
        return list(order_messages(order_id, frozenset({OURS}), [*order, *erased]))[-1]

    endpoint = uuid4()
    assert of(ORDER).id_for(endpoint) != of(uuid4()).id_for(endpoint)
