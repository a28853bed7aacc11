"""Puts a concert with small pools on sale before the schedule begins, without faults."""

from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

from chalicelib.platform.caller import Actor
from chalicelib.platform.eventsourcing.repository import Repository
from chalicelib.platform.eventsourcing.session import Session
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.commands import add_ticket_type, create_concert, schedule_concert
from chalicelib.shop.concerts.concert import CONCERT, ConcertDetails
from chalicelib.shop.concerts.events import PoolsOfTicketType, TicketType
from chalicelib.shop.inventory.commands import open_pools
from chalicelib.shop.inventory.events import TicketPoolOpened
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from chalicelib.shop.venues.commands import create_venue
from chalicelib.shop.venues.venue import VenueDetails
from simulator.areas import add_areas, openings_of_areas, pools_of_areas
from simulator.scheduler import START
from simulator.world import Stock, World, caller_of

ORGANISER = Actor.of("olga", ["organisers"])
OPENS = START + timedelta(days=30)
VENUE = VenueDetails("Paradiso", "A church once", 1500, "Weteringschans 6", "Amsterdam", "NL", "Europe/Amsterdam")
PAIRS = 40
"""A commit of a pool's history has so many holds and their releases."""
HISTORIES = (*[0] * 36, 1, 2, 2, 3)
"""A pool has so many such commits behind it. With two, a cold load soon needs a snapshot."""


def put_on_sale(world: World) -> None:
    """Open one or two ticket types, each over one to three pools of one to five tickets."""
    repository = world.containers[0].repository
    concert_id = schedule(repository)
    for number in range(world.random.choice((1, 2, 2))):
        pools = [world.random.randint(1, 5) for _ in range(world.random.choice((1, 2, 2, 3)))]
        describe = partial(_ticket_type, number=number, quantity=sum(pools), random=world.random)
        caller = caller_of(ORGANISER, "ticket type", str(number))
        ticket_type_id, _ = add_ticket_type(repository, caller, concert_id, describe)
        world.stock.types[ticket_type_id] = pools
    add_areas(world, repository, concert_id, ORGANISER)
    world.stock.concert_id = concert_id
    origin = caller_of(ORGANISER, "publish", "1").origin
    repository.execute(partial(publish, stock=world.stock), origin)
    owners = {key: kind for kind in world.stock.kinds for key in world.stock.pools_of(kind)}
    for key, kind in owners.items():
        for _ in range(world.random.choice(HISTORIES)):
            repository.execute(partial(_live, key=key, kind=kind), origin)


def schedule(repository: Repository) -> UUID:
    """Create the draft of a concert and its venue, and return the concert's id."""
    venue_id = create_venue(repository, caller_of(ORGANISER, "venue", "1"), VENUE)
    concert_id = create_concert(
        repository, caller_of(ORGANISER, "concert", "1"), ConcertDetails("Patti Smith", venue_id)
    )
    schedule_concert(repository, caller_of(ORGANISER, "schedule", "1"), concert_id, OPENS, OPENS + timedelta(hours=3))
    return concert_id


def _ticket_type(key: UUID, number: int, quantity: int, random: Random) -> TicketType:
    closes = START + timedelta(minutes=random.randint(10, 60)) if random.random() < 0.15 else None  # noqa: PLR2004
    price = Money.of(random.choice(("10.00", "25.00", "25.00", "40.00", "40.00", "60.00", "0.00")), "EUR")
    return TicketType(id=key, name=f"Row {number}", price=price, quantity=quantity, max_per_order=10, sales_end=closes)


def publish(session: Session, stock: Stock) -> None:
    """Publish the concert as the shop does, over pools of these capacities."""
    concert_id, types = stock.concert_id, stock.types
    pools = tuple(
        PoolsOfTicketType(ticket_type_id=key, pool_ids=tuple(pool_id(key, index) for index in range(len(capacities))))
        for key, capacities in types.items()
    )
    concert = session.load(CONCERT, concert_id)
    session.append(CONCERT, concert_id, *concert.publish(pools, session.now, areas=pools_of_areas(stock)))
    open_pools(session, openings_of_areas(stock, concert, ORGANISER.id, OPENS, session.now))
    for key, capacities in types.items():
        described = concert.ticket_types[key]
        terms = [
            TicketPoolOpened(
                concert_id=concert_id,
                concert_name="Patti Smith",
                organiser_id=ORGANISER.id,
                ticket_type_id=key,
                ticket_type_name=described.name,
                pool_index=index,
                pool_count=len(capacities),
                capacity=capacity,
                price=described.price,
                max_per_order=described.max_per_order,
                sales_start=described.sales_start,
                sales_end=described.sales_end or OPENS,
                at=session.now,
            )
            for index, capacity in enumerate(capacities)
        ]
        open_pools(session, terms)


def _live(session: Session, key: UUID, kind: UUID) -> None:
    for number in range(PAIRS):
        hold_id = pool_id(key, number)
        pool = session.load(TICKET_POOL, key)
        until = session.now + timedelta(minutes=15)
        if not pool.available(kind):
            return
        session.append(TICKET_POOL, key, *pool.hold(hold_id, hold_id, 1, session.now, until, kind))
        session.append(TICKET_POOL, key, *session.load(TICKET_POOL, key).release(hold_id, session.now))
