"""The oracle finds every kind of wrong, and only that."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from benchmarks.log import of_concert
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.carts.events import CartCheckedOut, CartCreated
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.events import ConcertCancellationCompleted
from chalicelib.shop.inventory.events import (
    HoldExtended,
    HoldPlacedOnOrder,
    HoldReleased,
    TicketPoolOpened,
    TicketsHeld,
    TicketsSold,
)
from chalicelib.shop.inventory.ticket_pool import pool_id
from chalicelib.shop.orders.events import (
    IssuedTicket,
    OrderConfirmed,
    OrderLine,
    OrderPlaced,
    PaymentFailed,
    PaymentStarted,
    RefundCompleted,
    RefundStarted,
    TicketRevocationCompleted,
    TicketRevoked,
    TicketsRevoked,
)
from simulator.oracle import OracleReport, Stock, judge, stock_of
from tests.support.machinery import machinery
from tests.support.shop import CUSTOMER, HOLD_FOR, ORGANISER, OTHER_CUSTOMER, Shop, some_id
from tests.support.stored import SOME_TIME, imported, store_all

POOL, ORDER, CART, TYPE = some_id("pool"), some_id("order"), some_id("cart"), some_id("type")
LATER = SOME_TIME + timedelta(minutes=15)


def opened(capacity: int = 10) -> TicketPoolOpened:
    return TicketPoolOpened(
        concert_id=some_id("concert"),
        concert_name="Patti Smith",
        ticket_type_id=TYPE,
        ticket_type_name="Standing",
        pool_index=0,
        pool_count=1,
        capacity=capacity,
        price=Money.of("25.00", "EUR"),
        max_per_order=10,
        sales_end=SOME_TIME + timedelta(days=30),
        at=SOME_TIME,
    )


def held(quantity: int, hold: str = "hold", minutes: float = 0) -> TicketsHeld:
    at = SOME_TIME + timedelta(minutes=minutes)
    return TicketsHeld(hold_id=some_id(hold), cart_id=CART, quantity=quantity, expires_at=at + HOLD_FOR, at=at)


def sold(quantity: int, hold: str = "hold") -> TicketsSold:
    return TicketsSold(hold_id=some_id(hold), order_id=ORDER, quantity=quantity, at=SOME_TIME)


def placed() -> OrderPlaced:
    price = Money.of("25.00", "EUR")
    line = OrderLine(
        hold_id=some_id("hold"),
        ticket_type_id=TYPE,
        ticket_type_name="Standing",
        concert_name="Patti Smith",
        quantity=1,
        unit_price=price,
    )
    return OrderPlaced(
        cart_id=CART,
        customer_id=CUSTOMER.id,
        buyer=Sealed(ciphertext="", key=""),
        lines=(line,),
        total=price,
        payment_due_at=LATER,
        at=SOME_TIME,
    )


def started(payment: str = "payment") -> PaymentStarted:
    return PaymentStarted(
        payment_id=some_id(payment),
        provider="sandbox",
        amount=Money.of("25.00", "EUR"),
        request_hash="",
        at=SOME_TIME,
    )


def confirmed(tickets: int = 1, payment: str = "payment") -> OrderConfirmed:
    issued = tuple(IssuedTicket(id=uuid4(), ticket_type_id=TYPE) for _ in range(tickets))
    return OrderConfirmed(payment_id=some_id(payment), tickets=issued, at=SOME_TIME)


def log(pool: list[Event] | None = None, order: list[Event] | None = None) -> list[StoredEvent]:
    return [*store_all(POOL, pool or []), *store_all(ORDER, order or [])]


@pytest.fixture
def sale() -> list[StoredEvent]:
    """All that a healthy shop does: bought, left in a cart, given back, declined, refused."""
    store = MemoryEventStore()
    shop = Shop(store)
    _, ticket_type_id = shop.on_sale(quantity=10)
    buyer = shop.cart()
    shop.add(buyer, ticket_type_id, 3)
    shop.pay(shop.check_out(buyer).order_id)
    other = shop.cart(OTHER_CUSTOMER)
    request = shop.request
    left = shop.add(other, ticket_type_id, 2, request(OTHER_CUSTOMER))
    shop.remove(other, left.item_id, request(OTHER_CUSTOMER))
    shop.add(other, ticket_type_id, 4, request(OTHER_CUSTOMER))
    return [event for stream in store.stream_ids() for event in store.read(stream)]


def test_a_healthy_sale_has_no_findings(sale: list[StoredEvent]) -> None:
    assert judge(sale) == OracleReport()
    assert judge(reversed(sale)).clean


def test_the_stock_is_counted_at_an_instant(sale: list[StoredEvent]) -> None:
    assert stock_of(sale, SOME_TIME) == Stock(capacity=10, held=4, sold=3)
    assert stock_of(sale, LATER) == Stock(capacity=10, held=0, sold=3)


def test_more_held_than_there_is_was_oversold() -> None:
    verdict = judge(log(pool=[opened(10), held(6, "one"), held(5, "two")]))
    assert len(verdict.oversold) == 2, "found by the aggregate and by the count"
    assert f"Pool {POOL} at version 2: 11 taken of 10." in verdict.oversold


def test_a_pool_that_was_oversold_for_a_moment_only_was_oversold() -> None:
    release = HoldReleased(hold_id=some_id("one"), quantity=6, at=SOME_TIME)
    assert judge(log(pool=[opened(10), held(6, "one"), held(5, "two"), release])).oversold


def test_tickets_of_a_hold_that_has_ended_may_be_taken_again() -> None:
    assert judge(log(pool=[opened(10), held(10, "one"), held(10, "two", minutes=15)])).clean
    assert judge(log(pool=[opened(10), held(10, "one"), held(10, "two", minutes=14.9)])).oversold


def test_a_hold_that_waits_for_a_payment_lasts_until_the_orders_deadline() -> None:
    extended = HoldPlacedOnOrder(
        hold_id=some_id("one"), order_id=ORDER, expires_at=SOME_TIME + timedelta(minutes=20), at=SOME_TIME
    )
    assert judge(log(pool=[opened(10), held(10, "one"), extended, held(1, "two", minutes=16)])).oversold


def test_an_extended_hold_lasts_until_its_new_deadline() -> None:
    longer = HoldExtended(hold_id=some_id("hold"), expires_at=LATER + HOLD_FOR, at=SOME_TIME)
    pool: list[Event] = [opened(3), held(3), longer, held(1, "other", minutes=16)]
    assert len(judge(log(pool[:3])).oversold) == 0
    assert len(judge(log(pool)).oversold) == 2


def test_a_pool_event_that_the_count_does_not_know_is_no_clean_log() -> None:
    *known, last = store_all(POOL, [opened(), held(1)])
    renamed = replace(last, event_type="Cloudbash.Domain.Inventory.Events.TicketsVanishedEvent")
    verdict = judge([*known, renamed])
    assert verdict.oversold
    assert verdict.unreadable


@pytest.mark.parametrize(
    ("pool", "order"),
    [
        ([opened(), held(2), sold(2)], [placed(), started(), confirmed(tickets=1)]),
        ([opened(), held(2)], [placed(), started(), confirmed(tickets=2)]),
        ([opened(), held(2), sold(2)], [placed()]),
        ([opened(), held(2), sold(2)], []),
    ],
    ids=["fewer tickets", "nothing sold", "not confirmed", "no order"],
)
def test_tickets_sold_and_tickets_issued_that_differ_are_lost(pool: list[Event], order: list[Event]) -> None:
    verdict = judge(log(pool, order))
    assert len(verdict.tickets_lost) == 1
    assert verdict.counts == OracleReport(tickets_lost=("",)).counts


def test_an_order_confirmed_twice_was_charged_twice() -> None:
    order: list[Event] = [placed(), started("one"), confirmed(1, "one"), started("two"), confirmed(1, "two")]
    verdict = judge(log([opened(), held(1), sold(1)], order))
    assert verdict.double_charged == (f"Order {ORDER} was confirmed 2 times by 2 payments.",)


@pytest.fixture
def cancelled() -> list[StoredEvent]:
    """A paid order over two concerts, of which one is cancelled, an unpaid one, and a free one."""
    running = machinery()
    shop = running.shop
    (concert_id, ticket_type_id), (_, other_type_id) = shop.on_sale(), shop.on_sale(price="40.00")
    free_id, free_type_id = shop.on_sale(price="0")
    for bought, is_paid in (
        ([ticket_type_id, other_type_id], True),
        ([ticket_type_id], False),
        ([free_type_id], False),
    ):
        cart_id = shop.cart()
        for key in bought:
            shop.add(cart_id, key, 2)
        order_id = shop.check_out(cart_id).order_id
        if is_paid:
            shop.pay(order_id)
    for key in (concert_id, free_id):
        concerts.cancel_concert(shop.repository, shop.request(ORGANISER), key)
    running.run_until_quiet()
    return [event for stream in running.store.stream_ids() for event in running.store.read(stream)]


def test_a_cancellation_that_gave_everything_back_has_no_findings(cancelled: list[StoredEvent]) -> None:
    assert judge(cancelled) == OracleReport()


@pytest.mark.parametrize(
    ("lost", "kinds"),
    [
        (RefundCompleted, {"money_astray", "stuck"}),
        (RefundStarted, {"money_astray"}),
        (TicketsRevoked, {"money_astray", "tickets_lost", "stuck"}),
        (TicketRevoked, {"tickets_lost"}),
        (TicketRevocationCompleted, {"stuck"}),
        (ConcertCancellationCompleted, {"stuck"}),
    ],
    ids=lambda lost: getattr(lost, "__name__", None),
)
def test_what_a_cancellation_leaves_undone_is_found(
    cancelled: list[StoredEvent], lost: type[Event], kinds: set[str]
) -> None:
    verdict = judge([event for event in cancelled if event.event_type != lost.stored_name])
    found = {kind for kind, number in verdict.counts.items() if number}
    assert found - {"broken_streams"} == kinds


def test_money_that_went_back_twice_is_astray() -> None:
    paid: list[Event] = [placed(), started(), confirmed()]
    back = [refund(name) for name in ("one", "two")]
    once = judge(log([opened(), held(1), sold(1)], [*paid, *back[0], revoked(paid)]))
    assert once.money_astray == ()
    twice = judge(log([opened(), held(1), sold(1)], [*paid, *back[0], *back[1], revoked(paid)]))
    assert len(twice.money_astray) == 2, "the order keeps less than nothing, the payment gave back more than it took"
    again = judge(log([opened(), held(1), sold(1)], [*paid, back[0][0], *back[0], revoked(paid)]))
    assert len(again.money_astray) == 1


def refund(name: str) -> tuple[RefundStarted, RefundCompleted]:
    ids = {"payment_id": some_id("payment"), "refund_id": some_id(name)}
    amount = Money.of("25.00", "EUR")
    return (
        RefundStarted(**ids, amount=amount, reason="why", at=SOME_TIME),
        RefundCompleted(**ids, at=SOME_TIME),
    )


def revoked(order: list[Event]) -> TicketsRevoked:
    ids = tuple(ticket.id for event in order if isinstance(event, OrderConfirmed) for ticket in event.tickets)
    return TicketsRevoked(concert_id=some_id("concert"), ticket_ids=ids, reason="why", at=SOME_TIME)


def test_a_payment_without_an_end_is_stuck() -> None:
    assert len(judge(log(order=[placed(), started()])).stuck) == 1
    failed = PaymentFailed(payment_id=some_id("payment"), reason="Declined.", at=SOME_TIME)
    assert judge(log(order=[placed(), started(), failed])).clean


def test_a_cart_checked_out_without_an_order_is_stuck() -> None:
    created = CartCreated(customer_id=CUSTOMER.id, at=SOME_TIME)
    cart = store_all(CART, [created, CartCheckedOut(order_id=ORDER, at=SOME_TIME)])
    assert judge(cart).stuck == (f"Cart {CART} is checked out, and there is no order {ORDER}.",)
    assert judge([*cart, *log(order=[placed()])]).clean


Damage = Callable[[list[StoredEvent]], list[StoredEvent]]


@pytest.mark.parametrize(
    "damage",
    [
        lambda events: [events[0], events[2]],
        lambda events: events[1:],
        lambda events: [*events, events[1]],
        lambda events: [events[0], replace(events[1], actor_id="someone else"), events[2]],
        lambda events: [events[0], events[1], store_all(POOL, [held(1, "two")], Head(1, events[1].created))[0]],
        lambda events: [*events[:2], *store_all(POOL, [held(1, "two")], Head.of(events[1]), LATER), *_older(events)],
    ],
    ids=["gap", "no beginning", "twice", "rewritten", "other chain", "time goes back"],
)
def test_a_stream_with_a_gap_or_a_broken_chain_is_found(damage: Damage) -> None:
    events = store_all(POOL, [opened(), held(1), held(2, "two")])
    assert judge(events).clean
    assert judge(damage(events)).broken_streams


def _older(events: list[StoredEvent]) -> list[StoredEvent]:
    """An event after the third one that claims to be as old as the first."""
    third = store_all(POOL, [held(1, "two")], Head.of(events[1]), LATER)[0]
    return store_all(POOL, [held(1, "three")], Head(2, events[0].created, third.chain_hash))


def test_an_imported_stream_may_begin_above_zero() -> None:
    stream = uuid4()
    customer = str(CUSTOMER.id)
    events = [
        imported("Cloudbash.Domain.Carts.Events.CartCreatedEvent", stream, 3, CustomerId=customer),
        imported("Cloudbash.Domain.Carts.Events.CartCheckedOutEvent", stream, 4),
    ]
    assert judge(events).clean
    assert judge([events[0], replace(events[1], aggregate_version=5)]).broken_streams


def test_the_streams_of_one_concert_are_found_by_its_name_in_them() -> None:
    store = MemoryEventStore()
    shop = Shop(store)
    (concert_id, ticket_type_id), (_, other_type_id) = shop.on_sale(), shop.on_sale()
    cart_id, other_cart_id = shop.cart(), shop.cart()
    shop.add(cart_id, ticket_type_id)
    shop.add(other_cart_id, other_type_id)
    order_id = shop.check_out(cart_id).order_id
    everything = [event for stream in store.stream_ids() for event in store.read(stream)]
    streams = {event.aggregate_id for event in of_concert(everything, concert_id)}
    assert streams == {concert_id, pool_id(ticket_type_id, 0), cart_id, order_id}
