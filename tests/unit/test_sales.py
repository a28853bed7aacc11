"""The report of sales, over archived events alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from chalicelib.platform.archive.parquet import Spool
from chalicelib.platform.eventsourcing.codec import Origin, encode
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.shop.concerts.events import ConcertCreated, ConcertDetailsChanged
from chalicelib.shop.orders.events import (
    GrantedPart,
    OrderConfirmed,
    OrderExpired,
    OrderLine,
    OrderPlaced,
    PaymentStarted,
    PaymentSucceeded,
    RefundCompleted,
    RefundGranted,
    RefundRecorded,
    RefundReduced,
    RefundStarted,
    TicketsMoved,
    TicketsRevoked,
)
from chalicelib.shop.orders.order import tickets_of
from chalicelib.shop.orders.refund import refund_id_of
from ops.chart import draw
from ops.sales import Sales, sales_in
from tests.support.shop import IDS, some_id

FIRST = datetime(2030, 6, 15, 23, 50, tzinfo=UTC)
ROCK, FOLK, ORDER, PAYMENT, SECOND_PAYMENT = map(some_id, ("rock", "folk", "order", "payment", "second payment"))
NOTHING = Decimal(0)


def a_line(concert: UUID | None, name: str, quantity: int, price: str = "25.00", currency: str = "EUR") -> OrderLine:
    return OrderLine(
        hold_id=some_id(f"hold of {name}"),
        ticket_type_id=some_id(f"type of {name}"),
        ticket_type_name="Floor",
        concert_id=concert,
        concert_name=name,
        quantity=quantity,
        unit_price=Money.of(price, currency),
    )


def placed(*lines: OrderLine) -> OrderPlaced:
    total = sum((line.unit_price.amount * line.quantity for line in lines), NOTHING)
    return OrderPlaced(
        cart_id=some_id("cart"),
        customer_id=some_id("customer"),
        buyer=Sealed(ciphertext="", key=str(some_id("customer"))),
        lines=lines,
        total=Money.of(total, lines[0].unit_price.currency),
        payment_due_at=FIRST + timedelta(minutes=15),
        at=FIRST,
    )


def confirmed(*lines: OrderLine) -> OrderConfirmed:
    return OrderConfirmed(payment_id=PAYMENT, provider_reference="x", tickets=tickets_of(ORDER, lines, IDS), at=FIRST)


def refunded(payment: UUID, amount: str, concert: UUID | None = None) -> tuple[RefundStarted, RefundCompleted]:
    refund = refund_id_of(payment, concert)
    started = RefundStarted(payment_id=payment, refund_id=refund, amount=Money.of(amount, "EUR"), reason="", at=FIRST)
    return started, RefundCompleted(payment_id=payment, refund_id=refund, at=FIRST)


def stored(stream_id: UUID, *events: tuple[int, Event]) -> list[StoredEvent]:
    """Each event so many days after the first."""
    head, items = Head(), []
    for days, event in events:
        origin = Origin("a-test", "correlation", "causation")
        items.append(encode(event, stream_id, head, origin, some_id(repr(event)), FIRST + timedelta(days=days)))
        head = Head.of(items[-1])
    return items


class Archive:
    """Each call of `put` is a batch: one file a day."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.files: list[Path] = []

    def put(self, events: Sequence[StoredEvent]) -> None:
        spool = Spool(self._directory / f"spool-{len(self.files)}")
        (self._directory / f"spool-{len(self.files)}").mkdir()
        spool.add(events)
        for day in spool.days():
            file = self._directory / f"date={day}" / f"{len(self.files)}.parquet"
            file.parent.mkdir(exist_ok=True)
            spool.write(day, file)
            self.files.append(file)


@pytest.fixture
def kept_archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def sales(day: int, concert: UUID | None, name: str, orders: int, tickets: int, gross: str, refund: str = "0") -> Sales:
    on = date(2030, 6, day)
    return Sales(on, str(concert) if concert else None, name, "EUR", orders, tickets, Decimal(gross), Decimal(refund))


def test_an_order_counts_on_the_day_on_which_it_was_confirmed_and_under_each_of_its_concerts(
    kept_archive: Archive,
) -> None:
    lines = a_line(ROCK, "Rock", 2), a_line(ROCK, "Rock", 1, "60.50"), a_line(FOLK, "Folk", 4, "10.00")
    kept_archive.put(stored(ORDER, (0, placed(*lines)), (1, confirmed(*lines))))
    assert sales_in(kept_archive.files) == [
        sales(16, FOLK, "Folk", 1, 4, "40"),
        sales(16, ROCK, "Rock", 1, 3, "110.50"),
    ]
    assert sales_in(kept_archive.files, last=date(2030, 6, 15)) == []
    assert sales_in(kept_archive.files, first=date(2030, 6, 17)) == []
    assert len(sales_in(kept_archive.files, date(2030, 6, 16), date(2030, 6, 16))) == 2
    assert sales_in(kept_archive.files, concert=ROCK) == [sales(16, ROCK, "Rock", 1, 3, "110.50")]


