"""No header, no parameter, no token and no byte makes a 500, on any route and with every server behind it."""

import base64
import json
from uuid import uuid4

import httpx
import pytest

from tests.journeys.shop import (
    ANY_VERSION,
    BUYER,
    VENUE,
    Shop,
    cart_with,
    made,
    person_of,
    publish_concert,
    refused,
    schedule_in,
)
from tests.support.hostile import BODIES, routes

ROLES = ("organiser", "customer", "door", "operator")
NESTED = base64.urlsafe_b64encode(b"[" * 4500).decode().rstrip("=")

PARAMETERS = [
    {"cursor": "%"},
    {"cursor": base64.urlsafe_b64encode(b"[" * 1400).decode()},
    {"cursor": base64.urlsafe_b64encode(b'["\\u0000", "x"]').decode()},
    {"cursor": base64.urlsafe_b64encode(json.dumps(["\u200c" * 200, str(uuid4())]).encode()).decode()},
    {"cursor": base64.urlsafe_b64encode(json.dumps(["0001-01-01T00:00:00+23:00", str(uuid4())]).encode()).decode()},
    {"limit": "9" * 5000},
    {"limit": "\u0663"},
    {"limit": "NaN"},
    {"q": "\ufdfa" * 200},
    {"q": "\\" * 200},
    {"q": "a " * 100},
    {"location": "%" * 200, "genre": "_" * 200},
    {"q": "\x00"},
    {"date_from": "1e400"},
    {"date_from": "9999-12-31", "date_to": "0001-01-01"},
    {"as_of": "0001-01-01T00:00:00+23:59"},
    {"version": "9" * 400},
    {"from_version": str(10**15 - 1), "changes": "true"},
    {"since": "9999-12-31T23:59:59-23:59"},
    {"type": "\ud7ff\ufffe" * 50},
    {"deep": "yes please"},
    {"": ""},
    {"[]": "{}"},
]
HEADERS = [
    {"Idempotency-Key": "\u00ff"},
    {"If-Match": '"\u00b2"'},
    {"If-Match": '"' + "9" * 5000 + '"'},
    {"Min-Version": f"{uuid4()}:999999999999999"},
    {"Min-Version": "x" * 5000},
    {"X-Correlation-Id": "\u00ff" * 100},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/octet-stream"},
    {"Payment-Signature": "t=\u00b2,v1=\u00ff"},
]
TOKENS = [
    f"Bearer {NESTED}.{NESTED}.x",
    f"Bearer {NESTED}",
    "Bearer \u00ff.\u00ff.\u00ff",
    "Bearer .." + "." * 4000,
    "Bearer " + base64.urlsafe_b64encode(b'{"alg":"RS256","kid":[1]}').decode() + ".e30.x",
    "Bearer " + base64.urlsafe_b64encode(b'{"alg":["RS256"],"kid":1e999}').decode() + ".e30.x",
    "Bearer",
    "\u00ff",
]


def bytes_of(headers: dict[str, str]) -> httpx.Headers:
    return httpx.Headers([(name.encode(), value.encode("latin-1")) for name, value in headers.items()])


def ensure_no_fault(response: httpx.Response, *said: object) -> None:
    assert response.status_code < 500, (response.request.method, response.request.url, said, response.text)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("role", ROLES)
def test_no_parameter_makes_a_fault(shop: Shop, role: str) -> None:
    client = shop.as_role(role)
    for method, path, _ in routes():
        if method == "GET":
            for parameters in PARAMETERS:
                ensure_no_fault(client.get(path, params=parameters), parameters)


def test_no_header_makes_a_fault(shop: Shop) -> None:
    client = shop.as_role("operator")
    for method, path, _ in routes():
        for headers in HEADERS:
            ensure_no_fault(client.request(method, path, headers=bytes_of(headers)), headers)


def test_no_token_makes_a_fault(shop: Shop) -> None:
    visitor = shop.visitor()
    for method, path, route in routes():
        for token in TOKENS if method == "GET" else TOKENS[:2]:
            response = visitor.request(method, path, headers=bytes_of({"Authorization": token}))
            ensure_no_fault(response, token[:40])
            assert route.role is None or response.status_code == 401


