"""What an organiser, a door or a customer knows does not admit anybody: the case of computed.json."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import NAMESPACE_OID, NAMESPACE_URL, UUID, uuid5

import pytest

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.platform.ids import IdKey
from chalicelib.shop.access.commands import grant_door
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.inventory.ticket_pool import pool_id
from tests.support.request_scenario import GivenStreams
from tests.support.shop import CUSTOMER, OPENING, ORGANISER, Shop, some_id

DOOR = Actor(some_id("dora"), frozenset({Role.CUSTOMER, Role.DOOR}))


class Evening:
    """A paid order of two tickets, and somebody at the door as it opens."""

    def __init__(self) -> None:
        log = MemoryEventStore()
        shop = Shop(log)
        self.streams = GivenStreams(shop, log)
        self.concert_id, ticket_type_id = shop.on_sale()
        self.pool_id = pool_id(ticket_type_id, 0)
        cart_id = shop.cart()
        shop.add(cart_id, ticket_type_id, 2)
        self.order_id = shop.check_out(cart_id).order_id
        shop.pay(self.order_id)
        self.tickets = [ticket.id for ticket in shop.order_state(self.order_id).tickets]
        grant_door(shop.repository, shop.request(ORGANISER), DOOR.id, Place(self.concert_id), DoorHours())
        shop.clock.now = OPENING

    def show(self, order_id: UUID, ticket_id: UUID) -> int:
        body = {"order_id": str(order_id), "ticket_id": str(ticket_id)}
        return self.streams.when(DOOR, "POST", f"/concerts/{self.concert_id}/check-ins", body).status


@pytest.fixture
def paid_evening() -> Evening:
    return Evening()


def computed_from(known: UUID) -> Iterator[UUID]:
    """What the code derived ids by once, and by today without its key."""
    for index in range(3):
        for namespace in (known, NAMESPACE_OID, NAMESPACE_URL):
            yield uuid5(namespace, f"ticket/{index}")
        for guess in ("", "key", str(known)):
            yield IdKey(guess).id_of("ticket", known, index)


def test_an_organiser_finds_no_order_in_the_events_of_his_pool(paid_evening: Evening) -> None:
    organiser = Actor(ORGANISER.id, frozenset({Role.CUSTOMER, Role.ORGANISER}))
    seen = paid_evening.streams.when(organiser, "GET", f"/streams/{paid_evening.pool_id}/events?type=TicketsSold")
    [sold] = seen.body["items"]
    assert (sold["data"]["OrderId"], sold["actor_id"], sold["causation_id"]) == (None, None, None)
    assert str(paid_evening.order_id) not in json.dumps(seen.body)


def test_no_ticket_is_computed_from_an_order_or_from_another_ticket(paid_evening: Evening) -> None:
    for known in (paid_evening.order_id, paid_evening.tickets[0], CUSTOMER.id, paid_evening.concert_id):
        for guess in computed_from(known):
            assert paid_evening.show(paid_evening.order_id, guess) == 404
            assert paid_evening.show(guess, paid_evening.tickets[0]) == 404


def test_the_ticket_itself_admits_once(paid_evening: Evening) -> None:
    assert [paid_evening.show(paid_evening.order_id, paid_evening.tickets[0]) for _ in range(2)] == [201, 409]


def test_the_ticket_admits_nobody_at_a_door_that_was_not_granted_or_is_not_open(paid_evening: Evening) -> None:
    body = {"order_id": str(paid_evening.order_id), "ticket_id": str(paid_evening.tickets[0])}
    path = f"/concerts/{paid_evening.concert_id}/check-ins"
    somebody = Actor(some_id("another door"), DOOR.roles)
    paid_evening.streams.when(somebody, "POST", path, body).then_refuses(403, "not_at_this_door")
    paid_evening.streams.shop.clock.now = OPENING - timedelta(days=1)
    paid_evening.streams.when(DOOR, "POST", path, body).then_refuses(403, "door_not_open")
