"""A key stands for one body: the same request is answered as before, and with another body refused, on every route."""

import pytest

from chalicelib import contexts
from chalicelib.platform.http.requests import Body
from tests.journeys.access_table import PEOPLE, TABLE
from tests.journeys.company import Company
from tests.journeys.shop import ANY_VERSION, Json, Shop, refused, schedule_in

pytestmark = pytest.mark.needs_the_stack

OTHER: dict[str, Json] = {
    "POST /venues": {"capacity": 1},
    "PATCH /venues/{venue_id}": {"capacity": 8},
    "POST /concerts": {"name": "Other"},
    "PATCH /concerts/{concert_id}": {"name": "Other"},
    "POST /concerts/{concert_id}/schedule": schedule_in(41),
    "POST /concerts/{concert_id}/ticket-types": {"quantity": 1},
    "PATCH /concerts/{concert_id}/ticket-types/{ticket_type_id}": {"name": "Other"},
    "POST /concerts/{concert_id}/areas": {"capacity": 9},
    "PATCH /concerts/{concert_id}/areas/{area_id}": {"capacity": 8},
    "POST /concerts/{concert_id}/publish": {"confirm": "over_capacity"},
    "POST /concerts/{concert_id}/cancel": {"confirm": "has_taken_place"},
    "POST /concerts/{concert_id}/move": schedule_in(51),
    "POST /concerts/{concert_id}/postpone": {"refundable_until": schedule_in(60)["starts_at"]},
    "PATCH /concerts/{concert_id}/venue": {"name": "Other"},
    "POST /concerts/{concert_id}/refund-policy": {"fee_percent": 6},
    "POST /concerts/{concert_id}/complimentary-tickets": {"quantity": 2},
    "POST /concerts/{concert_id}/door-rules": {"has_reentry": False},
    "POST /concerts/{concert_id}/door-staff": {"is_supervisor": True},
    "POST /door-staff": {"is_supervisor": True},
    "POST /concerts/{concert_id}/ticket-keys": {"reason": "other"},
    "POST /accounts/{person_id}/disable": {"reason": "other"},
    "POST /carts/{cart_id}/items": {"quantity": 2},
    "POST /carts/{cart_id}/checkout": {"buyer": {"name": "Other", "email": "other@example.org"}},
    "POST /orders/{order_id}/payments": {"token": "tok_declined"},
    "POST /orders/{order_id}/refunds": {"reason": "Other"},
    "POST /orders/{order_id}/moves": {"holder": {"name": "Other"}},
    "POST /orders/{order_id}/tickets/{ticket_id}/reissue": {"reason": "Other"},
    "PATCH /orders/{order_id}/buyer": {"name": "Other"},
    "PATCH /organisers/{organiser_id}/members/{person_id}": {"role": "staff"},
    "POST /organisers/{organiser_id}/invitations": {"role": "door"},
    "POST /organisers/{organiser_id}/api-keys": {"name": "Other"},
    "POST /webhook-endpoints": {"description": "Other"},
    "PATCH /webhook-endpoints/{endpoint_id}": {"description": "Other"},
    "POST /webhook-endpoints/{endpoint_id}/replay": {"since": "2021-01-01T00:00:00Z"},
}
"""What another body has instead."""

WITHOUT_KEY = {
    # Nobody is known who could repeat a request of theirs.
    "POST /guests",
    "POST /sandbox/payments/{payment_id}/authentication",
    # The secret in the body leads to the one thing that can be done with it.
    "POST /me/orders",
    "POST /organisers/{organiser_id}/invitations/{invitation_id}/accept",
    # A scan is known by its nonce, which devices keep when they are offline.
    "POST /concerts/{concert_id}/check-ins",
    "POST /concerts/{concert_id}/exits",
    "POST /concerts/{concert_id}/check-ins/undo",
    "POST /concerts/{concert_id}/check-ins/batch",
    # A key is revoked for good, and a second reason changes nothing.
    "POST /concerts/{concert_id}/ticket-keys/{key_id}/revoke",
}


@pytest.fixture(scope="module")
def company(our_shop: Shop) -> Company:
    return Company(our_shop)


def test_every_route_with_a_body_has_a_row_or_a_reason_to_have_none() -> None:
    with_body = {
        f"{route.method} {route.path}"
        for routes in contexts.routes()
        for route in routes.declared
        if route.method != "GET" and route.reads and issubclass(route.reads.model, Body)
    }
    assert with_body == OTHER.keys() | WITHOUT_KEY


@pytest.mark.parametrize("route", OTHER)
def test_a_key_with_another_body_is_refused_and_changes_nothing(company: Company, route: str) -> None:
    row, (method, path) = TABLE[route], route.split()
    column = next((who for who in PEOPLE if row.statuses[who] < 400), None)
    client = company.callers[column] if column else company.shop.as_role("operator")
    about = row.ask(company)
    address, headers = path.format(**about.ids), {"Idempotency-Key": route.replace(" ", "-")}
    headers |= ANY_VERSION if method == "PATCH" else {}
    first = client.request(method, address, json=about.body, headers=headers)
    again = client.request(method, address, json=about.body, headers=headers)
    assert first.is_success, first.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    other = client.request(method, address, json=(about.body or {}) | OTHER[route], headers=headers)
    refused(other, 422, "idempotency_key_reused")
    last = client.request(method, address, json=about.body, headers=headers)
    assert (last.status_code, last.content) == (first.status_code, first.content)
