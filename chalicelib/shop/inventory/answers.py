"""Defines what the routes of the stock answer."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from chalicelib.platform.http.shapes import Count, Id, Instant
from chalicelib.shop.inventory.on_sale import SaleReason


class TicketTypeStock(TypedDict):
    """The stock of one ticket type; where nothing is available, `reason` says why.

    One that draws from an area has its `area_id`, and what the area and the type's ceiling leave as `available`.
    `opens_at` and `ended_at` come with the reasons that they explain.
    """

    id: Id
    name: str
    capacity: Count
    available: Count
    held: Count
    sold: Count
    area_id: NotRequired[Id]
    reason: SaleReason | None
    opens_at: NotRequired[Instant]
    ended_at: NotRequired[Instant]


class AreaStock(TypedDict):
    """The stock that ticket types share."""

    id: Id
    name: str
    capacity: Count
    available: Count
    held: Count
    sold: Count


class Availability(TypedDict):
    """What can be bought; `source` says whether the read model or the log has answered."""

    ticket_types: list[TicketTypeStock]
    areas: list[AreaStock]
    source: Literal["read_model", "log"]
