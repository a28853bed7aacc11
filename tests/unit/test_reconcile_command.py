"""What `ops reconcile` shows of a day and of an order, and how it ends."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import composition
from chalicelib.shop.orders.payments.sandbox import DELAY, Token
from ops.__main__ import main, parser
from tests.support.request_scenario import FollowedDocuments, InMemory
from tests.support.shop import some_id
from tests.unit.orders.test_reversals import Sale

Sell = Callable[[Token], Sale]


@pytest.fixture
def sell() -> Iterator[Sell]:
    """Sells a ticket in the shop that the command works on; what the provider does then, nobody hears of."""

    def sold(token: Token) -> Sale:
        sale = Sale(token)
        shop: Any = InMemory(sale.shop, FollowedDocuments())
        composition.use(shop)
        sale.shop.clock.advance(DELAY)
        list(sale.shop.gateway.list_movements(sale.shop.clock() - DELAY, sale.shop.clock()))
        return sale

    yield sold
    composition.use(None)


def listed(*arguments: str) -> list[dict[str, str]]:
    options = parser().parse_args(["reconcile", *arguments])
    rows: list[dict[str, str]] = options.command(options).rows
    return rows


def test_the_differences_of_yesterday_are_listed_and_end_the_command_with_status_1(
    sell: Sell, capsys: pytest.CaptureFixture[str]
) -> None:
    sale = sell(Token.REFUNDED_THERE)
    assert (listed(), main(["reconcile"])) == ([], 0)
    day = f"{sale.shop.clock():%Y-%m-%d}"
    sale.shop.clock.advance(timedelta(days=1))
    [row] = listed()
    assert listed("--day", day, "--provider", "sandbox") == [row]
    assert (row["difference"], row["provider"], row["order"]) == ("refund_unknown", "sandbox", str(sale.order_id))
    assert (row["there"], row["here"]) == ("refund succeeded 25.00 EUR", "no such refund")
    capsys.readouterr()
    assert main(["reconcile", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == [row]
    assert listed("--day", f"{sale.shop.clock():%Y-%m-%d}") == []


def test_an_order_is_compared_in_both_directions(sell: Sell) -> None:
    sale = sell(Token.REFUNDED_THERE)
    ledger = sale.shop.gateway.ledger
    assert [row["difference"] for row in listed("--order", str(sale.order_id))] == ["refund_unknown"]
    ledger.entries.clear()
    [row] = listed("--order", str(sale.order_id))
    assert (row["difference"], row["there"], row["here"]) == ("not_charged_there", "nothing", "succeeded 25.00 EUR")


def test_an_order_that_agrees_is_no_difference(sell: Sell, capsys: pytest.CaptureFixture[str]) -> None:
    sale = sell(Token.APPROVED)
    assert main(["reconcile", "--order", str(sale.order_id)]) == 0
    said = f"order {sale.order_id}, in both directions: 1 payment, no refunds, no disputes compared with the log"
    assert capsys.readouterr().out == f"{said}, no differences.\n"


def test_a_day_is_named_with_what_was_compared_whether_it_differs_or_not(
    sell: Sell, capsys: pytest.CaptureFixture[str]
) -> None:
    sale = sell(Token.REFUNDED_THERE)
    day = sale.shop.clock()
    for compared, status in ((day - timedelta(days=1), 0), (day, 1)):
        assert main(["reconcile", "--day", f"{compared:%Y-%m-%d}"]) == status
        first, *rows = capsys.readouterr().out.splitlines()
        counts = "1 payment, 1 refund" if status else "no payments, no refunds"
        found = "1 difference" if status else "no differences"
        said = f"sandbox on {compared:%Y-%m-%d} (UTC): {counts}, no disputes compared with the log, {found}."
        assert (first, len(rows)) == (said, 2 * status)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "nobody"], "invalid_input: The provider is unknown; there is sandbox."),
        (["--day", "2999-01-01"], "invalid_input: 2999-01-01 has not begun."),
        (["--order", str(some_id("no order"))], "not_found: There is no such order."),
    ],
    ids=["provider", "day", "order"],
)
def test_what_cannot_be_compared_is_said_in_one_line(
    sell: Sell, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    sell(Token.APPROVED)
    assert main(["reconcile", *arguments]) == 1
    assert capsys.readouterr().err == f"{said}\n"


def test_a_day_is_a_date() -> None:
    with pytest.raises(SystemExit):
        main(["reconcile", "--day", "yesterday"])
