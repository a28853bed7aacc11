"""Makes the callers and the things that made-up requests are about: all of one organiser, which is thrown away."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import httpx

from chalicelib.platform.caller import KeyScope
from tests.journeys.company import Company
from tests.journeys.shop import Json, Shop, made, order_of, person_of, publish_concert

CALLERS = ("no token", "guest", "customer", "organiser", "door", "operator", "API key")
OF_ROLE = {
    "anyone": "no token",
    "customers": "customer",
    "organisers": "organiser",
    "operators": "operator",
}
"""Who asks a route for every value that its document allows: whom it is for."""

ERASES = "DELETE /me"
"""Erases whoever calls: each call is made by somebody new."""

Words = Mapping[str, list[str]]


@dataclass(frozen=True)
class Cast:
    """Everybody who calls, and for each parameter the values that lead to something."""

    tokens: Mapping[str, str | None]
    words: Words
    newcomers: Iterator[str]
    """Tokens of people of whom nobody has heard, for what takes its caller with it."""

    def headers(self, caller: str) -> dict[str, str]:
        token = self.tokens[caller]
        return {} if token is None else {"Authorization": token}


def cast_of(shop: Shop) -> Cast:
    """Make an organiser with concerts, orders, tickets and people, none of which anybody else needs."""
    company = Company(shop)
    guest = company.callers["guest"]
    operator = shop.as_role("operator")
    tokens = {
        "no token": None,
        "guest": guest.headers["Authorization"],
        "customer": company.customer.headers["Authorization"],
        "organiser": company.owner.headers["Authorization"],
        "door": company.door.headers["Authorization"],
        "operator": operator.headers["Authorization"],
        "API key": company.key_without(()).headers["Authorization"],
    }
    newcomers = (f"Bearer {shop.token('customer', f'newcomer-{number}')}" for number in count())
    words = _words(company, guest, operator)
    shop.settle()
    return Cast(tokens, words, newcomers)


def _words(company: Company, guest: httpx.Client, operator: httpx.Client) -> Words:
    """Find the ids of things in all their states."""
    on_sale, doors_open = company.published(), company.inside[0]
    other = publish_concert(company.owner, {}, {"name": "Balcony"})
    order_id, tickets = company.an_order, company.a_ticket
    concerts = [on_sale.concert_id, other.concert_id, company.draft(), doors_open]
    for concert_id in concerts:
        company.open_doors(concert_id)
    draft = concerts[2]
    area = made(company.owner.post(f"/concerts/{draft}/areas", json={"name": "Parterre", "capacity": 10}))
    kind: Json = {"name": "Floor", "price": {"amount": "25.00", "currency": "EUR"}, "quantity": 20}
    of_draft = made(company.owner.post(f"/concerts/{draft}/ticket-types", json=kind))["id"]
    key = made(operator.get(f"/concerts/{on_sale.concert_id}/ticket-keys"))["keys"][0]["kid"]
    api_key = made(company.owner.post(f"{company.path}/api-keys", json={"name": "x", "scopes": [KeyScope.SALES_READ]}))
    strangers = [person_of(company.shop.customer()), person_of(company.shop.organiser())]
    guests_cart = made(guest.post("/carts"))["id"]
    return {
        "cart_id": [company.cart(), guests_cart],
        "concert_id": concerts,
        "venue_id": [on_sale.venue_id, company.venue()],
        "ticket_type_id": [on_sale.ticket_type_id, *other.ticket_type_ids, of_draft],
        "area_id": [area["id"]],
        "order_id": [order_id, order_of(company.customer, on_sale.ticket_type_id, 2), tickets[0], company.order()],
        "ticket_id": [tickets[1]],
        "ticket": [tickets[1]],
        "endpoint_id": [company.endpoint(), company.endpoint()],
        "organiser_id": [company.id],
        "person_id": [company.member(), *strangers],
        "invitation_id": [company.invite()["id"]],
        "key_id": [key, api_key["id"]],
        "stream_id": [on_sale.concert_id, order_id, company.id],
        "provider": ["sandbox"],
        "time_zone": ["Europe/Amsterdam", "Atlantic/Reykjavik"],
    }
