"""Reports sales from the archive alone: it asks neither the log nor a read model."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib import composition
from chalicelib.platform.archive.parquet import open_duckdb
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.money import Money
from chalicelib.shop.concerts.events import ConcertCreated, ConcertDetailsChanged
from chalicelib.shop.orders.events import (
    OrderConfirmed,
    OrderPlaced,
    RefundCompleted,
    RefundGranted,
    RefundRecorded,
    RefundReduced,
    RefundStarted,
    TicketsMoved,
    TicketsRevoked,
)
from ops.copies import copy, directory_for_copies
from ops.days import day
from ops.progress import progress
from ops.report import Report

if TYPE_CHECKING:
    from argparse import _SubParsersAction

EVENTS: dict[str, type[Event]] = {
    "placed": OrderPlaced,
    "confirmed": OrderConfirmed,
    "refund_started": RefundStarted,
    "refund_reduced": RefundReduced,
    "refund_completed": RefundCompleted,
    "refund_recorded": RefundRecorded,
    "revoked": TicketsRevoked,
    "granted": RefundGranted,
    "moved": TicketsMoved,
    "concert_created": ConcertCreated,
    "concert_changed": ConcertDetailsChanged,
}
"""The query reads these events in today's shapes; none of them has ever had another."""

_QUERY = """
WITH
archived AS (
    SELECT DISTINCT ON (AggregateId, AggregateVersion)
           AggregateId AS id, AggregateVersion AS version, EventType AS type, CAST(date AS DATE) AS day, Data AS data,
           Data ->> '$.PaymentId' AS payment_id, Data ->> '$.RefundId' AS refund_id
    FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false)
    WHERE EventType IN (SELECT unnest($types)) AND json_valid(Data)
),
json_lines AS (
    SELECT id AS order_id, unnest(json_extract(data, '$.Lines[*]')) AS line FROM archived WHERE type = $placed
),
lines AS (
    -- One may name no concert: NULL would join nothing.
    SELECT order_id, coalesce(line ->> '$.ConcertId', '') AS concert_id, coalesce(line ->> '$.ConcertName', '') AS name,
           TRY_CAST(line ->> '$.Quantity' AS BIGINT) AS quantity,
           TRY_CAST(line ->> '$.UnitPrice.Amount' AS DECIMAL(18, 4)) AS price,
           line ->> '$.UnitPrice.Currency' AS currency
    FROM json_lines
),
moves AS (
    SELECT id AS order_id, day, data ->> '$.ConcertId' AS left_id, data ->> '$.Line.ConcertId' AS concert_id,
           data ->> '$.Line.ConcertName' AS name, data ->> '$.Carried.Currency' AS currency,
           CAST(json_array_length(data, '$.TicketIds') AS BIGINT) AS tickets, data ->> '$.PaidBy' AS paid_by,
           TRY_CAST(data ->> '$.Carried.Amount' AS DECIMAL(18, 4)) AS carried,
           TRY_CAST(data ->> '$.Supplement.Amount' AS DECIMAL(18, 4)) AS supplement,
           json_extract(data, '$.RefundIds[*]') AS refund_ids
    FROM archived WHERE type = $moved
),
bought AS (
    SELECT order_id, concert_id, any_value(name) AS name, currency,
           sum(quantity) AS tickets, sum(quantity * price) AS gross
    FROM (FROM lines WHERE quantity * price IS NOT NULL AND currency IS NOT NULL
          UNION ALL SELECT order_id, concert_id, name, 0, 0, currency FROM moves) GROUP BY ALL
),
confirmed AS (
    SELECT id AS order_id, day, payment_id FROM archived WHERE type = $confirmed
),
paying AS (
    SELECT order_id, payment_id FROM confirmed
    UNION ALL SELECT order_id, paid_by FROM moves WHERE paid_by IS NOT NULL
),
sold AS (
    SELECT day, concert_id, currency, count(*) AS orders, sum(tickets) AS tickets, sum(gross) AS gross, 0 AS refunded
    FROM confirmed JOIN bought USING (order_id) WHERE bought.tickets > 0 GROUP BY ALL
    -- What is moved counts on its own day: what was paid goes with it, and the difference is sold then.
    UNION ALL SELECT day, left_id, currency, 0, -tickets, -carried, 0 FROM moves
    UNION ALL SELECT day, concert_id, currency, 0, tickets, carried + supplement, 0 FROM moves
),
amounts AS (
    SELECT *, TRY_CAST(data ->> '$.Amount.Amount' AS DECIMAL(18, 4)) AS amount
    FROM archived WHERE type IN ($refund_started, $refund_reduced, $refund_recorded)
),
reduced AS (
    SELECT id, refund_id, arg_max(amount, version) AS amount FROM amounts WHERE type = $refund_reduced GROUP BY ALL
),
granted AS (
    SELECT id AS order_id, part ->> '$.RefundId' AS refund_id, part ->> '$.ConcertId' AS concert_id
    FROM (SELECT id, unnest(json_extract(data, '$.Parts[*]')) AS part FROM archived WHERE type = $granted)
    UNION ALL
    SELECT order_id, unnest(refund_ids) ->> '$', left_id FROM moves
),
-- Of the payments of the order's tickets: another one was never part of the sales.
refunds AS (
    SELECT started.id AS order_id, completed.day,
           coalesce(granted.concert_id, revoked.data ->> '$.ConcertId') AS concert_id,
           coalesce(reduced.amount, started.amount) AS amount
    FROM amounts AS started
    JOIN paying ON paying.order_id = started.id AND paying.payment_id = started.payment_id
    JOIN archived AS completed
      ON completed.type = $refund_completed AND completed.id = started.id AND completed.refund_id = started.refund_id
    LEFT JOIN reduced ON reduced.id = started.id AND reduced.refund_id = started.refund_id
    LEFT JOIN granted ON granted.order_id = started.id AND granted.refund_id = started.refund_id
    -- The part of a concert goes back in the commit that revokes its tickets; else it is of the whole payment.
    LEFT JOIN archived AS revoked
      ON revoked.type = $revoked AND revoked.id = started.id AND revoked.version = started.version + 1
    WHERE started.type = $refund_started
    UNION ALL
    SELECT recorded.id, recorded.day, NULL, recorded.amount
    FROM amounts AS recorded
    JOIN paying ON paying.order_id = recorded.id AND paying.payment_id = recorded.payment_id
    WHERE recorded.type = $refund_recorded
),
totals AS (
    SELECT order_id, sum(gross) AS total FROM bought GROUP BY ALL
),
returned AS (
    SELECT refunds.day, bought.concert_id, currency, 0 AS orders, 0 AS tickets, 0 AS gross,
           -- What names no concert goes back of each by its part of the order.
           sum(CAST(refunds.amount * if(refunds.concert_id IS NULL, CAST(bought.gross AS DOUBLE) / total, 1)
                    AS DECIMAL(18, 4))) AS refunded
    FROM refunds JOIN totals USING (order_id) JOIN bought
      ON bought.order_id = refunds.order_id
     AND (refunds.concert_id IS NULL OR refunds.concert_id = bought.concert_id)
    GROUP BY ALL
),
names AS (
    SELECT id AS concert_id, arg_max(data ->> '$.Name', version) AS name
    FROM archived WHERE type IN ($concert_created, $concert_changed) GROUP BY ALL
),
names_when_sold AS (SELECT concert_id, any_value(name) AS name FROM bought GROUP BY ALL)
SELECT day, nullif(concert_id, ''), coalesce(any_value(names.name), any_value(names_when_sold.name)) AS concert,
       currency,
       sum(orders) AS orders, sum(tickets) AS tickets, sum(gross) AS gross, sum(refunded) AS refunded
FROM (FROM sold UNION ALL FROM returned)
LEFT JOIN names USING (concert_id) LEFT JOIN names_when_sold USING (concert_id)
WHERE day >= $first AND day <= $last AND ($concert IS NULL OR concert_id = $concert)
GROUP BY day, concert_id, currency
ORDER BY day, concert, concert_id, currency
"""


