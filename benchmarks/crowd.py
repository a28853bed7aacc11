"""Runs many buyers at once, and finally one who takes what the others left."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from threading import local
from typing import Protocol
from uuid import UUID

import httpx

from benchmarks.answers import Answer
from benchmarks.buyer import LAST_IN_THE_QUEUE, Habits, Outcome, Till, shop_for

MAX_LAST_BUYERS = 10_000


class Issuer(Protocol):
    def token(self, role: str = ..., sub: str | None = ...) -> str: ...


@dataclass(frozen=True)
class Crowd:
    buyers: int
    concurrent: int
    habits: Habits = field(default_factory=Habits)
    seed: int = 0


@dataclass(frozen=True)
class Sale:
    """Records the crowd's answers and outcomes."""

    answers: list[Answer]
    outcomes: Counter[Outcome]
    seconds: float


def run_sale(
    crowd: Crowd,
    base_url: str,
    issuer: Issuer,
    ticket_type_id: str,
    on_done: Callable[[], None] = lambda: None,
    *,
    take_the_rest: bool = True,
) -> Sale:
    """Run the sale, and in the end let one buyer take the rest.

    The same seed makes the same buyers; what becomes of them is up to the threads.
    """
    answers: list[Answer] = []
    clients = _Clients(base_url)
    tokens = [issuer.token("customer", str(_person(crowd, number))) for number in range(crowd.buyers)]

    def visit(number: int) -> Outcome:
        random = Random(f"{crowd.seed}/{number}")
        till = Till(clients.mine(), tokens[number], crowd.habits, random, answers.append)
        outcome = shop_for(ticket_type_id, till)
        on_done()
        return outcome

    began = time.perf_counter()
    with ThreadPoolExecutor(crowd.concurrent) as threads:
        outcomes = Counter(threads.map(visit, range(crowd.buyers)))
    if take_the_rest:
        outcomes += _take_the_rest(crowd, clients.mine(), issuer, ticket_type_id, answers.append)
    seconds = time.perf_counter() - began
    clients.close()
    return Sale(answers, outcomes, seconds)


def _take_the_rest(
    crowd: Crowd, client: httpx.Client, issuer: Issuer, ticket_type_id: str, record: Callable[[Answer], None]
) -> Counter[Outcome]:
    """Take single tickets until there are none: only then must everything be sold or held."""
    outcomes: Counter[Outcome] = Counter()
    for number in range(MAX_LAST_BUYERS):
        random = Random(f"{crowd.seed}/last/{number}")
        token = issuer.token("customer", str(UUID(int=random.getrandbits(128))))
        outcome = shop_for(ticket_type_id, Till(client, token, LAST_IN_THE_QUEUE, random, record))
        outcomes[outcome] += 1
        if outcome is not Outcome.BOUGHT:
            break
    return outcomes


def _person(crowd: Crowd, number: int) -> UUID:
    return UUID(int=Random(f"{crowd.seed}/person/{number}").getrandbits(128))


class _Clients:
    """Gives each thread one client, and so one open connection."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._thread = local()
        self._all: list[httpx.Client] = []

    def mine(self) -> httpx.Client:
        if not hasattr(self._thread, "client"):
            self._thread.client = httpx.Client(base_url=self._base_url)
            self._all.append(self._thread.client)
        client: httpx.Client = self._thread.client
        return client

    def close(self) -> None:
        for client in self._all:
            client.close()
