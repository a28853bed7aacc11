"""Defines what is remembered of a concert that was sold out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.shop.webhooks.events import ConcertSoldOut


@dataclass(frozen=True, slots=True)
class SoldOut:
    at: datetime | None = None

    def record(self, concert_id: UUID, tickets: int, last_sale_at: datetime, now: datetime) -> list[Event]:
        """Record that everything is sold, unless that was known when the last ticket was sold."""
        if self.at is not None and last_sale_at <= self.at:
            return []
        return [ConcertSoldOut(concert_id=concert_id, tickets=tickets, at=now)]


def evolve(sold_out: SoldOut, event: Event) -> SoldOut:
    return SoldOut(event.at) if isinstance(event, ConcertSoldOut) else sold_out


def sold_out_id(concert_id: UUID) -> UUID:
    """Return the id of a concert's stream of these events, which follows from the concert's own."""
    return uuid5(concert_id, "sold out")


SOLD_OUT = Aggregate("SoldOut", SoldOut(), evolve)
