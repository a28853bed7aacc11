"""Adds an area to the simulated concert, whose stock several ticket types share, and checks that they share it."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from benchmarks.recount import Count, count_next
from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.area_commands import add_area
from chalicelib.shop.concerts.commands import add_ticket_type
from chalicelib.shop.concerts.concert import Concert
from chalicelib.shop.concerts.events import PoolsOfArea, TicketType
from chalicelib.shop.inventory.commands import Opening
from chalicelib.shop.inventory.commands.areas import AreaOffer, TicketTypeOfArea, openings_over
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from simulator.world import Stock, World, caller_of

WITH_AREA = 0.5
"""The share of the schedules in which the concert has an area."""
PRICES = ("25.00", "12.50", "0.00")


def add_areas(world: World, repository: Repository, concert_id: UUID, organiser: Actor) -> None:
    """Add an area of one to three pools in some schedules, with two or three types of which some have a ceiling."""
    random = world.random
    if random.random() >= WITH_AREA:
        return
    capacities = [random.randint(1, 4) for _ in range(random.choice((1, 2, 3)))]
    caller = caller_of(organiser, "area", "1")
    area_id, _ = add_area(repository, caller, concert_id, "Floor", sum(capacities))
    world.stock.areas[area_id] = capacities
    for number in range(random.choice((2, 3))):
        ceiling = random.choice((None, random.randint(1, sum(capacities))))
        describe = partial(_describe, number=number, area_id=area_id, ceiling=ceiling)
        caller = caller_of(organiser, "ticket type of area", str(number))
        key, _ = add_ticket_type(repository, caller, concert_id, describe)
        world.stock.area_of[key] = area_id
        if ceiling is not None:
            world.stock.ceilings[key] = ceiling


def pools_of_areas(stock: Stock) -> tuple[PoolsOfArea, ...]:
    return tuple(
        PoolsOfArea(area_id=key, pool_ids=tuple(pool_id(key, index) for index in range(len(capacities))))
        for key, capacities in stock.areas.items()
    )


def openings_of_areas(
    stock: Stock, concert: Concert, organiser_id: UUID, opens: datetime, now: datetime
) -> list[Opening]:
    """Return the openings of the areas' pools, as the shop makes them, over pools of these capacities."""
    openings: list[Opening] = []
    for area_id, capacities in stock.areas.items():
        types = [
            TicketTypeOfArea(one.id, one.name, one.price, one.max_per_order, one.ceiling, None, one.sales_end or opens)
            for one in concert.ticket_types.values()
            if one.area_id == area_id
        ]
        offer = AreaOffer(stock.concert_id, "Patti Smith", organiser_id, area_id, "Floor", sum(capacities), None, types)
        openings += openings_over(capacities, offer, now)
    return openings


def ceilings_broken(world: World) -> Iterator[str]:
    """Find commits after which an area or a ticket type had more tickets held and sold than it may have."""
    counts: defaultdict[UUID, Count] = defaultdict(Count)
    for commit in world.log.commits:
        for event in commit:
            if event.aggregate_type == TICKET_POOL.name:
                count_next(counts[event.aggregate_id], event)
        yield from _too_many(world.stock, counts, str(commit[0].created))


def _too_many(stock: Stock, counts: defaultdict[UUID, Count], at: str) -> Iterator[str]:
    for area_id, capacities in stock.areas.items():
        pools = [counts[pool_id(area_id, index)] for index in range(len(capacities))]
        taken, capacity = sum(pool.taken for pool in pools), sum(pool.capacity for pool in pools)
        if not 0 <= taken <= capacity:
            yield f"Area {area_id} had {taken} tickets held and sold at {at}, of {capacity}."
    for kind, ceiling in stock.ceilings.items():
        pools = [counts[key] for key in stock.pools_of(kind)]
        taken, quota = (
            sum(pool.taken_of(str(kind)) for pool in pools),
            sum(pool.quotas.get(str(kind), 0) for pool in pools),
        )
        if not 0 <= taken <= ceiling or quota not in {0, ceiling}:
            yield f"Type {kind} had {taken} tickets held and sold at {at}, and quotas of {quota}, of {ceiling}."


def _describe(key: UUID, number: int, area_id: UUID, ceiling: int | None) -> TicketType:
    return TicketType(
        id=key,
        name=f"Floor {number}",
        price=Money.of(PRICES[number], "EUR"),
        quantity=0,
        max_per_order=10,
        area_id=area_id,
        ceiling=ceiling,
    )
