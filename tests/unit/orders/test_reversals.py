"""Whatever happens to a payment's money at the provider reaches the order, however often it is told."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chalicelib.platform.errors import PaymentRefused, Unavailable
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.money import Money
from chalicelib.platform.processes.process import STUCK
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.concerts.concert import ConcertStatus
from chalicelib.shop.orders.commands import PaymentReturned
from chalicelib.shop.orders.events import (
    DisputeLost,
    DisputeOpened,
    RefundCompleted,
    RefundFailed,
    RefundRecorded,
    RefundReduced,
)
from chalicelib.shop.orders.payments.port import Attempt, ProviderRefund, RefundState, Reversals
from chalicelib.shop.orders.payments.sandbox import DELAY, Token
from chalicelib.shop.orders.payments.sandbox.entries import Entry
from chalicelib.shop.orders.payments.webhooks import receive
from chalicelib.shop.orders.rules import OrderStatus, PaymentStatus
from chalicelib.shop.orders.settlement import settle_reversals
from tests.support.machinery import Machinery, machinery
from tests.support.shop import ORGANISER

PRICE, NOTHING = Decimal("25.00"), Decimal(0)


class Sale:
    """One ticket, paid with a token that says what becomes of the money."""

    def __init__(self, token: Token) -> None:
        self.running: Machinery = machinery()
        self.shop = self.running.shop
        self.concert_id, ticket_type_id = self.shop.on_sale()
        cart_id = self.shop.cart()
        self.shop.add(cart_id, ticket_type_id)
        self.order_id: UUID = self.shop.check_out(cart_id).order_id
        with suppress(PaymentRefused, PaymentReturned, Unavailable):
            self.shop.pay(self.order_id, token)
        self.running.run()

    def hear(self, times: int = 1) -> None:
        """All that the provider has sent so far arrives, once or more often."""
        for _ in range(times):
            for body, headers in reversed(self.shop.gateway.sent):
                receive(self.shop.gateway, self.running.queue, body, headers)
        self.running.run()

    def wait(self, by: timedelta = DELAY) -> None:
        self.shop.clock.advance(by)
        self.hear(2)

    def cancel(self) -> None:
        concerts.cancel_concert(self.shop.repository, self.shop.request(ORGANISER), self.concert_id)
        self.running.run()

    def rest(self) -> None:
        self.running.run_until_quiet()

    @property
    def status(self) -> OrderStatus | None:
        return self.shop.order_state(self.order_id).status

    @property
    def taken(self) -> Decimal:
        return self.shop.gateway.taken_for(self.order_id)

    def told(self, *kinds: type) -> list[type]:
        """The events of these kinds, in their order."""
        events = [decode(stored) for stored in self.shop.store.read(self.order_id)]
        return [type(event) for event in events if isinstance(event, kinds)]

    def admits(self) -> bool:
        order = self.shop.order_state(self.order_id)
        revoked = [bool(self.shop.store.read(ticket.id)) for ticket in order.tickets]
        assert revoked == [ticket.id not in order.valid for ticket in order.tickets]
        return bool(order.valid)


def test_a_whole_refund_in_the_dashboard_refunds_the_order_and_revokes_its_tickets() -> None:
    sale = Sale(Token.REFUNDED_THERE)
    assert (sale.status, sale.admits()) == (OrderStatus.CONFIRMED, True)
    sale.wait()
    assert (sale.status, sale.taken, sale.admits()) == (OrderStatus.REFUNDED, NOTHING, False)
    assert sale.told(RefundRecorded) == [RefundRecorded]
    sale.cancel()
    assert (sale.status, sale.taken, sale.shop.gateway.refunds_asked) == (OrderStatus.REFUNDED, NOTHING, [])


@pytest.mark.parametrize("told_before", [True, False], ids=["it was told", "it is found"])
def test_of_a_payment_that_went_back_in_part_only_the_rest_is_refunded(told_before: bool) -> None:
    sale = Sale(Token.PARTLY_REFUNDED_THERE)
    if told_before:
        sale.wait()
        assert (sale.status, sale.taken, sale.admits()) == (OrderStatus.CONFIRMED, Decimal("15.00"), True)
    sale.shop.clock.advance(DELAY)
    sale.cancel()
    assert (sale.status, sale.taken, sale.admits()) == (OrderStatus.REFUNDED, NOTHING, False)
    assert sale.told(RefundReduced) == ([] if told_before else [RefundReduced])
    assert sale.shop.concert_state(sale.concert_id).status is ConcertStatus.CANCELLED


def test_our_refund_of_what_was_refunded_there_meanwhile_moves_no_more_money() -> None:
    sale = Sale(Token.REFUNDED_THERE)
    sale.shop.clock.advance(DELAY)
    sale.cancel()
    assert (sale.status, sale.taken) == (OrderStatus.REFUNDED, NOTHING)
    assert sale.told(RefundRecorded, RefundReduced, RefundCompleted) == [RefundRecorded, RefundReduced, RefundCompleted]
    assert sale.shop.gateway.refunds_asked == []


@pytest.mark.parametrize(
    ("token", "at_first"),
    [
        (Token.REFUND_FAILS_ONCE, OrderStatus.REFUND_FAILED),
        (Token.REFUND_REFUSED, OrderStatus.REFUND_FAILED),
        (Token.REFUND_FAILS_LATER, OrderStatus.REFUNDING),
        (Token.REFUND_BOUNCES, OrderStatus.REFUNDED),
    ],
)
def test_a_refund_that_fails_is_refunded_by_another_after_ten_minutes(token: Token, at_first: OrderStatus) -> None:
    sale = Sale(token)
    sale.cancel()
    assert (sale.status, sale.admits()) == (at_first, False)
    sale.wait()
    assert (sale.status, sale.taken) == (OrderStatus.REFUND_FAILED, PRICE)
    assert len(sale.shop.gateway.refunds_asked) == 1
    sale.shop.clock.advance(timedelta(minutes=10))
    sale.shop.settle(sale.order_id)
    assert (sale.status, sale.taken, len(sale.shop.gateway.refunds_asked)) == (OrderStatus.REFUNDED, NOTHING, 2)
    sale.rest()
    assert sale.told(RefundFailed) == [RefundFailed]


def test_a_refund_that_bounces_is_told_of_although_its_answer_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = Sale(Token.REFUND_BOUNCES)
    record = sale.shop.gateway.ledger.record

    def record_and_lose_the_reply(entry: Entry) -> Entry:
        record(entry)
        monkeypatch.undo()
        raise Unavailable("The ledger does not answer.")

    monkeypatch.setattr(sale.shop.gateway.ledger, "record", record_and_lose_the_reply)
    with suppress(Unavailable):
        sale.cancel()
    sale.rest()
    assert sale.status is OrderStatus.REFUNDED
    sale.wait()
    sale.rest()
    assert (sale.status, sale.taken) == (OrderStatus.REFUNDED, NOTHING)
    assert sale.told(RefundFailed) == [RefundFailed]


def test_a_refund_that_always_fails_is_tried_four_times_and_then_waits_for_an_operator() -> None:
    sale = Sale(Token.REFUND_FAILS)
    sale.cancel()
    sale.running.deliver()
    begun = sale.shop.clock()
    sale.rest()
    assert (sale.status, sale.taken) == (OrderStatus.REFUND_FAILED, PRICE)
    assert sale.told(RefundFailed) == [RefundFailed] * 4
    [waiting] = sale.running.instances.list_stuck(10)
    assert (waiting.stream_id, waiting.due_at) == (sale.order_id, STUCK)
    assert sale.shop.clock() - begun >= timedelta(hours=26, minutes=10)
    assert sale.shop.concert_state(sale.concert_id).status is ConcertStatus.CANCELLED


def test_what_an_operator_refunds_there_stands_for_ours_that_failed_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = Sale(Token.REFUND_FAILS)
    sale.cancel()
    sale.rest()
    asked, find = len(sale.shop.gateway.refunds_asked), sale.shop.gateway.find_reversals
    there = ProviderRefund("in the dashboard", Money.of(PRICE, "EUR"), RefundState.SUCCEEDED)

    def find_it_too(attempt: Attempt) -> Reversals:
        found = find(attempt)
        return replace(found, refunds=(*found.refunds, there))

    monkeypatch.setattr(sale.shop.gateway, "find_reversals", find_it_too)
    [payment_id] = sale.shop.order_state(sale.order_id).payments
    settle_reversals(sale.shop.context(), sale.order_id, payment_id)
    assert sale.status is OrderStatus.REFUNDED
    assert sale.told(RefundRecorded, RefundReduced, RefundCompleted) == [RefundRecorded, RefundReduced, RefundCompleted]
    sale.running.run()
    assert (len(sale.shop.gateway.refunds_asked), sale.running.instances.list_stuck(10)) == (asked, [])


@pytest.mark.parametrize(
    ("token", "ending", "admits", "taken"),
    [
        (Token.DISPUTE_WON, OrderStatus.CONFIRMED, True, PRICE),
        (Token.DISPUTE_LOST, OrderStatus.CHARGED_BACK, False, NOTHING),
    ],
)
def test_a_dispute_ends_as_the_provider_says(token: Token, ending: OrderStatus, admits: bool, taken: Decimal) -> None:
    sale = Sale(token)
    sale.wait()
    assert (sale.status, sale.taken, sale.admits()) == (OrderStatus.DISPUTED, NOTHING, True)
    sale.wait()
    assert (sale.status, sale.taken, sale.admits()) == (ending, taken, admits)
    sale.hear(3)
    assert sale.told(DisputeOpened) == [DisputeOpened]


@pytest.mark.parametrize(
    ("token", "ending"), [(Token.DISPUTE_WON, OrderStatus.REFUNDED), (Token.DISPUTE_LOST, OrderStatus.CHARGED_BACK)]
)
def test_a_refund_of_a_disputed_payment_waits_for_the_end_of_the_dispute(token: Token, ending: OrderStatus) -> None:
    sale = Sale(token)
    sale.wait()
    sale.cancel()
    assert (sale.status, sale.shop.gateway.refunds_asked, sale.admits()) == (OrderStatus.DISPUTED, [], False)
    sale.wait()
    sale.rest()
    order = sale.shop.order_state(sale.order_id)
    assert (order.status, sale.taken, order.refunds_under_way) == (ending, NOTHING, {})


@pytest.mark.parametrize("token", [Token.CANCELLED, Token.REFUSED])
def test_a_payment_that_ends_at_the_provider_ends_here_and_the_order_can_be_paid_again(token: Token) -> None:
    running = machinery()
    _, ticket_type_id = running.shop.on_sale()
    cart_id = running.shop.cart()
    running.shop.add(cart_id, ticket_type_id)
    order_id = running.shop.check_out(cart_id).order_id
    with suppress(PaymentRefused):
        running.shop.pay(order_id, token)
    running.shop.clock.advance(DELAY)
    for body, headers in running.shop.gateway.sent:
        receive(running.shop.gateway, running.queue, body, headers)
    running.run()
    [payment] = running.shop.order_state(order_id).payments.values()
    assert (payment.status, bool(payment.reason)) == (PaymentStatus.FAILED, True)
    assert running.shop.pay(order_id).order_status is OrderStatus.CONFIRMED


def test_a_refund_costs_one_look_and_one_refund_at_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = Sale(Token.APPROVED)
    looks: list[UUID] = []
    find = sale.shop.gateway.find_reversals

    def look(attempt: Attempt) -> Reversals:
        looks.append(attempt.payment_id)
        return find(attempt)

    monkeypatch.setattr(sale.shop.gateway, "find_reversals", look)
    sale.cancel()
    assert (len(looks), len(sale.shop.gateway.refunds_asked), sale.status) == (1, 1, OrderStatus.REFUNDED)


def test_news_of_money_that_came_before_the_news_of_its_payment_is_understood() -> None:
    running = machinery()
    shop = running.shop
    _, ticket_type_id = shop.on_sale()
    cart_id = shop.cart()
    shop.add(cart_id, ticket_type_id)
    order_id = shop.check_out(cart_id).order_id
    shop.gateway.lose_charge_replies = 1
    with pytest.raises(Unavailable):
        shop.pay(order_id, Token.REFUNDED_THERE)
    shop.clock.advance(DELAY)
    settle_reversals(shop.context(), order_id, shop.gateway.asked[0])
    assert (shop.order_state(order_id).status, shop.gateway.taken_for(order_id)) == (OrderStatus.REFUNDED, NOTHING)


def test_the_end_of_a_dispute_is_asked_for_if_nobody_tells() -> None:
    sale = Sale(Token.DISPUTE_LOST)
    sale.wait()
    assert (sale.status, sale.told(DisputeLost)) == (OrderStatus.DISPUTED, [])
    sale.rest()
    assert (sale.status, sale.told(DisputeLost)) == (OrderStatus.CHARGED_BACK, [DisputeLost])
