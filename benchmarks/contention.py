"""Compares holds on one hot concert with raw transactions of two such items, against the emulator."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from uuid import UUID, uuid4

from benchmarks.clients import Clients, Item, Turn
from benchmarks.holds import HOLD_FOR, ORIGIN, caller, new_cart, pool_openings
from benchmarks.usage import Cost
from chalicelib.platform.clock import utc_now
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.platform.eventsourcing.stores.dynamodb.items import to_item
from chalicelib.shop.carts.commands import add_item
from chalicelib.shop.inventory.commands import open_pools
from chalicelib.shop.inventory.ticket_pool import pool_id

POOLS = (1, 4, 16, 64)
CLIENTS = 16
HOLDS_EACH = 15
LONGEST_TURN = 1.5
ROUNDS = 3
"""Raw and holds alternate, so that other work on the machine affects both alike."""
GOAL = 0.7


@dataclass(frozen=True)
class Contention:
    pools: int
    holds_per_second: float
    raw_per_second: float
    conflicts_per_hold: float
    reads_per_hold: float
    busy: int

    @property
    def ratio(self) -> float:
        return self.holds_per_second / self.raw_per_second


def measure(store: EventStore, clients: Clients, pools: int, on_round: Callable[[], None] = lambda: None) -> Contention:
    """Measure holds on one concert in `pools` pools that all clients know."""
    ticket_type_id = uuid4()
    samples = _open(store, ticket_type_id, pools, capacity=len(clients) * HOLDS_EACH * ROUNDS + 1)
    clients.know_pools(ticket_type_id, pools)
    raw: list[list[Turn]] = []
    held: list[list[Turn]] = []
    for _ in range(ROUNDS):
        raw.append(clients.send_requests(samples, HOLDS_EACH, LONGEST_TURN))
        held.append(clients.take_holds(ticket_type_id, HOLDS_EACH, LONGEST_TURN))
        on_round()
    turns = [turn for turns in held for turn in turns]
    number, cost = sum(turn.done for turn in turns), reduce(Cost.plus, (turn.cost for turn in turns))
    return Contention(
        pools=pools,
        holds_per_second=_rate(held),
        raw_per_second=_rate(raw),
        conflicts_per_hold=cost.conflicts / number,
        reads_per_hold=cost.reads / number,
        busy=sum(turn.busy for turn in turns),
    )


def _open(store: EventStore, ticket_type_id: UUID, pools: int, capacity: int) -> list[Item]:
    """Open the pools, and show what a hold writes."""
    repository = Repository(store, utc_now)
    openings = pool_openings(ticket_type_id, pools, capacity)
    repository.execute(partial(open_pools, openings=openings), ORIGIN)
    cart_id = new_cart(repository)
    add_item(Repository(store, utc_now), caller(), cart_id, ticket_type_id, 1, HOLD_FOR)
    return [to_item(store.read(stream)[-1]) for stream in (pool_id(ticket_type_id, 0), cart_id)]


def _rate(rounds: list[list[Turn]]) -> float:
    """Return the rate. Each round lasts from the first client's start to the last one's end."""
    seconds = sum(max(turn.ended for turn in turns) - min(turn.began for turn in turns) for turns in rounds)
    return sum(turn.done for turns in rounds for turn in turns) / seconds
