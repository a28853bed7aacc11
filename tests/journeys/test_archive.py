"""What was sold, from the archive alone; the archive filled from the log, and its small files merged."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from chalicelib import composition
from chalicelib.platform.archive.layout import ARCHIVE, Files
from chalicelib.platform.archive.parquet import read_events
from chalicelib.platform.bus.message import to_bus
from chalicelib.platform.bus.parking import UnreadableRecord
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.stored import StoredEvent
from chalicelib.shop.venues.events import VenueDeleted
from local.stack import Stack
from ops.__main__ import main
from ops.sales import EVENTS
from tests.journeys.shop import (
    ANY_VERSION,
    BUYER,
    Json,
    Published,
    Shop,
    cart_with,
    clock_of_the_shop,
    made,
    order_of,
    pay,
    publish_concert,
    refused,
)
from tests.support.stored import item

pytestmark = pytest.mark.needs_the_stack

Ask = Callable[..., list[Json]]


@pytest.fixture
def ask(shop: Shop, capsys: pytest.CaptureFixture[str]) -> Ask:
    """An operator's command: what it prints for machines."""
    assert shop.stack

    def run(*arguments: str) -> list[Json]:
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0
        answer: list[Json] = json.loads(capsys.readouterr().out)
        return answer

    return run


@pytest.fixture
def empty_archive(shop: Shop) -> Files:
    """The archive, with nothing in it but what this test sells."""
    shop.settle()
    files = composition.current().archived_files
    files.delete([file.key for file in files.listed()])
    return files


def money(amount: str, currency: str = "EUR") -> Json:
    return {"amount": amount, "currency": currency}


def line(concert: Published, day: date, **facts: object) -> Json:
    nothing = {"concert": "Björk", "orders": 0, "tickets": 0, "gross": money("0.00"), "refunded": money("0.00")}
    return {"day": day.isoformat(), "concert_id": concert.concert_id} | nothing | facts


def today() -> date:
    return datetime.now(UTC).date()


def archived_events(files: Files, directory: Path) -> list[StoredEvent]:
    """All that the archive has, each event once."""
    targets = []
    for number, file in enumerate(files.listed()):
        targets.append(directory / f"{number}.parquet")
        files.fetch(file.key, targets[-1])
    return list(read_events(targets))


def test_what_was_bought_is_in_the_report_of_its_day_under_the_concerts_name(shop: Shop, ask: Ask) -> None:
    organiser, first, second = shop.organiser(), shop.customer(), shop.customer()
    concert = publish_concert(organiser, {}, {"name": "Balcony", "price": {"amount": "40.50", "currency": "EUR"}})
    floor, balcony = concert.ticket_type_ids
    made(pay(first, order_of(first, floor, 3)))
    cart_id = cart_with(second, floor, 1)
    made(second.post(f"/carts/{cart_id}/items", json={"ticket_type_id": balcony, "quantity": 2}))
    made(pay(second, made(second.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]))
    unpaid = order_of(first, floor, 1)
    refused(pay(first, unpaid, "tok_declined"), 402, "payment_declined")
    shop.settle()
    assert ask("report", "--concert", concert.concert_id) == [
        line(concert, today(), orders=2, tickets=6, gross=money("181.00"))
    ]
    details = {"name": "Björk & Friends", "venue_id": concert.venue_id}
    made(organiser.patch(f"/concerts/{concert.concert_id}", json=details, headers=ANY_VERSION))
    shop.settle()
    [renamed] = ask("report", "--concert", concert.concert_id)
    assert renamed["concert"] == "Björk & Friends"