def test_an_event_in_two_files_counts_once(kept_archive: Archive) -> None:
    line = a_line(ROCK, "Rock", 2)
    events = stored(ORDER, (0, placed(line)), (0, confirmed(line)))
    for batch in (events[:1], events, events[1:]):
        kept_archive.put(batch)
    assert sales_in(kept_archive.files) == [sales(15, ROCK, "Rock", 1, 2, "50")]


def test_an_order_that_was_not_confirmed_sold_nothing(kept_archive: Archive) -> None:
    kept_archive.put(stored(ORDER, (0, placed(a_line(ROCK, "Rock", 2))), (0, OrderExpired(at=FIRST))))
    assert sales_in(kept_archive.files) == []


def test_the_part_of_a_cancelled_concert_is_refunded_under_that_concert(kept_archive: Archive) -> None:
    lines = a_line(ROCK, "Rock", 2), a_line(FOLK, "Folk", 1)
    started, completed = refunded(PAYMENT, "50.00", ROCK)
    revoked = TicketsRevoked(concert_id=ROCK, ticket_ids=(), reason="", at=FIRST)
    order = stored(ORDER, (0, placed(*lines)), (0, confirmed(*lines)), (2, started), (2, revoked), (3, completed))
    kept_archive.put(order[:-1])
    before = [sales(15, FOLK, "Folk", 1, 1, "25"), sales(15, ROCK, "Rock", 1, 2, "50")]
    assert sales_in(kept_archive.files) == before
    kept_archive.put(order[-1:])
    assert sales_in(kept_archive.files) == [*before, sales(18, ROCK, "Rock", 0, 0, "0", "50")]


def test_a_granted_amount_is_refunded_under_the_concert_that_it_was_granted_of(kept_archive: Archive) -> None:
    lines = a_line(ROCK, "Rock", 2), a_line(FOLK, "Folk", 1)
    started, completed = refunded(PAYMENT, "5.00")
    five, nothing = Money.of("5.00", "EUR"), Money.zero("EUR")
    part = GrantedPart(concert_id=FOLK, amount=five, fee=nothing, refund_id=started.refund_id)
    granted = RefundGranted(
        grant_id=some_id("grant"), request_hash="", by="organiser", reason="", parts=(part,), at=FIRST
    )
    order = (0, placed(*lines)), (0, confirmed(*lines)), (2, started), (2, granted), (2, completed)
    kept_archive.put(stored(ORDER, *order))
    assert sales_in(kept_archive.files, date(2030, 6, 17)) == [sales(17, FOLK, "Folk", 0, 0, "0", "5")]


def test_what_is_moved_counts_on_its_day_and_takes_its_money_along(kept_archive: Archive) -> None:
    lines, ten, nothing = (a_line(ROCK, "Rock", 2),), Money.of("10.00", "EUR"), Money.zero("EUR")
    started, completed = refunded(PAYMENT, "15.00")
    moved = TicketsMoved(
        move_id=some_id("move"),
        request_hash="",
        by="organiser",
        reason="",
        concert_id=ROCK,
        ticket_ids=(some_id("ticket"),),
        line=a_line(FOLK, "Folk", 1, "10.00"),
        tickets=(),
        carried=ten,
        refunded=Money.of("15.00", "EUR"),
        refund_ids=(started.refund_id,),
        supplement=nothing,
        at=FIRST,
    )
    order = (0, placed(*lines)), (0, confirmed(*lines)), (2, started), (2, moved), (2, completed)
    kept_archive.put(stored(ORDER, *order))
    assert sales_in(kept_archive.files, date(2030, 6, 15)) == [
        sales(15, ROCK, "Rock", 1, 2, "50"),
        sales(17, FOLK, "Folk", 0, 1, "10"),
        sales(17, ROCK, "Rock", 0, -1, "-10", "15"),
    ]


