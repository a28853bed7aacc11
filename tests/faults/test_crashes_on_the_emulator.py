"""The process dies at any request to DynamoDB, SQS or Kinesis, in request, consumer, watchdog and worker: the order
still ends, once."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from uuid import uuid4, uuid5

import pytest

from chalicelib.platform.caller import Actor, Caller, RequestIdentity
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.shop.carts import commands as carts
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from chalicelib.shop.orders import commands as orders
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.rules import OrderStatus
from local.emulator import Emulator
from simulator.oracle import OracleReport, judge
from tests.support.crashes import Crash
from tests.support.lambdas import Lambdas, lambdas_on
from tests.support.shop import BUYER

pytestmark = pytest.mark.endurance

CONFIRMED, NOTHING = "confirmed with tickets", "nothing taken"
TOTAL = Decimal("50.00")


@pytest.fixture
def lambdas(contract_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lambdas:
    return lambdas_on(contract_emulator, tmp_path, f"crashes-{uuid4().hex[:8]}", monkeypatch)


class Purchase:
    """Both tickets of a concert, bought by one customer in four requests, each with a key of its own."""

    def __init__(self, lambdas: Lambdas, token: str | None) -> None:
        """Without a token the customer never pays."""
        self.lambdas = lambdas
        self.buyer = Actor.of(str(uuid4()), [])
        self.ticket_type_id = uuid4()
        self.cart_id, self.order_id = self._caller("cart").request.id, self._caller("checkout").request.id
        self.streams = [pool_id(self.ticket_type_id, 0), self.cart_id, self.order_id]
        self._token = token
        self._left: list[Callable[[], object]] = [self._open_cart, self._hold, self._check_out]
        self._left += [self._pay] if token else []
        lambdas.put_on_sale(self.ticket_type_id, 2, "25.00")

    def go_on(self) -> None:
        """From the first request that had no answer, under its key."""
        while self._left:
            self._left[0]()
            del self._left[0]

    def ending(self) -> str:
        """Checked against the log, the provider's ledger and the oracle. A hold without an order ends at its deadline,
        that of an order with the order."""
        shop = self.lambdas.container
        assert judge(self.lambdas.stored(self.streams)) == OracleReport()
        order = shop.repository.load(ORDER, self.order_id)[0]
        taken = self.lambdas.taken_for(self.order_id)
        if order.status is None:
            self.lambdas.clock.advance(shop.settings.hold_for)
        pool = shop.repository.load(TICKET_POOL, self.streams[0])[0].at(self.lambdas.clock())
        if order.status is OrderStatus.CONFIRMED:
            assert (taken, len(order.tickets), pool.sold, pool.held) == (TOTAL, 2, 2, 0)
            return CONFIRMED
        assert order.status in {None, OrderStatus.EXPIRED}
        assert (taken, len(order.tickets), pool.free) == (Decimal(0), 0, 2)
        return NOTHING

    def _open_cart(self) -> None:
        carts.create_cart(self.lambdas.container.repository, self._caller("cart"))

    def _hold(self) -> None:
        shop = self.lambdas.container
        caller = self._caller("hold")
        carts.add_item(shop.repository, caller, self.cart_id, self.ticket_type_id, 2, shop.settings.hold_for)

    def _check_out(self) -> None:
        shop = self.lambdas.container
        caller = self._caller("checkout")
        carts.check_out(shop.repository, shop.vault, caller, self.cart_id, BUYER, shop.settings.pay_within)

    def _pay(self) -> None:
        """Whose reply the provider loses, is told that it is away, and leaves."""
        shop = self.lambdas.container
        with suppress(Unavailable):
            orders.pay_order(
                shop.repository, shop.gateways, self._caller("pay"), self.order_id, "sandbox", str(self._token)
            )

    def _caller(self, request: str) -> Caller:
        identity = RequestIdentity(uuid5(self.buyer.id, request), "hash of the body", is_repeatable=True)
        return Caller(self.buyer, Origin(str(self.buyer.id), "correlation", request), identity)


def endings(
    lambdas: Lambdas, begin: Callable[[], Purchase], story: Callable[[Purchase], None], carried_out: bool, more: bool
) -> set[str]:
    """The story once for every request that is sent in it, with a death there. Afterwards customers who want `more`
    come back, and everything that runs by itself does."""
    found = set()
    for at in count(1):
        purchase = begin()
        lambdas.start()
        lambdas.trap.arm(at, carried_out)
        with suppress(Crash):
            story(purchase)
        reached = lambdas.trap.calls
        lambdas.trap.disarm()
        lambdas.start()
        if more:
            purchase.go_on()
        lambdas.run_until_quiet(purchase.streams)
        found.add(purchase.ending())
        if reached < at:
            return found
    raise AssertionError("count() has no end")


def buy(purchase: Purchase) -> None:
    purchase.go_on()
    purchase.lambdas.start()
    purchase.lambdas.run_until_quiet(purchase.streams)


def wait(purchase: Purchase) -> None:
    purchase.lambdas.run_until_quiet(purchase.streams)


DEATHS = pytest.mark.parametrize("carried_out", [False, True], ids=["before the request", "after the request"])


@DEATHS
def test_a_customer_who_asks_again_gets_the_tickets_wherever_a_lambda_was_killed(
    lambdas: Lambdas, carried_out: bool
) -> None:
    assert endings(lambdas, lambda: Purchase(lambdas, "tok_visa"), buy, carried_out, more=True) == {CONFIRMED}
    assert lambdas.sent >= {
        "dynamodb.Query",
        "dynamodb.GetItem",
        "dynamodb.PutItem",
        "dynamodb.ExecuteStatement",
        "dynamodb.ExecuteTransaction",
        "kinesis.PutRecords",
        "sqs.SendMessageBatch",
    }


@DEATHS
def test_a_customer_who_never_comes_back_is_charged_for_tickets_or_for_nothing(
    lambdas: Lambdas, carried_out: bool
) -> None:
    found = endings(lambdas, lambda: Purchase(lambdas, "tok_lost_reply"), buy, carried_out, more=False)
    assert found == {CONFIRMED, NOTHING}


@DEATHS
def test_an_unpaid_order_gives_its_tickets_back_wherever_a_lambda_was_killed(
    lambdas: Lambdas, carried_out: bool
) -> None:
    def ordered() -> Purchase:
        purchase = Purchase(lambdas, token=None)
        purchase.go_on()
        return purchase

    assert endings(lambdas, ordered, wait, carried_out, more=False) == {NOTHING}
    assert "dynamodb.UpdateItem" in lambdas.sent