def test_what_was_refunded_is_in_the_report_of_the_day_on_which_it_went_back(shop: Shop, ask: Ask) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    lost, kept = publish_concert(organiser), publish_concert(organiser, {"price": {"amount": "40", "currency": "EUR"}})
    cart_id = cart_with(customer, lost.ticket_type_id, 2)
    made(customer.post(f"/carts/{cart_id}/items", json={"ticket_type_id": kept.ticket_type_id, "quantity": 1}))
    made(pay(customer, made(customer.post(f"/carts/{cart_id}/checkout", json=BUYER))["order_id"]))
    shop.settle()
    tomorrow = today() + timedelta(days=1)
    with clock_of_the_shop(lambda: utc_now() + timedelta(days=1)):
        made(organiser.post(f"/concerts/{lost.concert_id}/cancel"))
        shop.settle()
        assert ask("report", "--concert", lost.concert_id) == [
            line(lost, today(), orders=1, tickets=2, gross=money("50.00")),
            line(lost, tomorrow, refunded=money("50.00")),
        ]
        assert ask("report", "--concert", lost.concert_id, "--from", tomorrow.isoformat()) == [
            line(lost, tomorrow, refunded=money("50.00"))
        ]
        assert ask("report", "--concert", lost.concert_id, "--to", today().isoformat()) == [
            line(lost, today(), orders=1, tickets=2, gross=money("50.00"))
        ]
    assert ask("report", "--concert", kept.concert_id) == [
        line(kept, today(), orders=1, tickets=1, gross=money("40.00"))
    ]


def test_money_that_never_confirmed_an_order_is_no_part_of_the_sales(shop: Shop, ask: Ask) -> None:
    customer = shop.customer()
    concert = publish_concert(shop.organiser())
    refused(pay(customer, order_of(customer, concert.ticket_type_id, 2), "tok_wrong_amount"), 409, "payment_returned")
    shop.settle()
    assert ask("report", "--concert", concert.concert_id) == []


def test_tickets_that_cost_nothing_and_other_currencies_are_counted_with_their_digits(shop: Shop, ask: Ask) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    free = publish_concert(organiser, {"price": {"amount": "0", "currency": "EUR"}})
    order_of(customer, free.ticket_type_id, 4)
    yen = publish_concert(organiser, {"price": {"amount": "7000", "currency": "JPY"}})
    made(pay(customer, order_of(customer, yen.ticket_type_id, 2)))
    shop.settle()
    assert ask("report", "--concert", free.concert_id) == [line(free, today(), orders=1, tickets=4)]
    assert ask("report", "--concert", yen.concert_id) == [
        line(yen, today(), orders=1, tickets=2, gross=money("14000", "JPY"), refunded=money("0", "JPY"))
    ]


def test_the_shapes_that_the_report_reads_are_those_of_today() -> None:
    assert {event.schema_version for event in EVENTS.values()} == {1}


