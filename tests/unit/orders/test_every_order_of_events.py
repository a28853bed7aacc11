"""Every order in which the news of a purchase can arrive, not a sample of them."""

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from decimal import Decimal
from typing import Self
from uuid import UUID

import pytest

from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.concerts import commands as concerts
from chalicelib.shop.orders.commands import PAYMENT_GRACE
from chalicelib.shop.orders.order import Order, PaymentInProgress
from chalicelib.shop.orders.order_facts import REQUEST_TIME
from chalicelib.shop.orders.payments.port import Declined
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import cancel_order, finish, record_outcome, settle_payment
from tests.support.shop import CUSTOMER, ORGANISER, PAY_WITHIN, Clock, Shop

NEWS = ("succeeded", "duplicate", "failed", "reply lost", "hold expired", "cancelled", "refund notified")
NEWS_OF_TWO = ("succeeded", "reply lost", "hold expired", "A closed", "A cancelled", "B closed", "B cancelled")
AFTER = {"duplicate": "succeeded", "A cancelled": "A closed", "B cancelled": "B closed"}
"""What comes after something else only: a duplicate is the same as its original, so one order of the two will do."""
CONFIRMED, NOTHING_TAKEN, REFUNDED = "confirmed with tickets", "ended with nothing taken", "refunded once"


class Purchase:
    """One order of both tickets of a concert, with a payment that the provider made or refused and whose reply was
    lost. With a `rival`, somebody else buys the stock as soon as the hold has ended."""

    def __init__(self, token: str, rival: bool, whole_concert: bool) -> None:
        self.token, self.rival, self.whole_concert = token, rival, whole_concert
        self.shop = Shop(MemoryEventStore())
        self.concert_id, self.ticket_type_id = self.shop.on_sale(quantity=2)
        cart_id = self.shop.cart()
        self.shop.add(cart_id, self.ticket_type_id, 2)
        self._order(cart_id)

    def _order(self, cart_id: UUID) -> None:
        self.order_id = self.shop.check_out(cart_id).order_id
        self.shop.gateway.lose_charge_replies = 1
        with pytest.raises(Unavailable):
            self.shop.pay(self.order_id, self.token, self.shop.request(CUSTOMER, "pay"))
        self.payment_id = self.shop.gateway.asked[-1]

    def fork(self) -> Self:
        """The same purchase, to go on differently."""
        store = self.shop.store
        assert isinstance(store, MemoryEventStore)
        other = copy(self)
        other.shop = Shop(store.fork(), Clock(self.shop.clock()), "fork")
        other.shop.gateway.ledger.entries |= self.shop.gateway.ledger.entries
        other.shop.gateway.refunds_asked += self.shop.gateway.refunds_asked
        other.shop.gateway.lose_refund_replies = self.shop.gateway.lose_refund_replies
        return other

    def hears(self, news: str) -> None:
        """The news arrives in a container that knows nothing yet."""
        match news:
            case "succeeded" | "duplicate" | "refund notified":
                with suppress(Unavailable):
                    settle_payment(self.shop.context(), self.order_id, self.payment_id)
            case "failed":
                declined = Declined("The card was declined.")
                record_outcome(self.shop.context(), self.order_id, self.payment_id, declined)
            case "reply lost":
                self.shop.gateway.lose_refund_replies = 1
                context = self.shop.context()
                with suppress(Unavailable):
                    finish(context, self.order_id, context.order(self.order_id))
            case "hold expired":
                self.shop.clock.advance(PAY_WITHIN + PAYMENT_GRACE + REQUEST_TIME)
                if self.rival:
                    self._rival_buys()
            case "cancelled":
                self._cancel()

    def _cancel(self) -> None:
        if self.whole_concert:
            concerts.cancel_concert(self.shop.repository, self.shop.request(ORGANISER), self.concert_id)
        with suppress(Unavailable, PaymentInProgress):
            cancel_order(self.shop.context(), self.order_id, self.concert_id, "The concert is cancelled.")

    def _rival_buys(self) -> None:
        with suppress(CloudbashError):
            cart_id = self.shop.cart()
            self.shop.add(cart_id, self.ticket_type_id, 2)
            self.shop.pay(self.shop.check_out(cart_id).order_id)

    def comes_to(self) -> str:
        """How it ends, once everybody who comes back for it has come back; then nothing moves any more."""
        self.shop.clock.advance(PAY_WITHIN + PAYMENT_GRACE + REQUEST_TIME)
        for _ in range(2):
            with suppress(Unavailable):
                self._come_back()
        before = self.shop.log([self.order_id])
        self.shop.settle(self.order_id)
        assert self.shop.log([self.order_id]) == before
        return self._ending()

    def _come_back(self) -> None:
        settle_payment(self.shop.context(), self.order_id, self.payment_id)
        self.shop.settle(self.order_id)

    def _ending(self) -> str:
        order, pool = self.shop.order_state(self.order_id), self.shop.pool(self.ticket_type_id)
        assert 0 <= pool.held + pool.sold <= 2
        taken, refunds = self.shop.gateway.taken_for(self.order_id), self.shop.gateway.refunds_asked
        if order.status is OrderStatus.CONFIRMED:
            assert (taken, refunds, len(order.tickets), pool.sold) == (Decimal("50.00"), [], 2, 2)
            return CONFIRMED
        assert taken == 0
        assert order.status in {OrderStatus.REFUNDED, OrderStatus.EXPIRED, OrderStatus.CANCELLED}
        assert len(refunds) == len(set(refunds)) <= 1
        return REFUNDED if refunds else NOTHING_TAKEN


