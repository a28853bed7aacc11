"""Measures what organisers ask about a large concert: the export of its attendees, its totals, and a search.

Names are opened as in the API: keys from the table of person keys, unwrapped by the local stack's master key, a
file. On AWS each key is a call to KMS, sixteen at once; `keys_unwrapped` counts them.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4, uuid5

import psycopg

from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.report import Record, Section, progress, publish
from chalicelib.composition import Composition
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.keys import FileMasterKey, MemoryPersonKeys
from chalicelib.platform.privacy.vault import PersonVault
from chalicelib.platform.readmodels.port import Contents, Rewrite
from chalicelib.settings import Settings
from chalicelib.shop.concerts.events import ConcertCreated, ConcertPublished
from chalicelib.shop.orders.events import IssuedTicket, OrderConfirmed, OrderLine, OrderPlaced, PaymentStarted
from chalicelib.shop.sales.api import LONGEST_PART
from chalicelib.shop.sales.exports import csv_of
from chalicelib.shop.sales.figures import list_days, opening, totals
from chalicelib.shop.sales.lists import Filter, Lists
from chalicelib.shop.sales.scope import Scope

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.projection import PostgresProjection

ATTENDEES = 80_000
TICKETS_AN_ORDER = 2
_LOADED_AT_ONCE = 500
_KEYS_AT_ONCE = 25
_NAMES = UUID("0f5e0b1c-7d2a-4f6b-9a51-6f3a0d1b9c77")
_CONCERT, _TICKET_TYPE = uuid5(_NAMES, "concert"), uuid5(_NAMES, "type")
_OPENING = datetime(2030, 3, 1, 9, tzinfo=UTC)
_PRICE = Money.of("25.00", "EUR")


@dataclass(frozen=True)
class Exported:
    """Holds what the export took: seconds in all and of the longest part, and the memory that it added."""

    attendees: int
    parts: int
    megabytes: float
    seconds: float
    cpu_seconds: float
    longest_part: float
    memory_before: float
    memory_added: float
    keys_unwrapped: int


# --- a concert that has sold ------------------------------------------------------------------------------------------


def load(shop: Composition, orders: int, on_orders: Callable[[int], None]) -> None:
    """Write the rows of a concert and its orders, folded from their events, and the keys of their buyers."""
    model = cast("PostgresProjection", shop.read_model("sales"))
    concert: list[Event] = [ConcertCreated(organiser_id=uuid4(), name="Night", venue_id=uuid4()), ConcertPublished()]
    model.rewrite([_rewrite(model, _CONCERT, concert)])
    keys = MemoryPersonKeys()
    vault, master_key = PersonVault(keys), FileMasterKey(Path(shop.settings.master_key_file))
    for numbers in _stretches(range(orders), _LOADED_AT_ONCE):
        buyers = [uuid5(_NAMES, f"buyer {number}") for number in numbers]
        batch = [_order(vault, number, buyer) for number, buyer in zip(numbers, buyers, strict=True)]
        model.rewrite([_rewrite(model, order_id, events) for order_id, events in batch])
        for some in _stretches(buyers, _KEYS_AT_ONCE):
            _store_keys(
                shop, {str(buyer): master_key.wrap(keys.get_or_create(str(buyer)), str(buyer)) for buyer in some}
            )
        on_orders(len(batch))
    with psycopg.connect(shop.settings.need("database_url"), autocommit=True) as connection:
        connection.execute("analyze")


def _order(vault: PersonVault, number: int, buyer_id: UUID) -> tuple[UUID, list[Event]]:
    order_id, at = uuid5(_NAMES, f"order {number}"), _OPENING + timedelta(milliseconds=50 * number)
    line = OrderLine(
        hold_id=uuid5(order_id, "hold"),
        ticket_type_id=_TICKET_TYPE,
        ticket_type_name="Standing",
        concert_id=_CONCERT,
        concert_name="Night",
        quantity=TICKETS_AN_ORDER,
        unit_price=_PRICE,
    )
    buyer = {"name": f"Guðrún Helgadóttir the {number}th", "email": f"gudrun.{number}@example.org"}
    total, payment_id = _PRICE.times(TICKETS_AN_ORDER), uuid5(order_id, "payment")
    tickets = tuple(
        IssuedTicket(id=uuid5(order_id, str(place)), ticket_type_id=_TICKET_TYPE, concert_id=_CONCERT)
        for place in range(TICKETS_AN_ORDER)
    )
    return order_id, [
        OrderPlaced(
            cart_id=uuid5(order_id, "cart"),
            customer_id=buyer_id,
            buyer=vault.seal(buyer_id, buyer),
            lines=(line,),
            total=total,
            payment_due_at=at + timedelta(minutes=15),
            at=at,
        ),
        PaymentStarted(payment_id=payment_id, provider="sandbox", amount=total, request_hash="", at=at),
        OrderConfirmed(payment_id=payment_id, provider_reference="", tickets=tickets, at=at + timedelta(seconds=2)),
    ]


def _rewrite(model: "PostgresProjection", stream_id: UUID, events: Sequence[Event]) -> Rewrite:
    recorded = [RecordedEvent(stream_id, version, _OPENING, event) for version, event in enumerate(events)]
    nothing: Contents | None = None
    contents = reduce(model.fold, recorded, nothing)
    return Rewrite(stream_id, -1, len(events) - 1, contents or {})


def _store_keys(shop: Composition, wrapped: dict[str, bytes]) -> None:
    puts: list[Any] = [
        {"PutRequest": {"Item": {"PersonId": {"S": person}, "WrappedKey": {"B": key}}}}
        for person, key in wrapped.items()
    ]
    shop.dynamodb.batch_write_item(RequestItems={shop.settings.need("person_keys_table"): puts})


def _stretches(numbers: Sequence[Any], length: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(numbers), length):
        yield numbers[start : start + length]


# --- what organisers ask for ------------------------------------------------------------------------------------------


def export(environment: dict[str, str]) -> Exported:
    """Export all attendees, in a process of its own that has read a page before."""
    shop = _container(environment)
    unwrapped = _counting_unwrapped()
    lists = _lists(shop)
    lists.attendees(Filter(status="valid"), 20, None)
    del unwrapped[:]
    before = most = _resident()
    after: list[str] | None = None
    took, size, count, cpu = [], 0, 0, time.process_time()
    while True:
        began = time.perf_counter()
        items, next_key = lists.attendees(Filter(status="valid"), LONGEST_PART, after)
        text = csv_of("attendees", items, is_first=after is None, for_excel=True).encode()
        took.append(time.perf_counter() - began)
        most = max(most, _resident())
        size, count, after = size + len(text), count + len(items), next_key
        if after is None:
            break
    cpu = time.process_time() - cpu
    return Exported(count, len(took), size / 1e6, sum(took), cpu, max(took), before, most - before, len(unwrapped))


def ask(environment: dict[str, str]) -> dict[str, float]:
    """Return the seconds of each question about the concert, the best of three."""
    shop = _container(environment)
    sales, scope, lists = cast("PostgresProjection", shop.read_model("sales")).pool, Scope(_CONCERT), _lists(shop)
    questions: dict[str, Callable[[], object]] = {
        "totals": lambda: totals(sales, scope),
        "sales by day": lambda: list_days(sales, scope, None, None, 100, None),
        "first 30 minutes": lambda: opening(sales, scope, 30),
        "a page of 100 orders": lambda: lists.orders(Filter(), 100, None),
        "a search of 500 orders": lambda: lists.orders(Filter(q="nobody"), 100, None),
        "an order by its id": lambda: lists.orders(Filter(q=str(uuid5(_NAMES, "order 7"))), 100, None),
    }
    return {name: min(_seconds(question) for _ in range(3)) for name, question in questions.items()}


def _container(environment: dict[str, str]) -> Composition:
    os.environ.update(environment)
    return Composition(Settings.from_environment())


def _lists(shop: Composition) -> Lists:
    sales = cast("PostgresProjection", shop.read_model("sales")).pool
    return Lists(sales, Scope(_CONCERT), shop.vault.open_many, datetime.now(UTC))


def _counting_unwrapped() -> list[str]:
    """Count the keys that the master key unwraps: each is a call to KMS where there is one."""
    unwrapped: list[str] = []
    unwrap = FileMasterKey.unwrap

    def counted(self: FileMasterKey, wrapped: bytes, person_id: str) -> bytes:
        unwrapped.append(person_id)
        return unwrap(self, wrapped, person_id)

    FileMasterKey.unwrap = counted  # type: ignore[method-assign]
    return unwrapped


def _resident() -> float:
    """Return the megabytes of memory that the process has now, as Linux tells."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def _seconds(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return time.perf_counter() - began