def test_a_concert_that_is_a_draft_is_shown_to_no_token_of_nonsense(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    concert_id = made(organiser.post("/concerts", json={"name": "Draft", "venue_id": venue_id}))["id"]
    shop.settle()
    for token in TOKENS:
        response = shop.visitor().get(f"/concerts/{concert_id}", headers=bytes_of({"Authorization": token}))
        refused(response, 404, "not_found")


def test_bytes_that_are_no_utf_8_are_refused_on_every_route(shop: Shop) -> None:
    for role in ROLES:
        client = shop.as_role(role)
        for method, path, route in routes():
            if route.role is None or role in str(route.role):
                headers = {"Content-Type": "application/json"} | (ANY_VERSION if method == "PATCH" else {})
                response = client.request(method, path, content=b'{"name": "\xff\xfe"}', headers=headers)
                ensure_no_fault(response)
                assert response.status_code in {400, 403, 404, 422}


def test_a_body_of_brackets_is_refused_on_the_real_servers_too(shop: Shop) -> None:
    organiser = shop.organiser()
    headers = {"Content-Type": "application/json"}
    refused(organiser.post("/venues", content=BODIES["brackets"], headers=headers), 413, "body_too_large")
    refused(organiser.post("/venues", content=BODIES["objects"], headers=headers), 422, "invalid_input")
    refused(organiser.post("/venues", content=BODIES["a member twice"], headers=headers), 422, "invalid_input")


def test_a_condition_counts_on_every_write_that_takes_one(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    on_sale = publish_concert(organiser)
    draft = made(organiser.post("/concerts", json={"name": "Draft", "venue_id": on_sale.venue_id}))["id"]
    ticket_type = {"name": "Floor", "price": {"amount": "1.00", "currency": "EUR"}, "quantity": 1}
    ticket_type_id = made(organiser.post(f"/concerts/{draft}/ticket-types", json=ticket_type))["id"]
    area = {"name": "Parterre", "capacity": 9}
    area_path = f"/concerts/{draft}/areas/" + made(organiser.post(f"/concerts/{draft}/areas", json=area))["id"]
    endpoint = {"url": "https://box-office.example/", "events": ["order.confirmed"]}
    endpoint_path = "/webhook-endpoints/" + made(organiser.post("/webhook-endpoints", json=endpoint))["id"]
    company, member = f"/organisers/{person_of(organiser)}", shop.customer()
    invited = made(organiser.post(f"{company}/invitations", json={"email": "sven@example.org", "role": "staff"}))
    made(member.post(f"{company}/invitations/{invited['id']}/accept", json={"secret": invited["secret"]}))
    member_path = f"{company}/members/{person_of(member)}"
    ordered = cart_with(customer, on_sale.ticket_type_id, 1)
    order_id = made(customer.post(f"/carts/{ordered}/checkout", json=BUYER))["order_id"]
    cart_id = cart_with(customer, on_sale.ticket_type_id, 1)
    sold, operator = f"/concerts/{on_sale.concert_id}", shop.as_role("operator")
    key_id = made(operator.get(f"{sold}/ticket-keys"))["keys"][0]["kid"]
    writes = {
        ("PATCH", "/venues/{venue_id}"): (organiser, f"/venues/{on_sale.venue_id}", {"capacity": 9}),
        ("DELETE", "/venues/{venue_id}"): (organiser, f"/venues/{on_sale.venue_id}", None),
        ("PATCH", "/concerts/{concert_id}"): (organiser, f"/concerts/{draft}", {"name": "Other"}),
        ("DELETE", "/concerts/{concert_id}"): (organiser, f"/concerts/{draft}", None),
        ("POST", "/concerts/{concert_id}/schedule"): (organiser, f"/concerts/{draft}/schedule", schedule_in(9)),
        ("POST", "/concerts/{concert_id}/ticket-types"): (organiser, f"/concerts/{draft}/ticket-types", ticket_type),
        ("PATCH", "/concerts/{concert_id}/ticket-types/{ticket_type_id}"): (
            organiser,
            f"/concerts/{draft}/ticket-types/{ticket_type_id}",
            {"quantity": 2},
        ),
        ("POST", "/concerts/{concert_id}/areas"): (organiser, f"/concerts/{draft}/areas", area),
        ("PATCH", "/concerts/{concert_id}/areas/{area_id}"): (organiser, area_path, {"capacity": 8}),
        ("DELETE", "/concerts/{concert_id}/areas/{area_id}"): (organiser, area_path, None),
        ("DELETE", "/concerts/{concert_id}/ticket-types/{ticket_type_id}"): (
            organiser,
            f"/concerts/{draft}/ticket-types/{ticket_type_id}",
            None,
        ),
        ("PATCH", "/concerts/{concert_id}/venue"): (organiser, f"{sold}/venue", {"name": "Other"}),
        ("POST", "/concerts/{concert_id}/move"): (organiser, f"{sold}/move", {"venue_id": on_sale.venue_id}),
        ("POST", "/concerts/{concert_id}/postpone"): (organiser, f"{sold}/postpone", {}),
        ("POST", "/concerts/{concert_id}/sales/close"): (organiser, f"{sold}/sales/close", None),
        ("POST", "/concerts/{concert_id}/sales/open"): (organiser, f"{sold}/sales/open", None),
        ("POST", "/concerts/{concert_id}/publish"): (organiser, f"/concerts/{draft}/publish", None),
        ("POST", "/concerts/{concert_id}/cancel"): (organiser, f"/concerts/{on_sale.concert_id}/cancel", None),
        ("POST", "/concerts/{concert_id}/ticket-keys"): (operator, f"{sold}/ticket-keys", {"reason": "lost"}),
        ("POST", "/concerts/{concert_id}/ticket-keys/{key_id}/revoke"): (
            operator,
            f"{sold}/ticket-keys/{key_id}/revoke",
            {"reason": "lost"},
        ),
        ("POST", "/concerts/{concert_id}/door-rules"): (organiser, f"{sold}/door-rules", {"has_reentry": True}),
        ("POST", "/concerts/{concert_id}/refund-policy"): (
            organiser,
            f"/concerts/{on_sale.concert_id}/refund-policy",
            {"fee_percent": 5},
        ),
        ("PATCH", "/organisers/{organiser_id}/members/{person_id}"): (organiser, member_path, {"role": "owner"}),
        ("DELETE", "/organisers/{organiser_id}/members/{person_id}"): (organiser, member_path, None),
        ("PATCH", "/webhook-endpoints/{endpoint_id}"): (organiser, endpoint_path, {"enabled": False}),
        ("DELETE", "/webhook-endpoints/{endpoint_id}"): (organiser, endpoint_path, None),
        ("PATCH", "/orders/{order_id}/buyer"): (customer, f"/orders/{order_id}/buyer", {"name": "Other"}),
        ("DELETE", "/carts/{cart_id}/items/{item_id}"): (customer, f"/carts/{cart_id}/items/{uuid4()}", None),
    }
    assert writes.keys() == {(method, route.path) for method, _, route in routes() if route.takes_if_match}
    for (method, _), (client, path, body) in writes.items():
        response = client.request(method, path, json=body, headers={"If-Match": '"999"'})
        refused(response, 412, "version_mismatch")
