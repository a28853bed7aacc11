"""What holds for every route, whatever it is about: HEAD, OPTIONS, 405 and caches."""

from collections.abc import Mapping

import httpx
import pytest

from chalicelib import contexts
from chalicelib.platform.http.methods import allow, methods_of
from tests.journeys.access_table import PEOPLE, TABLE
from tests.journeys.company import Company
from tests.journeys.shop import Shop, refused

pytestmark = pytest.mark.needs_the_stack

READS = [route for route in TABLE if route.startswith("GET ")]
MAY_DIFFER = {"date", "content-length"}
"""Two answers are of two instants, and of what has no content the length need not be told."""
KEPT = "public, max-age=1"
OF_THE_MOMENT = {"GET /health"}
"""Public, and of no use a second later."""
PUBLIC = {f"GET {route.path}" for routes in contexts.routes() for route in routes.declared if route.is_public_read}


@pytest.fixture(scope="module")
def company(our_shop: Shop) -> Company:
    company = Company(our_shop)
    assert company.a_ticket  # bought before anything else lies in the customer's cart
    return company


@pytest.fixture(scope="module")
def allowed() -> Mapping[str, str]:
    methods: dict[str, set[str]] = {}
    for routes in contexts.routes():
        for route in routes.declared:
            methods.setdefault(route.path, set()).update(methods_of(route.method))
    return {path: allow(of_path) for path, of_path in methods.items()}


def reader(company: Company, route: str) -> httpx.Client:
    """Somebody who is let in, a visitor if anybody is."""
    statuses = TABLE[route].statuses
    column = next((who for who in ("no token", *PEOPLE) if statuses[who] < 400), "no token")
    return company.callers[column]


def path_of(company: Company, route: str) -> str:
    return route.removeprefix("GET ").format(**TABLE[route].ask(company).ids)


def headers_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in MAY_DIFFER}


@pytest.mark.parametrize("route", READS)
def test_head_is_answered_as_get_without_the_content(company: Company, route: str) -> None:
    path = path_of(company, route)
    for client in (reader(company, route), company.callers["garbage"]):
        whole, head = client.get(path), client.head(path)
        assert (head.status_code, headers_of(head), head.content) == (whole.status_code, headers_of(whole), b"")


@pytest.mark.parametrize("route", READS)
def test_caches_keep_what_everybody_is_answered_for_a_second_and_nothing_else(company: Company, route: str) -> None:
    path, client = path_of(company, route), reader(company, route)
    answer = client.get(path)
    is_for_everybody = "authorization" not in client.headers and answer.is_success and route not in OF_THE_MOMENT
    assert answer.headers["cache-control"] == (KEPT if is_for_everybody else "no-store")
    varies = route in PUBLIC and answer.is_success
    assert answer.headers.get("vary") == ("Authorization, Min-Version" if varies else None)
    others = (
        company.callers["customer"].get(path),
        company.callers["garbage"].get(path),
        client.get(path, headers={"Min-Version": f"{company.concert.concert_id}:0"}),
        client.get(path, params={"no_such_parameter": "1"}),
    )
    assert {other.headers["cache-control"] for other in others} == {"no-store"}


def test_every_path_says_which_methods_it_has(company: Company, allowed: Mapping[str, str]) -> None:
    visitor = company.shop.visitor()
    for path, methods in allowed.items():
        answer = visitor.options(path.replace("{", "").replace("}", ""))
        assert (answer.status_code, answer.headers["allow"], answer.content) == (200, methods, b"")


def test_a_method_that_a_path_does_not_have_is_refused_to_everybody(
    company: Company, allowed: Mapping[str, str]
) -> None:
    for path, methods in allowed.items():
        others = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"} - set(methods.split(", "))
        for method in others:
            for client in (company.callers["no token"], company.owner):
                answer = client.request(method, path.replace("{", "").replace("}", ""))
                assert answer.headers["allow"] == methods
                if method != "HEAD":
                    refused(answer, 405, "method_not_allowed")


def test_no_method_finds_a_path_that_there_is_not(company: Company) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"):
        answer = company.callers["no token"].request(method, "/concerts/1/2/3/nowhere")
        assert (answer.status_code, "allow" in answer.headers) == (404, False)
