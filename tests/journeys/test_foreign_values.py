"""What somebody writes is stored and shown as it is and harms nobody; what is too much, or not ours, is refused."""

import csv
import io
from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.company import Company
from tests.journeys.shop import BUYER, Json, Shop, cart_with, made, order_of, pay, publish_concert, refused
from tests.support.hostile import SOME_ID, routes
from tests.support.instances import document

NAMES = [
    "🎻 東京",
    "אבג العربية",
    "<script>alert(1)</script>",
    "=cmd()",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "'; drop table--",
]
TOO_LONG = "x" * 10_240
SMALL, LARGE = b'{"a": 1}', b'{"a": "' + b"x" * 70_000 + b'"}'


def chunked(body: bytes) -> Iterator[bytes]:
    """A body whose length nobody is told before."""
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


@pytest.fixture(scope="module")
def company(our_shop: Shop) -> Company:
    """An organiser with an order and people at the doors, which no test here changes."""
    made_company = Company(our_shop)
    assert made_company.an_order
    made_company.open_doors(made_company.concert.concert_id)
    our_shop.settle()
    return made_company


def test_names_are_shown_as_they_were_written_and_run_nowhere(shop: Shop) -> None:
    organiser, customer = shop.organiser(), shop.customer()
    concerts, orders = {}, {}
    for name in NAMES:
        concerts[name] = publish_concert(organiser, {"name": name}, name=name, venue={"name": name, "city": name})
        cart_id = cart_with(customer, concerts[name].ticket_type_id, 1)
        buyer = {"buyer": {**BUYER["buyer"], "name": name}}
        orders[name] = made(customer.post(f"/carts/{cart_id}/checkout", json=buyer))["order_id"]
        made(pay(customer, orders[name]))
    shop.settle()
    for name, concert in concerts.items():
        shown = shop.visitor().get(f"/concerts/{concert.concert_id}")
        assert shown.headers["content-type"] == "application/json"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert (shown.json()["name"], shown.json()["ticket_types"][0]["name"]) == (name, name)
        assert made(customer.get(f"/orders/{orders[name]}"))["buyer"]["name"] == name
    file = organiser.get("/sales/attendees", params={"format": "csv"}).text
    cells = [cell for row in csv.reader(io.StringIO(file)) for cell in row]
    assert {f"'{name}" if name[0] in "=@" else name for name in NAMES} <= set(cells)
    assert [cell for cell in cells if cell.startswith(("=", "@", "+"))] == []
    pdf = organiser.get("/sales/attendees", params={"format": "pdf"}, headers={"Accept": "application/pdf"})
    assert pdf.content.startswith(b"%PDF")


def test_a_name_of_ten_kilobytes_is_refused_by_name(shop: Shop) -> None:
    organiser = shop.organiser()
    concert = publish_concert(organiser)
    problem = refused(
        organiser.post(f"/concerts/{concert.concert_id}/areas", json={"name": TOO_LONG, "capacity": 1}),
        422,
        "invalid_input",
    )
    assert [error["pointer"] for error in problem["errors"]] == ["#/name"]


def test_a_body_in_chunks_is_read_like_any_other_on_every_route(shop: Shop) -> None:
    operator = shop.as_role("operator")
    for method, path, _ in routes():
        if method in {"POST", "PATCH"}:
            headers = {"Content-Type": "application/json"}
            small = operator.request(method, path, content=chunked(SMALL), headers=headers)
            at_once = operator.request(method, path, content=SMALL, headers=headers)
            assert (small.status_code, small.json().get("code")) == (at_once.status_code, at_once.json().get("code"))
            assert 400 <= small.status_code < 500, (method, path, small.text)
            large = operator.request(method, path, content=chunked(LARGE), headers=headers)
            refused(large, 413, "body_too_large")


def lists() -> Iterator[tuple[str, set[str]]]:
    """The paths of lists in JSON of which the reader may say how much, and their parameters."""
    for path, methods in document()["paths"].items():
        described = methods.get("get", {})
        names = {parameter.get("name") for parameter in described.get("parameters", [])}
        if names & {"limit", "cursor"} and "application/json" in described["responses"]["200"]["content"]:
            yield path, names


def ask(company: Company, path: str, **parameters: str) -> httpx.Response:
    ids = {
        "concert_id": company.concert.concert_id,
        "order_id": company.an_order,
        "stream_id": company.concert.concert_id,
        "endpoint_id": company.an_endpoint,
    }
    client = company.customer if path.startswith(("/orders", "/me")) else company.owner
    if "/door-" in path:
        client = company.door
    return client.get(path.format(**ids), params=parameters)


def test_a_limit_beyond_all_bounds_is_refused_by_name_on_every_list(company: Company) -> None:
    for path, names in lists():
        if "limit" in names:
            problem = refused(ask(company, path, limit="1000000"), 422, "invalid_input")
            assert [error["pointer"] for error in problem["errors"]] == ["?limit"], path


@pytest.fixture(scope="module")
def cursors(our_shop: Shop, company: Company) -> list[str]:
    """Cursors of four lists, which name places in them."""
    for _ in range(2):
        publish_concert(company.owner)
    order_of(company.customer, publish_concert(company.owner).ticket_type_id, 1)
    our_shop.settle()
    found = [
        ask(company, "/venues", limit="1"),
        ask(company, "/concerts", limit="1"),
        ask(company, "/orders", limit="1"),
        ask(company, "/sales/orders", limit="1"),
    ]
    return [cursor for one in found if (cursor := made(one)["next_cursor"])]


def test_a_cursor_of_another_list_is_refused_or_shows_nothing_but_this_list(
    company: Company, cursors: list[str]
) -> None:
    assert len(cursors) > 2
    for path, names in lists():
        if "cursor" not in names:
            continue
        whole = [known(item) for item in made(ask(company, path)).get("items", [])]
        for cursor in cursors:
            answer = ask(company, path, cursor=cursor)
            if answer.status_code == 422:
                assert [error["pointer"] for error in answer.json()["errors"]] == ["?cursor"], path
            elif path not in {"/venues", "/concerts"}:
                assert {known(item) for item in made(answer).get("items", [])} <= set(whole), path


def known(item: Json) -> str:
    return str(sorted((name, str(value)) for name, value in item.items()))


def test_an_id_of_nobody_is_not_found_whatever_it_is_asked_for(shop: Shop) -> None:
    for path in (f"/concerts/{SOME_ID}", f"/venues/{SOME_ID}", "/concerts/%00", "/venues/..%2f..%2fetc%2fpasswd"):
        refused(shop.visitor().get(path), 404, "not_found")
