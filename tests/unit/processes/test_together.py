"""Request, notification, worker and watchdog at the same moment, in threads."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from chalicelib.platform.errors import CloudbashError, Unavailable
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.settlement import cancel_order, settle, settle_payment
from tests.support.machinery import machinery
from tests.support.shop import CUSTOMER


@pytest.mark.parametrize("with_cancellation", [False, True])
def test_whoever_settles_at_the_same_moment_an_order_ends_once(with_cancellation: bool) -> None:
    for _ in range(30):
        running = machinery()
        concert_id, ticket_type_id = running.shop.on_sale(quantity=2)
        cart_id = running.shop.cart()
        running.shop.add(cart_id, ticket_type_id, 2)
        order_id = running.shop.check_out(cart_id).order_id
        caller = running.shop.request(CUSTOMER, "pay")
        with pytest.raises(Unavailable):
            running.shop.pay(order_id, "tok_lost_reply", caller)
        payment_id = running.shop.gateway.asked[-1]

        shop = running.shop
        jobs: list[partial[Any]] = [partial(settle_payment, shop.context(), order_id, payment_id) for _ in range(2)]
        jobs += [partial(settle, shop.context(), order_id, shop.clock())]
        jobs += [partial(cancel_order, shop.context(), order_id, concert_id, "why")] * (2 if with_cancellation else 0)
        jobs += [partial(shop.pay, order_id, "tok_lost_reply", caller, shop.other_container())]
        with ThreadPoolExecutor(len(jobs)) as threads:
            for done in [threads.submit(job) for job in jobs]:
                with suppress(CloudbashError):
                    done.result()
        running.run_until_quiet()
        order, taken = shop.order_state(order_id), shop.gateway.taken_for(order_id)
        if order.status is OrderStatus.CONFIRMED:
            assert (taken, shop.pool(ticket_type_id).sold) == (Decimal("50.00"), 2)
        else:
            assert order.status in {OrderStatus.REFUNDED, OrderStatus.CANCELLED}
            assert taken == 0
        assert with_cancellation or order.status is OrderStatus.CONFIRMED


def test_two_concerts_of_an_order_cancelled_at_the_same_moment_give_one_refund_each() -> None:
    for _ in range(20):
        running = machinery()
        shop = running.shop
        sold = [shop.on_sale(price=price) for price in ("25.00", "40.00")]
        cart_id = shop.cart()
        for _, ticket_type_id in sold:
            shop.add(cart_id, ticket_type_id)
        order_id = shop.check_out(cart_id).order_id
        shop.pay(order_id)

        jobs = [partial(cancel_order, shop.context(), order_id, concert_id, "why") for concert_id, _ in sold * 2]
        jobs += [partial(settle, shop.context(), order_id, shop.clock())]
        with ThreadPoolExecutor(len(jobs)) as threads:
            for done in [threads.submit(job) for job in jobs]:
                with suppress(CloudbashError):
                    done.result()
        running.run_until_quiet()
        order = shop.order_state(order_id)
        assert (order.status, len(order.refunds)) == (OrderStatus.REFUNDED, 2)
        assert shop.gateway.taken_for(order_id) == 0
        assert [len(shop.store.read(ticket.id)) for ticket in order.tickets] == [1, 1]
