"""The crowd of `benchmarks/on_sale.py`, small: not one ticket too many, and none left while somebody wants it."""

from datetime import UTC, datetime

import pytest

from benchmarks.answers import GAVE_UP, by_code
from benchmarks.buyer import Outcome
from benchmarks.crowd import Crowd, run_sale
from benchmarks.log import of_concert, scan
from chalicelib import composition
from chalicelib.platform.eventsourcing.codec import decode
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.shop.carts.events import CartItemAdded, CartLine
from simulator.oracle import OracleReport, judge, stock_of
from tests.journeys.shop import Shop, made, publish_concert

BUYERS, CONCURRENT, TICKETS = 400, 32, 100
BUSY_AT_MOST = 0.01


def held_lines(log: list[StoredEvent]) -> list[CartLine]:
    """What was taken into carts, whether it was kept or not."""
    return [event.item for event in map(decode, log) if isinstance(event, CartItemAdded)]


@pytest.mark.needs_the_stack
def test_four_hundred_buyers_want_a_hundred_tickets_and_get_exactly_those(shop: Shop) -> None:
    """They want one to four each, lose patience at random and ask again under the same key. Afterwards single tickets
    are bought until there are none."""
    concert = publish_concert(shop.organiser(), {"quantity": TICKETS})
    sale = run_sale(Crowd(BUYERS, CONCURRENT), shop.base_url, shop.issuer, concert.ticket_type_id)

    here = composition.current()
    log = of_concert(scan(here.dynamodb, here.settings.need("events_table")), concert.concert_id)
    assert judge(log) == OracleReport()
    stock = stock_of(log, datetime.now(UTC))
    assert (stock.capacity, stock.held + stock.sold) == (TICKETS, TICKETS)
    assert {line.quantity for line in held_lines(log)} == {1, 2, 3, 4}
    assert sum(answer.status == GAVE_UP for answer in sale.answers) > BUYERS / 100, by_code(sale.answers)
    assert sale.outcomes[Outcome.BOUGHT]
    assert sale.outcomes[Outcome.SOLD_OUT]
    assert not sale.outcomes[Outcome.TURNED_AWAY]

    assert not [answer for answer in sale.answers if answer.is_failure], by_code(sale.answers)
    assert sum(answer.is_busy for answer in sale.answers) < BUSY_AT_MOST * len(sale.answers), by_code(sale.answers)

    shop.settle()
    shown = made(shop.visitor().get(f"/concerts/{concert.concert_id}/availability"))["ticket_types"]
    assert [(kind["available"], kind["held"], kind["sold"]) for kind in shown] == [(0, stock.held, stock.sold)]
