"""Every night what differs is reported, counted and asked about again, and nothing else happens."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.platform.errors import Unavailable
from chalicelib.platform.money import Money
from chalicelib.platform.processes.work import Task
from chalicelib.shop.orders.payments.port import Movement, PaymentGateway
from chalicelib.shop.orders.payments.sandbox import DELAY, Decision, Entry, Token
from chalicelib.shop.orders.rules import OrderStatus
from chalicelib.shop.orders.schedules import reconcile_money
from chalicelib.shop.orders.task_kinds import SETTLE_REVERSALS
from tests.support.request_scenario import FollowedDocuments, InMemory
from tests.support.shop import some_id
from tests.unit.orders.test_reversals import Sale

NIGHT, PRICE = timedelta(days=1), Money.of("25.00", "EUR")


def container(sale: Sale, gateways: Mapping[str, PaymentGateway] | None = None) -> Any:
    """A container whose tasks the sale's workers do."""
    shop: Any = InMemory(sale.shop, FollowedDocuments())
    shop.work_queue = sale.running.queue
    shop.gateways = gateways or sale.shop.gateways
    return shop


def unheard(token: Token) -> Sale:
    """A sale whose news from the provider is lost, in the night after."""
    sale = Sale(token)
    sale.shop.clock.advance(DELAY)
    list(sale.shop.gateway.list_movements(datetime.min.replace(tzinfo=UTC), sale.shop.clock()))
    sale.shop.clock.advance(NIGHT)
    return sale


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_night_without_a_difference_counts_none(
    counted: Callable[[], dict[str, float]], caplog: pytest.LogCaptureFixture
) -> None:
    sale = Sale(Token.APPROVED)
    sale.shop.clock.advance(NIGHT)
    assert reconcile_money(container(sale)) == 0
    assert (counted().get("MoneyDifferences"), warnings(caplog), sale.running.queue.tasks) == (0, [], [])


def test_a_difference_is_logged_and_counted_and_its_order_asks_the_provider(
    counted: Callable[[], dict[str, float]], caplog: pytest.LogCaptureFixture
) -> None:
    sale = unheard(Token.REFUNDED_THERE)
    [payment_id] = sale.shop.order_state(sale.order_id).payments
    assert reconcile_money(container(sale)) == 1
    assert counted()["MoneyDifferences"] == 1
    [line] = warnings(caplog)
    assert line.startswith("money differs: refund_unknown at sandbox, sandbox_")
    assert f"of payment {payment_id} of order {sale.order_id}: there refund succeeded 25.00 EUR" in line
    [task] = sale.running.queue.tasks
    today = f"{sale.shop.clock():%Y-%m-%d}"
    assert task == Task(SETTLE_REVERSALS, sale.order_id, f"reconcile {today}", payment_id)


@pytest.mark.parametrize(
    ("token", "ending"),
    [
        (Token.REFUNDED_THERE, OrderStatus.REFUNDED),
        (Token.PARTLY_REFUNDED_THERE, OrderStatus.CONFIRMED),
        (Token.DISPUTE_LOST, OrderStatus.CHARGED_BACK),
    ],
)
def test_what_asking_again_mends_is_no_difference_in_the_second_look(token: Token, ending: OrderStatus) -> None:
    sale = unheard(token)
    assert reconcile_money(container(sale)) == 1
    sale.running.run()
    assert sale.status is ending
    assert reconcile_money(container(sale)) == 0
    sale.shop.clock.advance(NIGHT)
    assert reconcile_money(container(sale)) == 0


def test_a_day_is_looked_at_in_two_nights_and_today_in_none(monkeypatch: pytest.MonkeyPatch) -> None:
    sale = Sale(Token.APPROVED)
    spans: list[tuple[datetime, datetime]] = []

    def listed(since: datetime, until: datetime) -> Iterator[Movement]:
        spans.append((since, until))
        return iter(())

    monkeypatch.setattr(sale.shop.gateway, "list_movements", listed)
    sale.shop.clock.now = datetime(2030, 6, 15, 3, 0, 7, tzinfo=UTC)
    reconcile_money(container(sale))
    assert spans == [(datetime(2030, 6, 13, tzinfo=UTC), datetime(2030, 6, 15, tzinfo=UTC))]


def test_an_order_that_cannot_be_asked_about_is_reported_and_gets_no_task(
    counted: Callable[[], dict[str, float]],
) -> None:
    sale = Sale(Token.APPROVED)
    sale.shop.clock.advance(NIGHT)
    for payment_id, order_id in ((some_id("payment"), sale.order_id), (some_id("other"), some_id("no order"))):
        charged = Entry(payment_id, PRICE, Decision.CHARGED, sale.shop.clock() - NIGHT, order_id)
        sale.shop.gateway.ledger.record(charged)
    assert reconcile_money(container(sale)) == 2
    assert (counted()["MoneyDifferences"], sale.running.queue.tasks) == (2, [])


@pytest.mark.parametrize("token", [Token.APPROVED, Token.REFUNDED_THERE], ids=["no difference", "one difference"])
def test_a_night_in_which_a_provider_is_away_is_not_counted_as_good(
    counted: Callable[[], dict[str, float]], token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, other = unheard(token), Sale(Token.APPROVED).shop.gateway

    def away(since: datetime, until: datetime) -> Iterator[Movement]:
        raise Unavailable(f"The provider lists nothing from {since} to {until}.")

    monkeypatch.setattr(other, "list_movements", away)
    with pytest.raises(Unavailable):
        reconcile_money(container(sale, {"sandbox": sale.shop.gateway, "other": other}))
    assert counted().get("MoneyDifferences") == (None if token is Token.APPROVED else 1)