def test_a_report_is_a_table_and_a_picture(
    shop: Shop, ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = shop.customer()
    concert = publish_concert(shop.organiser(), name="Sigur Rós [live] for $5")
    made(pay(customer, order_of(customer, concert.ticket_type_id, 2)))
    shop.settle()
    chart, kept = tmp_path / "sales.png", tmp_path / "kept"
    assert main(["report", "--chart", str(chart), "--keep", str(kept)]) == 0
    assert "Sigur Rós [live] for $5" in capsys.readouterr().out
    assert chart.read_bytes().startswith(b"\x89PNG\r\n")
    fetched = {path: path.stat().st_mtime_ns for path in kept.rglob("*") if path.is_file()}
    assert fetched
    everything = ask("report")
    assert ask("report", "--keep", str(kept)) == everything
    assert {path: path.stat().st_mtime_ns for path in fetched} == fetched


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--from", "tomorrow"], "'tomorrow' is no day; write it as 2030-06-15"),
        (["--to", "2030-02-30"], "'2030-02-30' is no day"),
        (["--concert", "björk"], "invalid UUID value: 'björk'"),
        (["--chart", "sales.pdf"], "'sales.pdf' does not end with .png"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", *arguments])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--from", "2030-06-16", "--to", "2030-06-15"], "--from 2030-06-16 is after --to 2030-06-15"),
        (["--chart", "/no/such/place/sales.png"], "There is no directory /no/such/place"),
        (["--keep", "/dev/null"], "/dev/null is no directory"),
    ],
)
def test_arguments_that_contradict_each_other_or_the_machine_are_refused(
    stack: Stack, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stack
    assert main(["report", *arguments]) == 1
    assert complaint in " ".join(capsys.readouterr().err.split())


def test_the_archive_has_every_event_as_the_log_has_it_and_no_name_or_address(
    shop: Shop, empty_archive: Files, tmp_path: Path
) -> None:
    customer = shop.customer()
    order_id = order_of(customer, publish_concert(shop.organiser()).ticket_type_id, 1)
    made(pay(customer, order_id))
    shop.settle()
    archived = archived_events(empty_archive, tmp_path)
    log = composition.current().event_store
    for stream_id in {event.aggregate_id for event in archived}:
        assert [event for event in archived if event.aggregate_id == stream_id] == log.read(stream_id)
    assert UUID(order_id) in {event.aggregate_id for event in archived}
    everything = "".join(event.data for event in archived)
    assert '"$enc"' in everything
    for secret in BUYER["buyer"].values():
        assert secret not in everything


def test_a_log_from_before_is_archived_from_the_log_and_again_without_another_file(
    empty_archive: Files, ask: Ask, tmp_path: Path
) -> None:
    log = sorted(
        (event for page in composition.current().event_store.scan() for event in page.events),
        key=lambda event: (str(event.aggregate_id), event.aggregate_version),
    )
    listed = ask("archive", "--backfill", "--segments", "2")
    assert sum(day["files"] for day in listed) == len(listed) > 0
    assert archived_events(empty_archive, tmp_path) == log
    assert ask("archive", "--backfill") == listed


def test_days_of_many_files_become_one_and_nothing_is_lost(
    shop: Shop, empty_archive: Files, ask: Ask, tmp_path: Path
) -> None:
    customer = shop.customer()
    concert = publish_concert(shop.organiser())
    for _ in range(3):
        made(pay(customer, order_of(customer, concert.ticket_type_id, 1)))
        shop.settle()
    before, sold = archived_events(empty_archive, tmp_path), ask("report")
    assert [day["files"] > 1 for day in ask("archive", "--compact")] == [True], "today is left alone"
    with clock_of_the_shop(lambda: utc_now() + timedelta(days=3)):
        for _ in range(2):
            assert [day["files"] for day in ask("archive", "--compact")] == [1]
    assert archived_events(empty_archive, tmp_path) == before
    assert ask("report") == sold


def test_a_day_that_one_file_has_whole_is_that_file_when_its_parts_are_merged(
    shop: Shop, empty_archive: Files, ask: Ask, tmp_path: Path
) -> None:
    publish_concert(shop.organiser())
    shop.settle()
    whole = ask("archive", "--backfill")
    log = archived_events(empty_archive, tmp_path)
    with clock_of_the_shop(lambda: utc_now() + timedelta(days=3)):
        merged = ask("archive", "--compact")
    assert sum(day["files"] for day in whole) > len(whole)
    assert [day["files"] for day in merged] == [1] * len(whole)
    assert archived_events(empty_archive, tmp_path) == log


def test_a_record_that_the_archive_could_not_read_is_redriven_by_an_operator(
    empty_archive: Files, ask: Ask, tmp_path: Path
) -> None:
    event = item(VenueDeleted())
    parking = composition.current().parking
    parking.store_unreadable(
        UnreadableRecord(ARCHIVE, "shard", "7", to_bus(event), "a bug", "2030-01-01T12:00:00.000Z")
    )
    [answer] = ask("redrive", "--unreadable", "--projection", ARCHIVE)
    assert (answer["consumer"], answer["now"]) == (ARCHIVE, "read")
    assert archived_events(empty_archive, tmp_path) == [event]
    assert parking.list_unreadable(ARCHIVE) == []


@pytest.mark.usefixtures("empty_archive")
def test_an_archive_that_nobody_wrote_to_has_nothing_to_report(ask: Ask) -> None:
    assert ask("report") == []
    assert ask("archive") == []


def test_the_sums_of_the_report_are_the_money_in_the_orders(shop: Shop, ask: Ask) -> None:
    customer = shop.customer(str(uuid4()))
    concert = publish_concert(shop.organiser())
    for quantity in (1, 2, 3):
        made(pay(customer, order_of(customer, concert.ticket_type_id, quantity)))
    shop.settle()
    orders = made(customer.get("/orders"))["items"]
    [told] = ask("report", "--concert", concert.concert_id)
    assert Decimal(told["gross"]["amount"]) == sum(Decimal(order["total"]["amount"]) for order in orders)
