"""Every route, and how each kind of caller is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from uuid import uuid4

from chalicelib.platform.caller import KeyScope
from tests.journeys.company import ENDPOINT, Company
from tests.journeys.shop import BUYER, TICKETS, VENUE, Json, made, schedule_in, shown

UNTRUSTED = ("no token", "garbage", "expired", "wrong issuer", "alg none", "disabled")
PEOPLE = ("customer", "other customer", "owner", "staff", "door", "other organiser", "guest")
MACHINE = "API key without the scope"
COLUMNS = (*UNTRUSTED, *PEOPLE, MACHINE)

Ids = dict[str, str]
"""What stands for the names in a path."""


@dataclass(frozen=True)
class Asked:
    """One request to a route."""

    ids: Ids = field(default_factory=dict)
    body: Json | None = None


Ask = Callable[[Company], Asked]


@dataclass(frozen=True)
class Row:
    """`ask` makes what the request is about: once for all who are refused, and anew for each who is not.

    `scopes` are what an API key needs to be shown more on a route that anyone may call.
    """

    ask: Ask
    statuses: Mapping[str, int]
    scopes: tuple[KeyScope, ...] = ()


def _row(ask: Ask, untrusted: int, people: tuple[int, int, int, int, int, int], machine: int) -> Row:
    """A guest is one more customer, to whom nothing of this one belongs."""
    of_people = dict(zip(PEOPLE, (*people, people[1]), strict=True))
    return Row(ask, {**dict.fromkeys(UNTRUSTED, untrusted), **of_people, MACHINE: machine})


def open_to_all(ask: Ask, status: int) -> Row:
    """Whoever asks, with whatever token, is answered the same."""
    return _row(ask, status, (status,) * 6, status)


def signed_in(ask: Ask, status: int, machine: int = 403) -> Row:
    """Whoever has a token is answered the same, about what is the caller's own."""
    return _row(ask, 401, (status,) * 6, machine)


def of_customer(ask: Ask, status: int) -> Row:
    """Things of a customer do not exist for others."""
    return _row(ask, 401, (status, 404, 404, 404, 404, 404), 403)


def of_customer_and_organiser(ask: Ask, status: int) -> Row:
    """Orders, about which who sells may speak as well."""
    return _row(ask, 401, (status, 404, status, status, 404, 404), 403)


def of_organiser(ask: Ask, status: int) -> Row:
    """What an organiser has is changed by it and by its staff."""
    return _row(ask, 401, (403, 403, status, status, 403, 403), 403)


def of_any_organiser(ask: Ask, status: int) -> Row:
    """Every organiser makes or sees things of its own here."""
    return _row(ask, 401, (403, 403, status, status, 403, status), 403)


def of_owner(ask: Ask, status: int) -> Row:
    """Members, API keys and money are for owners."""
    return _row(ask, 401, (403, 403, status, 403, 403, 403), 403)


def of_any_owner(ask: Ask, status: int) -> Row:
    """What an organiser's systems are told is for its owners."""
    return _row(ask, 401, (403, 403, status, 403, 403, status), 403)


def of_endpoint(ask: Ask, status: int) -> Row:
    return _row(ask, 401, (403, 403, status, 403, 403, 404), 403)


def account_needed(ask: Ask, status: int) -> Row:
    """Guests have no account."""
    row = signed_in(ask, status)
    return replace(row, statuses={**row.statuses, "guest": 403})


def of_operator(ask: Ask) -> Row:
    return _row(ask, 401, (403,) * 6, 403)


def at_the_door(ask: Ask, status: int) -> Row:
    return _row(ask, 401, (403, 403, 403, 403, status, 403), 403)


def around_the_door(ask: Ask, status: int) -> Row:
    """Who sells the concert sees what happens at its doors, as who stands there does."""
    return _row(ask, 401, (403, 403, status, status, status, 403), 403)


def nothing(_: Company) -> Asked:
    return Asked()


def with_body(body: Json) -> Ask:
    return lambda _: Asked(body=body)


def of_concert(company: Company) -> Asked:
    return Asked({"concert_id": company.concert.concert_id})


def of_a_draft(company: Company) -> Asked:
    return Asked({"concert_id": company.a_draft})


def draft(body: Json | None = None) -> Ask:
    return lambda company: Asked({"concert_id": company.draft()}, body)


def published(body: Json | None = None) -> Ask:
    return lambda company: Asked({"concert_id": company.published().concert_id}, body)


