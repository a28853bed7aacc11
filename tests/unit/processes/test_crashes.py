"""The process is killed between any two calls, in request, consumer and worker: the order still ends, once."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from itertools import count
from typing import TypeVar
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.platform.money import Money
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.payments.port import Attempt
from chalicelib.shop.orders.payments.sandbox import DELAY
from chalicelib.shop.orders.payments.signatures import HEADER, sign
from chalicelib.shop.orders.payments.webhooks import receive
from chalicelib.shop.orders.refund import DisputeStatus
from chalicelib.shop.orders.rules import OrderStatus
from tests.support.crashes import Crash, Trap
from tests.support.machinery import Machinery, machinery
from tests.support.shop import ORGANISER, PAY_WITHIN


class Sale:
    """An order of both tickets of a concert, and every port of the shop behind a trap."""

    def __init__(self) -> None:
        self.running: Machinery = machinery()
        self.shop = self.running.shop
        self.gateway = self.shop.gateway
        self.concert_id, self.ticket_type_id = self.shop.on_sale(quantity=2)
        self.order_id = self.ordered(2)
        self._set_the_trap()

    def _set_the_trap(self) -> None:
        self.trap = Trap()
        self.shop.store = self.trap.behind(self.shop.store)
        self.shop.gateway = self.trap.behind(self.shop.gateway)
        self.running.queue = self.trap.behind(self.running.queue)
        self.running.instances = self.trap.behind(self.running.instances)

    def ordered(self, quantity: int) -> UUID:
        cart_id = self.shop.cart()
        self.shop.add(cart_id, self.ticket_type_id, quantity)
        return self.shop.check_out(cart_id).order_id

    def pay(self, token: str = "tok_visa") -> None:
        with suppress(CloudbashError):
            self.shop.pay(self.order_id, token, repository=self.shop.other_container())

    def ending(self) -> str:
        order, pool = self.shop.order_state(self.order_id), self.shop.pool(self.ticket_type_id)
        taken = self.gateway.taken_for(self.order_id)
        refunds = set(self.gateway.refunds_asked)
        assert not order.open_payments
        assert not order.refunds_under_way
        if order.status is OrderStatus.CONFIRMED:
            assert (taken, refunds, len(order.tickets), pool.sold) == (Decimal("50.00"), set(), 2, 2)
            return "confirmed with tickets"
        assert (taken, len(refunds) <= 1) == (Decimal(0), True)
        assert self.order_id not in {hold.order_id for hold in pool.holds.values()}
        assert order.status in {OrderStatus.EXPIRED, OrderStatus.CANCELLED, OrderStatus.REFUNDED}
        return "refunded once" if refunds else "nothing taken"


def pay(sale: Sale) -> None:
    sale.pay()
    sale.running.run_until_quiet()


def pay_and_lose_the_reply(sale: Sale) -> None:
    sale.pay("tok_lost_reply")
    sale.running.run_until_quiet()


def be_declined(sale: Sale) -> None:
    sale.pay("tok_declined")
    sale.running.run_until_quiet()


def pay_the_wrong_amount(sale: Sale) -> None:
    sale.pay("tok_wrong_amount")
    sale.running.run_until_quiet()


def pay_when_the_stock_is_gone(sale: Sale) -> None:
    sale.pay("tok_lost_reply")
    sale.shop.clock.advance(PAY_WITHIN + PAYMENT_GRACE)
    cart_id = sale.shop.cart()
    sale.shop.add(cart_id, sale.ticket_type_id, 1, repository=sale.shop.other_container())
    sale.running.run_until_quiet()


def never_pay(sale: Sale) -> None:
    sale.running.run_until_quiet()


def cancel_the_paid_concert(sale: Sale) -> None:
    sale.pay()
    cancel_the_unpaid_concert(sale)


def cancel_the_unpaid_concert(sale: Sale) -> None:
    concerts.cancel_concert(sale.shop.other_container(), sale.shop.request(ORGANISER), sale.concert_id)
    sale.running.run_until_quiet()


def refund_there_and_cancel(sale: Sale) -> None:
    """The provider gives a part back, tells of it, and then the concert is cancelled."""
    sale.pay("tok_partly_refunded_there")
    sale.shop.clock.advance(DELAY)
    for body, headers in sale.gateway.sent:
        receive(sale.shop.gateway, sale.running.queue, body, headers)
    sale.running.run()
    cancel_the_unpaid_concert(sale)


def cancel_and_refund_twice(sale: Sale) -> None:
    """The first refund succeeds, and fails afterwards."""
    sale.pay("tok_refund_bounces")
    concerts.cancel_concert(sale.shop.other_container(), sale.shop.request(ORGANISER), sale.concert_id)
    sale.running.run()
    sale.shop.clock.advance(DELAY)
    for body, headers in sale.gateway.sent:
        receive(sale.shop.gateway, sale.running.queue, body, headers)
    sale.running.run_until_quiet()


def lose_a_dispute(sale: Sale) -> None:
    sale.pay("tok_dispute_lost")
    for _ in range(2):
        sale.shop.clock.advance(DELAY)
        for body, headers in list(sale.gateway.sent):
            receive(sale.shop.gateway, sale.running.queue, body, headers)
        sale.running.run()
    sale.running.run_until_quiet()


CONFIRMED, REFUNDED, NOTHING = "confirmed with tickets", "refunded once", "nothing taken"
A_IS_LEFT, B_IS_LEFT = "confirmed with A", "confirmed with B"


class SaleOfTwoConcerts(Sale):
    """A paid order of 120 tickets of concert A, three commits of tickets, and of one ticket of concert B."""

    def __init__(self) -> None:
        self.running = machinery()
        self.shop = self.running.shop
        self.gateway = self.shop.gateway
        self.other_id, other_type_id = self.shop.on_sale(quantity=1, price="40.00")
        self.concert_id, cart_id = self.shop.draft(), self.shop.cart()
        types = [self.shop.ticket_type(self.concert_id, 40, "1.00", max_per_order=40) for _ in range(3)]
        self.shop.publish(self.concert_id)
        for ticket_type_id, quantity in [*((key, 40) for key in types), (other_type_id, 1)]:
            self.shop.add(cart_id, ticket_type_id, quantity)
        self.order_id = self.shop.check_out(cart_id).order_id
        self.shop.pay(self.order_id)
        self._set_the_trap()

    def ending(self) -> str:
        order, taken = self.shop.order_state(self.order_id), self.gateway.taken_for(self.order_id)
        assert not order.is_unfinished
        valid = {ticket.id for ticket in order.valid_tickets}
        revoked = {ticket.id for ticket in order.tickets if len(self.running.store.read(ticket.id)) == 1}
        assert (len(order.tickets), revoked) == (121, {ticket.id for ticket in order.tickets} - valid)
        assert len(self.gateway.ledger.entries) == 1 + len(order.refunds)
        return {
            (OrderStatus.CONFIRMED, 121, Decimal("160.00")): CONFIRMED,
            (OrderStatus.CONFIRMED, 1, Decimal("40.00")): B_IS_LEFT,
            (OrderStatus.CONFIRMED, 120, Decimal("120.00")): A_IS_LEFT,
            (OrderStatus.REFUNDED, 0, Decimal("0.00")): REFUNDED,
        }[order.status or OrderStatus.EXPIRED, len(valid), taken]


@pytest.mark.parametrize("carried_out", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("story", [refund_there_and_cancel, cancel_and_refund_twice, lose_a_dispute])
def test_the_books_follow_the_provider_wherever_the_process_was_killed(
    story: Callable[[Sale], None], carried_out: bool
) -> None:
    assert killed_everywhere(SaleWithReversals, story, carried_out) <= {"the books are right"}


class SaleWithReversals(Sale):
    """A sale whose provider tells everything again, as providers do for days."""

    def ending(self) -> str:
        for _ in range(3):
            self.shop.clock.advance(DELAY)
            for body, _headers in list(self.gateway.sent):
                headers = {HEADER: sign("secret", body, self.shop.clock())}
                receive(self.shop.gateway, self.running.queue, body, headers)
            self.running.run_until_quiet()
        order = self.shop.order_state(self.order_id)
        assert (order.open_payments, order.is_unfinished) == ((), False)
        back = [one.amount.amount for one in order.refunds.values() if one.completed]
        back += [one.amount.amount for one in order.disputes.values() if one.status is not DisputeStatus.WON]
        taken = [one.amount.amount for one in order.payments.values() if not one.may_succeed]
        assert sum(taken) - sum(back) == self.gateway.taken_for(self.order_id)
        assert bool(order.valid) == (order.status is OrderStatus.CONFIRMED)
        return "the books are right"


def cancel_one(sale: SaleOfTwoConcerts) -> None:
    concerts.cancel_concert(sale.shop.other_container(), sale.shop.request(ORGANISER), sale.concert_id)
    sale.running.run_until_quiet()


def cancel_both(sale: SaleOfTwoConcerts) -> None:
    for concert_id in (sale.other_id, sale.concert_id):
        concerts.cancel_concert(sale.shop.other_container(), sale.shop.request(ORGANISER), concert_id)
    sale.running.run_until_quiet()


@pytest.mark.parametrize("carried_out", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize(
    ("story", "endings"),
    [
        (pay, {CONFIRMED, NOTHING}),
        (pay_and_lose_the_reply, {CONFIRMED, NOTHING}),
        (be_declined, {NOTHING}),
        (pay_the_wrong_amount, {REFUNDED, NOTHING}),
        (pay_when_the_stock_is_gone, {REFUNDED, CONFIRMED, NOTHING}),
        (never_pay, {NOTHING}),
        (cancel_the_paid_concert, {CONFIRMED, REFUNDED, NOTHING}),
        (cancel_the_unpaid_concert, {NOTHING}),
    ],
)
def test_an_order_ends_once_wherever_the_process_was_killed(
    story: Callable[[Sale], None], endings: set[str], carried_out: bool
) -> None:
    assert killed_everywhere(Sale, story, carried_out) <= endings


@pytest.mark.parametrize("carried_out", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize(
    ("story", "endings"), [(cancel_one, {CONFIRMED, B_IS_LEFT}), (cancel_both, {CONFIRMED, A_IS_LEFT, REFUNDED})]
)
def test_a_cancellation_gives_each_part_back_once_wherever_the_process_was_killed(
    story: Callable[[SaleOfTwoConcerts], None], endings: set[str], carried_out: bool
) -> None:
    found = killed_everywhere(SaleOfTwoConcerts, story, carried_out)
    assert found <= endings
    assert found - {CONFIRMED}


AnySale = TypeVar("AnySale", bound=Sale)


def killed_everywhere(make: Callable[[], AnySale], story: Callable[[AnySale], None], carried_out: bool) -> set[str]:
    """The endings of a story that died at each of its calls and was not told again."""
    found = set()
    for at in count(1):
        sale = make()
        sale.trap.arm(at, carried_out)
        with suppress(Crash):
            story(sale)
        reached = sale.trap.calls
        sale.trap.disarm()
        sale.running.run_until_quiet()
        found.add(sale.ending())
        if reached < at:
            assert at > 10
            return found
    raise AssertionError


def test_a_provider_that_is_away_for_an_hour_loses_nobody_anything() -> None:
    sale = Sale()
    sale.pay("tok_lost_reply")
    sale.gateway.unreachable = True
    with pytest.raises(AssertionError, match="still due"):
        sale.running.run_until_quiet(pushes=30)
    with pytest.raises(Unavailable):
        sale.gateway.find_payment(Attempt(sale.order_id, sale.order_id, Money.zero("EUR")))
    sale.gateway.unreachable = False
    sale.running.run_until_quiet()
    assert sale.ending() == CONFIRMED
