"""Carts and orders in DynamoDB: whatever the bus does, the documents are a fold of the log."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from itertools import chain
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4, uuid5

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.platform.bus.batch import failed_from, succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.bus.projection import PositionMoved
from chalicelib.platform.errors import InvalidInput, NotFound, Unavailable
from chalicelib.platform.eventsourcing.codec import RecordedEvent, decode, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.history import PointInTime
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.readmodels.documents.document import Fold, Versioned, owner_key
from chalicelib.platform.readmodels.documents.own import read_own
from chalicelib.platform.readmodels.documents.projection import DocumentProjection, DocumentTooLarge
from chalicelib.platform.readmodels.min_versions import MinVersions
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartEvent,
    CartItemAdded,
    CartItemRemoved,
    CartLine,
)
from chalicelib.shop.carts.projections import fold_cart
from chalicelib.shop.carts.queries import get_cart, get_cart_as_of
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
    OrderEvent,
    OrderExpired,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundStarted,
    TicketRevocationCompleted,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import ORDER, tickets_of
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.queries import get_order, get_order_as_of, get_tickets, list_orders
from chalicelib.shop.orders.refund import refund_id_of
from local.emulator import Emulator
from local.resources import Aws, create_resources
from tests.support.shop import BUYER, CUSTOMER, HOLD_FOR, OTHER_CUSTOMER, PAY_WITHIN, Shop
from tests.support.stored import SOME_TIME, imported, store_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

RESOURCES = Path(__file__).parents[2] / "infra" / "resources.json"
FOLDS: dict[str, Fold] = {"Cart": fold_cart, "Order": fold_order}
NAMES = UUID("d0c00000-0000-4000-8000-000000000000")
EXAMPLES = settings(max_examples=25, deadline=None)


# --- the table, and a consumer in front of it ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("aws"))
    running.begin()
    try:
        running.wait_ready()
        yield running
    finally:
        running.process.stop()


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    return create_resources(Aws(emulator.url), RESOURCES, {"Stage": "test"}).names["ReadTable"]


@pytest.fixture(scope="module")
def documents(emulator: Emulator, table: str) -> DocumentProjection:
    return DocumentProjection("carts", Aws(emulator.url).dynamodb, table, FOLDS)


@pytest.fixture
def client(emulator: Emulator) -> "DynamoDBClient":
    """A client of its own, for tests that disturb it."""
    return Aws(emulator.url).dynamodb


@pytest.fixture
def disturbed(client: "DynamoDBClient", table: str) -> DocumentProjection:
    return DocumentProjection("carts", client, table, FOLDS)


def logged(*streams: Sequence[StoredEvent]) -> MemoryEventStore:
    store = MemoryEventStore()
    for stream in streams:
        for event in stream:
            store.append([event])
    return store


def consumer_of(
    documents: DocumentProjection, store: MemoryEventStore, parking: MemoryParking | None = None
) -> Consumer:
    return Consumer(documents, store, parking or MemoryParking(), lambda: SOME_TIME)


def records(events: Sequence[StoredEvent]) -> list[BusRecord]:
    return [BusRecord(f"sequence {place}", to_bus(event)) for place, event in enumerate(events)]


def everything(store: MemoryEventStore) -> list[StoredEvent]:
    return [event for stream_id in store.stream_ids() for event in store.read(stream_id)]


def folded(stream: Sequence[StoredEvent]) -> Versioned | None:
    """What the document must be, as JSON has it."""
    if not stream:
        return None
    fold = FOLDS[decode(stream[0]).aggregate_type]
    document = reduce(fold, map(recorded, stream), None)
    return Versioned(json.loads(json.dumps(document)), stream[-1].aggregate_version)


def nobody_opens(_: Sealed) -> None:
    return None


# --- histories -------------------------------------------------------------------------------------------------------

ITEMS = [uuid5(NAMES, f"item {number}") for number in range(3)]
PAYMENTS = [uuid5(NAMES, f"payment {number}") for number in range(3)]
CONCERT = uuid5(NAMES, "concert")
SOMEBODY = uuid5(NAMES, "customer")
"""Of the histories made here; those of a shop are of `CUSTOMER`."""
instants = st.integers(0, 60).map(lambda minutes: SOME_TIME + timedelta(minutes=minutes))
optional_instants = st.none() | instants


def a_line(
    item_id: UUID = ITEMS[0], quantity: int = 2, price: str = "25.00", expires_at: datetime | None = None
) -> CartLine:
    return CartLine(
        id=item_id,
        ticket_type_id=uuid5(NAMES, "type"),
        quantity=quantity,
        ticket_type_name="Stehplatz “vorne”",
        concert_id=CONCERT,
        concert_name="Patti Smith",
        unit_price=Money.of(price, "EUR"),
        expires_at=expires_at,
    )


def events_of(event: type[Event], **facts: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries(facts).map(lambda drawn: event(**drawn))


lines = st.builds(
    a_line, st.sampled_from(ITEMS), st.integers(1, 4), st.sampled_from(["25.00", "0.00", "9.99"]), optional_instants
)
cart_events: st.SearchStrategy[Event] = st.one_of(
    events_of(CartItemAdded, item=lines, at=optional_instants),
    events_of(CartItemRemoved, item_id=st.sampled_from(ITEMS), at=optional_instants),
    events_of(CartCheckedOut, order_id=st.sampled_from([None, uuid5(NAMES, "order")]), at=optional_instants),
)


@st.composite
def cart_histories(draw: st.DrawFn) -> list[Event]:
    created = CartCreated(customer_id=SOMEBODY, at=draw(optional_instants))
    return [created, *draw(st.lists(cart_events, max_size=8))]


def placed(customer_id: UUID = SOMEBODY, quantity: int = 2) -> OrderPlaced:
    line = OrderLine(hold_id=ITEMS[0], **{name: getattr(a_line(quantity=quantity), name) for name in SHARED_WITH_CART})
    return OrderPlaced(
        cart_id=uuid5(NAMES, "cart"),
        customer_id=customer_id,
        buyer=Sealed(ciphertext="Y2lwaGVydGV4dA==", key=str(customer_id)),
        lines=(line,),
        total=line.unit_price.times(quantity),
        payment_due_at=SOME_TIME + PAY_WITHIN,
        at=SOME_TIME,
    )


SHARED_WITH_CART = ("ticket_type_id", "ticket_type_name", "concert_id", "concert_name", "quantity", "unit_price")
payments = st.sampled_from(PAYMENTS)
amounts = st.sampled_from([Money.of("50.00", "EUR"), Money.of("20.00", "EUR")])
refund_ids = st.sampled_from([uuid5(NAMES, "refund"), *(refund_id_of(payment) for payment in PAYMENTS)])
ISSUED = tickets_of(uuid5(NAMES, "order"), placed().lines)
reasons = st.sampled_from(["declined", "stolen"])
order_events: st.SearchStrategy[Event] = st.one_of(
    events_of(
        PaymentStarted,
        payment_id=payments,
        provider=st.just("sandbox"),
        amount=amounts,
        request_hash=st.just(""),
        at=instants,
    ),
    events_of(PaymentFailed, payment_id=payments, reason=reasons, at=instants),
    events_of(PaymentSucceeded, payment_id=payments, provider_reference=st.just("r"), amount=amounts, at=instants),
    events_of(RefundStarted, payment_id=payments, refund_id=refund_ids, amount=amounts, reason=reasons, at=instants),
    events_of(RefundCompleted, payment_id=payments, refund_id=refund_ids, at=instants),
    events_of(OrderExpired, at=instants),
    events_of(OrderCancelled, reason=reasons, at=instants),
    events_of(
        OrderConfirmed,
        payment_id=st.none() | payments,
        tickets=st.just(ISSUED),
        at=instants,
    ),
    events_of(
        TicketsRevoked,
        concert_id=st.just(uuid5(NAMES, "concert")),
        ticket_ids=st.sampled_from([(ISSUED[0].id,), tuple(ticket.id for ticket in ISSUED)]),
        reason=reasons,
        at=instants,
    ),
    events_of(TicketRevocationCompleted, concert_id=st.just(uuid5(NAMES, "concert")), at=instants),
)


@st.composite
def order_histories(draw: st.DrawFn) -> list[Event]:
    return [placed(), *draw(st.lists(order_events, max_size=8))]


histories = cart_histories() | order_histories()


@st.composite
def deliveries(draw: st.DrawFn, streams: st.SearchStrategy[list[Event]]) -> tuple[list[list[Event]], list[list[int]]]:
    """Some streams, and batches of places in the log in any order: some twice, some not at all."""
    drawn = draw(st.lists(streams, min_size=1, max_size=3))
    places = st.integers(0, sum(map(len, drawn)) - 1)
    return drawn, draw(st.lists(st.lists(places, min_size=1, max_size=6), max_size=8))


# --- whatever the bus does -------------------------------------------------------------------------------------------


@EXAMPLES
@given(deliveries(histories))
def test_whatever_arrives_twice_late_or_never_the_documents_are_a_fold_of_the_log(
    documents: DocumentProjection, delivered: tuple[list[list[Event]], list[list[int]]]
) -> None:
    streams, batches = delivered
    store = logged(*(store_all(uuid4(), events) for events in streams))
    consumer, log = consumer_of(documents, store), everything(store)
    newest: dict[UUID, int] = {}
    for batch in batches:
        arrived = [log[place] for place in batch]
        assert consumer.consume(records(arrived)) == succeeded()
        for event in arrived:
            newest[event.aggregate_id] = max(newest.get(event.aggregate_id, -1), event.aggregate_version)
        for stream_id in store.stream_ids():
            reached = documents.position(stream_id)
            assert reached >= newest.get(stream_id, -1)
            assert documents.find(stream_id) == folded(store.read(stream_id)[: reached + 1])
    consumer.consume(records([store.read(stream_id)[-1] for stream_id in store.stream_ids()]))
    assert all(documents.find(stream_id) == folded(store.read(stream_id)) for stream_id in store.stream_ids())


def count_events(document: JsonObject | None, event: RecordedEvent) -> JsonObject:
    empty: JsonObject = {
        "type": "Cart",
        "id": str(event.stream_id),
        "customer_id": str(SOMEBODY),
        "created_at": "-",
        "seen": [],
    }
    known = document or empty
    return known | {"seen": [*known["seen"], event.version]}


def test_two_consumers_at_once_apply_every_event_once(client: "DynamoDBClient", table: str) -> None:
    counting = DocumentProjection("counting", client, table, {"Cart": count_events})
    with ThreadPoolExecutor(4) as pool:
        for _ in range(15):
            stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)] * 6)
            consumer, start = consumer_of(counting, logged(stream)), Barrier(4)

            def consume(order: int, start: Barrier = start, stream: Any = stream, consumer: Any = consumer) -> Any:
                start.wait()
                return [consumer.consume(records([event])) for event in stream[order:] + stream[:order]]

            results = list(pool.map(consume, range(4)))
            assert all(result == succeeded() for result in chain(*results))
            found = counting.find(stream[0].aggregate_id)
            assert found is not None
            assert found.document["seen"] == [0, 1, 2, 3, 4, 5]


def test_of_writers_at_once_one_applies_and_the_others_hear_that_the_position_moved(
    documents: DocumentProjection,
) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in range(15):
            stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(3)])
            start = Barrier(4)

            def write(count: int, stream: Any = stream, start: Barrier = start) -> int | None:
                start.wait()
                try:
                    documents.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream[:count]])
                except PositionMoved:
                    return None
                return count

            winners = [count for count in pool.map(write, [1, 2, 3, 4]) if count is not None]
            assert len(winners) == 1
            assert documents.find(stream[0].aggregate_id) == folded(stream[: winners[0]])


def removals(count: int) -> list[Event]:
    return [CartItemRemoved(item_id=item_id) for item_id in ITEMS[:count]]


@pytest.mark.parametrize("position", [-1, 0, 2])
def test_applying_at_another_position_changes_nothing(documents: DocumentProjection, position: int) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    documents.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream[:2]])
    with pytest.raises(PositionMoved):
        documents.apply(stream[0].aggregate_id, position, [recorded(stream[2])])
    assert documents.find(stream[0].aggregate_id) == folded(stream[:2])


def test_nothing_is_applied_on_top_of_a_document_that_is_not_there(documents: DocumentProjection) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(1)])
    with pytest.raises(PositionMoved):
        documents.apply(stream[0].aggregate_id, 0, [recorded(stream[1])])
    assert documents.find(stream[0].aggregate_id) is None


def test_what_follows_costs_one_read_and_one_write(disturbed: DocumentProjection, client: "DynamoDBClient") -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    disturbed.apply(stream[0].aggregate_id, -1, [recorded(stream[0])])
    sent: list[str] = []
    with hooked(client, "before-call.dynamodb", lambda model, **_: sent.append(model.name)):
        position = disturbed.position(stream[0].aggregate_id)
        disturbed.apply(stream[0].aggregate_id, position, [recorded(event) for event in stream[1:]])
    assert sent == ["GetItem", "PutItem"]
    assert disturbed.find(stream[0].aggregate_id) == folded(stream)


def test_a_crash_between_reading_and_writing_leaves_the_rest_to_the_next_delivery(
    disturbed: DocumentProjection, client: "DynamoDBClient"
) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    consumer = consumer_of(disturbed, logged(stream))
    consumer.consume(records(stream[:1]))
    with hooked(client, "before-send.dynamodb.PutItem", connection_lost):
        assert consumer.consume(records(stream[1:])) == failed_from("sequence 0")
    assert disturbed.position(stream[0].aggregate_id) == 0
    assert consumer.consume(records(stream[1:])) == succeeded()
    assert disturbed.find(stream[0].aggregate_id) == folded(stream)


def test_a_write_whose_reply_was_lost_is_not_done_again_by_the_next_delivery(
    client: "DynamoDBClient", table: str
) -> None:
    counting = DocumentProjection("counting", client, table, {"Cart": count_events})
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    consumer = consumer_of(counting, logged(stream))
    with hooked(client, "after-call.dynamodb.PutItem", connection_lost):
        assert consumer.consume(records(stream)) == failed_from("sequence 0")
    assert consumer.consume(records(stream)) == succeeded()
    found = counting.find(stream[0].aggregate_id)
    assert found is not None
    assert found.document["seen"] == [0, 1, 2]


def test_a_write_that_the_sdk_repeats_meets_its_own_item_and_is_a_success(
    disturbed: DocumentProjection, client: "DynamoDBClient"
) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(2)])
    sent: list[int] = []

    def repeat_the_first(attempts: int, **_: Any) -> int | None:
        sent.append(attempts)
        return 0 if attempts == 1 else None

    with hooked(client, "needs-retry.dynamodb.PutItem", repeat_the_first):
        disturbed.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream])
    assert sent == [1, 2]
    assert disturbed.find(stream[0].aggregate_id) == folded(stream)


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "AccessDeniedException"]
)
def test_a_table_that_does_not_answer_now_is_a_transient_failure(
    disturbed: DocumentProjection, client: "DynamoDBClient", code: str
) -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)])
    parking = MemoryParking()
    consumer = consumer_of(disturbed, logged(stream), parking)
    for operation in ("GetItem", "PutItem"):
        with hooked(client, f"before-send.dynamodb.{operation}", partial(answer_with, code)):
            assert consumer.consume(records(stream)) == failed_from("sequence 0")
    with hooked(client, "before-send.dynamodb.Query", partial(answer_with, code)), pytest.raises(Unavailable):
        disturbed.list_of("order#nobody", 10)
    assert parking.list_parked() == []
    assert consumer.consume(records(stream)) == succeeded()


def test_a_write_that_the_table_calls_wrong_is_poison(disturbed: DocumentProjection, client: "DynamoDBClient") -> None:
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)])
    with (
        hooked(client, "before-send.dynamodb.PutItem", partial(answer_with, "ValidationException")),
        pytest.raises(ClientError),
    ):
        disturbed.apply(stream[0].aggregate_id, -1, [recorded(stream[0])])


def test_a_document_that_no_item_can_hold_parks_its_stream_at_the_event_that_made_it_too_large(
    documents: DocumentProjection,
) -> None:
    lines = [a_line(uuid4()).model_copy(update={"concert_name": "é" * 70_000}) for _ in range(3)]
    added = [CartItemAdded(item=line) for line in lines]
    poisoned = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *added])
    healthy = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY)])
    parking = MemoryParking()
    consumer = consumer_of(documents, logged(poisoned, healthy), parking)
    assert consumer.consume(records([*poisoned, *healthy])) == succeeded()
    (parked,) = parking.list_parked()
    assert (parked.stream_id, parked.version) == (poisoned[0].aggregate_id, 3)
    assert parked.error.startswith(DocumentTooLarge.__name__)
    assert documents.find(poisoned[0].aggregate_id) == folded(poisoned[:3])
    assert documents.find(healthy[0].aggregate_id) == folded(healthy)


class hooked:  # noqa: N801 - used as a function
    """While inside, the SDK calls `hook` first at that point of its way."""

    def __init__(self, client: "DynamoDBClient", event: str, hook: Callable[..., Any]) -> None:
        self._events, self._event, self._hook = client.meta.events, event, hook

    def __enter__(self) -> None:
        self._events.register_first(self._event, self._hook)

    def __exit__(self, *_: object) -> None:
        self._events.unregister(self._event, self._hook)


def connection_lost(**_: Any) -> None:
    raise ConnectionClosedError(endpoint_url="http://gone")


def answer_with(code: str, request: Any, **_: Any) -> AWSResponse:
    class Raw:
        def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
            yield json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode()

    return AWSResponse(request.url, 400, HTTPHeaders(), Raw())


# --- what a customer sees --------------------------------------------------------------------------------------------


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
    tickets = tickets_of(order_id, tuple(lines))
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


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryEventStore(), salt=str(uuid4()))


def deliver(shop: Shop, documents: DocumentProjection) -> None:
    assert isinstance(shop.store, MemoryEventStore)
    parking = MemoryParking()
    assert consumer_of(documents, shop.store, parking).consume(records(everything(shop.store))) == succeeded()
    assert parking.list_parked() == []


def test_a_cart_lists_its_items_until_their_holds_end(shop: Shop, documents: DocumentProjection) -> None:
    concert_id, ticket_type_id = shop.on_sale(price="25.00")
    cart_id = shop.cart()
    first = shop.add(cart_id, ticket_type_id, quantity=2)
    shop.clock.advance(timedelta(minutes=5))
    second = shop.add(cart_id, ticket_type_id, quantity=1)
    deliver(shop, documents)

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
        }

    ends = first.hold_expires_at
    before = get_cart(documents, shop.store, cart_id, CUSTOMER.id, ends - timedelta(milliseconds=1))
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
    after = get_cart(documents, shop.store, cart_id, CUSTOMER.id, ends)
    assert [line["expired"] for line in after["items"]] == [True, False]
    assert after["total"] == {"amount": "25.00", "currency": "EUR"}
    assert after["expires_at"] == format_instant(second.hold_expires_at)
    at_last = get_cart(documents, shop.store, cart_id, CUSTOMER.id, second.hold_expires_at)
    assert (at_last["total"], at_last["expires_at"]) == (None, None)


def test_a_checked_out_cart_names_its_order_and_expires_no_more(shop: Shop, documents: DocumentProjection) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    order_id = shop.check_out(cart_id).order_id
    deliver(shop, documents)
    cart = get_cart(documents, shop.store, cart_id, CUSTOMER.id, shop.clock() + HOLD_FOR)
    assert (cart["status"], cart["order_id"], cart["expires_at"]) == ("checked_out", str(order_id), None)
    assert cart["total"] == {"amount": "25.00", "currency": "EUR"}
    assert [item["expired"] for item in cart["items"]] == [False]


def test_an_order_tells_its_lines_payments_and_tickets(shop: Shop, documents: DocumentProjection) -> None:
    concert_id, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id, quantity=2)
    order_id = shop.check_out(cart_id).order_id
    refused = shop.request(CUSTOMER)
    with pytest.raises(Exception, match="declined"):
        shop.pay(order_id, "tok_declined", refused)
    paid = shop.pay(order_id)
    deliver(shop, documents)
    of_type = {
        "ticket_type_id": str(ticket_type_id),
        "ticket_type_name": "Standing",
        "concert_id": str(concert_id),
        "concert_name": "Patti Smith",
    }
    tickets = [{"id": str(ticket.id), **of_type, "status": "valid"} for ticket in shop.order_state(order_id).tickets]
    unit_price, total = ({"amount": amount, "currency": "EUR"} for amount in ("25.00", "50.00"))
    answer = get_order(documents, shop.store, order_id, CUSTOMER.id, shop.clock(), shop.vault.open)
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
        "tickets": tickets,
        "buyer": BUYER,
        "version": paid.version,
    }
    assert len(tickets) == 2
    assert get_tickets(documents, shop.store, order_id, CUSTOMER.id) == {
        "order_id": str(order_id),
        "items": tickets,
        "version": paid.version,
    }
    without_buyer = {name: value for name, value in answer.items() if name != "buyer"}
    assert list_orders(documents, shop.store, CUSTOMER.id, 100, None, shop.clock())[0].count(without_buyer) == 1
    json.dumps(answer)


def test_an_unpaid_order_expires_by_the_clock(shop: Shop, documents: DocumentProjection) -> None:
    order_id = ordered(shop)
    deliver(shop, documents)
    due = SOME_TIME + PAY_WITHIN
    for now, status in [(due - timedelta(milliseconds=1), "awaiting_payment"), (due, "expired")]:
        assert get_order(documents, shop.store, order_id, CUSTOMER.id, now, nobody_opens)["status"] == status


def test_the_buyer_of_an_order_is_unknown_once_the_person_is_erased(shop: Shop, documents: DocumentProjection) -> None:
    order_id = ordered(shop)
    deliver(shop, documents)
    assert get_order(documents, shop.store, order_id, CUSTOMER.id, SOME_TIME, shop.vault.open)["buyer"] == BUYER
    shop.vault.erase(CUSTOMER.id)
    assert get_order(documents, shop.store, order_id, CUSTOMER.id, SOME_TIME, shop.vault.open)["buyer"] is None


def test_no_document_holds_personal_data_in_clear(
    shop: Shop, documents: DocumentProjection, client: "DynamoDBClient", table: str
) -> None:
    order_id = ordered(shop)
    shop.pay(order_id)
    deliver(shop, documents)
    stored = [item for page in client.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
    assert str(order_id) in {item["Id"]["S"] for item in stored}
    text = json.dumps(stored, ensure_ascii=False)
    for secret in [*BUYER.values(), *BUYER["name"].split()]:
        assert secret not in text


def ordered(shop: Shop) -> UUID:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    return shop.check_out(cart_id).order_id


def at_least(stream_id: UUID, version: int | None) -> MinVersions:
    return MinVersions({} if version is None else {stream_id: version})


# --- whose it is, and how new ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_delivered", [True, False])
def test_to_another_customer_a_cart_or_an_order_does_not_exist(
    shop: Shop, documents: DocumentProjection, is_delivered: bool
) -> None:
    order_id, cart_id = ordered(shop), shop.cart()
    if is_delivered:
        deliver(shop, documents)
    stranger = OTHER_CUSTOMER.id
    asked: list[Callable[[], object]] = [
        lambda: get_cart(documents, shop.store, cart_id, stranger, SOME_TIME),
        lambda: get_cart(documents, shop.store, cart_id, stranger, SOME_TIME, MinVersions({cart_id: 5})),
        lambda: get_order(documents, shop.store, order_id, stranger, SOME_TIME, shop.vault.open),
        lambda: get_tickets(documents, shop.store, order_id, stranger),
    ]
    for ask in asked:
        with pytest.raises(NotFound):
            ask()
    named = MinVersions({order_id: 0})
    assert list_orders(documents, shop.store, stranger, 10, None, SOME_TIME, named) == ([], None)


@pytest.mark.parametrize("is_delivered", [True, False])
@pytest.mark.parametrize("min_version", [None, 0, 99])
def test_what_is_no_cart_is_not_found_as_one(
    shop: Shop, documents: DocumentProjection, is_delivered: bool, min_version: int | None
) -> None:
    order_id, cart_id, venue_id = ordered(shop), shop.cart(), shop.venue()
    if is_delivered:
        deliver(shop, documents)
    unknown = imported("Cloudbash.Domain.Unknown.Events.SomethingHappenedEvent", uuid4())
    shop.store.append([unknown])
    for key in (order_id, venue_id, unknown.aggregate_id, uuid4()):
        with pytest.raises(NotFound):
            get_cart(documents, shop.store, key, CUSTOMER.id, SOME_TIME, at_least(key, min_version))
    for key in (cart_id, venue_id, unknown.aggregate_id, uuid4()):
        with pytest.raises(NotFound):
            get_order(documents, shop.store, key, CUSTOMER.id, SOME_TIME, shop.vault.open, at_least(key, min_version))
        with pytest.raises(NotFound):
            get_tickets(documents, shop.store, key, CUSTOMER.id, at_least(key, min_version))


def test_what_was_just_made_is_there_before_its_document_is(shop: Shop, documents: DocumentProjection) -> None:
    order_id, cart_id = ordered(shop), shop.cart()
    assert documents.find(cart_id) is None
    assert get_cart(documents, shop.store, cart_id, CUSTOMER.id, SOME_TIME)["version"] == 0
    order = get_order(documents, shop.store, order_id, CUSTOMER.id, SOME_TIME, shop.vault.open)
    assert (order["version"], order["buyer"]) == (0, BUYER)


def test_a_document_is_brought_up_to_the_version_that_the_reader_has_seen(
    shop: Shop, documents: DocumentProjection
) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    deliver(shop, documents)
    shop.add(cart_id, ticket_type_id)
    added = shop.add(cart_id, ticket_type_id)

    def seen(min_version: int | None) -> tuple[int, int]:
        cart = get_cart(documents, shop.store, cart_id, CUSTOMER.id, SOME_TIME, at_least(cart_id, min_version))
        return cart["version"], len(cart["items"])

    assert [seen(min_version) for min_version in (None, 0)] == [(0, 0), (0, 0)]
    assert [seen(min_version) for min_version in (1, added.version, 99)] == [(2, 2), (2, 2), (2, 2)]
    assert documents.position(cart_id) == 0
    deliver(shop, documents)
    assert [seen(min_version) for min_version in (None, 2, 99)] == [(2, 2), (2, 2), (2, 2)]


def test_only_what_the_document_lacks_is_read_from_the_log(client: "DynamoDBClient", table: str) -> None:
    counting = DocumentProjection("counting", client, table, {"Cart": count_events})
    stream = store_all(uuid4(), [CartCreated(customer_id=SOMEBODY), *removals(3)])
    counting.apply(stream[0].aggregate_id, -1, [recorded(event) for event in stream[:2]])
    read = partial(read_own, counting, logged(stream), count_events, "Cart", stream[0].aggregate_id, SOMEBODY)
    assert read().document["seen"] == [0, 1]
    min_versions = at_least(stream[0].aggregate_id, 2)
    assert read(min_versions=min_versions).document["seen"] == [0, 1, 2, 3]
    assert min_versions.lag == {stream[0].aggregate_id: 1}


def test_a_document_that_is_new_enough_costs_no_read_of_the_log(shop: Shop, documents: DocumentProjection) -> None:
    cart_id = shop.cart()
    deliver(shop, documents)
    reads = shop.store.usage.reads
    get_cart(documents, shop.store, cart_id, CUSTOMER.id, SOME_TIME, at_least(cart_id, 0))
    assert shop.store.usage.reads == reads


# --- as it was -------------------------------------------------------------------------------------------------------


@EXAMPLES
@given(st.one_of(cart_histories(), order_histories()), st.lists(st.integers(0, 4), min_size=12, max_size=12))
def test_at_every_instant_and_version_what_was_is_what_the_read_model_said_then(
    documents: DocumentProjection, history: list[Event], minutes: list[int]
) -> None:
    stream_id, now, stream = uuid4(), SOME_TIME, list[StoredEvent]()
    is_cart = isinstance(history[0], CartEvent)
    said: list[tuple[datetime, int, JsonObject]] = []
    store = MemoryEventStore()
    for number, event in enumerate(history):
        now += timedelta(minutes=minutes[number % len(minutes)])
        head = Head.of(stream[-1]) if stream else Head()
        stream += store_all(stream_id, [event], head, now)
        store.append(stream[-1:])
        documents.apply(stream_id, number - 1, [recorded(stream[-1])])
        live = (
            get_cart(documents, store, stream_id, SOMEBODY, now)
            if is_cart
            else get_order(documents, store, stream_id, SOMEBODY, now, nobody_opens)
        )
        said.append((now, number, live))

    def then(point: PointInTime) -> JsonObject:
        if is_cart:
            return get_cart_as_of(store, stream_id, SOMEBODY, point)
        return get_order_as_of(store, stream_id, SOMEBODY, point, nobody_opens)

    for at, number, answer in said:
        assert then(PointInTime(version=number)) == answer
        if number + 1 == len(said) or said[number + 1][0] > at:
            assert then(PointInTime(as_of=at)) == answer
    with pytest.raises(NotFound):
        then(PointInTime(as_of=said[0][0] - timedelta(milliseconds=1)))
    with pytest.raises(NotFound):
        then(PointInTime(version=len(said)))


def test_what_was_is_judged_at_the_instant_that_is_asked_for(shop: Shop) -> None:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    added = shop.add(cart_id, ticket_type_id)
    just_before, lapsed = added.hold_expires_at - timedelta(milliseconds=1), added.hold_expires_at
    shop.clock.advance(timedelta(days=1))
    shop.remove(cart_id, added.item_id)

    def expired(point: PointInTime) -> list[bool]:
        return [item["expired"] for item in get_cart_as_of(shop.store, cart_id, CUSTOMER.id, point)["items"]]

    assert [expired(PointInTime(as_of=at)) for at in (just_before, lapsed, shop.clock())] == [[False], [True], []]
    assert expired(PointInTime(version=1)) == [False]

    order_id = ordered(shop)
    due = shop.clock() + PAY_WITHIN
    for at, status in ((due - timedelta(milliseconds=1), "awaiting_payment"), (due, "expired")):
        order = get_order_as_of(shop.store, order_id, CUSTOMER.id, PointInTime(as_of=at), shop.vault.open)
        assert (order["status"], order["buyer"]) == (status, BUYER)


def test_of_what_was_a_stranger_hears_nothing_not_even_that_it_was(shop: Shop) -> None:
    order_id, cart_id = ordered(shop), shop.cart()
    for point in (PointInTime(version=0), PointInTime(version=9), PointInTime(as_of=SOME_TIME)):
        for ask in (
            partial(get_cart_as_of, shop.store, cart_id, OTHER_CUSTOMER.id, point),
            partial(get_cart_as_of, shop.store, order_id, CUSTOMER.id, point),
            partial(get_cart_as_of, shop.store, uuid4(), CUSTOMER.id, point),
            partial(get_order_as_of, shop.store, order_id, OTHER_CUSTOMER.id, point, nobody_opens),
        ):
            with pytest.raises(NotFound) as refusal:
                ask()
            assert refusal.value.facts == {}


# --- lists -----------------------------------------------------------------------------------------------------------


@EXAMPLES
@given(data=st.data())
def test_a_list_has_the_named_orders_that_it_lacked_in_their_places(
    documents: DocumentProjection, data: st.DataObject
) -> None:
    customer_id, store = uuid4(), MemoryEventStore()
    minutes = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=8))
    expected, named = [], {}
    for minute in minutes:
        at = SOME_TIME + timedelta(minutes=minute)
        stream = store_all(uuid4(), [placed(customer_id), OrderCancelled(reason="", at=at)], now=at)
        for event in stream:
            store.append([event])
        key, known = stream[0].aggregate_id, data.draw(st.integers(0, 2))
        documents.apply(key, -1, [recorded(event) for event in stream[:known]])
        if known < 2:
            named[key] = 1
        expected.append((at, str(key)))
    named[uuid4()] = 0
    limit, after, listed = data.draw(st.integers(1, 9)), None, list[JsonObject]()
    while True:
        min_versions = MinVersions(named)
        page, after = list_orders(documents, store, customer_id, limit, after, SOME_TIME, min_versions)
        assert 0 < len(page) <= limit
        listed += page
        assert len(listed) <= len(expected)
        if after is None:
            break
        assert len(page) == limit
    assert [order["id"] for order in listed] == [key for _, key in sorted(expected, reverse=True)]
    assert {order["status"] for order in listed} == {"cancelled"}
    assert set(min_versions.lag) == {key for key in named if store.read(key)}


def place_orders(
    documents: DocumentProjection, customer_id: UUID, times: Sequence[datetime]
) -> list[tuple[datetime, str]]:
    """Orders placed at these times, and in which place their list must have them."""
    made = []
    for at in times:
        (event,) = store_all(uuid4(), [placed(customer_id)], now=at)
        documents.apply(event.aggregate_id, -1, [recorded(event)])
        made.append((at, str(event.aggregate_id)))
    return sorted(made, reverse=True)


def pages(documents: DocumentProjection, customer_id: UUID, limit: int) -> Iterator[list[str]]:
    after = None
    while True:
        orders, after = list_orders(documents, MemoryEventStore(), customer_id, limit, after, SOME_TIME)
        yield [order["id"] for order in orders]
        if after is None:
            return


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_orders_are_listed_page_by_page_newest_first(
    documents: DocumentProjection, limit: int, sizes: list[int]
) -> None:
    customer_id = uuid4()
    times = [SOME_TIME + timedelta(minutes=minutes) for minutes in (3, 1, 1, 1, 2, 0, 9)]
    made = place_orders(documents, customer_id, times)
    place_orders(documents, uuid4(), times)
    listed = list(pages(documents, customer_id, limit))
    assert [len(page) for page in listed] == sizes
    assert list(chain(*listed)) == [order_id for _, order_id in made]


def test_a_page_stays_where_it_was_while_newer_orders_come_in(documents: DocumentProjection) -> None:
    customer_id = uuid4()
    made = place_orders(documents, customer_id, [SOME_TIME] * 4)
    walk = pages(documents, customer_id, 2)
    first = next(walk)
    place_orders(documents, customer_id, [SOME_TIME + timedelta(days=1)] * 2)
    assert [*first, *chain(*walk)] == [order_id for _, order_id in made]


def test_a_page_is_full_even_if_its_documents_have_more_than_a_megabyte(documents: DocumentProjection) -> None:
    customer_id = uuid4()
    for minute in range(6):
        long = placed(customer_id).lines[0].model_copy(update={"concert_name": "x" * 300_000})
        event = placed(customer_id).model_copy(update={"lines": (long,)})
        (stored,) = store_all(uuid4(), [event], now=SOME_TIME + timedelta(minutes=minute))
        documents.apply(stored.aggregate_id, -1, [recorded(stored)])
    assert [len(page) for page in pages(documents, customer_id, 5)] == [5, 1]


@pytest.mark.parametrize(
    "after", [[], [""], ["#"], ["a", "b"], ["\ud800"], ["2030-01-01T12:00:00.000Z"], ["x" * 3000], [f"'#{UUID(int=0)}"]]
)
def test_a_cursor_that_no_page_gave_is_invalid_input(documents: DocumentProjection, after: list[str]) -> None:
    with pytest.raises(InvalidInput):
        list_orders(documents, MemoryEventStore(), CUSTOMER.id, 10, after, SOME_TIME)


# --- what the original wrote -----------------------------------------------------------------------------------------

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
        "tickets": [],
        "buyer": None,
        "version": 0,
    }
    assert get_tickets(documents, store, order_id, customer_id)["items"] == []


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