def closed(company: Company) -> Asked:
    concert_id = company.published().concert_id
    made(company.owner.post(f"/concerts/{concert_id}/sales/close"))
    return Asked({"concert_id": concert_id})


def publishable(company: Company) -> Asked:
    concert_id = company.draft()
    made(company.owner.post(f"/concerts/{concert_id}/ticket-types", json=TICKETS))
    return Asked({"concert_id": concert_id})


def ticket_type_of_draft(company: Company) -> Asked:
    concert_id = company.draft()
    ticket_type_id = made(company.owner.post(f"/concerts/{concert_id}/ticket-types", json=TICKETS))["id"]
    return Asked({"concert_id": concert_id, "ticket_type_id": ticket_type_id})


def ticket_type_on_sale(company: Company) -> Asked:
    concert = company.published()
    ids = {"concert_id": concert.concert_id, "ticket_type_id": concert.ticket_type_id}
    return Asked(ids, {"name": "Balcony"})


def area(body: Json | None = None) -> Ask:
    """An area of a draft, which no ticket type draws from."""

    def ask(company: Company) -> Asked:
        concert_id = company.draft()
        made_area = made(company.owner.post(f"/concerts/{concert_id}/areas", json=AREA))
        return Asked({"concert_id": concert_id, "area_id": made_area["id"]}, body)

    return ask


def venue(body: Json | None = None) -> Ask:
    return lambda company: Asked({"venue_id": company.venue()}, body)


def new_concert(company: Company) -> Asked:
    return Asked(body={"name": "Björk", "venue_id": company.venue()})


def complimentary(company: Company) -> Asked:
    concert = company.concert
    body = {"ticket_type_id": concert.ticket_type_id, "guest": {"name": "Gina Guest"}}
    return Asked({"concert_id": concert.concert_id}, body)


def order_of_guest(company: Company) -> Asked:
    asked = complimentary(company)
    issued = made(company.owner.post(f"/concerts/{asked.ids['concert_id']}/complimentary-tickets", json=asked.body))
    return Asked({"order_id": issued["order_id"]})


def move(company: Company) -> Asked:
    """A ticket that goes to somebody else."""
    order_id, ticket_id = company.moved_ticket()
    return Asked({"order_id": order_id}, {"tickets": [ticket_id], "holder": {"name": "Gina Guest"}})


def endpoint(body: Json | None = None) -> Ask:
    return lambda company: Asked({"endpoint_id": company.an_endpoint, "delivery_id": str(uuid4())}, body)


def old_endpoint(company: Company) -> Asked:
    return Asked({"endpoint_id": company.endpoint()})


def new_door(company: Company) -> Asked:
    return Asked({"concert_id": company.concert.concert_id}, {"person_id": str(uuid4())})


def old_door(company: Company) -> Asked:
    return Asked({"concert_id": company.concert.concert_id, "person_id": str(uuid4())})


def cart(body: Json | None = None) -> Ask:
    return lambda company: Asked({"cart_id": company.cart()}, body)


def new_item(company: Company) -> Asked:
    ids = {"cart_id": made(company.customer.post("/carts"))["id"]}
    return Asked(ids, {"ticket_type_id": company.crowded.ticket_type_id, "quantity": 1})


def item(company: Company) -> Asked:
    asked = new_item(company)
    added = made(company.customer.post(f"/carts/{asked.ids['cart_id']}/items", json=asked.body))
    return Asked({**asked.ids, "item_id": added["item_id"]})


def order(body: Json | None = None) -> Ask:
    return lambda company: Asked({"order_id": company.an_order}, body)


def refund(company: Company) -> Asked:
    return Asked({"order_id": company.order()}, REASON)


def unpaid(body: Json | None = None) -> Ask:
    return lambda company: Asked({"order_id": company.unpaid()}, body)


def shown_ticket(company: Company) -> Asked:
    company.open_doors(company.concert.concert_id)
    return Asked({"concert_id": company.concert.concert_id}, company.shown_ticket())


def at_open_doors(company: Company) -> Asked:
    company.open_doors(company.concert.concert_id)
    return of_concert(company)


def leaving(company: Company) -> Asked:
    concert_id, [scan, _] = company.inside
    return Asked({"concert_id": concert_id}, shown(scan["code"]))


def mistaken(company: Company) -> Asked:
    concert_id, [_, scan] = company.inside
    return Asked({"concert_id": concert_id}, {"code": scan["code"], "nonce": scan["nonce"], "reason": "wrong queue"})


