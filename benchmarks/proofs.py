"""Measures what it costs to certify the tickets of a large concert, and to prove that one of them is counted."""

import argparse
import os
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

import psycopg

from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.report import Record, Section, publish
from chalicelib.composition import Composition
from chalicelib.platform.http.problems import as_json
from chalicelib.settings import Settings
from chalicelib.shop.orders.proofs.certifying import certify_sold_tickets
from chalicelib.shop.orders.proofs.proving import prove
from chalicelib.shop.orders.proofs.register import SALT_BYTES, Register

_CONCERT = """
insert into sales_1.sales_concerts (id, version, status, starts_at)
values (%(concert)s, 0, 'published', now() + interval '1 day')
"""
_TICKETS = """
insert into sales_1.sales_tickets (order_id, id, concert_id, ticket_type_id, name, status, issued_at)
select gen_random_uuid(), id, %(concert)s, %(concert)s, 'Floor', 'valid', now() from unnest(%(ids)s::uuid[]) as id
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proofs", description=__doc__)
    parser.add_argument("--tickets", type=int, default=80_000)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args(arguments)
    about, ids, concert_id = describe_machine(), [uuid4() for _ in range(options.tickets)], uuid4()
    with own_stack() as stack:
        os.environ.update(stack.environment)
        sections = [_certificates(concert_id, ids), _proofs(concert_id, ids), _memory(ids)]
    publish(about, sections, as_json=options.json)
    return 0


class _Container:
    """A container that has done nothing yet, and counts what it asks."""

    def __init__(self) -> None:
        self.shop = Composition(Settings.from_environment())
        self.asked: Counter[str] = Counter()
        registers: Any = self.shop.registers
        registers._client.meta.events.register("before-send.s3", self._count_s3)  # noqa: SLF001 - it has no other hook
        fetch_all, postgres = self.shop.postgres.fetch_all, self.shop.postgres

        def counted(query: str, parameters: Any) -> Any:
            self.asked["postgres"] += 1
            return fetch_all(query, parameters)

        postgres.fetch_all = counted  # type: ignore[method-assign]

    def run(self, what: str, work: Callable[[], object]) -> Record:
        self.asked.clear()
        usage = self.shop.event_store.usage
        reads, writes = usage.reads, usage.writes
        began, cpu = time.perf_counter(), time.process_time()
        work()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        counted = {"log reads": usage.reads - reads, "log writes": usage.writes - writes}
        counted |= {"Postgres": self.asked["postgres"], "S3": self.asked["s3"]}
        return {"what": what, **counted, "ms": round(took * 1000), "cpu_ms": round(cpu * 1000)}

    def _count_s3(self, **_: object) -> None:
        self.asked["s3"] += 1


def _certificates(concert_id: UUID, ids: Sequence[UUID]) -> Section:
    container = _Container()
    certify = partial(certify_sold_tickets, container.shop)
    with psycopg.connect(container.shop.settings.need("database_url"), autocommit=True) as database:
        database.execute(_CONCERT, {"concert": concert_id})
        database.execute(_TICKETS, {"concert": concert_id, "ids": list(ids)})
        database.execute("analyze sales_1.sales_tickets")
        records = [container.run("the first one", certify), container.run("nothing is new", certify)]
        database.execute(_TICKETS, {"concert": concert_id, "ids": [uuid4()]})
        records.append(container.run("one ticket more", certify))
        cold = _Container()
        records.append(cold.run("nothing is new, cold", partial(certify_sold_tickets, cold.shop)))
    return Section("certificates", f"of {len(ids):,} tickets", records)


def _proofs(concert_id: UUID, ids: Sequence[UUID]) -> Section:
    container, sizes = _Container(), list[int]()
    shop = container.shop
    shop.code_book.signing_key(concert_id)

    def show(ticket_id: UUID) -> None:
        found = prove(shop.event_store, shop.certified_registers, shop.code_book, concert_id, ticket_id)
        sizes.append(len(as_json(found)))

    places = {"first in a container": 0, "another one": len(ids) // 2, "the last one": len(ids) - 1}
    records = []
    for what, place in places.items():
        record = container.run(what, partial(show, ids[place]))
        records.append(record | {"bytes": sizes[-1]})
    return Section("proofs", f"each of one of {len(ids):,} tickets", records)


def _memory(ids: Sequence[UUID]) -> Section:
    """Measure what the function and the API hold of a register; being traced, they are slow here."""
    states = {key.bytes: True for key in ids}
    tracemalloc.start()
    register = Register().followed_by(states, partial(token_bytes, SALT_BYTES))
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    tree = register.tree()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    record: Record = {
        "tickets": tree.size,
        "register_MB": round(len(register.content) / 1e6, 2),
        "tree_MB": round((held - before) / 1e6, 2),
        "peak_of_register_MB": round(grown / 1e6, 1),
        "peak_of_tree_MB": round((peak - before) / 1e6, 1),
    }
    return Section("memory", "of one register and its tree", [record])


if __name__ == "__main__":
    sys.exit(main())
