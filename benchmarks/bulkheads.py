"""Lets 32 buy while others look, beside a full Postgres and a slow Redis: `python -m benchmarks.bulkheads`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from statistics import median
from threading import Event
from urllib.parse import urlsplit

import httpx
import psycopg

from benchmarks.answers import percentile
from benchmarks.api_process import running_api
from benchmarks.buyer import Habits
from benchmarks.crowd import Crowd, run_sale
from benchmarks.machine import describe_machine
from benchmarks.own_stack import own_stack
from benchmarks.programme import person, put_on_sale
from benchmarks.report import Record, Section, progress, publish, result_of
from local.__main__ import child
from local.slow_proxy import SlowProxy
from local.stack import Stack

FAULTS = ("none", "full Postgres", "slow Redis", "both")
SLOW = 2.0
LOOKERS = 8
LOOK_EVERY = 0.1
"""Both times are in seconds. Eight lookers look 80 times a second at most."""

GOAL = 2.0
"""No buyer's p99 more than doubles."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulkheads", description=__doc__)
    parser.add_argument("--buyers", type=int, default=160, help="let so many buyers come in each turn")
    parser.add_argument("--rounds", type=int, default=3, help="take so many turns of each fault")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args(arguments)
    about = describe_machine()
    times: dict[str, list[tuple[float, float]]] = {fault: [] for fault in FAULTS}
    with own_stack() as stack, progress() as bar:
        pump = child("the event pump", ["local.pump"], stack.environment)
        pump.start()
        try:
            for fault in bar.track(FAULTS * options.rounds, description="Selling"):
                times[fault].append(_sale(stack, fault, options.buyers))
        finally:
            pump.stop()
    publish(about, [_section(times)], as_json=options.json)
    return 0


def _sale(stack: Stack, fault: str, buyers: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of the milliseconds of all requests of the buyers."""
    redis = urlsplit(stack.environment["REDIS_URL"])
    with SlowProxy(redis.hostname or "", redis.port or 0).running() as proxy:
        behind_proxy = stack.environment | {
            "REDIS_URL": redis._replace(netloc=proxy.address).geturl(),
            "QUERY_PATIENCE": "1",  # as on AWS
        }
        with running_api(behind_proxy) as api, person(api.base_url, stack.issuer.token("organiser")) as organiser:
            concert = put_on_sale(organiser, quantity=10 * buyers)
            proxy.delay = SLOW if fault in {"slow Redis", "both"} else 0.0
            with _full(stack, fault), _looked_at(api.base_url, concert.concert_id):
                crowd = Crowd(buyers, 32, Habits(impatience=0, quantities=(1,)))
                sale = run_sale(crowd, api.base_url, stack.issuer, concert.ticket_type_id, take_the_rest=False)
    times = sorted(answer.seconds * 1000 for answer in sale.answers if answer.accepted)
    return median(times), percentile(times, 99)


@contextmanager
def _full(stack: Stack, fault: str) -> Iterator[None]:
    """Take every connection that Postgres has to give."""
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    if fault in {"full Postgres", "both"}:
        with suppress(psycopg.OperationalError):  # there are no more
            while True:
                taken.append(psycopg.connect(stack.postgres.url))
    try:
        yield
    finally:
        for connection in taken:
            connection.close()


@contextmanager
def _looked_at(base_url: str, concert_id: str) -> Iterator[None]:
    """Have visitors search, and look at the availability, in turns."""
    is_over = Event()

    def look() -> None:
        with httpx.Client(base_url=base_url, timeout=30) as visitor:
            while not is_over.wait(LOOK_EVERY):
                visitor.get("/concerts")
                visitor.get(f"/concerts/{concert_id}/availability")

    with ThreadPoolExecutor(LOOKERS) as visitors:
        looking = [visitors.submit(look) for _ in range(LOOKERS)]
        try:
            yield
        finally:
            is_over.set()
    for one in looking:
        one.result()


def _section(times: dict[str, list[tuple[float, float]]]) -> Section:
    def of(fault: str, which: int) -> float:
        return median(one[which] for one in times[fault])

    rows: list[Record] = [
        {
            "fault": fault,
            "p50 ms": round(of(fault, 0), 1),
            "p99 ms": round(of(fault, 1), 1),
            "p99 to quiet": round(of(fault, 1) / of("none", 1), 2),
            "goal": result_of(of(fault, 1) <= GOAL * of("none", 1)),
        }
        for fault in FAULTS
    ]
    return Section("bulkheads", f"all requests of 32 buyers at once, beside {LOOKERS} who look; medians of turns", rows)


if __name__ == "__main__":
    sys.exit(main())