def told_later(company: Company) -> Asked:
    concert_id, [_, scan] = company.inside
    at = "2026-11-28T20:00:00Z"
    told = shown(scan["code"]) | {"scanned_at": at}
    return Asked({"concert_id": concert_id}, {"device_id": str(uuid4()), "device_clock": at, "scans": [told]})


def ticket(company: Company) -> Asked:
    return Asked({"ticket": company.a_ticket[1]})


def reissued(company: Company) -> Asked:
    order_id, ticket_id = company.a_ticket
    return Asked({"order_id": order_id, "ticket_id": ticket_id}, {})


def proven(company: Company) -> Asked:
    """Nobody has counted the ticket yet."""
    return replace(reissued(company), body=None)


def a_key(company: Company) -> Asked:
    return Asked({"concert_id": company.concert.concert_id, "key_id": "none"}, {"reason": "every year"})


def organiser(body: Json | None = None) -> Ask:
    return lambda company: Asked({"organiser_id": company.id}, body)


def member(body: Json | None = None) -> Ask:
    return lambda company: Asked({"organiser_id": company.id, "person_id": company.member()}, body)


def invitation(company: Company) -> Asked:
    return Asked({"organiser_id": company.id, "invitation_id": company.invite()["id"]})


def foreign_secret(company: Company) -> Asked:
    return Asked(invitation(company).ids, {"secret": "guess"})


def api_key(company: Company) -> Asked:
    body = {"name": "A machine", "scopes": ["sales:read"]}
    key_id = made(company.owner.post(f"{company.path}/api-keys", json=body))["id"]
    return Asked({"organiser_id": company.id, "key_id": key_id})


AREA: Json = {"name": "Parterre", "capacity": 10}
CARD: Json = {"provider": "sandbox", "token": "tok_visa"}
INVITED: Json = {"email": "sven@example.org", "role": "staff"}
REASON: Json = {"all": True, "reason": "The view is blocked."}

