"""What the operator's command on webhooks lists."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import composition
from ops.__main__ import parser
from tests.support.shop import ORGANISER
from tests.support.told import Told


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    shop: Any = made
    composition.use(shop)
    yield made
    composition.use(None)


def listed() -> list[dict[str, str]]:
    options = parser().parse_args(["webhooks"])
    rows: list[dict[str, str]] = options.command(options).rows
    return rows


def test_an_order_whose_receiver_is_away_is_listed_until_it_is_told(told: Told) -> None:
    endpoint = told.endpoint("order.confirmed")
    _, ticket_type_id = told.shop.on_sale()
    order_id = told.shop.order(ticket_type_id)
    told.shop.pay(order_id)
    told.receivers.answer = 503
    told.announce()
    told.work()
    [row] = listed()
    assert (row["organiser"], row["endpoint"], row["about"]) == (str(ORGANISER.id), str(endpoint), f"order {order_id}")
    assert (row["receiver"], row["attempts"]) == ("https://box-office.example/", "1")
    assert row["failing since"] < row["next"]
    told.receivers.answer = 204
    told.run_until_quiet()
    assert listed() == []
