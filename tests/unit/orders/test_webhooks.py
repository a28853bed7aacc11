"""Webhooks: who may say something, and that what is said is not lost."""

from datetime import timedelta
from uuid import UUID

import pytest

from chalicelib.platform.errors import BadSignature, Unavailable
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.orders.payments.sandbox import DELAY
from chalicelib.shop.orders.payments.signatures import HEADER, TOLERANCE, ensure_signed, sign
from chalicelib.shop.orders.payments.webhooks import receive
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.machinery import Machinery
from tests.support.stored import SOME_TIME as NOW

BODY = b'{"order_id": "1"}'


def test_what_is_signed_is_believed_for_five_minutes_either_way() -> None:
    signature = sign("secret", BODY, NOW)
    for distance in (timedelta(), TOLERANCE, -TOLERANCE):
        ensure_signed("secret", BODY, signature, NOW + distance)


@pytest.mark.parametrize(
    "late", [TOLERANCE + timedelta(seconds=1), -TOLERANCE - timedelta(seconds=1)], ids=["too old", "from the future"]
)
def test_what_is_stale_is_refused(late: timedelta) -> None:
    with pytest.raises(BadSignature):
        ensure_signed("secret", BODY, sign("secret", BODY, NOW), NOW + late)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1,v1=00",
        sign("another secret", BODY, NOW),
        sign("secret", BODY + b" ", NOW),
        sign("secret", BODY, NOW).replace("t=1", "t=2"),
        sign("secret", BODY, NOW).partition(",")[2],
        sign("secret", BODY, NOW) + ",v1=" + "0" * 64,
    ],
    ids=["none", "malformed", "other secret", "other body", "other time", "no time", "two signatures"],
)
def test_what_is_forged_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        ensure_signed("secret", BODY, signature, NOW)


def ordered(running: Machinery) -> UUID:
    _, ticket_type_id = running.shop.on_sale()
    cart_id = running.shop.cart()
    running.shop.add(cart_id, ticket_type_id, 2)
    return running.shop.check_out(cart_id).order_id


def test_a_forged_notification_reaches_nobody(running: Machinery) -> None:
    running.shop.pay(ordered(running))
    body, headers = running.shop.gateway.sent[0]
    with pytest.raises(BadSignature):
        receive(running.shop.gateway, running.queue, body + b" ", headers)
    assert running.queue.tasks == []


@pytest.mark.parametrize(("token", "times"), [("tok_lost_reply", 1), ("tok_notified_twice", 2)])
def test_a_notification_confirms_however_often_it_comes(running: Machinery, token: str, times: int) -> None:
    order_id = ordered(running)
    if token == "tok_lost_reply":
        with pytest.raises(Unavailable):
            running.shop.pay(order_id, token)
    else:
        running.shop.pay(order_id, token)
    assert len(running.shop.gateway.sent) == times
    for body, headers in running.shop.gateway.sent * 2:
        receive(running.shop.gateway, running.queue, body, headers)
    running.run()
    assert running.shop.order_state(order_id).status is OrderStatus.CONFIRMED
    assert [event.event_type.rpartition(".")[2] for event in running.store.read(order_id)] == [
        "OrderPlacedEvent",
        "PaymentStartedEvent",
        "OrderConfirmedEvent",
    ]


def test_a_delayed_payment_is_confirmed_by_its_notification(running: Machinery) -> None:
    order_id = ordered(running)
    running.shop.pay(order_id, "tok_delayed")
    running.shop.clock.advance(DELAY)
    body, headers = running.shop.gateway.sent[0]
    receive(running.shop.gateway, running.queue, body, headers)
    running.run()
    assert running.shop.order_state(order_id).status is OrderStatus.CONFIRMED


def test_a_notification_before_its_order_can_be_seen_waits_in_the_queue(running: Machinery) -> None:
    order_id = ordered(running)
    payment_id = running.shop.pay(order_id, "tok_delayed").payment_id
    running.shop.clock.advance(DELAY)
    log = running.store
    running.shop.store = running.store = without(log, order_id)
    body, headers = running.shop.gateway.sent[0]
    receive(running.shop.gateway, running.queue, body, headers)
    running.run()
    assert [task.about for task in running.queue.tasks] == [payment_id]
    running.store.append(log.read(order_id))
    running.run()
    assert running.queue.tasks == []
    assert running.shop.order_state(order_id).status is OrderStatus.CONFIRMED


def without(log: MemoryEventStore, hidden: UUID) -> MemoryEventStore:
    """The log in which this stream cannot be seen yet."""
    visible = MemoryEventStore()
    for stream_id in log.stream_ids():
        if stream_id != hidden:
            visible.append(log.read(stream_id))
    return visible


def test_the_signature_is_in_one_header_with_its_time() -> None:
    assert HEADER == "payment-signature"
    assert sign("secret", BODY, NOW).startswith(f"t={int(NOW.timestamp())},v1=")
