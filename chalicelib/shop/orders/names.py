"""Shows orders under the names that their concerts and ticket types have today."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.readmodels.documents.document import Versioned
from chalicelib.platform.readmodels.documents.projection import DocumentProjection

MOST_CONCERTS = 100
"""The concerts whose names one answer looks up, in one request; orders of others keep their own names."""


def named_as_today(documents: DocumentProjection, orders: Sequence[Versioned]) -> list[Versioned]:
    """Return the orders with the names of today; where a concert is not known yet, an order keeps its own.

    Raises Unavailable.
    """
    placed = [line["concert_id"] for order, _ in orders for line in order["lines"]]
    wanted = [UUID(key) for key in dict.fromkeys(placed) if key][:MOST_CONCERTS]
    if not wanted:
        return list(orders)
    concerts = {str(key): found.contents for key, found in documents.read(wanted).items()}
    return [
        Versioned(order | {"lines": [_named(line, concerts) for line in order["lines"]]}, at) for order, at in orders
    ]


def _named(line: JsonObject, concerts: Mapping[str, JsonObject]) -> JsonObject:
    concert = concerts.get(line["concert_id"] or "")
    if concert is None:
        return line
    ticket_type_name = concert["ticket_types"].get(line["ticket_type_id"], line["ticket_type_name"])
    return line | {"concert_name": concert["name"] or line["concert_name"], "ticket_type_name": ticket_type_name}
