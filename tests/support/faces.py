"""Faces of tickets, as they are printed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.platform.money import Money
from chalicelib.shop.concerts.events import ShownVenue
from chalicelib.shop.orders.faces import TicketFace
from tests.support.shop import some_id

VENUE = ShownVenue(
    name="TivoliVredenburg", address="Vredenburgkade 11", city="Utrecht", country="NL", time_zone="Europe/Amsterdam"
)
FACE = TicketFace(
    ticket_id=some_id("ticket"),
    order_id=some_id("order"),
    concert_id=some_id("concert"),
    code="6BF5$%*+-./: 0" * 14 + "ABCDE",
    concert_name="Patti Smith",
    ticket_type_name="Standing",
    holder="Carla Jones",
    starts_at=datetime(2026, 12, 31, 19, 30, tzinfo=UTC),
    ends_at=datetime(2026, 12, 31, 22, 0, tzinfo=UTC),
    venue=VENUE,
    price=Money.of("25.00", "EUR"),
)


def a_face(**changes: Any) -> TicketFace:
    return replace(FACE, **changes)
