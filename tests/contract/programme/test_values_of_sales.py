"""What was sold before a line had its exact value gets it by the migration, from the order's own document."""

import json
import shutil
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from chalicelib.composition import migrations
from chalicelib.platform.readmodels.postgres.migrate import migrate

NEW = "0010_moved_tickets.sql"


def line(ticket_type_id: UUID, quantity: int, price: str) -> dict[str, object]:
    return {"ticket_type_id": str(ticket_type_id), "quantity": quantity, "unit_price": {"amount": price}}


def test_the_valid_tickets_of_each_line_are_worth_what_they_cost(empty_database: str, tmp_path: Path) -> None:
    for directory in migrations():
        for path in directory.glob("*.sql"):
            if path.name != NEW:
                shutil.copy(path, tmp_path)
    migrate(empty_database, [tmp_path])
    order_id, standing, seated = uuid4(), uuid4(), uuid4()
    lines = [line(standing, 2, "25.00"), line(seated, 1, "40.50"), line(standing, 1, "19.99")]
    tickets = [{"status": status} for status in ("valid", "revoked", "revoked", "valid")]
    with psycopg.connect(empty_database) as connection:
        connection.execute(
            "insert into sales_1.sales_orders (id, version, has_open_payment, document) values (%s, 1, false, %s)",
            [order_id, json.dumps({"lines": lines, "tickets": tickets})],
        )
        for kind in (standing, seated):
            connection.execute(
                "insert into sales_1.sales_lines (order_id, id, name, quantity, amount, currency, sold)"
                " values (%s, %s, 'Row', 1, 1, 'EUR', 1)",
                [order_id, kind],
            )
    assert migrate(empty_database, migrations()) == [NEW]
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("select id, value::text from sales_lines").fetchall()
    assert dict(found) == {standing: "44.99", seated: "0.00"}
