"""Carts' and orders' histories, as drawn by chance, and a consumer that follows them."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from hypothesis import settings
from hypothesis import strategies as st

from chalicelib.platform.bus.batch import succeeded
from chalicelib.platform.bus.consumer import Consumer
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import MemoryParking
from chalicelib.platform.bus.port import BusRecord
from chalicelib.platform.eventsourcing.codec import RecordedEvent, decode, recorded
from chalicelib.platform.eventsourcing.event import Event, JsonObject
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.readmodels.documents.document import Fold, Versioned
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.shop.carts.events import (
    CartCheckedOut,
    CartCreated,
    CartItemAdded,
    CartItemRemoved,
    CartLine,
)
from chalicelib.shop.carts.projections import fold_cart
from chalicelib.shop.orders.events import (
    OrderCancelled,
    OrderConfirmed,
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
from chalicelib.shop.orders.order import tickets_of
from chalicelib.shop.orders.projections import fold_order
from chalicelib.shop.orders.refund import refund_id_of
from tests.support.shop import IDS, PAY_WITHIN, Shop
from tests.support.stored import SOME_TIME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


FOLDS: dict[str, Fold] = {"Cart": fold_cart, "Order": fold_order}
NAMES = UUID("d0c00000-0000-4000-8000-000000000000")
EXAMPLES = settings(max_examples=25, deadline=None)


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
ISSUED = tickets_of(uuid5(NAMES, "order"), placed().lines, IDS)
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


def removals(count: int) -> list[Event]:
    return [CartItemRemoved(item_id=item_id) for item_id in ITEMS[:count]]


class hooked:  # noqa: N801 - used as a function
    """While inside, the SDK calls `hook` first at that point of its way."""

    def __init__(self, client: "DynamoDBClient", event: str, hook: Callable[..., Any]) -> None:
        self._events, self._event, self._hook = client.meta.events, event, hook

    def __enter__(self) -> None:
        self._events.register_first(self._event, self._hook)

    def __exit__(self, *_: object) -> None:
        self._events.unregister(self._event, self._hook)


def deliver(shop: Shop, documents: DocumentProjection) -> None:
    assert isinstance(shop.store, MemoryEventStore)
    parking = MemoryParking()
    assert consumer_of(documents, shop.store, parking).consume(records(everything(shop.store))) == succeeded()
    assert parking.list_parked() == []


def ordered(shop: Shop) -> UUID:
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    return shop.check_out(cart_id).order_id
