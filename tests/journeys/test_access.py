"""Who may do what."""

import base64
import json
import time
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx
import jwt
import pytest

from tests.journeys.access_table import TABLE
from tests.journeys.shop import (
    ANY_VERSION,
    BUYER,
    VENUE,
    Shop,
    cart_with,
    made,
    order_of,
    pay,
    publish_concert,
    refused,
)


def test_every_route_but_the_public_ones_refuses_a_request_without_a_token(shop: Shop) -> None:
    for route, row in TABLE.items():
        method, path = route.split()
        if row.statuses["no token"] == httpx.codes.UNAUTHORIZED:
            concrete = path.replace("{", "").replace("}", "")
            refused(shop.visitor().request(method, concrete), 401, "unauthenticated")


def test_a_customer_on_an_organisers_route_is_forbidden(shop: Shop) -> None:
    refused(shop.customer().post("/venues", json=VENUE), 403, "forbidden")
    refused(shop.customer().post("/concerts", json={}), 403, "forbidden")


@pytest.mark.needs_the_stack
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"iss": "https://somebody-else.example"},
        {"aud": "another-shop"},
    ],
    ids=["expired", "without expiry", "wrong issuer", "wrong audience"],
)
def test_a_token_that_is_not_for_us_or_no_longer_valid_is_refused(shop: Shop, claims: dict[str, Any]) -> None:
    refused(shop.as_role("organiser", **claims).post("/venues", json=VENUE), 401, "unauthenticated")


def test_forged_tokens_are_refused(shop: Shop) -> None:
    genuine = shop.token("organiser", str(uuid4()))
    header, payload, signature = genuine.split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    claims = jwt.decode(genuine, options={"verify_signature": False})
    kid = jwt.get_unverified_header(genuine)["kid"]
    with_secret = jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": kid})
    flipped = ("B" if signature[0] != "B" else "C") + signature[1:]
    for token in (f"{unsigned}.{payload}.", with_secret, f"{header}.{payload}.{flipped}", "nonsense", "a.b.c"):
        headers = {"Authorization": f"Bearer {token}"}
        refused(shop.visitor().post("/venues", json=VENUE, headers=headers), 401, "unauthenticated")
    refused(shop.visitor().post("/venues", json=VENUE, headers={"Authorization": "Basic eDp5"}), 401, "unauthenticated")


def test_another_organisers_venue_and_concert_cannot_be_changed(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    other = shop.organiser()
    refused(other.patch(f"/venues/{concert.venue_id}", json={"capacity": 1}, headers=ANY_VERSION), 403, "forbidden")
    refused(other.delete(f"/venues/{concert.venue_id}"), 403, "forbidden")
    refused(other.post(f"/concerts/{concert.concert_id}/cancel"), 403, "forbidden")


def test_another_customers_cart_and_order_do_not_exist(shop: Shop) -> None:
    concert = publish_concert(shop.organiser())
    owner, other = shop.customer(), shop.customer()
    cart_id = cart_with(owner, concert.ticket_type_id, 1)
    order_id = order_of(owner, concert.ticket_type_id, 1)
    shop.settle()
    item = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    for response in (
        other.get(f"/carts/{cart_id}"),
        other.post(f"/carts/{cart_id}/items", json=item),
        other.delete(f"/carts/{cart_id}/items/{uuid4()}"),
        other.post(f"/carts/{cart_id}/checkout", json=BUYER),
        other.get(f"/orders/{order_id}"),
        other.get(f"/orders/{order_id}/tickets"),
        pay(other, order_id),
        owner.get(f"/carts/{uuid4()}"),
        owner.get("/carts/not-a-uuid"),
        owner.get(f"/orders/{uuid4()}"),
    ):
        refused(response, 404, "not_found")
    assert made(other.get("/orders"))["items"] == []


@pytest.mark.needs_the_stack
def test_a_role_granted_here_counts_with_the_next_request_until_it_is_revoked(shop: Shop) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    person = str(uuid4())
    client = shop.customer(person)
    refused(client.post("/venues", json=VENUE), 403, "forbidden")
    assert main(["grant", person, "organisers"]) == 0
    made(client.post("/venues", json=VENUE))
    assert main(["revoke", person, "organisers"]) == 0
    refused(client.post("/venues", json=VENUE), 403, "forbidden")


@pytest.mark.needs_the_stack
def test_an_operator_manages_what_organisers_made_and_sees_every_stream(shop: Shop) -> None:
    from ops.__main__ import main  # noqa: PLC0415 - reads the environment

    concert = publish_concert(shop.organiser())
    made(shop.as_role("operator").patch(f"/venues/{concert.venue_id}", json={"capacity": 5}, headers=ANY_VERSION))
    person = str(uuid4())
    assert main(["grant", person, "operators"]) == 0
    for client in (shop.customer(person), shop.organiser(person)):
        assert made(client.get(f"/streams/{concert.concert_id}/events"))["items"]
    assert main(["revoke", person, "operators"]) == 0


def test_an_id_of_another_kind_of_stream_leads_nowhere_and_spoils_nothing(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concert = publish_concert(organiser)
    item = {"ticket_type_id": concert.ticket_type_id, "quantity": 1}
    pool_id = str(uuid5(UUID(concert.ticket_type_id), "pool/0"))
    for stream_id in (concert.concert_id, pool_id, concert.venue_id):
        refused(customer.post(f"/carts/{stream_id}/items", json=item), 404, "not_found")
        refused(pay(customer, stream_id), 404, "not_found")
    refused(organiser.post(f"/concerts/{pool_id}/cancel"), 404, "not_found")
    cart_with(customer, concert.ticket_type_id, 1)
    assert made(organiser.post(f"/concerts/{concert.concert_id}/cancel"))["status"] == "cancelling"


def test_a_person_without_the_role_is_refused(shop: Shop) -> None:
    client = shop.customer()
    refused(client.post("/venues", json=VENUE), 403, "forbidden")
