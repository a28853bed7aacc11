"""One Postgres for the tests of the sales; each test has organisers of its own."""

from collections.abc import Callable
from typing import cast

import pytest

from chalicelib.platform.readmodels.port import ReadModel
from chalicelib.platform.readmodels.postgres.projection import PostgresProjection
from chalicelib.shop.sales.tables import SALES
from tests.contract.sales.office import Office


@pytest.fixture(scope="module")
def sales_model(make_lasting_model: Callable[[str], ReadModel]) -> PostgresProjection:
    return cast("PostgresProjection", make_lasting_model("sales"))


@pytest.fixture
def office(sales_model: PostgresProjection) -> Office:
    with sales_model.pool.transaction() as cursor:
        cursor.execute(f"truncate {', '.join(f'sales_1.{table}' for table in ('positions', *SALES.tables))}".encode())
    return Office(sales_model)