def test_a_whole_payment_is_refunded_under_each_concert_of_its_order(kept_archive: Archive) -> None:
    lines = a_line(ROCK, "Rock", 2), a_line(FOLK, "Folk", 1)
    started, completed = refunded(PAYMENT, "75.00")
    kept_archive.put(stored(ORDER, (0, placed(*lines)), (0, confirmed(*lines)), (0, started), (0, completed)))
    assert sales_in(kept_archive.files) == [
        sales(15, FOLK, "Folk", 1, 1, "25", "25"),
        sales(15, ROCK, "Rock", 1, 2, "50", "50"),
    ]


def test_a_refund_made_at_the_provider_counts_by_the_parts_of_the_order_and_ours_for_the_rest(
    kept_archive: Archive,
) -> None:
    lines = a_line(ROCK, "Rock", 2), a_line(FOLK, "Folk", 1)
    there, rest = Money.of("30.00", "EUR"), Money.of("45.00", "EUR")
    recorded = RefundRecorded(
        payment_id=PAYMENT, refund_id=some_id("there"), provider_reference="re", amount=there, reason="", at=FIRST
    )
    started, completed = refunded(PAYMENT, "75.00")
    reduced = RefundReduced(payment_id=PAYMENT, refund_id=started.refund_id, amount=rest, at=FIRST)
    order = stored(
        ORDER, (0, placed(*lines)), (0, confirmed(*lines)), (2, recorded), (3, started), (3, reduced), (3, completed)
    )
    kept_archive.put(order)
    assert sales_in(kept_archive.files, date(2030, 6, 17)) == [
        sales(17, FOLK, "Folk", 0, 0, "0", "10"),
        sales(17, ROCK, "Rock", 0, 0, "0", "20"),
        sales(18, FOLK, "Folk", 0, 0, "0", "15"),
        sales(18, ROCK, "Rock", 0, 0, "0", "30"),
    ]


def test_a_second_payment_that_goes_back_is_no_refund_of_the_sale(kept_archive: Archive) -> None:
    line = a_line(ROCK, "Rock", 2)
    amount = Money.of("50", "EUR")
    second = PaymentStarted(payment_id=SECOND_PAYMENT, provider="x", amount=amount, request_hash="", at=FIRST)
    arrived = PaymentSucceeded(payment_id=SECOND_PAYMENT, provider_reference="y", amount=amount, at=FIRST)
    back = refunded(SECOND_PAYMENT, "50.00")
    kept_archive.put(stored(ORDER, *((0, event) for event in (placed(line), second, confirmed(line), arrived, *back))))
    assert sales_in(kept_archive.files) == [sales(15, ROCK, "Rock", 1, 2, "50")]


def test_a_concert_has_its_newest_name_and_one_that_is_not_archived_the_name_it_was_sold_under(
    kept_archive: Archive,
) -> None:
    venue = some_id("venue")
    lines = a_line(ROCK, "Rock", 1), a_line(FOLK, "Folk", 1), a_line(None, "An old one", 1)
    kept_archive.put(stored(ORDER, (0, placed(*lines)), (0, confirmed(*lines))))
    created, changed = ConcertCreated(name="Rok", venue_id=venue), ConcertDetailsChanged(name="Rock!", venue_id=venue)
    kept_archive.put(stored(ROCK, (0, created), (1, changed)))
    assert [(one.concert_id, one.concert) for one in sales_in(kept_archive.files)] == [
        (None, "An old one"),
        (str(FOLK), "Folk"),
        (str(ROCK), "Rock!"),
    ]


def test_an_order_that_cannot_be_read_hides_no_other(kept_archive: Archive) -> None:
    line = a_line(ROCK, "Rock", 2)
    events = stored(ORDER, (0, placed(line)), (0, confirmed(line)))
    kept_archive.put(events)
    for number, data in enumerate(["no JSON", "[]", '{"Lines": 7}', '{"Lines": [{"Quantity": "many"}]}']):
        broken = some_id(f"broken {number}")
        kept_archive.put([replace(event, aggregate_id=broken, data=data) for event in events])
    assert sales_in(kept_archive.files) == [sales(15, ROCK, "Rock", 1, 2, "50")]


def test_an_empty_archive_has_no_sales() -> None:
    assert sales_in([]) == []


@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_chart_is_a_picture_however_much_was_sold(tmp_path: Path, count: int) -> None:
    sold = [
        Sales(date(2030, 6, 1 + n), str(n), f"$ {n}", "EUR" if n % 3 else "ISK", 1, 2, Decimal(n), Decimal(n % 2))
        for n in range(count)
    ]
    draw(sold, tmp_path / "sales.png")
    assert (tmp_path / "sales.png").read_bytes().startswith(b"\x89PNG\r\n")
