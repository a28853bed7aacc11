"""One shop with everything that is large, for all requests."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from redis import Redis

from chalicelib import contexts
from chalicelib.platform.caller import Actor, Role, TeamRole
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.money import Money
from chalicelib.platform.readmodels.documents.projection import DocumentProjection
from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.shop.access.commands import grant_door
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.access.events import MemberJoined, MemberLeft, TeamJoined
from chalicelib.shop.access.team import team_id
from chalicelib.shop.carts.events import CartItemRemoved
from chalicelib.shop.concerts.events import ConcertDetailsChanged, ConcertPublished, PoolsOfTicketType
from chalicelib.shop.inventory.events import HoldsLapsed
from chalicelib.shop.inventory.ticket_pool import TICKET_POOL, pool_id
from chalicelib.shop.orders.events import PaymentFailed, PaymentStarted
from chalicelib.shop.orders.proofs.counter import SOLD_COUNTER, SoldCounter, counter_id
from chalicelib.shop.orders.proofs.register import Register
from chalicelib.shop.venues.events import VenueDetailsChanged
from local.resources import Aws, Resources
from tests.contract.availability.histories import opened
from tests.contract.ceilings.world import World
from tests.support.shop import GUEST, ORGANISER, Shop

LONG = 2000
DOOR = Actor(uuid4(), frozenset({Role.DOOR, Role.CUSTOMER}))
REGULAR = Actor.of("ruth", [])
"""Has bought before."""

TYPES, POOLS = 50, 90
TURNOVER = 600


STAFF, OWNER = Actor.of("stella", []), Actor.of("otis", [])


class Large:
    """Names what is large in the shop. The read models have followed the concerts on sale, and no long stream."""

    def __init__(self, world: World) -> None:
        self.world, shop = world, world.shop
        self.many_types, pools = self._many_types()
        self.one_of_many = shop.other_container().load(TICKET_POOL, pools[0])[0].ensure_open().ticket_type_id
        self.ninety, self.of_ninety = shop.on_sale(quantity=4500, max_per_order=40)
        self.small, of_small = shop.on_sale(quantity=100)
        followed = [pool_id(of_small, 0), pool_id(of_small, 1)] + [pool_id(self.of_ninety, n) for n in range(POOLS)]
        world.follow(self.many_types, self.ninety, self.small, *pools, *followed)
        self.unseen_small, _ = shop.on_sale(quantity=50)
        self.concert, self.venue, self.cart, self.order, self.pool = self._long_streams()
        self.bought = self.order
        self.ticket = self._ticket(of_small)
        self.certified, self.counted = self.small, self._counted(of_small)
        hours = DoorHours(shop.clock(), shop.clock() + timedelta(days=1))
        grant_door(shop.repository, shop.request(ORGANISER), DOOR.id, Place(organiser_id=ORGANISER.id), hours)
        self.of_guest = self._long_order_of_guest()
        self._shop_before(of_small)
        self._employ()

    def _shop_before(self, ticket_type_id: UUID) -> None:
        """Orders of which the read models know."""
        shop = self.world.shop
        for _ in range(3):
            cart_id = shop.cart(REGULAR)
            shop.add(cart_id, ticket_type_id, caller=shop.request(REGULAR))
            self.world.follow(cart_id, shop.check_out(cart_id, shop.request(REGULAR)).order_id)

    def _employ(self) -> None:
        """Two members, and a team that many have joined and left."""
        now = self.world.shop.clock()
        for person_id, role in ((STAFF.id, TeamRole.STAFF), (OWNER.id, TeamRole.OWNER)):
            self.world.append(person_id, [TeamJoined(organiser_id=ORGANISER.id, role=role, at=now)])
        person_id = uuid4()
        joined = MemberJoined(organiser_id=ORGANISER.id, person_id=person_id, role=TeamRole.STAFF, at=now)
        self.world.append(team_id(ORGANISER.id), [joined, MemberLeft(person_id=person_id, at=now)] * (TURNOVER // 2))

    def _many_types(self) -> tuple[UUID, list[UUID]]:
        shop = self.world.shop
        concert_id, types = shop.draft(), [uuid4() for _ in range(TYPES)]
        of_types = {key: [pool_id(key, index) for index in range(POOLS)] for key in types}
        pools = tuple(PoolsOfTicketType(ticket_type_id=key, pool_ids=tuple(ids)) for key, ids in of_types.items())
        self.world.append(concert_id, [ConcertPublished(pools=pools)])
        for key, ids in of_types.items():
            for index, pool in enumerate(ids):
                self.world.append(pool, [opened(concert_id, key, index, POOLS, capacity=50)])
        return concert_id, [pool for ids in of_types.values() for pool in ids]

    def _long_streams(self) -> tuple[UUID, UUID, UUID, UUID, UUID]:
        """A concert, its venue, a cart, an order and a pool, each with so many events."""
        shop, append = self.world.shop, self.world.append
        concert_id, ticket_type_id = shop.on_sale()
        details = shop.concert_state(concert_id).details
        assert details is not None
        venue_id = details.venue_id
        append(concert_id, [ConcertDetailsChanged(name="Patti Smith", venue_id=venue_id)] * LONG)
        venue = VenueDetailsChanged(
            name="Paradiso", description="", capacity=9, address="", city="", country="", time_zone="UTC", web_url=None
        )
        append(venue_id, [venue] * LONG)
        cart_id, other_id = shop.cart(), shop.cart()
        append(cart_id, [CartItemRemoved(item_id=uuid4())] * LONG)
        shop.add(other_id, ticket_type_id)
        order_id = shop.check_out(other_id).order_id
        append(order_id, [event for _ in range(LONG // 2) for event in self._declined()])
        pool = pool_id(ticket_type_id, 0)
        append(pool, [HoldsLapsed(at=shop.clock(), hold_ids=(), quantity=0)] * LONG)
        return concert_id, venue_id, cart_id, order_id, pool

    def _ticket(self, ticket_type_id: UUID) -> UUID:
        """A ticket that somebody has, and that the read models know of."""
        shop = self.world.shop
        order_id = shop.order(ticket_type_id, 1, REGULAR)
        shop.pay(order_id, caller=shop.request(REGULAR))
        self.world.follow(order_id)
        return shop.order_state(order_id).tickets[0].id

    def _counted(self, ticket_type_id: UUID) -> tuple[UUID, UUID]:
        """An order and its ticket, of a concert with many certificates, of which the last one counts the ticket."""
        shop = self.world.shop
        order_id = shop.order(ticket_type_id, 1, REGULAR)
        shop.pay(order_id, caller=shop.request(REGULAR))
        self.world.follow(order_id)
        ticket_id = shop.order_state(order_id).tickets[0].id
        register = Register().followed_by({ticket_id.bytes: True}, lambda: bytes(16))
        root, counter = register.tree().root.hash.hex(), SoldCounter()
        for number in range(LONG):
            events = counter.certify(self.small, number + 1, 1, "ab" * 32, shop.clock(), shop.clock())
            self.world.append(counter_id(self.small), events)
            counter = SOLD_COUNTER.fold(events, counter)
        self.world.append(counter_id(self.small), counter.certify(self.small, 1, 1, root, shop.clock(), shop.clock()))
        self.world.registers.put(self.small, root, register.content)
        return order_id, ticket_id

    def _long_order_of_guest(self) -> UUID:
        """An order for which a guest has tried a thousand cards."""
        _, ticket_type_id = self.world.shop.on_sale()
        order_id = self.world.shop.order(ticket_type_id, 1, GUEST)
        self.world.append(order_id, [event for _ in range(LONG // 2) for event in self._declined()])
        return order_id

    def _declined(self) -> list[Event]:
        payment_id, now = uuid4(), self.world.shop.clock()
        amount = Money.of("25.00", "EUR")
        return [
            PaymentStarted(payment_id=payment_id, provider="sandbox", amount=amount, request_hash="", at=now),
            PaymentFailed(payment_id=payment_id, reason="declined", at=now),
        ]


@pytest.fixture(scope="module")
def large(
    redis: Redis, make_lasting_model: Callable[[str], ReadModel], contract_aws: Aws, contract_resources: Resources
) -> Iterator[Large]:
    client, table = contract_aws.dynamodb, contract_resources.names["ReadTable"]

    def documents() -> DocumentProjection:
        return DocumentProjection("carts", client, table, contexts.projectors_of("carts"))

    models: dict[str, ReadModel] = {name: make_lasting_model(name) for name in ("programme", "sales", "availability")}
    models["carts"] = documents()
    world = World(Shop(MemoryEventStore(), salt=str(uuid4())), models, redis, documents, client, table)
    world.shop.repository = world.repository()
    made = Large(world)
    world.shop.clock.advance(timedelta(seconds=5))
    yield made
    for model in world.queried.values():
        model.pool.close()
