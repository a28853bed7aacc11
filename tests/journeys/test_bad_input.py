"""Bad input is the client's fault and says what is wrong; it is never a 500."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.journeys.shop import TICKETS, VENUE, Json, Shop, made, publish_concert, refused, schedule_in

JSON = {"Content-Type": "application/json"}


def ensure_problem(response: httpx.Response) -> Json:
    assert 400 <= response.status_code < 500, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: Json = response.json()
    assert problem["status"] == response.status_code
    assert problem["code"]
    assert "Traceback" not in response.text
    return problem


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("name", ""),
        ("name", "   "),
        ("name", 7),
        ("name", "x" * 201),
        ("name", "NUL \u0000 inside"),
        ("name", "two\nlines"),
        ("name", "\u200b"),
        ("name", "Anna \u202ekcor"),
        ("name", "Anna \u0007"),
        ("description", "x" * 5001),
        ("capacity", 0),
        ("capacity", -1),
        ("capacity", 10**400),
        ("capacity", 1.5),
        ("capacity", "1600"),
        ("capacity", True),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", "localtime"),
        ("time_zone", "CET"),
        ("web_url", "javascript:alert(1)"),
        ("web_url", "https://example.org/\u0000"),
        ("web_url", "https://example.org/\u202e"),
        ("surprise", 1),
    ],
)
def test_a_bad_field_is_named_with_its_reason(shop: Shop, field: str, value: Any) -> None:
    response = shop.organiser().post("/venues", json=VENUE | {field: value})
    problem = refused(response, 422, "invalid_input")
    assert [error["pointer"] for error in problem["errors"]] == [f"#/{field}"]
    assert problem["errors"][0]["detail"]


@pytest.mark.parametrize("missing", ["name", "capacity", "address", "city", "country", "time_zone"])
def test_a_missing_field_is_named(shop: Shop, missing: str) -> None:
    body = {name: value for name, value in VENUE.items() if name != missing}
    problem = refused(shop.organiser().post("/venues", json=body), 422, "invalid_input")
    assert [error["pointer"] for error in problem["errors"]] == [f"#/{missing}"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b'{"name": NaN}',
        b'{"capacity": Infinity}',
        b'{"name": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b'{"name": "' + b"x" * 100_000 + b'"}',
    ],
)
def test_a_body_that_is_no_json_object_is_refused(shop: Shop, body: bytes) -> None:
    for path in ("/venues", "/concerts", f"/concerts/{uuid4()}/schedule", f"/concerts/{uuid4()}/ticket-types"):
        ensure_problem(shop.organiser().post(path, content=body, headers=JSON))
    for path in (f"/carts/{uuid4()}/items", f"/carts/{uuid4()}/checkout", f"/orders/{uuid4()}/payments"):
        ensure_problem(shop.customer().post(path, content=body, headers=JSON))


def test_another_content_type_and_another_method_are_refused(shop: Shop) -> None:
    form = shop.organiser().post("/venues", content=b"name=x", headers={"Content-Type": "text/plain"})
    refused(form, 415, "unsupported_media_type")
    refused(shop.organiser().put("/venues", json={}), 405, "method_not_allowed")
    refused(shop.visitor().get("/nowhere"), 404, "not_found")


@pytest.mark.parametrize(
    "name", ["Björk 🎻 東京", "Ночь", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "אבג", "e\u0301", "Robert'); DROP TABLE concerts;--", "100% _sure_"]
)
def test_any_name_that_people_write_is_accepted_and_found(shop: Shop, name: str) -> None:
    concert = publish_concert(shop.organiser(), name=f"{name} {uuid4()}")
    shop.settle()
    found = made(shop.visitor().get("/concerts", params={"q": name, "limit": "100"}))["items"]
    assert concert.concert_id in [item["id"] for item in found]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", 0),
        ("quantity", 90_001),
        ("price", {"amount": "-1.00", "currency": "EUR"}),
        ("price", {"amount": "1.001", "currency": "EUR"}),
        ("price", {"amount": "1.50", "currency": "JPY"}),
        ("price", {"amount": "0.30", "currency": "EUR"}),
        ("price", {"amount": "2.00", "currency": "DKK"}),
        ("price", {"amount": "999999999.00", "currency": "EUR"}),
        ("price", {"amount": "1.00", "currency": "XXX"}),
        ("price", {"amount": 25, "currency": "EUR"}),
        ("price", {"amount": "NaN", "currency": "EUR"}),
        ("price", {"amount": "٢٥.٠٠", "currency": "EUR"}),
        ("price", "25 EUR"),
        ("max_per_order", 0),
        ("max_per_order", 41),
        ("sales_start", "2026-12-01T10:00:00"),
        ("sales_start", "tomorrow"),
        ("sales_start", 0),
        ("sales_start", "1893456000"),
        ("sales_start", "9999-12-31T23:59:59-23:59"),
        ("sales_start", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_a_bad_ticket_type_is_refused(shop: Shop, field: str, value: Any) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    concert_id = made(organiser.post("/concerts", json={"name": "X", "venue_id": venue_id}))["id"]
    response = organiser.post(f"/concerts/{concert_id}/ticket-types", json=TICKETS | {field: value})
    problem = refused(response, 422, "invalid_input")
    assert problem["errors"][0]["pointer"].startswith(f"#/{field}")


def test_a_schedule_needs_an_offset_a_future_and_an_end_after_its_start(shop: Shop) -> None:
    organiser = shop.organiser()
    venue_id = made(organiser.post("/venues", json=VENUE))["id"]
    path = f"/concerts/{made(organiser.post('/concerts', json={'name': 'X', 'venue_id': venue_id}))['id']}/schedule"
    without_offset = {"starts_at": "2030-01-01T20:00:00", "ends_at": "2030-01-01T23:00:00Z"}
    problem = refused(organiser.post(path, json=without_offset), 422, "invalid_input")
    assert problem["errors"][0]["pointer"] == "#/starts_at"
    refused(organiser.post(path, json=schedule_in(-1)), 422, "invalid_input")
    good = schedule_in(1)
    backwards = {"starts_at": good["ends_at"], "ends_at": good["starts_at"]}
    refused(organiser.post(path, json=backwards), 422, "invalid_input")


def test_ids_that_name_nothing_are_told_apart_from_bad_ones(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    unknown_venue = organiser.post("/concerts", json={"name": "X", "venue_id": str(uuid4())})
    assert refused(unknown_venue, 422, "invalid_input")["errors"][0]["pointer"] == "#/venue_id"
    refused(organiser.post(f"/concerts/{uuid4()}/publish"), 404, "not_found")
    refused(organiser.delete(f"/venues/{uuid4()}"), 404, "not_found")
    refused(shop.visitor().get(f"/concerts/{uuid4()}"), 404, "not_found")
    refused(shop.visitor().get(f"/concerts/{uuid4()}/availability"), 404, "not_found")
    refused(shop.visitor().get("/venues/1"), 404, "not_found")
    cart_id = made(customer.post("/carts"))["id"]
    item = {"ticket_type_id": str(uuid4()), "quantity": 1}
    refused(customer.post(f"/carts/{cart_id}/items", json=item), 404, "not_found")
    refused(customer.delete(f"/carts/{cart_id}/items/{uuid4()}"), 404, "not_found")
    refused(customer.post(f"/carts/{cart_id}/items", json=item | {"quantity": -3}), 422, "invalid_input")
    refused(customer.post(f"/carts/{cart_id}/items", json=item | {"quantity": 10**30}), 422, "invalid_input")


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a b@example.org", "x" * 300 + "@example.org", "a@exam\nple.org", 7, None]
)
def test_a_buyers_bad_address_is_refused(shop: Shop, email: Any) -> None:
    customer = shop.customer()
    cart_id = made(customer.post("/carts"))["id"]
    body = {"buyer": {"name": "X", "email": email}}
    problem = refused(customer.post(f"/carts/{cart_id}/checkout", json=body), 422, "invalid_input")
    assert problem["errors"][0]["pointer"] == "#/buyer/email"


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
        {"cursor": "garbage"},
        {"cursor": "W10="},
        {"cursor": "WyJ4IiwgInkiXQ=="},
        {"cursor": "WyJcdWQ4MDAiLCAieSJd"},
        {"date_from": "yesterday"},
        {"date_from": "2026-02-30"},
        {"venue_id": "1"},
        {"q": "\u0000"},
        {"colour": "red"},
    ],
)
def test_a_bad_filter_is_refused(shop: Shop, parameters: dict[str, str]) -> None:
    ensure_problem(shop.visitor().get("/concerts", params=parameters))


def test_bad_headers_are_refused(shop: Shop) -> None:
    organiser = shop.organiser()
    for headers in (
        {"If-Match": "1"},
        {"If-Match": '"x"'},
        {"Idempotency-Key": "a b"},
        {"Idempotency-Key": "x" * 256},
        {"Idempotency-Key": "\u00e9".encode("latin-1").decode("latin-1")},
    ):
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        ensure_problem(organiser.post("/venues", json=VENUE, headers=httpx.Headers(raw)))
    refused(shop.customer().get(f"/carts/{uuid4()}", headers={"Min-Version": "x:1"}), 422, "invalid_input")
