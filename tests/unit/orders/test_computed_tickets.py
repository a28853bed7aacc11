"""What an organiser, a door or a customer knows does not admit anybody: the case of computed.json."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from chalicelib.platform.caller import Actor, KeyGrant, KeyScope, Role
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.platform.eventsourcing.stores.memory import MemoryEventStore
from chalicelib.shop.access.commands import grant_door
from chalicelib.shop.access.doors import DoorHours, Place
from chalicelib.shop.inventory.ticket_pool import pool_id
from chalicelib.shop.orders.doors.code import TicketFacts, from_code, message_of, to_code
from chalicelib.shop.orders.doors.keys import TicketKeys
from chalicelib.shop.orders.events import TicketCheckedIn
from chalicelib.shop.orders.projections import PROJECTORS
from tests.support.request_scenario import Answered, GivenStreams
from tests.support.shop import CUSTOMER, OPENING, OPERATOR, ORGANISER, OTHER_CUSTOMER, Shop, some_id

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

    @property
    def codes(self) -> list[str]:
        """The codes as their customer reads them."""
        fold = PROJECTORS["Order"]
        self.streams.and_document(fold, self.order_id, len(self.streams.log.read(self.order_id)) - 1)
        read = self.streams.when(CUSTOMER, "GET", f"/orders/{self.order_id}/tickets")
        return [item["code"] for item in read.body["items"]]

    def show(self, code: str) -> Answered:
        body = {"code": code, "nonce": str(uuid4()), "gate": "North"}
        return self.streams.when(DOOR, "POST", f"/concerts/{self.concert_id}/check-ins", body)


@pytest.fixture
def paid_evening() -> Evening:
    return Evening()


def forged_with(secret: str, facts: TicketFacts) -> str:
    """A code as the shop would sign it, were this its secret."""
    key = TicketKeys([secret]).current(facts.concert_id, 1)
    message = message_of(key.id, facts)
    return to_code(message, key.sign(message))


def test_an_organiser_finds_no_order_in_the_events_of_his_pool(paid_evening: Evening) -> None:
    organiser = Actor(ORGANISER.id, frozenset({Role.CUSTOMER, Role.ORGANISER}))
    seen = paid_evening.streams.when(organiser, "GET", f"/streams/{paid_evening.pool_id}/events?type=TicketsSold")
    [sold] = seen.body["items"]
    assert (sold["data"]["OrderId"], sold["actor_id"], sold["causation_id"]) == (None, None, None)
    assert str(paid_evening.order_id) not in json.dumps(seen.body)


def test_a_code_made_of_all_that_organisers_doors_and_customers_read_is_forged(paid_evening: Evening) -> None:
    """They know every id, the public key, the format, and codes of other tickets."""
    [first, second] = paid_evening.codes
    read, other = from_code(first), from_code(second)
    published = paid_evening.streams.when(DOOR, "GET", f"/concerts/{paid_evening.concert_id}/ticket-keys").body["keys"]
    guesses = [published[0]["x"], published[0]["kid"], str(paid_evening.order_id), str(read.facts.ticket_id), "", "key"]
    made = [forged_with(guess, read.facts) for guess in guesses]
    made += [to_code(message_of(read.key_id, read.facts), from_code(code).signature) for code in made]
    made += [
        to_code(read.message, other.signature),
        to_code(message_of(read.key_id, replace(read.facts, serial=1)), read.signature),
        to_code(message_of(read.key_id, replace(read.facts, order_id=some_id("another"))), read.signature),
        to_code(read.message, bytes(64)),
    ]
    for code in made:
        paid_evening.show(code).then_refuses(400, "forged_code")


def test_the_ids_of_a_ticket_admit_nobody(paid_evening: Evening) -> None:
    path = f"/concerts/{paid_evening.concert_id}/check-ins"
    ids = {"order_id": str(paid_evening.order_id), "ticket_id": str(paid_evening.tickets[0])}
    paid_evening.streams.when(DOOR, "POST", path, ids).then_refuses(422, "invalid_input")
    for known in (*ids.values(), json.dumps(ids)):
        paid_evening.show(known).then_refuses(400, "forged_code")


def test_nobody_but_its_customer_reads_a_code(paid_evening: Evening) -> None:
    assert len(paid_evening.codes) == 2
    path = f"/orders/{paid_evening.order_id}/tickets"
    for actor in (DOOR, ORGANISER, OTHER_CUSTOMER, OPERATOR):
        paid_evening.streams.when(actor, "GET", path).then_refuses(404, "not_found")


def test_the_code_admits_once(paid_evening: Evening) -> None:
    [code, _] = paid_evening.codes
    assert paid_evening.show(code).status == 201
    paid_evening.show(code).then_refuses(409, "already_used", gate="North", checked_in_at=format_instant(OPENING))


def test_the_code_admits_nobody_at_a_door_that_was_not_granted_or_is_not_open(paid_evening: Evening) -> None:
    body = {"code": paid_evening.codes[0], "nonce": str(uuid4()), "gate": "North"}
    path = f"/concerts/{paid_evening.concert_id}/check-ins"
    somebody = Actor(some_id("another door"), DOOR.roles)
    paid_evening.streams.when(somebody, "POST", path, body).then_refuses(403, "not_at_this_door")
    for too_early_or_late in (OPENING - timedelta(days=1), OPENING + timedelta(days=1)):
        paid_evening.streams.shop.clock.now = too_early_or_late
        paid_evening.streams.when(DOOR, "POST", path, body).then_refuses(403, "door_not_open")


def test_only_a_supervisor_lets_in_whom_the_rules_refuse(paid_evening: Evening) -> None:
    shop, [code, _] = paid_evening.streams.shop, paid_evening.codes
    body = {"code": code, "nonce": str(uuid4()), "gate": "North", "override": "the artist's mother"}
    path = f"/concerts/{paid_evening.concert_id}/check-ins"
    paid_evening.show(code)
    paid_evening.streams.when(DOOR, "POST", path, body).then_refuses(403, "not_a_supervisor")
    hours = DoorHours(is_supervisor=True)
    grant_door(shop.repository, shop.request(ORGANISER), DOOR.id, Place(paid_evening.concert_id), hours)
    answered = paid_evening.streams.when(DOOR, "POST", path, body)
    [[admitted]] = answered.news.values()
    assert isinstance(admitted, TicketCheckedIn)
    assert (answered.status, admitted.override) == (201, "the artist's mother")


def test_a_ticket_that_moved_has_a_new_code_and_the_old_one_admits_nobody(paid_evening: Evening) -> None:
    [old, other] = paid_evening.codes
    body = {"tickets": [str(paid_evening.tickets[0])], "holder": {"name": "Gina", "email": "gina@example.org"}}
    moved = paid_evening.streams.when(CUSTOMER, "POST", f"/orders/{paid_evening.order_id}/moves", body)
    assert moved.status == 201
    [gone, kept, new] = paid_evening.codes
    assert not gone
    assert kept == other
    paid_evening.show(old).then_refuses(410, "ticket_revoked")
    assert [paid_evening.show(code).status for code in (kept, new)] == [201, 201]


def test_a_ticket_whose_money_went_back_admits_nobody(paid_evening: Evening) -> None:
    [old, other] = paid_evening.codes
    body = {"tickets": [str(paid_evening.tickets[0])], "reason": "The view is blocked."}
    paid_evening.streams.when(ORGANISER, "POST", f"/orders/{paid_evening.order_id}/refunds", body)
    [gone, kept] = paid_evening.codes
    assert not gone
    assert kept == other
    paid_evening.show(old).then_refuses(410, "ticket_refunded")


def test_an_api_key_lets_in_and_is_no_supervisor(paid_evening: Evening) -> None:
    grant = KeyGrant(ORGANISER.id, frozenset({KeyScope.DOOR}))
    gate, path = Actor.of_key(some_id("a gate"), grant), f"/concerts/{paid_evening.concert_id}/check-ins"
    body = {"code": paid_evening.codes[0], "nonce": str(uuid4()), "gate": "North"}
    again = body | {"nonce": str(uuid4()), "override": "the artist's mother"}
    assert paid_evening.streams.when(gate, "POST", path, body).status == 201
    paid_evening.streams.when(gate, "POST", path, again).then_refuses(403, "not_a_supervisor")
