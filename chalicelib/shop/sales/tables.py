"""Describes the tables of the sales, which the migrations create.

The contexts whose events they follow write them: venues, concerts and orders, each with projectors of its own.
"""

from pathlib import Path

from chalicelib.platform.readmodels.postgres.tables import Schema

SALES = Schema(
    "sales",
    {
        "sales_venues": "id",
        "sales_concerts": "id",
        "sales_ticket_types": "concert_id",
        "sales_orders": "id",
        "sales_parts": "order_id",
        "sales_lines": "order_id",
        "sales_tickets": "order_id",
        "sales_refunds": "order_id",
        "sales_moves": "order_id",
        "sales_check_ins": "id",
        "sales_scans": "ticket_id",
    },
    Path(__file__).with_name("migrations"),
    stamped=frozenset({"sales_tickets", "sales_check_ins"}),
)
