"""What the operator's commands on money list, end and refuse."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import composition
from chalicelib.shop.orders.payments.sandbox import Token
from chalicelib.shop.orders.rules import OrderStatus
from ops.__main__ import main, parser
from tests.support.request_scenario import FollowedDocuments, InMemory
from tests.unit.orders.test_reversals import Sale


@pytest.fixture
def stuck_sale() -> Iterator[Sale]:
    """An order whose refund has failed for good, and the shop that the commands work on."""
    sale = Sale(Token.REFUND_FAILS)
    sale.cancel()
    sale.rest()
    shop: Any = InMemory(sale.shop, FollowedDocuments())
    shop.instances = sale.running.instances
    composition.use(shop)
    yield sale
    composition.use(None)


def listed() -> list[dict[str, str]]:
    options = parser().parse_args(["money"])
    rows: list[dict[str, str]] = options.command(options).rows
    return rows


def test_a_refund_that_failed_for_good_is_listed_with_its_reason(stuck_sale: Sale) -> None:
    [row] = listed()
    assert (row["order"], row["status"], row["amount"]) == (str(stuck_sale.order_id), "refund_failed", "25.00 EUR")
    assert (row["tries"], row["next"], row["reason"]) == ("4", "an operator", "The account is closed.")
    assert (main(["money"]), main(["money", "--check"])) == (0, 1)


def test_an_order_is_settled_once_and_nothing_is_listed_any_more(
    stuck_sale: Sale, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["settle", str(stuck_sale.order_id), "--as", "refunded", "--reason", "bank transfer"]
    assert main(command) == 0
    stuck_sale.rest()
    assert (stuck_sale.status, listed()) == (OrderStatus.REFUNDED, [])
    assert stuck_sale.shop.store.read(stuck_sale.order_id)[-1].actor_id.startswith("operator:")
    capsys.readouterr()
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "The order is refunded and waits for nothing. It cannot be ended as refunded." in said


def test_a_settlement_without_a_reason_is_refused(stuck_sale: Sale) -> None:
    with pytest.raises(SystemExit):
        main(["settle", str(stuck_sale.order_id), "--as", "refunded", "--reason", " "])
    assert stuck_sale.status is OrderStatus.REFUND_FAILED