class PurchaseOfTwoConcerts(Purchase):
    """One order of two tickets of concert A, 25.00 each, and one of concert B at 40.00. A concert is cancelled in two
    steps: its pools are closed, and then the order hears of it."""

    def __init__(self) -> None:
        super().__init__("tok_visa", rival=False, whole_concert=True)
        self.closed: tuple[str, ...] = ()

    def _order(self, cart_id: UUID) -> None:
        other_id, other_type_id = self.shop.on_sale(quantity=1, price="40.00")
        self.shop.add(cart_id, other_type_id)
        self.concerts, self.types = {"A": self.concert_id, "B": other_id}, [self.ticket_type_id, other_type_id]
        super()._order(cart_id)

    def hears(self, news: str) -> None:
        match news.split():
            case name, "closed":
                concerts.cancel_concert(self.shop.repository, self.shop.request(ORGANISER), self.concerts[name])
                self.closed += (name,)
            case name, "cancelled":
                self._hears_of(name)
            case _:
                super().hears(news)

    def _hears_of(self, name: str) -> None:
        with suppress(Unavailable):
            cancel_order(self.shop.context(), self.order_id, self.concerts[name], "The concert is cancelled.")

    def _come_back(self) -> None:
        for name in self.closed:
            self._hears_of(name)
        super()._come_back()

    def _ending(self) -> str:
        order, refunds = self.shop.order_state(self.order_id), self.shop.gateway.refunds_asked
        assert not order.is_unfinished
        assert len(refunds) == len(set(refunds))
        names = {concert_id: name for name, concert_id in self.concerts.items()}
        valid = [names[ticket.concert_id] for ticket in order.valid_tickets if ticket.concert_id is not None]
        prices = {"A": Decimal("25.00"), "B": Decimal("40.00")}
        assert self.shop.gateway.taken_for(self.order_id) == sum(prices[name] for name in valid)
        assert set(valid).isdisjoint(self.closed)
        self._ensure_tickets_and_pools_agree(order)
        return f"{order.status} with {''.join(valid) or 'no tickets'} after {len(refunds)} refunds"

    def _ensure_tickets_and_pools_agree(self, order: Order) -> None:
        revoked = {ticket.id for ticket in order.tickets if self.shop.store.read(ticket.id)}
        assert revoked == {ticket.id for ticket in order.tickets} - {ticket.id for ticket in order.valid_tickets}
        pools = [self.shop.pool(ticket_type_id) for ticket_type_id in self.types]
        assert sum(pool.sold for pool in pools) == len(order.tickets)
        assert [pool.at(self.shop.clock()).held for pool in pools] == [0, 0]


def endings(purchase: Purchase, still_to_come: tuple[str, ...], heard: tuple[str, ...] = ()) -> Iterator[str]:
    """How it ends after every selection of the news in every order: each beginning is gone through once."""
    yield purchase.fork().comes_to()
    for news in still_to_come:
        if news in AFTER and AFTER[news] not in heard:
            continue
        other = purchase.fork()
        other.hears(news)
        yield from endings(other, tuple(x for x in still_to_come if x != news), (*heard, news))


@pytest.mark.parametrize(
    ("rival", "whole_concert"), [(False, True), (True, False)], ids=["stock stays", "stock goes to a rival"]
)
def test_every_order_of_the_news_of_a_payment_ends_in_tickets_or_in_one_refund(
    rival: bool, whole_concert: bool
) -> None:
    found = set(endings(Purchase("tok_visa", rival, whole_concert), NEWS))
    assert found == {CONFIRMED, REFUNDED}


def test_every_order_of_the_news_of_a_refused_payment_ends_with_nothing_taken() -> None:
    found = set(endings(Purchase("tok_declined", rival=True, whole_concert=True), NEWS))
    assert found == {NOTHING_TAKEN}


def test_every_order_of_news_and_cancellations_leaves_the_tickets_that_are_paid_and_gives_each_part_back_once() -> None:
    assert set(endings(PurchaseOfTwoConcerts(), NEWS_OF_TWO)) == {
        "confirmed with AAB after 0 refunds",
        "confirmed with AA after 1 refunds",
        "confirmed with B after 1 refunds",
        "refunded with no tickets after 2 refunds",
        "cancelled with no tickets after 1 refunds",
        "expired with no tickets after 1 refunds",
    }


def test_the_customer_of_a_payment_that_was_refused_may_still_buy() -> None:
    purchase = Purchase("tok_declined", rival=False, whole_concert=False)
    purchase.hears("succeeded")
    purchase.shop.pay(purchase.order_id)
    assert purchase.comes_to() == CONFIRMED
