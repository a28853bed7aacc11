"""Lets the organiser offer more or fewer tickets of a type or an area, and checks that all pools end with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chalicelib.platform.caller import Caller
from chalicelib.platform.eventsourcing.codec import RecordedEvent
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.shop.concerts.area_commands import change_area_capacity
from chalicelib.shop.concerts.commands import change_quantity
from chalicelib.shop.concerts.concert import CONCERT, ConcertStatus
from chalicelib.shop.concerts.on_sale import Confirmation
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from simulator.world import World

MOST_MORE = 4
"""So many tickets more than there were at first are offered at most."""


@dataclass(frozen=True, slots=True)
class Resized:
    """Is what the organiser was answered: the concert's version."""

    version: int


def resize(world: World, concert_id: UUID) -> list[tuple[str, Callable[[Repository, Caller], Any]]]:
    """Choose a stock, and between one ticket and a few more than it had at first."""
    stock_id = world.random.choice([*world.stock.types, *world.stock.areas])
    change = change_area_capacity if stock_id in world.stock.areas else change_quantity
    before = sum(_stocks(world)[stock_id])
    quantity = world.random.randint(1, world.random.choice((max(1, before // 2), before + MOST_MORE)))

    def command(repository: Repository, caller: Caller) -> Resized:
        confirmed = (Confirmation.OVER_CAPACITY,)
        return Resized(change(repository, caller, concert_id, stock_id, quantity, confirmed))

    return [("resize", command)]


def wrong_capacities(world: World, streams: Mapping[UUID, Sequence[RecordedEvent]]) -> Iterator[str]:
    """Find stocks whose pools have other capacities than the concert says, and changes that never end."""
    concert_id = world.stock.concert_id
    concert = CONCERT.fold(entry.event for entry in streams[concert_id])
    if concert.status is not ConcertStatus.PUBLISHED:
        return
    if concert.capacity_change is not None:
        yield f"Concert {concert_id} has a change of its capacity under way for ever."
    offered = {key: concert.areas[key].capacity for key in world.stock.areas}
    offered |= {key: concert.ticket_types[key].quantity for key in world.stock.types}
    for key, capacities in _stocks(world).items():
        pools = [streams[pool_id(key, index)] for index in range(len(capacities))]
        found = sum(TICKET_POOL.fold(entry.event for entry in pool).capacity for pool in pools)
        if found != offered[key]:
            yield f"The pools of {key} have {found} tickets, and the concert offers {offered[key]}."


def _stocks(world: World) -> dict[UUID, list[int]]:
    return {**world.stock.types, **world.stock.areas}