@dataclass(frozen=True, slots=True)
class Sales:
    """Holds one concert's sales on one day, in one currency. A refund counts on the day of its completion."""

    day: date
    concert_id: str | None
    concert: str
    currency: str
    orders: int
    tickets: int
    gross: Decimal
    refunded: Decimal


def report(options: argparse.Namespace) -> Report:
    """Report what was sold and refunded, by day (UTC) and concert, from the archive of events."""
    last = options.to or composition.current().clock().astimezone(UTC).date()
    first = options.since or date.min
    if first > last:
        raise InvalidInput(f"--from {first} is after --to {last}.")
    if options.chart and not options.chart.resolve().parent.is_dir():
        raise InvalidInput(f"There is no directory {options.chart.resolve().parent} for the chart.")
    if options.keep and options.keep.exists() and not options.keep.is_dir():
        raise InvalidInput(f"{options.keep} is no directory.")
    found = _read(options, first, last)
    if options.chart:
        from ops.chart import draw  # noqa: PLC0415 - matplotlib takes half a second to import

        draw(found, options.chart)
    return Report([_row(one) for one in found], [_record(one) for one in found])


def declare(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("report", help=report.__doc__)
    parser.add_argument("--from", dest="since", type=day, metavar="DAY", help="begin with this day, as 2030-06-15")
    parser.add_argument("--to", type=day, metavar="DAY", help="end with this day; today by default")
    parser.add_argument("--concert", type=UUID, metavar="ID", help="report this concert only")
    parser.add_argument("--chart", type=_png, metavar="FILE.png", help="draw a chart into this file as well")
    parser.add_argument(
        "--keep", type=Path, metavar="DIRECTORY", help="store the fetched files here for the next report"
    )
    parser.set_defaults(command=report)


def sales_in(
    files: Sequence[Path], first: date = date.min, last: date = date.max, concert: UUID | None = None
) -> list[Sales]:
    """List the sales by day, then by name.

    The files must have all that was archived until `last`: what is paid or refunded on a day was often ordered on
    another.
    """
    if not files:
        return []
    parameters = {name: event.stored_name for name, event in EVENTS.items()} | {
        "files": [str(file) for file in files],
        "types": [event.stored_name for event in EVENTS.values()],
        "first": first,
        "last": last,
        "concert": str(concert) if concert else None,
    }
    with open_duckdb() as db:
        return [Sales(*row) for row in db.execute(_QUERY, parameters).fetchall()]


def _read(options: argparse.Namespace, first: date, last: date) -> list[Sales]:
    archive = composition.current().archived_files
    wanted = [file for file in archive.listed() if file.is_until(last)]
    with (
        directory_for_copies(options.keep) as directory,
        progress("Fetching the archive", len(wanted), "files") as advance,
    ):
        return sales_in(copy(archive, wanted, directory, advance), first, last, options.concert)


def _png(text: str) -> Path:
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end with .png")
    return Path(text)


def _row(one: Sales) -> dict[str, str]:
    return {
        "day": one.day.isoformat(),
        "orders": str(one.orders),
        "tickets": str(one.tickets),
        "gross": _amount(one.gross, one.currency),
        "refunded": _amount(one.refunded, one.currency),
        "currency": one.currency,
        "concert": one.concert,
    }


def _record(one: Sales) -> dict[str, Any]:
    return {
        "day": one.day.isoformat(),
        "concert_id": one.concert_id,
        "concert": one.concert,
        "orders": one.orders,
        "tickets": one.tickets,
        "gross": {"amount": _amount(one.gross, one.currency), "currency": one.currency},
        "refunded": {"amount": _amount(one.refunded, one.currency), "currency": one.currency},
    }


def _amount(amount: Decimal, currency: str) -> str:
    return str(Money.of(amount, currency).amount)
