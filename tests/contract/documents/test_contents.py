"""What the documents of carts and orders say."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from hypothesis import given

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.errors import NotFound
from chalicelib.platform.eventsourcing.codec import RecordedEvent, decode, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.documents.document import owner_key
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartEvent,
    CartItemAdded,
)
from chalicelib.shop.carts.queries import get_cart
from chalicelib.shop.orders.doors.code import TicketFacts
from chalicelib.shop.orders.events import (
    OrderConfirmed,
    OrderEvent,
    PaymentFailed,
    PaymentStarted,
    RefundStarted,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import ORDER, tickets_of
from chalicelib.shop.orders.queries import get_order, get_tickets, list_orders
from tests.contract.documents.histories import (
    EXAMPLES,
    FOLDS,
    ITEMS,
    PAYMENTS,
    SOMEBODY,
    a_line,
    cart_histories,
    consumer_of,
    deliver,
    instants,
    logged,
    nobody_opens,
    order_histories,
    ordered,
    placed,
    records,
    removals,
)
from tests.support.shop import BUYER, CUSTOMER, HOLD_FOR, IDS, PAY_WITHIN, Shop
from tests.support.stored import SOME_TIME, imported, store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@EXAMPLES
@given(cart_histories(), instants)
def test_a_cart_says_what_the_aggregate_says(
    documents: DocumentProjection, history: list[Event], now: datetime
) -> None:
    stream = store_all(uuid4(), history)
    cart = CART.fold(map(decode, stream))
    answer = get_cart(documents, logged(stream), stream[0].aggregate_id, SOMEBODY, now)
    live = list(cart.lines.values()) if cart.checked_out else cart.live_lines(now)
    assert [item["id"] for item in answer["items"]] == [str(key) for key in cart.lines]
    assert [item["id"] for item in answer["items"] if not item["expired"]] == [str(line.id) for line in live]
    assert answer["status"] == ("checked_out" if cart.checked_out else "open")
    assert answer["order_id"] == (str(cart.order_id) if cart.order_id else None)
    total = sum((line.unit_price.amount * line.quantity for line in live), Money.zero("EUR").amount)
    assert answer["total"] == ({"amount": str(total), "currency": "EUR"} if live else None)


@EXAMPLES
@given(order_histories(), instants)
def test_an_order_says_what_the_aggregate_says(
    documents: DocumentProjection, history: list[Event], now: datetime
) -> None:
    stream = store_all(uuid4(), history)
    order = ORDER.fold(map(decode, stream))
    answer = get_order(documents, logged(stream), stream[0].aggregate_id, SOMEBODY, now, nobody_opens)
    assert answer["status"] == order.status_at(now)
    assert [(payment["id"], payment["provider"], payment["status"]) for payment in answer["payments"]] == [
        (str(key), payment.provider, payment.status) for key, payment in order.payments.items()
    ]
    assert [(refund["id"], refund["status"]) for refund in answer["refunds"]] == [
        (str(key), refund.status) for key, refund in order.refunds.items()
    ]
    assert [(ticket["id"], ticket["status"]) for ticket in answer["tickets"]] == [
        (str(ticket.id), "valid" if ticket in order.valid_tickets else "revoked") for ticket in order.tickets
    ]


def test_the_refund_of_a_payment_that_confirms_the_order_no_more_leaves_its_status(
    documents: DocumentProjection,
) -> None:
    amount, payment_id = Money.of("50.00", "EUR"), PAYMENTS[0]
    history = [
        placed(),
        PaymentStarted(payment_id=payment_id, provider="sandbox", amount=amount, request_hash="", at=SOME_TIME),
        OrderConfirmed(payment_id=payment_id, tickets=(), at=SOME_TIME),
        OrderConfirmed(tickets=(), at=SOME_TIME),
        RefundStarted(payment_id=payment_id, refund_id=uuid4(), amount=amount, reason="double", at=SOME_TIME),
    ]
    stream = store_all(uuid4(), history)
    answer = get_order(documents, logged(stream), stream[0].aggregate_id, SOMEBODY, SOME_TIME, nobody_opens)
    assert answer["status"] == ORDER.fold(history).status == "confirmed"
    assert [payment["status"] for payment in answer["payments"]] == ["refunding"]


def test_an_order_of_eight_hundred_revoked_tickets_fits_its_document(documents: DocumentProjection) -> None:
    order_id, concert_id = uuid4(), uuid4()
    lines = [line.model_copy(update={"concert_id": concert_id}) for line in placed(quantity=40).lines * 20]
    tickets = tickets_of(order_id, tuple(lines), IDS)
    history = [
        placed(quantity=40).model_copy(update={"lines": tuple(lines)}),
        OrderConfirmed(tickets=tickets, at=SOME_TIME),
        TicketsRevoked(
            concert_id=concert_id, ticket_ids=tuple(ticket.id for ticket in tickets), reason="why", at=SOME_TIME
        ),
    ]
    stream = store_all(order_id, history)
    store = logged(stream)
    assert consumer_of(documents, store).consume(records(stream)) == succeeded()
    answer = get_order(documents, store, order_id, SOMEBODY, SOME_TIME, nobody_opens)
    assert [ticket["status"] for ticket in answer["tickets"]] == ["revoked"] * 800
    assert documents.position(order_id) == 2


def test_a_cart_lists_its_items_until_their_holds_end(salted_shop: Shop, documents: DocumentProjection) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale(price="25.00")
    cart_id = salted_shop.cart()
    first = salted_shop.add(cart_id, ticket_type_id, quantity=2)
    salted_shop.clock.advance(timedelta(minutes=5))
    second = salted_shop.add(cart_id, ticket_type_id, quantity=1)
    deliver(salted_shop, documents)

    def item(item_id: UUID, quantity: int, total: str, held_until: datetime, expired: bool) -> JsonObject:
        return {
            "id": str(item_id),
            "ticket_type_id": str(ticket_type_id),
            "ticket_type_name": "Standing",
            "concert_id": str(concert_id),
            "concert_name": "Patti Smith",
            "quantity": quantity,
            "unit_price": {"amount": "25.00", "currency": "EUR"},
            "total": {"amount": total, "currency": "EUR"},
            "hold_expires_at": format_instant(held_until),
            "expired": expired,
            "problem": "hold_expired" if expired else None,
        }

    ends = first.hold_expires_at
    before = get_cart(documents, salted_shop.store, cart_id, CUSTOMER.id, ends - timedelta(milliseconds=1))
    assert before == {
        "id": str(cart_id),
        "status": "open",
        "order_id": None,
        "items": [
            item(first.item_id, 2, "50.00", ends, False),
            item(second.item_id, 1, "25.00", second.hold_expires_at, False),
        ],
        "total": {"amount": "75.00", "currency": "EUR"},
        "expires_at": format_instant(ends),
        "server_time": format_instant(ends - timedelta(milliseconds=1)),
        "version": 2,
    }
    after = get_cart(documents, salted_shop.store, cart_id, CUSTOMER.id, ends)
    assert [line["expired"] for line in after["items"]] == [True, False]
    assert after["total"] == {"amount": "25.00", "currency": "EUR"}
    assert after["expires_at"] == format_instant(second.hold_expires_at)
    at_last = get_cart(documents, salted_shop.store, cart_id, CUSTOMER.id, second.hold_expires_at)
    assert (at_last["total"], at_last["expires_at"]) == (None, None)


def test_a_checked_out_cart_names_its_order_and_expires_no_more(
    salted_shop: Shop, documents: DocumentProjection
) -> None:
    _, ticket_type_id = salted_shop.on_sale()
    cart_id = salted_shop.cart()
    salted_shop.add(cart_id, ticket_type_id)
    order_id = salted_shop.check_out(cart_id).order_id
    deliver(salted_shop, documents)
    cart = get_cart(documents, salted_shop.store, cart_id, CUSTOMER.id, salted_shop.clock() + HOLD_FOR)
    assert (cart["status"], cart["order_id"], cart["expires_at"]) == ("checked_out", str(order_id), None)
    assert cart["total"] == {"amount": "25.00", "currency": "EUR"}
    assert [item["expired"] for item in cart["items"]] == [False]


def test_an_order_tells_its_lines_payments_and_tickets(salted_shop: Shop, documents: DocumentProjection) -> None:
    concert_id, ticket_type_id = salted_shop.on_sale()
    cart_id = salted_shop.cart()
    salted_shop.add(cart_id, ticket_type_id, quantity=2)
    order_id = salted_shop.check_out(cart_id).order_id
    refused = salted_shop.request(CUSTOMER)
    with pytest.raises(Exception, match="declined"):
        salted_shop.pay(order_id, "tok_declined", refused)
    paid = salted_shop.pay(order_id)
    deliver(salted_shop, documents)
    of_type = {
        "ticket_type_id": str(ticket_type_id),
        "ticket_type_name": "Standing",
        "concert_id": str(concert_id),
        "concert_name": "Patti Smith",
    }
    tickets = [
        {"id": str(ticket.id), **of_type, "status": "valid"} for ticket in salted_shop.order_state(order_id).tickets
    ]
    unit_price, total = ({"amount": amount, "currency": "EUR"} for amount in ("25.00", "50.00"))
    answer = get_order(documents, salted_shop.store, order_id, CUSTOMER.id, salted_shop.clock(), salted_shop.vault.open)
    assert answer == {
        "id": str(order_id),
        "status": "confirmed",
        "cart_id": str(cart_id),
        "lines": [{**of_type, "quantity": 2, "unit_price": unit_price, "total": total}],
        "total": total,
        "placed_at": format_instant(SOME_TIME),
        "payment_due_at": format_instant(SOME_TIME + PAY_WITHIN),
        "payments": [
            {
                "id": str(refused.request.id),
                "provider": "sandbox",
                "amount": total,
                "status": "failed",
                "reason": "The card was declined.",
            },
            {
                "id": str(paid.payment_id),
                "provider": "sandbox",
                "amount": total,
                "status": "succeeded",
                "reason": None,
            },
        ],
        "refunds": [],
        "disputes": [],
        "moves": [],
        "tickets": tickets,
        "buyer": BUYER,
        "version": paid.version,
    }
    assert len(tickets) == 2
    codes = [{"code": salted_shop.code(order_id, place)} for place in range(2)]
    write = salted_shop.code_book.write
    assert get_tickets(documents, salted_shop.store, order_id, CUSTOMER.id, write, nobody_opens) == {
        "order_id": str(order_id),
        "items": [ticket | code for ticket, code in zip(tickets, codes, strict=True)],
        "version": paid.version,
    }
    without_buyer = {name: value for name, value in answer.items() if name != "buyer"}
    assert (
        list(
            map(dict, list_orders(documents, salted_shop.store, CUSTOMER.id, 100, None, salted_shop.clock())[0])
        ).count(without_buyer)
        == 1
    )
    json.dumps(answer)


def test_an_unpaid_order_expires_by_the_clock(salted_shop: Shop, documents: DocumentProjection) -> None:
    order_id = ordered(salted_shop)
    deliver(salted_shop, documents)
    due = SOME_TIME + PAY_WITHIN
    for now, status in [(due - timedelta(milliseconds=1), "awaiting_payment"), (due, "expired")]:
        assert get_order(documents, salted_shop.store, order_id, CUSTOMER.id, now, nobody_opens)["status"] == status


def test_the_buyer_of_an_order_is_unknown_once_the_person_is_erased(
    salted_shop: Shop, documents: DocumentProjection
) -> None:
    order_id = ordered(salted_shop)
    deliver(salted_shop, documents)
    assert (
        get_order(documents, salted_shop.store, order_id, CUSTOMER.id, SOME_TIME, salted_shop.vault.open)["buyer"]
        == BUYER
    )
    salted_shop.vault.erase(CUSTOMER.id)
    assert (
        get_order(documents, salted_shop.store, order_id, CUSTOMER.id, SOME_TIME, salted_shop.vault.open)["buyer"]
        is None
    )


def test_no_document_holds_personal_data_in_clear(
    salted_shop: Shop, documents: DocumentProjection, client: "DynamoDBClient", read_table: str
) -> None:
    order_id = ordered(salted_shop)
    salted_shop.pay(order_id)
    deliver(salted_shop, documents)
    stored = [item for page in client.get_paginator("scan").paginate(TableName=read_table) for item in page["Items"]]
    assert str(order_id) in {item["Id"]["S"] for item in stored}
    text = json.dumps(stored, ensure_ascii=False)
    for secret in [*BUYER.values(), *BUYER["name"].split()]:
        assert secret not in text


CONTEXTS = "Cloudbash.Domain"


def test_carts_of_the_original_are_read(documents: DocumentProjection) -> None:
    customer_id, cart_id, item_id, type_id = uuid4(), uuid4(), uuid4(), uuid4()
    item = {"Id": str(item_id), "TicketTypeId": str(type_id), "Quantity": 3}
    stream = [
        imported(f"{CONTEXTS}.Carts.Events.CartCreatedEvent", cart_id, 0, CustomerId=str(customer_id)),
        imported(f"{CONTEXTS}.Carts.Events.CartItemAddedEvent", cart_id, 1, Item=item),
        imported(f"{CONTEXTS}.Carts.Events.CartCheckedOutEvent", cart_id, 2),
    ]
    store, parking = logged(stream), MemoryParking()
    consumer = consumer_of(documents, store, parking)
    consumer.consume(records(stream[:2]))
    cart = get_cart(documents, store, cart_id, customer_id, SOME_TIME)
    assert (cart["status"], cart["total"], cart["expires_at"]) == ("open", None, None)
    (shown,) = cart["items"]
    assert (shown["ticket_type_id"], shown["quantity"], shown["expired"]) == (str(type_id), 3, True)
    assert (shown["concert_id"], shown["hold_expires_at"]) == (None, None)
    consumer.consume(records(stream))
    cart = get_cart(documents, store, cart_id, customer_id, SOME_TIME)
    assert (cart["status"], cart["order_id"], cart["version"]) == ("checked_out", None, 2)
    ((listed, _),), _ = documents.list_of(owner_key(CartEvent.aggregate_type, customer_id), 100)
    assert listed["id"] == str(cart_id)
    assert parking.list_parked() == []


def test_orders_of_the_original_are_read(documents: DocumentProjection) -> None:
    customer_id, order_id = uuid4(), uuid4()
    stream = [imported(f"{CONTEXTS}.Orders.Events.OrderCreatedEvent", order_id, 0, CustomerId=str(customer_id))]
    store = logged(stream)
    consumer_of(documents, store).consume(records(stream))
    order = get_order(documents, store, order_id, customer_id, SOME_TIME, nobody_opens)
    assert order == {
        "id": str(order_id),
        "status": "imported",
        "cart_id": None,
        "lines": [],
        "total": None,
        "placed_at": "2020-05-25T16:10:56.123Z",
        "payment_due_at": None,
        "payments": [],
        "refunds": [],
        "disputes": [],
        "moves": [],
        "tickets": [],
        "buyer": None,
        "version": 0,
    }
    assert get_tickets(documents, store, order_id, customer_id, _no_code, nobody_opens)["items"] == []


def _no_code(facts: TicketFacts) -> str:
    raise AssertionError(facts)


def test_a_stream_that_begins_above_0_is_followed_and_is_nobodys(documents: DocumentProjection) -> None:
    cart_id = uuid4()
    name = f"{CONTEXTS}.Carts.Events.CartItemRemovedEvent"
    stream = [imported(name, cart_id, version, ItemId=str(ITEMS[0])) for version in (4, 5)]
    store, parking = logged(stream), MemoryParking()
    consumer_of(documents, store, parking).consume(records(stream[1:]))
    assert documents.position(cart_id) == 5
    assert parking.list_parked() == []
    with pytest.raises(NotFound):
        get_cart(documents, store, cart_id, SOMEBODY, SOME_TIME)


def test_folds_leave_the_document_they_were_given_as_it_is() -> None:
    histories: list[list[Event]] = [
        [CartCreated(customer_id=SOMEBODY), CartItemAdded(item=a_line()), *removals(1), CartCheckedOut()],
        [
            placed(),
            PaymentStarted(
                payment_id=PAYMENTS[0],
                provider="sandbox",
                amount=Money.of("50.00", "EUR"),
                request_hash="",
                at=datetime(2030, 1, 1, tzinfo=UTC),
            ),
            PaymentFailed(payment_id=PAYMENTS[0], reason="declined", at=SOME_TIME),
            OrderConfirmed(payment_id=PAYMENTS[0], tickets=(), at=SOME_TIME),
        ],
    ]
    for history in histories:
        document: JsonObject | None = None
        for event in map(recorded, store_all(uuid4(), history)):
            before = json.dumps(document)
            following = FOLDS[event.event.aggregate_type](document, event)
            assert json.dumps(document) == before
            document = following


def test_an_event_of_another_time_leaves_the_document_alone() -> None:
    class CartPolished(CartEvent):
        pass

    class OrderPolished(OrderEvent):
        pass

    for begin, polish in [(CartCreated(customer_id=SOMEBODY), CartPolished()), (placed(), OrderPolished())]:
        fold, stream_id = FOLDS[begin.aggregate_type], uuid4()
        document = fold(None, RecordedEvent(stream_id, 0, SOME_TIME, begin))
        assert fold(document, RecordedEvent(stream_id, 1, SOME_TIME, polish)) == document
        assert fold(None, RecordedEvent(stream_id, 1, SOME_TIME, polish))["customer_id"] is None
