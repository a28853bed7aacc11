"""Every route × every kind of caller is answered as one table says; a route without a row fails."""

import pytest

from chalicelib import contexts
from chalicelib.platform.caller import KeyScope
from chalicelib.platform.http.answers import PDF
from tests.journeys.access_table import COLUMNS, MACHINE, TABLE, Asked
from tests.journeys.company import Company
from tests.journeys.shop import ANY_VERSION, Shop

pytestmark = pytest.mark.needs_the_stack

SCOPES: dict[str, tuple[KeyScope, ...]] = {
    f"{route.method} {route.path}": route.scopes for routes in contexts.routes() for route in routes.declared
}


@pytest.fixture(scope="module")
def company(our_shop: Shop) -> Company:
    return Company(our_shop)


def test_every_route_has_a_row_and_every_row_says_something_of_everybody() -> None:
    assert TABLE.keys() == SCOPES.keys()
    assert all(tuple(row.statuses) == COLUMNS for row in TABLE.values())


@pytest.mark.parametrize("route", TABLE)
def test_a_route_answers_each_kind_of_caller_as_the_table_says(company: Company, route: str) -> None:
    row = TABLE[route]
    asked = row.ask(company)
    answered: dict[str, int] = {}
    for column in sorted(COLUMNS, key=lambda column: row.statuses[column] < 400):
        is_let_in = row.statuses[column] < 400
        about = row.ask(company) if is_let_in and not route.startswith("GET ") else asked
        answered[column] = status_of(company, route, column, about)
    assert answered == row.statuses


def status_of(company: Company, route: str, column: str, about: Asked) -> int:
    client = company.key_without(SCOPES[route] or TABLE[route].scopes) if column == MACHINE else company.callers[column]
    method, path = route.split()
    accept = {"Accept": PDF} if path.endswith(".pdf") else {}
    condition = ANY_VERSION if method == "PATCH" else {}
    headers = accept | condition
    return client.request(method, path.format(**about.ids), json=about.body, headers=headers).status_code
