"""An organiser with its people and machines, and everybody else who may knock at the shop's door."""

import base64
import json
import time
from collections.abc import Mapping
from functools import cached_property
from uuid import uuid4

import httpx

from chalicelib.platform.caller import KeyScope
from tests.journeys.shop import (
    VENUE,
    Json,
    Published,
    Shop,
    cart_with,
    made,
    order_of,
    pay,
    person_of,
    publish_concert,
    schedule_in,
    shown,
)

GARBAGE = "Bearer nonsense"
ENDPOINT: Json = {"url": "https://box-office.example/", "events": ["order.confirmed"]}


class Company:
    """An organiser who has staff, somebody at the doors, and a customer with a cart and an order."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.owner, self.staff, self.door = shop.organiser(), shop.customer(), shop.customer()
        self.customer, self.other_organiser = shop.customer(), shop.organiser()
        self.id = person_of(self.owner)
        self.path = f"/organisers/{self.id}"
        self.join(self.staff, "staff")
        self.join(self.door, "door")

    def invite(self, role: str = "staff") -> Json:
        return made(self.owner.post(f"{self.path}/invitations", json={"email": "sven@example.org", "role": role}))

    def join(self, client: httpx.Client, role: str) -> str:
        """Invite the person, who accepts."""
        invited = self.invite(role)
        path = f"{self.path}/invitations/{invited['id']}/accept"
        made(client.post(path, json={"secret": invited["secret"]}))
        return person_of(client)

    def key(self, *scopes: str) -> httpx.Client:
        """A machine with a new API key."""
        made_key = made(self.owner.post(f"{self.path}/api-keys", json={"name": "A machine", "scopes": scopes}))
        return self.with_authorization(f"Bearer {made_key['key']}")

    def with_authorization(self, value: str) -> httpx.Client:
        client = self.shop.visitor()
        client.headers["Authorization"] = value
        return client

    def venue(self) -> str:
        venue_id: str = made(self.owner.post("/venues", json=VENUE | {"shared": True}))["id"]
        return venue_id

    def draft(self) -> str:
        body = {"name": "Björk", "venue_id": self.venue()}
        concert_id: str = made(self.owner.post("/concerts", json=body))["id"]
        made(self.owner.post(f"/concerts/{concert_id}/schedule", json=schedule_in(30)))
        return concert_id

    def published(self) -> Published:
        return publish_concert(self.owner)

    @cached_property
    def concert(self) -> Published:
        """A concert on sale, which nobody changes."""
        concert = self.published()
        self.shop.settle()
        return concert

    @cached_property
    def a_draft(self) -> str:
        concert_id = self.draft()
        self.shop.settle()
        return concert_id

    def order(self, quantity: int = 1) -> str:
        """A new order of the customer that is paid."""
        order_id = order_of(self.customer, self.concert.ticket_type_id, quantity)
        made(pay(self.customer, order_id))
        return order_id

    @cached_property
    def an_order(self) -> str:
        """An order of some tickets, which stays as it is: a customer may change carts only so often."""
        return self.order(3)

    @cached_property
    def _tickets(self) -> list[Json]:
        return self._tickets_of(self.an_order)

    def _tickets_of(self, order_id: str) -> list[Json]:
        paid = {"Min-Version": f"{order_id}:2"}
        tickets: list[Json] = made(self.customer.get(f"/orders/{order_id}/tickets", headers=paid))["items"]
        return tickets

    @cached_property
    def a_ticket(self) -> tuple[str, str]:
        """The order and the id of a ticket that nobody shows at a door."""
        order_id = self.order()
        [ticket] = self._tickets_of(order_id)
        self.shop.settle()
        return order_id, ticket["id"]

    @cached_property
    def inside(self) -> tuple[str, list[Json]]:
        """A concert that lets people in again, and the scans of two who are inside."""
        concert = self.published()
        path = f"/concerts/{concert.concert_id}"
        made(self.owner.post(f"{path}/door-rules", json={"has_reentry": True}))
        self.open_doors(concert.concert_id)
        order_id = order_of(self.customer, concert.ticket_type_id, 2)
        made(pay(self.customer, order_id))
        scans = [shown(ticket["code"]) for ticket in self._tickets_of(order_id)]
        for scan in scans:
            made(self.door.post(f"{path}/check-ins", json=scan))
        return concert.concert_id, scans

    @cached_property
    def _movable(self) -> tuple[str, list[str]]:
        order_id = self.order(4)
        return order_id, [ticket["id"] for ticket in self._tickets_of(order_id)]

    def moved_ticket(self) -> tuple[str, str]:
        """An order of the customer, and a ticket of it that nobody has moved yet."""
        order_id, tickets = self._movable
        return order_id, tickets.pop()

    def endpoint(self) -> str:
        endpoint_id: str = made(self.owner.post("/webhook-endpoints", json=ENDPOINT))["id"]
        return endpoint_id

    @cached_property
    def an_endpoint(self) -> str:
        """An endpoint that nobody deletes: an organiser has only so many."""
        return self.endpoint()

    def unpaid(self) -> str:
        """An order of a concert of its own, because a customer may have few unpaid ones of one."""
        return order_of(self.customer, self.published().ticket_type_id, 1)

    @cached_property
    def crowded(self) -> Published:
        """A concert of which tickets lie in carts: a customer holds only so many of one."""
        return self.published()

    def cart(self) -> str:
        return cart_with(self.customer, self.crowded.ticket_type_id, 1)

    def shown_ticket(self) -> Json:
        """A ticket that nobody has shown yet."""
        return shown(self._tickets.pop()["code"])

    def open_doors(self, concert_id: str) -> None:
        """Let who stands at the doors in at this concert, whatever the time."""
        hours = {"opens_at": "2020-01-01T00:00:00Z", "closes_at": "2100-01-01T00:00:00Z"}
        body = hours | {"person_id": person_of(self.door)}
        made(self.owner.post(f"/concerts/{concert_id}/door-staff", json=body))

    def member(self) -> str:
        return self.join(self.shop.customer(), "staff")

    @cached_property
    def callers(self) -> Mapping[str, httpx.Client]:
        """Everybody but the machines, by the name of their column."""
        disabled = str(uuid4())
        made(self.shop.as_role("operator").post(f"/accounts/{disabled}/disable", json={"reason": "a lost phone"}))
        return {
            "no token": self.shop.visitor(),
            "garbage": self.with_authorization(GARBAGE),
            "expired": self.shop.as_role("organiser", self.id, exp=int(time.time()) - 1),
            "wrong issuer": self.shop.as_role("organiser", self.id, iss="https://somebody-else.example"),
            "alg none": self.with_authorization(f"Bearer {unsigned(self.shop.token('organiser', self.id))}"),
            "disabled": self.shop.organiser(disabled),
            "customer": self.customer,
            "other customer": self.shop.customer(),
            "owner": self.owner,
            "staff": self.staff,
            "door": self.door,
            "other organiser": self.other_organiser,
            "guest": self.with_authorization(f"Bearer {made(self.shop.visitor().post('/guests'))['token']}"),
        }

    @cached_property
    def _keys(self) -> dict[frozenset[KeyScope], httpx.Client]:
        return {}

    def key_without(self, scopes: tuple[KeyScope, ...]) -> httpx.Client:
        """A machine whose key has every other scope; where every scope does, one that has them all."""
        has = frozenset(KeyScope) - frozenset(scopes) or frozenset(KeyScope)
        if has not in self._keys:
            self._keys[has] = self.key(*sorted(has))
        return self._keys[has]


def unsigned(token: str) -> str:
    """The same claims, and a header that says that no signature is needed."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."