TABLE: dict[str, Row] = {
    "GET /me": signed_in(nothing, 200, machine=200),
    "GET /me/data": signed_in(nothing, 200),
    "DELETE /me": signed_in(with_body({"all": True}), 422),
    "DELETE /people/{person_id}": of_operator(lambda _: Asked({"person_id": str(uuid4())})),
    "GET /people/{person_id}/erasure": open_to_all(lambda _: Asked({"person_id": str(uuid4())}), 404),
    "POST /guests": open_to_all(nothing, 201),
    "POST /me/orders": account_needed(with_body({"link": "guess"}), 404),
    "POST /orders/{order_id}/link": _row(order(), 401, (409, 404, 409, 409, 404, 404), 403),
    "POST /orders/{order_id}/moves": _row(move, 401, (201, 404, 201, 201, 404, 404), 403),
    "GET /orders/{order_id}/timeline": of_customer_and_organiser(order(), 200),
    "DELETE /orders/{order_id}/guest": of_organiser(order_of_guest, 200),
    "GET /webhook-endpoints": of_any_owner(nothing, 200),
    "POST /webhook-endpoints": of_any_owner(with_body(ENDPOINT), 201),
    "GET /webhook-endpoints/{endpoint_id}": of_endpoint(endpoint(), 200),
    "PATCH /webhook-endpoints/{endpoint_id}": of_endpoint(endpoint({"description": "Ours"}), 200),
    "DELETE /webhook-endpoints/{endpoint_id}": of_endpoint(old_endpoint, 204),
    "POST /webhook-endpoints/{endpoint_id}/rotate-secret": of_endpoint(endpoint(), 200),
    "POST /webhook-endpoints/{endpoint_id}/test": of_endpoint(endpoint(), 202),
    "POST /webhook-endpoints/{endpoint_id}/replay": of_endpoint(endpoint({"since": "2020-01-01T00:00:00Z"}), 202),
    "GET /webhook-endpoints/{endpoint_id}/deliveries": of_endpoint(endpoint(), 200),
    "GET /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}": of_endpoint(endpoint(), 404),
    "POST /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver": of_endpoint(endpoint(), 404),
    "GET /health": open_to_all(nothing, 200),
    "GET /openapi.json": open_to_all(nothing, 200),
    "GET /venues": open_to_all(nothing, 200),
    "GET /venues/{venue_id}": open_to_all(lambda company: Asked({"venue_id": company.concert.venue_id}), 200),
    "GET /concerts": open_to_all(nothing, 200),
    "GET /concerts/{concert_id}": replace(
        _row(of_a_draft, 404, (404, 404, 200, 200, 404, 404), 404), scopes=(KeyScope.CONCERTS_WRITE,)
    ),
    "GET /concerts/{concert_id}/availability": open_to_all(of_concert, 200),
    "GET /concerts/{concert_id}/door-rules": open_to_all(of_concert, 200),
    "GET /concerts/{concert_id}/refund-policy": open_to_all(of_concert, 200),
    "GET /unsubscribe/{token}": open_to_all(lambda _: Asked({"token": "guess"}), 404),
    "POST /unsubscribe/{token}": open_to_all(lambda _: Asked({"token": "guess"}), 404),
    "POST /webhooks/payments/{provider}": open_to_all(lambda _: Asked({"provider": "sandbox"}, {}), 400),
    "POST /sandbox/payments/{payment_id}/authentication": open_to_all(
        lambda _: Asked({"payment_id": str(uuid4())}, {"client_secret": "guess", "succeeds": True}), 404
    ),
    "POST /carts": signed_in(nothing, 201),
    "GET /carts/{cart_id}": of_customer(cart(), 200),
    "POST /carts/{cart_id}/items": of_customer(new_item, 201),
    "DELETE /carts/{cart_id}/items/{item_id}": of_customer(item, 204),
    "POST /carts/{cart_id}/hold-extensions": of_customer(cart(), 200),
    "POST /carts/{cart_id}/checkout": of_customer(cart(BUYER), 201),
    "GET /orders": signed_in(nothing, 200),
    "GET /orders/{order_id}": of_customer(order(), 200),
    "GET /tickets/{ticket}": of_customer(ticket, 200),
    "GET /tickets/{ticket}/google-wallet": of_customer(ticket, 200),
    "GET /orders/{order_id}/tickets": of_customer(order(), 200),
    "GET /orders/{order_id}/tickets.pdf": of_customer(order(), 200),
    "GET /orders/{order_id}/tickets.ics": of_customer(order(), 200),
    "POST /orders/{order_id}/payments": of_customer(unpaid(CARD), 201),
    "POST /orders/{order_id}/cancel": of_customer(unpaid(), 200),
    "GET /orders/{order_id}/refunds": of_customer_and_organiser(order(), 200),
    "POST /orders/{order_id}/refunds": _row(refund, 401, (422, 404, 201, 201, 404, 404), 403),
    "PATCH /orders/{order_id}/buyer": of_customer_and_organiser(order({"name": "Gudrun"}), 200),
    "POST /concerts/{concert_id}/check-ins": at_the_door(shown_ticket, 201),
    "POST /concerts/{concert_id}/exits": at_the_door(leaving, 201),
    "POST /concerts/{concert_id}/check-ins/undo": at_the_door(mistaken, 200),
    "POST /concerts/{concert_id}/check-ins/batch": at_the_door(told_later, 200),
    "GET /concerts/{concert_id}/door-list": at_the_door(at_open_doors, 200),
    "GET /concerts/{concert_id}/door-counts": around_the_door(at_open_doors, 200),
    "GET /concerts/{concert_id}/door-report": around_the_door(at_open_doors, 200),
    "POST /concerts/{concert_id}/door-rules": of_organiser(draft({"has_reentry": True}), 200),
    "GET /concerts/{concert_id}/ticket-keys": open_to_all(of_concert, 200),
    "GET /concerts/{concert_id}/sold": open_to_all(of_concert, 404),
    "GET /concerts/{concert_id}/sold/register": open_to_all(of_concert, 404),
    "GET /orders/{order_id}/tickets/{ticket_id}/proof": of_customer(proven, 409),
    "POST /concerts/{concert_id}/ticket-keys": of_operator(a_key),
    "POST /concerts/{concert_id}/ticket-keys/{key_id}/revoke": of_operator(a_key),
    "POST /orders/{order_id}/tickets/{ticket_id}/reissue": of_customer_and_organiser(reissued, 201),
    "GET /streams/{stream_id}/events": of_organiser(
        lambda company: Asked({"stream_id": company.concert.concert_id}), 200
    ),
    "GET /sales": of_any_organiser(nothing, 200),
    "GET /sales/orders": of_any_organiser(nothing, 200),
    "GET /sales/attendees": of_any_organiser(nothing, 200),
    "GET /sales/refunds": of_any_organiser(nothing, 200),
    "GET /sales/days": of_any_organiser(nothing, 200),
    "GET /concerts/{concert_id}/sales": of_organiser(of_concert, 200),
    "GET /concerts/{concert_id}/orders": of_organiser(of_concert, 200),
    "GET /concerts/{concert_id}/attendees": of_organiser(of_concert, 200),
    "GET /concerts/{concert_id}/refunds": of_organiser(of_concert, 200),
    "GET /concerts/{concert_id}/sales/days": of_organiser(of_concert, 200),
    "GET /concerts/{concert_id}/sales/opening": of_organiser(of_concert, 200),
    "POST /venues": of_any_organiser(with_body(VENUE), 201),
    "PATCH /venues/{venue_id}": of_organiser(venue({"capacity": 9}), 200),
    "DELETE /venues/{venue_id}": of_organiser(venue(), 204),
    "POST /concerts": of_any_organiser(new_concert, 201),
    "PATCH /concerts/{concert_id}": of_organiser(draft({"name": "Bjork"}), 200),
    "DELETE /concerts/{concert_id}": of_organiser(draft(), 204),
    "POST /concerts/{concert_id}/schedule": of_organiser(draft(schedule_in(40)), 200),
    "POST /concerts/{concert_id}/ticket-types": of_organiser(draft(TICKETS), 201),
    "POST /concerts/{concert_id}/areas": of_organiser(draft(AREA), 201),
    "PATCH /concerts/{concert_id}/areas/{area_id}": of_organiser(area({"capacity": 9}), 200),
    "DELETE /concerts/{concert_id}/areas/{area_id}": of_organiser(area(), 204),
    "PATCH /concerts/{concert_id}/ticket-types/{ticket_type_id}": of_organiser(ticket_type_on_sale, 200),
    "DELETE /concerts/{concert_id}/ticket-types/{ticket_type_id}": of_organiser(ticket_type_of_draft, 204),
    "POST /concerts/{concert_id}/publish": of_organiser(publishable, 200),
    "POST /concerts/{concert_id}/cancel": of_organiser(published(), 200),
    "PATCH /concerts/{concert_id}/venue": of_organiser(published({"name": "Laugardalshöll"}), 200),
    "POST /concerts/{concert_id}/move": of_organiser(published(schedule_in(50)), 200),
    "POST /concerts/{concert_id}/postpone": of_organiser(published({}), 200),
    "POST /concerts/{concert_id}/sales/close": of_organiser(published(), 200),
    "POST /concerts/{concert_id}/sales/open": of_organiser(closed, 200),
    "POST /concerts/{concert_id}/refund-policy": of_owner(draft({"fee_percent": 5}), 200),
    "POST /concerts/{concert_id}/complimentary-tickets": of_organiser(complimentary, 201),
    "POST /concerts/{concert_id}/door-staff": of_organiser(new_door, 201),
    "DELETE /concerts/{concert_id}/door-staff/{person_id}": of_organiser(old_door, 204),
    "POST /door-staff": of_any_organiser(lambda _: Asked(body={"person_id": str(uuid4())}), 201),
    "DELETE /door-staff/{person_id}": of_any_organiser(lambda _: Asked({"person_id": str(uuid4())}), 204),
    "POST /accounts/{person_id}/disable": of_operator(
        lambda _: Asked({"person_id": str(uuid4())}, {"reason": "a lost phone"})
    ),
    "POST /accounts/{person_id}/enable": of_operator(lambda _: Asked({"person_id": str(uuid4())})),
    "GET /organisers/{organiser_id}/members": of_organiser(organiser(), 200),
    "PATCH /organisers/{organiser_id}/members/{person_id}": of_owner(member({"role": "door"}), 200),
    "DELETE /organisers/{organiser_id}/members/{person_id}": of_owner(member(), 204),
    "POST /organisers/{organiser_id}/invitations": of_owner(organiser(INVITED), 201),
    "GET /organisers/{organiser_id}/invitations": of_owner(organiser(), 200),
    "DELETE /organisers/{organiser_id}/invitations/{invitation_id}": of_owner(invitation, 204),
    "POST /organisers/{organiser_id}/invitations/{invitation_id}/accept": signed_in(foreign_secret, 404),
    "POST /organisers/{organiser_id}/api-keys": of_owner(
        organiser({"name": "A machine", "scopes": ["sales:read"]}), 201
    ),
    "GET /organisers/{organiser_id}/api-keys": of_owner(organiser(), 200),
    "DELETE /organisers/{organiser_id}/api-keys/{key_id}": of_owner(api_key, 204),
}