def _row(one: Exported) -> Record:
    return {
        "attendees": one.attendees,
        "parts": one.parts,
        "megabytes": round(one.megabytes, 1),
        "seconds": round(one.seconds, 1),
        "cpu_seconds": round(one.cpu_seconds, 1),
        "longest_part_seconds": round(one.longest_part, 2),
        "memory_before_mb": round(one.memory_before),
        "memory_added_mb": round(one.memory_added),
        "keys_unwrapped": one.keys_unwrapped,
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export", description=__doc__)
    parser.add_argument("--attendees", type=int, default=ATTENDEES)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args(arguments)
    about, orders = describe_machine(), options.attendees // TICKETS_AN_ORDER
    with progress() as bar, own_stack() as stack:
        os.environ.update(stack.environment)
        task = bar.add_task("Selling the concert", total=orders)
        load(Composition(Settings.from_environment()), orders, lambda done: bar.advance(task, done))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            exported = process.submit(export, stack.environment).result()
            asked = process.submit(ask, stack.environment).result()
    questions = [{"question": name, "milliseconds": round(1000 * seconds, 1)} for name, seconds in asked.items()]
    sections = [
        Section("export_of_attendees", f"CSV in parts of {LONGEST_PART:,}, in a process of its own", [_row(exported)]),
        Section("questions_about_the_concert", "the best of three, names opened", questions),
    ]
    publish(about, sections, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
