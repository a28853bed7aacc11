"""`python -m tests.support.record_log`: play one day of the shop on a stack of its own, and record its log.

It is recorded beside those that there are, which stay as they are for ever. Every kind of event that the shop writes
happens in it. The data hold nothing secret: the keys that sealed the buyers' names are gone with the stack.
`--expected-only` records nothing, and computes anew what the recorded logs come to.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID, uuid5

import boto3
import httpx

from benchmarks.own_stack import own_stack
from chalicelib import composition, contexts
from chalicelib.functions import PROCESSES
from chalicelib.platform.caller import Actor, Caller, RequestIdentity, Role
from chalicelib.platform.eventsourcing.codec import Origin
from chalicelib.platform.eventsourcing.event import event_classes
from chalicelib.platform.processes.runner import ProcessRunner
from chalicelib.shop.access.commands import disable_account, enable_account, grant_role, revoke_role
from chalicelib.shop.access.erasure import erase_person
from chalicelib.shop.carts.cart import CART
from chalicelib.shop.carts.events import CartCreated
from chalicelib.shop.orders.operators import settle_order
from chalicelib.shop.orders.rules import Outcome
from chalicelib.shop.orders.settlement import SettlementContext
from local.stack import Stack
from tests.journeys.shop import (
    ANY_VERSION,
    BUYER,
    TICKETS,
    VENUE,
    Json,
    Shop,
    clock_of_the_shop,
    made,
    open_shop,
    pay,
    refused,
)
from tests.support import recorded_log
from tests.support.recorded_log import Item, RecordedLog, next_log, recorded_logs
from tests.support.shop import Clock

FIRST_MORNING = datetime(2026, 11, 27, 9, tzinfo=UTC)
OPENING = FIRST_MORNING + timedelta(days=60)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
PERSONS = UUID("a10c0000-0000-4000-8000-000000000000")
READ_ONLY = "ByTheOriginal"
"""How the classes of events end that the shop reads and never writes."""


class Incomplete(Exception):
    """The story does not make every kind of event that the shop writes."""


def person(name: str) -> str:
    """The id of somebody in the story."""
    return str(uuid5(PERSONS, name))


@dataclass
class Concert:
    """A concert of the story, by the ids of its ticket types."""

    id: str
    ticket_types: list[str]

    @property
    def path(self) -> str:
        return f"/concerts/{self.id}"


@dataclass
class Story:
    """What happens, told through the public API wherever that can make it happen."""

    shop: Shop
    clock: Clock
    places: dict[str, str] = field(default_factory=dict)

    def play(self) -> None:
        self.venues_come_and_go()
        self.drafts_are_edited()
        self.carts_change()
        self.orders_are_paid_or_not()
        self.payments_come_late()
        self.customers_are_limited()
        self.quantities_change()
        self.people_come_in()
        self.a_concert_is_cancelled()
        self.roles_are_granted()
        self.carts_are_one_each()
        self.orders_follow_their_money()
        self.settle()

    # --- the house -------------------------------------------------------------------------------------------------

    @cached_property
    def organiser(self) -> httpx.Client:
        return self.shop.organiser(person("organiser"))

    @cached_property
    def venue_id(self) -> str:
        return str(self.post(self.organiser, "/venues", VENUE)["id"])

    def venues_come_and_go(self) -> None:
        self.patch(self.organiser, f"/venues/{self.venue_id}", {"capacity": 1500, "web_url": None})
        mistaken = self.post(self.organiser, "/venues", VENUE | {"name": "Hapra"})["id"]
        made(self.organiser.delete(f"/venues/{mistaken}"))

    def drafts_are_edited(self) -> None:
        draft = self.draft("Múm", TICKETS, TICKETS | {"name": "Balcony"})
        self.patch(self.organiser, draft.path, {"description": "With a string quartet", "genre": "Electronic"})
        self.patch(self.organiser, f"{draft.path}/ticket-types/{draft.ticket_types[0]}", {"quantity": 30})
        made(self.organiser.delete(f"{draft.path}/ticket-types/{draft.ticket_types[1]}"))
        given_up = self.draft("Nobody")
        made(self.organiser.delete(given_up.path))
        self.places |= {"draft": draft.id, "organiser": person("organiser")}

    # --- buying ----------------------------------------------------------------------------------------------------

    @cached_property
    def concert(self) -> Concert:
        """Its seats are few, and its guest list costs nothing."""
        floor, seats = TICKETS | {"quantity": 40}, TICKETS | {"name": "Seats", "quantity": 3}
        guests = TICKETS | {"name": "Guest list", "price": {"amount": "0.00", "currency": "EUR"}}
        return self.on_sale("Björk", floor, seats, guests)

    def carts_change(self) -> None:
        floor, *_ = self.concert.ticket_types
        customer = self.shop.customer(person("who cannot decide"))
        cart_id = self.cart(customer)
        first = self.add(customer, cart_id, floor, 2)
        self.add(customer, cart_id, floor, 1)
        made(customer.delete(f"/carts/{cart_id}/items/{first}"))
        self.pass_by(5 * MINUTE)
        self.post(customer, f"/carts/{cart_id}/hold-extensions")
        self.pass_by(30 * MINUTE)
        self.settle()
        open_cart = self.cart(self.shop.customer(person("who has a cart")))
        self.places |= {"cart": open_cart, "customer": person("who has a cart"), "ticket_type": floor}

    def orders_are_paid_or_not(self) -> None:
        floor, _, guests = self.concert.ticket_types
        buyer = self.shop.customer(person("who buys"))
        order_id = self.order(buyer, floor, 2)
        refused(pay(buyer, order_id, "tok_declined"), 402, "payment_declined")
        self.pass_by(SECOND)
        made(pay(buyer, order_id))
        self.order(self.shop.customer(person("who is invited")), guests, 1)
        overcharged = self.shop.customer(person("who is overcharged"))
        refused(pay(overcharged, self.order(overcharged, floor, 1), "tok_wrong_amount"), 409, "payment_returned")
        patient = self.shop.customer(person("who waits"))
        made(pay(patient, self.order(patient, floor, 1), "tok_delayed"))
        self.settle()
        self.pass_by(2 * MINUTE)
        self.settle()
        self.order(self.shop.customer(person("who never pays")), floor, 4)
        self.pass_by(20 * MINUTE)
        self.settle()

    def payments_come_late(self) -> None:
        """Of two, after another has bought what they waited for: one is given what is left, one its money."""
        _, seats, _ = self.concert.ticket_types
        late = [self.shop.customer(person(f"who is late {number}")) for number in (1, 2)]
        orders = [self.order(customer, seats, quantity) for customer, quantity in zip(late, (2, 1), strict=True)]
        for customer, order_id in zip(late, orders, strict=True):
            refused(pay(customer, order_id, "tok_lost_reply"), 503, "unavailable")
        self.pass_by(20 * MINUTE)
        quick = self.shop.customer(person("who is quick"))
        made(pay(quick, self.order(quick, seats, 2)))
        self.settle()

    # --- rules of the organiser ------------------------------------------------------------------------------------

    def customers_are_limited(self) -> None:
        concert = self.on_sale("Sigur Rós", TICKETS, max_per_customer=3)
        customer = self.shop.customer(person("who wants all"))
        cart_id = self.cart(customer)
        item_id = self.add(customer, cart_id, concert.ticket_types[0], 2)
        made(customer.delete(f"/carts/{cart_id}/items/{item_id}"))
        made(pay(customer, self.order(customer, concert.ticket_types[0], 3)))
        self.places["limited_concert"] = concert.id

    def quantities_change(self) -> None:
        """Of two pools; the last group is given tickets of both."""
        concert = self.on_sale("Ásgeir", TICKETS | {"quantity": 60, "max_per_order": 40})
        [floor] = concert.ticket_types
        groups = [self.shop.customer(person(f"group {number}")) for number in (1, 2, 3)]
        carts = [self.cart(group) for group in groups]
        for group, cart_id in zip(groups, carts, strict=True):
            self.add(group, cart_id, floor, 20)
        made(pay(groups[-1], self.check_out(groups[-1], carts[-1])))
        path = f"{concert.path}/ticket-types/{floor}"
        self.patch(self.organiser, path, {"quantity": 64})
        refused(self.organiser.patch(path, json={"quantity": 59}, headers=ANY_VERSION), 409, "capacity_below_committed")
        self.patch(self.organiser, path, {"quantity": 62})

    def people_come_in(self) -> None:
        concert = self.on_sale("Of Monsters and Men")
        customer, door = self.shop.customer(person("who comes")), self.shop.as_role("door", person("door"))
        order_id = self.order(customer, concert.ticket_types[0], 2)
        made(pay(customer, order_id))
        self.settle()
        ticket, *_ = made(customer.get(f"/orders/{order_id}/tickets"))["items"]
        staff = {"person_id": person("door"), "opens_at": "2026-11-01T00:00:00Z"}
        self.post(self.organiser, f"{concert.path}/door-staff", staff)
        shown = {"code": ticket["code"], "nonce": person("scan"), "gate": "North"}
        self.post(door, f"{concert.path}/check-ins", shown)
        made(self.organiser.delete(f"{concert.path}/door-staff/{person('door')}"))

    def a_concert_is_cancelled(self) -> None:
        """One order is paid, for it and for another concert; one is not paid; one cart is still full."""
        concert, other = self.on_sale("Kaleo"), self.concert
        floor = concert.ticket_types[0]
        for name in ("who is disappointed", "who came for both"):
            customer = self.shop.customer(person(name))
            cart_id = self.cart(customer)
            self.add(customer, cart_id, floor, 2)
            if "both" in name:
                self.add(customer, cart_id, other.ticket_types[0], 1)
            made(pay(customer, self.check_out(customer, cart_id)))
        self.order(self.shop.customer(person("who hesitates")), floor, 1)
        holding = self.shop.customer(person("who only holds"))
        self.add(holding, self.cart(holding), floor, 1)
        self.settle()
        self.post(self.organiser, f"{concert.path}/cancel")
        self.settle()
        for _ in range(3):
            self.pass_by(2 * MINUTE)
            self.settle()

    def roles_are_granted(self) -> None:
        """By an operator at a shell."""
        shop, helper = composition.current(), UUID(person("helper"))
        origin = Origin("operator:recorder", person("operator"), "ops:record")
        grant_role(shop.repository, origin, helper, Role.ORGANISER)
        grant_role(shop.repository, origin, helper, Role.DOOR)
        revoke_role(shop.repository, origin, helper, Role.ORGANISER)
        request = RequestIdentity(UUID(int=1), "", is_repeatable=False)
        operator = Caller(Actor(UUID(int=0), frozenset({Role.OPERATOR})), origin, request)
        disable_account(shop.repository, operator, helper, "a lost phone")
        enable_account(shop.repository, operator, helper)
        erase_person(shop.repository, shop.vault, origin, UUID(person("who never pays")))

    # --- limits, and money that goes back at the provider ----------------------------------------------------------

    def carts_are_one_each(self) -> None:
        """A customer asks for another cart, lets the first one lapse, and has one from before there were lists."""
        concert = self.on_sale("Emilíana Torrini")
        customer = self.shop.customer(person("who comes back"))
        cart_id = self.cart(customer)
        self.add(customer, cart_id, concert.ticket_types[0], 1)
        self.cart(customer)
        self.pass_by(30 * MINUTE)
        self.cart(customer)
        loyal, old_cart = UUID(person("who was here before")), UUID(person("a cart of before"))
        before = CartCreated(customer_id=loyal, request_hash="", at=self.clock())
        composition.current().repository.execute(
            lambda session: session.append(CART, old_cart, before), Origin(str(loyal), "before", "before")
        )
        self.add(self.shop.customer(str(loyal)), str(old_cart), concert.ticket_types[0], 1)

    def orders_follow_their_money(self) -> None:
        concert = self.on_sale("GusGus", TICKETS | {"quantity": 30})
        tokens = ("tok_refund_fails", "tok_refunded_there", "tok_partly_refunded_there", "tok_dispute_won")
        orders: dict[str, str] = {}
        for token in (*tokens, "tok_dispute_lost"):
            customer = self.shop.customer(person(f"who pays with {token}"))
            orders[token] = self.order(customer, concert.ticket_types[0], 1)
            made(pay(customer, orders[token], token))
        self.pass_by(6 * SECOND)
        self.post(self.organiser, f"{concert.path}/cancel")
        for _ in range(4):
            self.pass_by(2 * MINUTE)
            self.settle()
        for _ in range(4):
            self.pass_by(timedelta(hours=25))
            self.settle()
        shop = composition.current()
        by_operator = SettlementContext(
            shop.repository, shop.gateways, Origin("operator:recorder", "ops", "ops:settle")
        )
        settle_order(by_operator, UUID(orders["tok_refund_fails"]), Outcome.REFUNDED, "paid back by transfer")

    # --- how things are done ---------------------------------------------------------------------------------------

    def draft(self, name: str, *ticket_types: Json, max_per_customer: int | None = None) -> Concert:
        details = {"name": name, "venue_id": self.venue_id, "max_per_customer": max_per_customer}
        path = f"/concerts/{self.post(self.organiser, '/concerts', details)['id']}"
        ends_at = OPENING + timedelta(hours=3)
        self.post(
            self.organiser, f"{path}/schedule", {"starts_at": OPENING.isoformat(), "ends_at": ends_at.isoformat()}
        )
        kinds = [self.post(self.organiser, f"{path}/ticket-types", kind)["id"] for kind in ticket_types]
        return Concert(path.rpartition("/")[2], kinds)

    def on_sale(self, name: str, *ticket_types: Json, max_per_customer: int | None = None) -> Concert:
        concert = self.draft(name, *(ticket_types or (TICKETS,)), max_per_customer=max_per_customer)
        self.post(self.organiser, f"{concert.path}/publish")
        return concert

    def cart(self, customer: httpx.Client) -> str:
        return str(self.post(customer, "/carts")["id"])

    def add(self, customer: httpx.Client, cart_id: str, ticket_type_id: str, quantity: int) -> str:
        line = {"ticket_type_id": ticket_type_id, "quantity": quantity}
        return str(self.post(customer, f"/carts/{cart_id}/items", line)["item_id"])

    def check_out(self, customer: httpx.Client, cart_id: str) -> str:
        return str(self.post(customer, f"/carts/{cart_id}/checkout", BUYER)["order_id"])

    def order(self, customer: httpx.Client, ticket_type_id: str, quantity: int) -> str:
        cart_id = self.cart(customer)
        self.add(customer, cart_id, ticket_type_id, quantity)
        return self.check_out(customer, cart_id)

    def post(self, client: httpx.Client, path: str, body: Json | None = None) -> Json:
        self.pass_by(SECOND)
        return made(client.post(path, json=body))

    def patch(self, client: httpx.Client, path: str, body: Json) -> Json:
        self.pass_by(SECOND)
        return made(client.patch(path, json=body, headers=ANY_VERSION))

    def pass_by(self, time: timedelta) -> None:
        self.clock.advance(time)

    def settle(self) -> None:
        """Everything is delivered and done, and every scheduled function has run."""
        for _ in range(2):
            self.shop.settle()
            self.shop.pump.tick()
        self.shop.settle()


def record(stack: Stack, log: RecordedLog) -> None:
    """Play, and write the log down. Raises Incomplete."""
    clock = Clock(FIRST_MORNING)
    with open_shop(stack) as shop, clock_of_the_shop(clock):
        story = Story(shop, clock)
        story.play()
    items = items_of(stack.environment["EVENTS_TABLE"])
    ensure_complete(items)
    log.directory.mkdir(parents=True)
    recorded_log.write_lines(log.events, items)
    log.places.write_text(json.dumps(story.places, indent=2) + "\n")


def expect(log: RecordedLog) -> None:
    """Write down what the log comes to by the code as it is."""
    streams = recorded_log.streams_of(log.items())
    recorded_log.write_lines(log.states, recorded_log.states_of(streams))
    lines: list[Json] = []
    shop = composition.current()
    for name in shop.read_model_names:
        model = shop.read_model(name)
        if name == PROCESSES:  # without what the bus only passes on
            model = ProcessRunner(shop.instances, shop.work_queue, contexts.processes())
        lines += recorded_log.contributions(name, recorded_log.kept_by(model, streams))
    recorded_log.write_lines(log.read_models, lines)


def items_of(table: str) -> list[Item]:
    """The table as it lies there."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = [{name: item[name] for name in sorted(item)} for page in pages for item in page["Items"]]
    return sorted(items, key=lambda item: (item["AggregateId"]["S"], int(item["AggregateVersion"]["N"])))


def ensure_complete(items: Iterable[Mapping[str, Mapping[str, str]]]) -> None:
    """Raises Incomplete."""
    found = Counter(item["EventType"]["S"] for item in items)
    written = {cls.stored_name for cls in event_classes() if not cls.__name__.endswith(READ_ONLY)}
    if missing := written - found.keys():
        raise Incomplete(f"nothing of this happens: {', '.join(sorted(missing))}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.record_log", description=__doc__)
    parser.add_argument("--expected-only", action="store_true", help="compute anew what the logs come to")
    options = parser.parse_args()
    with own_stack() as stack:
        os.environ.update(stack.environment)
        logs = recorded_logs()
        if not options.expected_only:
            logs = [next_log()]
            record(stack, logs[0])
        composition.use(None)
        for log in logs:
            expect(log)
    return 0


if __name__ == "__main__":
    sys.exit(main())
