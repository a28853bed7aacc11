"""Runs clients of the log, each in its own process, like Lambda containers: they share nothing but the log.

Threads would not do: they wait for one another's turn at Python's lock, several milliseconds at every answer.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID, uuid4

from benchmarks.holds import HOLD_FOR, caller, new_cart
from benchmarks.usage import Cost, Usage
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import Busy
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.stores.dynamodb.store import DynamoDBEventStore
from chalicelib.shop.carts.commands import add_item
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from local.resources import Aws

Item = dict[str, Any]
END_WITHIN = 10.0


@dataclass(frozen=True)
class Turn:
    """Records when one client worked, by the clock that all processes share, what it did, and what that cost.

    `busy` counts how often the shop told it to come back.
    """

    began: float
    ended: float
    cost: Cost
    done: int
    busy: int


class Client:
    """Works inside the process."""

    def __init__(self, endpoint_url: str, table: str, marks_table: str) -> None:
        self._table = table
        self._client = Aws(endpoint_url).dynamodb
        self._usage = Usage()
        self._usage.watch(self._client)
        self._store = DynamoDBEventStore(self._client, table, marks_table)
        self._repository = Repository(self._store, utc_now)
        self._carts: list[UUID] = []
        self._requests: list[dict[str, Any]] = []

    def know_pools(self, ticket_type_id: UUID, pools: int) -> None:
        """Read the pools, as a container has that has been selling for a while."""
        self._repository = Repository(self._store, utc_now)
        for index in range(pools):
            self._repository.load(TICKET_POOL, pool_id(ticket_type_id, index))

    def open_carts(self, number: int) -> None:
        self._carts = [new_cart(self._repository) for _ in range(number)]

    def write_requests(self, number: int, samples: list[Item]) -> None:
        """Prepare transactions of such items in new streams, where nobody conflicts with anybody."""
        self._requests = [_transaction(self._table, samples) for _ in range(number)]

    def take_holds(self, ticket_type_id: UUID, longest: float) -> Turn:
        """Take one hold in each open cart, as far as time allows."""

        def hold(cart_id: UUID) -> None:
            add_item(self._repository, caller(), cart_id, ticket_type_id, 1, HOLD_FOR)

        return self._timed(hold, self._carts, longest)

    def send_requests(self, longest: float) -> Turn:
        return self._timed(lambda request: self._client.transact_write_items(**request), self._requests, longest)

    def _timed(self, work: Callable[[Any], object], pieces: Sequence[Any], longest: float) -> Turn:
        before = self._usage.costs().get(self._table, Cost())
        began, done, busy = time.monotonic(), 0, 0
        for piece in pieces:
            if time.monotonic() - began > longest:
                break
            try:
                work(piece)
                done += 1
            except Busy:
                busy += 1
        cost = self._usage.costs()[self._table].minus(before)
        return Turn(began, time.monotonic(), cost, done, busy)


class Clients:
    """Asks all clients at once."""

    def __init__(self, connections: list[Connection]) -> None:
        self._connections = connections

    def __len__(self) -> int:
        return len(self._connections)

    def know_pools(self, ticket_type_id: UUID, pools: int) -> None:
        self._ask("know_pools", ticket_type_id, pools)

    def take_holds(self, ticket_type_id: UUID, each: int, longest: float) -> list[Turn]:
        self._ask("open_carts", each)
        return self._ask("take_holds", ticket_type_id, longest)

    def send_requests(self, samples: list[Item], each: int, longest: float) -> list[Turn]:
        self._ask("write_requests", each, samples)
        return self._ask("send_requests", longest)

    def _ask(self, task: str, *arguments: Any) -> list[Any]:
        for connection in self._connections:
            connection.send((task, arguments))
        return [connection.recv() for connection in self._connections]


@contextmanager
def running_clients(number: int, endpoint_url: str, table: str, marks_table: str) -> Iterator[Clients]:
    """Run clients until their connections close: at the end of the block, or when this process dies."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ExitStack() as exits:
        connections = []
        for _ in range(number):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(endpoint_url, table, marks_table, theirs), daemon=True)
            process.start()
            theirs.close()
            exits.callback(process.join, END_WITHIN)
            connections.append(ours)
        for connection in connections:
            exits.callback(connection.close)
        yield Clients(connections)


def _work(endpoint_url: str, table: str, marks_table: str, connection: Connection) -> None:
    client = Client(endpoint_url, table, marks_table)
    while True:
        try:
            task, arguments = connection.recv()
        except EOFError:
            return
        connection.send(getattr(client, task)(*arguments))


def _transaction(table: str, samples: list[Item]) -> dict[str, Any]:
    puts = [
        {
            "TableName": table,
            "Item": item | {"AggregateId": {"S": str(uuid4())}},
            "ConditionExpression": "attribute_not_exists(AggregateId)",
        }
        for item in samples
    ]
    return {"TransactItems": [{"Put": put} for put in puts]}
