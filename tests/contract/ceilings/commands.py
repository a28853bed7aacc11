"""Commands at their dearest: on cold containers, at long streams, and with tickets that lie in forty pools."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.ceilings import Cost
from chalicelib.shop.mails.unsubscribing import token_for
from chalicelib.shop.orders.doors.offline import MOST_SCANS
from chalicelib.shop.orders.links import first_link
from chalicelib.shop.webhooks.deliveries import Delivery, DeliveryStatus
from chalicelib.shop.webhooks.delivery_log import DynamoDBDeliveryLog
from chalicelib.shop.webhooks.endpoints import endpoints_id
from chalicelib.shop.webhooks.groups import GroupKey, Source
from tests.contract.ceilings.conftest import DOOR, STAFF, Large
from tests.contract.ceilings.world import cost_of
from tests.support.shop import BUYER, CUSTOMER, IDS, OPERATOR, ORGANISER, OTHER_CUSTOMER

Counted = tuple[tuple[str, Role | None], int, Cost]
VENUE = {"name": "V", "capacity": 9, "address": "A", "city": "C", "country": "NL", "time_zone": "Europe/Amsterdam"}
TYPE = {"name": "T", "price": {"amount": "25.00", "currency": "EUR"}, "quantity": 4500, "max_per_order": 40}
EVENING = {"starts_at": "2031-01-01T20:00:00Z", "ends_at": "2031-01-01T23:00:00Z"}


class Client:
    """Sends requests, and keeps what each has cost."""

    def __init__(self, large: Large) -> None:
        self.world = large.world
        self.counted: list[Counted] = []

    def send(
        self, route: str, actor: Actor | None, role: Role | None, body: JsonObject | None = None, **ids: Any
    ) -> JsonObject:
        method, path = route.format(**ids).split()
        condition = {"If-Match": "*"} if method == "PATCH" else {}
        status, cost, answer = cost_of(self.world, actor, method, path, body, condition)
        self.counted.append(((route, role), status, cost))
        found: JsonObject = json.loads(answer) if answer.startswith("{") else {}  # else a page or a file
        return found


def counted_commands(large: Large) -> Iterator[Counted]:
    """Send each command, and say what it cost."""
    client = Client(large)
    _buy(client, large)
    _refund(client, large)
    _come_as_guests(client, large)
    _close_doors(client, large)
    for actor in (ORGANISER, STAFF):
        _organise(client, large, actor)
    _employ(client)
    _erase(client, large)
    _tell(client)
    client.send("POST /webhooks/payments/{provider}", None, None, {}, provider="sandbox")
    client.send("POST /concerts/{concert_id}/cancel", ORGANISER, Role.ORGANISER, concert_id=large.many_types)
    yield from client.counted


def _organise(client: Client, large: Large, actor: Actor) -> None:
    def organise(route: str, body: JsonObject | None = None, **ids: Any) -> JsonObject:
        return client.send(route, actor, Role.ORGANISER, body, **ids)

    venue_id = organise("POST /venues", VENUE)["id"]
    organise("PATCH /venues/{venue_id}", {"name": "W"}, venue_id=large.venue)
    organise("DELETE /venues/{venue_id}", venue_id=venue_id)
    draft = {"concert_id": organise("POST /concerts", {"name": "N", "venue_id": str(large.venue)})["id"]}
    organise("PATCH /concerts/{concert_id}", {"name": "M"}, concert_id=large.concert)
    organise("POST /concerts/{concert_id}/schedule", EVENING, **draft)
    types = [
        organise("POST /concerts/{concert_id}/ticket-types", TYPE | {"name": f"T {n}"}, **draft) for n in range(50)
    ]
    organise("DELETE /concerts/{concert_id}/ticket-types/{ticket_type_id}", ticket_type_id=types[0]["id"], **draft)
    _organise_areas(client, large, draft)
    organise("POST /concerts/{concert_id}/publish", {"confirm": "over_capacity"}, **draft)
    organise(
        "PATCH /concerts/{concert_id}/ticket-types/{ticket_type_id}",
        {"quantity": 4400},
        concert_id=large.ninety,
        ticket_type_id=large.of_ninety,
    )
    for route, body in (
        ("PATCH /concerts/{concert_id}", {"name": "O"}),
        ("PATCH /concerts/{concert_id}/venue", {"name": "W"}),
        ("POST /concerts/{concert_id}/postpone", {}),
        ("POST /concerts/{concert_id}/move", EVENING),
        ("POST /concerts/{concert_id}/sales/close", None),
        ("POST /concerts/{concert_id}/sales/open", None),
    ):
        organise(route, body, **draft)
    organise(
        "DELETE /concerts/{concert_id}",
        concert_id=organise("POST /concerts", {"name": "N", "venue_id": str(large.venue)})["id"],
    )


def _employ(client: Client) -> None:
    def employ(route: str, body: JsonObject | None = None, **ids: Any) -> JsonObject:
        actor, role = (CUSTOMER, Role.CUSTOMER) if route.endswith("/accept") else (ORGANISER, Role.ORGANISER)
        path = f"{route.split(maxsplit=1)[0]} /organisers/{{organiser_id}}{route.split()[1]}"
        role = Role.CUSTOMER if route.startswith("DELETE /members") else role
        return client.send(path, actor, role, body, organiser_id=ORGANISER.id, **ids)

    wanted = {"email": "sven@example.org", "role": "staff"}
    invited, revoked = employ("POST /invitations", wanted), employ("POST /invitations", wanted)
    employ("DELETE /invitations/{invitation_id}", invitation_id=revoked["id"])
    employ("POST /invitations/{invitation_id}/accept", {"secret": invited["secret"]}, invitation_id=invited["id"])
    employ("PATCH /members/{person_id}", {"role": "door"}, person_id=CUSTOMER.id)
    employ("DELETE /members/{person_id}", person_id=CUSTOMER.id)
    made = employ("POST /api-keys", {"name": "Box office", "scopes": ["sales:read"]})
    employ("DELETE /api-keys/{key_id}", key_id=made["id"])


def _organise_areas(client: Client, large: Large, draft: JsonObject) -> None:
    def organise(route: str, body: JsonObject | None = None, **ids: Any) -> JsonObject:
        return client.send(route, ORGANISER, Role.ORGANISER, body, **ids)

    areas = [
        organise("POST /concerts/{concert_id}/areas", {"name": f"A {n}", "capacity": 4500}, **draft) for n in range(50)
    ]
    for area in areas[1:]:
        organise("DELETE /concerts/{concert_id}/areas/{area_id}", area_id=area["id"], **draft)
    body = {name: value for name, value in TYPE.items() if name != "quantity"} | {"area_id": areas[0]["id"]}
    organise("POST /concerts/{concert_id}/ticket-types", body, **draft)
    on_sale, area_id, _ = large.world.shop.area_on_sale(4500, Adult=None)
    organise("PATCH /concerts/{concert_id}/areas/{area_id}", {"capacity": 4400}, concert_id=on_sale, area_id=area_id)


def _tell(client: Client) -> None:
    def tell(route: str, body: JsonObject | None = None, **ids: Any) -> JsonObject:
        return client.send(route, ORGANISER, Role.ORGANISER, body, **ids)

    made = tell("POST /webhook-endpoints", {"url": "https://box-office.example/", "events": ["order.confirmed"]})
    endpoint = {"endpoint_id": made["id"]}
    for number in range(50):
        changes = {"description": f"The {number}th"}
        tell("PATCH /webhook-endpoints/{endpoint_id}", changes, **endpoint)
    tell("POST /webhook-endpoints/{endpoint_id}/rotate-secret", **endpoint)
    tell("POST /webhook-endpoints/{endpoint_id}/test", **endpoint)
    tell("POST /webhook-endpoints/{endpoint_id}/replay", {"since": "2029-01-01T00:00:00Z"}, **endpoint)
    named = GroupKey(endpoints_id(ORGANISER.id), UUID(made["id"]), Source.ORDER, UUID(int=1))
    now = client.world.shop.clock()
    delivery = Delivery(UUID(int=1), named, "order.confirmed", now, DeliveryStatus.DELIVERED, 1, now)
    DynamoDBDeliveryLog(client.world.dynamodb, client.world.read_table).put(delivery)
    redeliver = "POST /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver"
    tell(redeliver, delivery_id=delivery.id, **endpoint)
    for route in ("", "/{endpoint_id}", "/{endpoint_id}/deliveries", "/{endpoint_id}/deliveries/{delivery_id}"):
        tell(f"GET /webhook-endpoints{route}", delivery_id=delivery.id, **endpoint)
    tell("DELETE /webhook-endpoints/{endpoint_id}", **endpoint)


def _buy(client: Client, large: Large) -> None:
    def buy(route: str, body: JsonObject | None = None, actor: Actor = CUSTOMER, **ids: Any) -> JsonObject:
        return client.send(route, actor, Role.CUSTOMER, body, **ids)

    large.world.shop.occupy(large.of_ninety, 49)
    wanted = {"ticket_type_id": str(large.of_ninety), "quantity": 40}
    cart = {"cart_id": buy("POST /carts")["id"]}
    other = {"cart_id": buy("POST /carts", actor=OTHER_CUSTOMER)["id"]}
    item = buy("POST /carts/{cart_id}/items", wanted, **cart)
    large.world.shop.clock.advance(timedelta(minutes=2))
    buy("POST /carts/{cart_id}/hold-extensions", **cart)
    buy("DELETE /carts/{cart_id}/items/{item_id}", item_id=item["item_id"], **cart)
    buy("POST /carts/{cart_id}/items", wanted, **cart)
    for _ in range(2):
        buy("POST /carts/{cart_id}/items", wanted, OTHER_CUSTOMER, **other)
    order = {"order_id": buy("POST /carts/{cart_id}/checkout", {"buyer": BUYER}, **cart)["order_id"]}
    buy("POST /orders/{order_id}/payments", {"provider": "sandbox", "token": "tok_visa"}, **order)
    state = large.world.shop.order_state(UUID(order["order_id"]))
    large.bought = UUID(order["order_id"])
    _open_doors(client, large)
    _come_in(client, large, large.world.shop.code(large.bought), state.tickets[0].id)
    unpaid = {"order_id": buy("POST /carts/{cart_id}/checkout", {"buyer": BUYER}, OTHER_CUSTOMER, **other)["order_id"]}
    asked = buy(
        "POST /orders/{order_id}/payments", {"provider": "sandbox", "token": "tok_3ds"}, OTHER_CUSTOMER, **unpaid
    )
    buy("POST /orders/{order_id}/cancel", actor=OTHER_CUSTOMER, **unpaid)
    answer = {"client_secret": asked["next_action"]["client_secret"], "succeeds": True}
    at_the_bank = "POST /sandbox/payments/{payment_id}/authentication"
    client.send(at_the_bank, None, None, answer, payment_id=asked["payment_id"])


def _refund(client: Client, large: Large) -> None:
    policy = {"customers_until": "2031-01-01T00:00:00Z", "fee_percent": 5}
    for concert_id in (large.concert, large.ninety):
        client.send(
            "POST /concerts/{concert_id}/refund-policy", ORGANISER, Role.ORGANISER, policy, concert_id=concert_id
        )
    given = {"ticket_type_id": str(large.of_ninety), "quantity": 40, "guest": {"name": "Gina Guest"}}
    route = "POST /concerts/{concert_id}/complimentary-tickets"
    client.send(route, ORGANISER, Role.ORGANISER, given, concert_id=large.ninety)
    name = {"name": "Clara Jones"}
    client.send("PATCH /orders/{order_id}/buyer", CUSTOMER, Role.CUSTOMER, name, order_id=large.order)
    order_id = large.bought
    place = {"ticket_type_id": str(large.one_of_many), "concert_id": str(large.many_types)}
    tickets = [str(ticket.id) for ticket in large.world.shop.order_state(order_id).tickets[1:21]]
    moved = {"tickets": tickets, "holder": {"name": "Gina Guest"}, **place}
    client.send("POST /orders/{order_id}/moves", ORGANISER, Role.CUSTOMER, moved, order_id=order_id)
    body = {"all": True, "reason": "The view is blocked."}
    client.send("POST /orders/{order_id}/refunds", ORGANISER, Role.CUSTOMER, body, order_id=order_id)


def _erase(client: Client, large: Large) -> None:
    """An organiser of many concerts is refused in the end, which costs more than an erasure."""
    for _ in range(20):
        large.world.follow(large.world.shop.on_sale()[0])
    guest = {"ticket_type_id": str(large.of_ninety), "guest": {"name": "Gina Guest"}}
    issue = "POST /concerts/{concert_id}/complimentary-tickets"
    order_id = client.send(issue, ORGANISER, Role.ORGANISER, guest, concert_id=large.ninety)["order_id"]
    client.send("DELETE /orders/{order_id}/guest", ORGANISER, Role.ORGANISER, order_id=order_id)
    client.send("DELETE /me", ORGANISER, Role.CUSTOMER)
    client.send("DELETE /me", OTHER_CUSTOMER, Role.CUSTOMER)
    large.world.shop.vault.seal(ORGANISER.id, BUYER)
    for person in (ORGANISER.id, large.concert):
        client.send("DELETE /people/{person_id}", OPERATOR, Role.OPERATOR, person_id=person)


def _come_as_guests(client: Client, large: Large) -> None:
    due = large.world.shop.order_state(large.of_guest).payment_due_at
    assert due is not None
    token = token_for(CUSTOMER.id, IDS)
    client.send("GET /unsubscribe/{token}", None, None, token=token)
    client.send("POST /unsubscribe/{token}", None, None, token=token)
    client.send("POST /guests", None, None)
    client.send("POST /guests", None, None, {"link": first_link(large.of_guest, due).signed(IDS).text})
    issue = "POST /orders/{order_id}/link"
    link = client.send(issue, ORGANISER, Role.CUSTOMER, order_id=large.of_guest)["link"]
    client.send("POST /me/orders", CUSTOMER, Role.CUSTOMER, {"link": link})


def _open_doors(client: Client, large: Large) -> None:
    hours = {"opens_at": "2029-01-01T00:00:00Z", "closes_at": "2031-01-01T00:00:00Z"}
    person = {"person_id": str(DOOR.id), **hours}
    for route in ("POST /door-staff", "POST /concerts/{concert_id}/door-staff"):
        client.send(route, ORGANISER, Role.ORGANISER, person, concert_id=large.ninety)


def _come_in(client: Client, large: Large, code: str, ticket_id: UUID) -> None:
    """Somebody comes in, leaves, comes in again; and a device tells as many scans as it may at once."""

    def at_the_door(route: str, body: JsonObject) -> None:
        client.send(route, DOOR, Role.CUSTOMER, body, concert_id=large.ninety)

    key, nonces = {"concert_id": large.ninety}, [str(uuid4()) for _ in range(MOST_SCANS + 3)]
    shown = [{"code": code, "nonce": nonce, "gate": "North"} for nonce in nonces]
    client.send("POST /concerts/{concert_id}/door-rules", ORGANISER, Role.ORGANISER, {"has_reentry": True}, **key)
    at_the_door("POST /concerts/{concert_id}/check-ins", shown[0])
    at_the_door("POST /concerts/{concert_id}/exits", shown[1])
    at_the_door("POST /concerts/{concert_id}/check-ins", shown[2])
    undone = {"code": code, "nonce": nonces[2], "reason": "wrong queue"}
    at_the_door("POST /concerts/{concert_id}/check-ins/undo", undone)
    now = format_instant(large.world.shop.clock())
    told = {"device_id": str(uuid4()), "device_clock": now, "scans": [scan | {"scanned_at": now} for scan in shown[3:]]}
    at_the_door("POST /concerts/{concert_id}/check-ins/batch", told)
    why, rotate = {"reason": "every year"}, "POST /concerts/{concert_id}/ticket-keys"
    client.send(rotate, OPERATOR, Role.OPERATOR, why, **key)
    [signing, *_] = large.world.shop.code_book.keys(large.ninety)
    client.send(f"{rotate}/{{key_id}}/revoke", OPERATOR, Role.OPERATOR, why, key_id=signing[0].name, **key)
    ids = {"order_id": large.bought, "ticket_id": ticket_id}
    client.send("POST /orders/{order_id}/tickets/{ticket_id}/reissue", CUSTOMER, Role.CUSTOMER, {}, **ids)


def _close_doors(client: Client, large: Large) -> None:
    for route in ("DELETE /door-staff/{person_id}", "DELETE /concerts/{concert_id}/door-staff/{person_id}"):
        client.send(route, ORGANISER, Role.ORGANISER, concert_id=large.ninety, person_id=DOOR.id)
    disable, enable = "POST /accounts/{person_id}/disable", "POST /accounts/{person_id}/enable"
    client.send(disable, OPERATOR, Role.OPERATOR, {"reason": "lost"}, person_id=DOOR.id)
    client.send(enable, OPERATOR, Role.OPERATOR, person_id=DOOR.id)
