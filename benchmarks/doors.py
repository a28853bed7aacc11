"""Measures the doors of one concert: check-ins a second with twenty gates, and the size of a door list.

Each gate has a container of its own: what it knows of the log and of the keys, and its own connections. A pass over the
gates shows every gate the tickets of its own queue, as people do.
"""

import argparse
import gzip
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from uuid import UUID, uuid4

import psycopg

from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.report import Record, Section, publish, result_of
from chalicelib.composition import Composition
from chalicelib.platform.caller import Actor, Caller, RequestIdentity
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.http.problems import as_json
from chalicelib.platform.money import Money
from chalicelib.platform.privacy.sealed import Sealed
from chalicelib.platform.readmodels.min_versions import NOTHING_NAMED
from chalicelib.settings import Settings
from chalicelib.shop.orders.doors.admission import check_in
from chalicelib.shop.orders.doors.code import TicketFacts
from chalicelib.shop.orders.doors.door_list import LONGEST_LIST, DoorList, ListCursor, read_list
from chalicelib.shop.orders.events import IssuedTicket, OrderConfirmed, OrderLine, OrderPlaced
from chalicelib.shop.orders.order import ORDER
from chalicelib.shop.orders.ticket import Scan

GOAL = 200
TICKETS_AN_ORDER = 4
_ORIGIN = Origin("door", "benchmark", "benchmark")
_STAFF = Actor(uuid4(), frozenset())
_NEW_TICKETS = """
insert into sales_1.sales_tickets (order_id, id, concert_id, ticket_type_id, name, status, issued_at)
select gen_random_uuid(), id, %(concert)s, %(concert)s, 'Floor', 'valid', now() from unnest(%(ids)s::uuid[]) as id
"""
_CHECK_INS = """
insert into sales_1.sales_check_ins (id, version, order_id, concert_id, checked_in_at, inside_since, gate)
select id, 0, %(concert)s, %(concert)s, now(), now(), 'Gate ' || (row_number() over ()) %% 20
  from unnest(%(ids)s::uuid[]) as id
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doors", description=__doc__)
    parser.add_argument("--gates", type=int, default=20)
    parser.add_argument("--tickets", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--listed", type=int, default=80_000)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args(arguments)
    about = describe_machine()
    with own_stack() as stack:
        os.environ.update(stack.environment)
        sections = [_check_ins(options.gates, options.tickets, options.processes), _lists(options.listed)]
    publish(about, sections, as_json=options.json)
    return 0


def _check_ins(gates: int, tickets: int, processes: int) -> Section:
    concert_id = uuid4()
    codes = _sell(concert_id, tickets)
    queues = [codes[gate::gates] for gate in range(gates)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        list(workers.map(_warm_up, [concert_id] * processes))
        began = time.perf_counter()
        parts = [queues[number::processes] for number in range(processes)]
        waits = sorted(wait for found in workers.map(_serve, [concert_id] * processes, parts) for wait in found)
    rate = len(waits) / (time.perf_counter() - began)
    record: Record = {
        "gates": gates,
        "check_ins": len(waits),
        "a_second": round(rate),
        "goal": GOAL,
        "result": result_of(rate >= GOAL),
        "median_ms": round(waits[len(waits) // 2] * 1000, 1),
        "p99_ms": round(waits[len(waits) * 99 // 100] * 1000, 1),
    }
    return Section("check_ins", f"one concert, {processes} processes with a container for each gate", [record])


def _sell(concert_id: UUID, tickets: int) -> list[str]:
    """Store paid orders of a few tickets each, and return the codes of all tickets."""
    shop, ticket_type_id, now = Composition(Settings.from_environment()), uuid4(), utc_now()
    price, codes = Money.of("25.00", "EUR"), []
    buyer = Sealed.model_validate({"$enc": "", "key": str(uuid4()), "v": 1})
    for _ in range(tickets // TICKETS_AN_ORDER):
        order_id = uuid4()
        line = OrderLine(
            hold_id=order_id,
            ticket_type_id=ticket_type_id,
            ticket_type_name="Floor",
            concert_id=concert_id,
            concert_name="A concert",
            quantity=TICKETS_AN_ORDER,
            unit_price=price,
        )
        placed = OrderPlaced(
            cart_id=order_id,
            customer_id=order_id,
            buyer=buyer,
            lines=(line,),
            total=price.times(TICKETS_AN_ORDER),
            payment_due_at=now,
            at=now,
        )
        issued = tuple(
            IssuedTicket(id=uuid4(), ticket_type_id=ticket_type_id, concert_id=concert_id)
            for _ in range(TICKETS_AN_ORDER)
        )
        confirmed = OrderConfirmed(tickets=issued, at=now)

        def command(
            session: Session, order_id: UUID = order_id, events: tuple[object, ...] = (placed, confirmed)
        ) -> None:
            session.append(ORDER, order_id, *events)  # type: ignore[arg-type]

        shop.repository.execute(command, _ORIGIN)
        facts = [TicketFacts(concert_id, order_id, ticket.id, ticket_type_id) for ticket in issued]
        codes += [shop.code_book.write(each) for each in facts]
    return codes


def _append(order_id: UUID, placed: OrderPlaced, confirmed: OrderConfirmed, session: Session) -> None:
    session.append(ORDER, order_id, placed, confirmed)


def _warm_up(concert_id: UUID) -> None:
    shop = Composition(Settings.from_environment())
    shop.code_book.keys(concert_id)


def _serve(concert_id: UUID, queues: Sequence[Sequence[str]]) -> list[float]:
    """Show each gate its queue, all gates at once; return how long each check-in took."""
    with ThreadPoolExecutor(len(queues)) as gates:
        served = gates.map(_serve_gate, [concert_id] * len(queues), queues, range(len(queues)))
        return [wait for waits in served for wait in waits]


def _serve_gate(concert_id: UUID, queue: Sequence[str], number: int) -> list[float]:
    shop, waits = Composition(Settings.from_environment()), []
    for code in queue:
        began = time.perf_counter()
        caller = Caller(_STAFF, _ORIGIN, RequestIdentity(uuid4(), "", is_repeatable=False))
        check_in(shop.repository, shop.code_book, caller, concert_id, code, Scan(f"Gate {number}", uuid4()))
        waits.append(time.perf_counter() - began)
    return waits


def _lists(tickets: int) -> Section:
    """List a full house, a house in which nobody is, and what changes in a few seconds."""
    shop, concert_id = Composition(Settings.from_environment()), uuid4()
    ids = [uuid4() for _ in range(tickets)]
    with psycopg.connect(shop.settings.need("database_url"), autocommit=True) as database:
        database.execute(_NEW_TICKETS, {"concert": concert_id, "ids": ids})
        records, cursor = [_record("nobody is in", shop, concert_id, None)[0]], None
        database.execute(_CHECK_INS, {"concert": concert_id, "ids": ids[:-100]})
        database.execute("analyze sales_1.sales_tickets, sales_1.sales_check_ins")
        record, cursor = _record("a full house", shop, concert_id, None)
        database.execute(_CHECK_INS, {"concert": concert_id, "ids": ids[-100:]})
        delta, cursor = _record("100 came in", shop, concert_id, cursor)
        records += [record, delta, _record("nothing is new", shop, concert_id, cursor)[0]]
    return Section("door_list", f"of {tickets:,} tickets, in parts of {LONGEST_LIST:,} entries", records)


def _record(what: str, shop: Composition, concert_id: UUID, cursor: ListCursor | None) -> tuple[Record, ListCursor]:
    size = packed = entries = parts = 0
    began = time.perf_counter()
    while True:
        found = _part(shop, concert_id, cursor)
        body = as_json({"entries": found.entries, "next": found.next.text}).encode()
        size, packed = size + len(body), packed + len(gzip.compress(body))
        entries, parts, cursor = entries + len(found.entries), parts + 1, found.next
        if found.is_complete:
            break
    took = time.perf_counter() - began
    record: Record = {
        "list": what,
        "entries": entries,
        "parts": parts,
        "kB": round(size / 1000, 1),
        "kB_gzip": round(packed / 1000, 1),
        "ms": round(took * 1000),
    }
    return record, cursor


def _part(shop: Composition, concert_id: UUID, cursor: ListCursor | None) -> DoorList:
    with shop.sales_reflecting(NOTHING_NAMED, shop.event_store) as sales:
        return read_list(sales, concert_id, cursor, LONGEST_LIST)


if __name__ == "__main__":
    sys.exit(main())
