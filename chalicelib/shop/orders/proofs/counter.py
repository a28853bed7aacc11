"""The counter of a concert's tickets sold: a stream of certificates, each of which fixes the one before it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.instants import format_instant
from chalicelib.shop.orders.events import SoldTicketsCertified

SNAPSHOT_EVERY = 50

FIRST = "0" * 64
"""`previous` of a concert's first certificate."""


@dataclass(frozen=True, slots=True)
class SoldCounter:
    """Knows what the newest certificate says; `number` is how many there are, and `digest` what fixes that one."""

    number: int = 0
    issued: int = 0
    sold: int = 0
    root: str = ""
    digest: str = FIRST

    def has_counted(self, issued: int, sold: int) -> bool:
        """Tell whether this is certified: issued tickets only become more, and so do revoked ones."""
        return (self.issued, self.sold) == (issued, sold)

    def certify(
        self, concert_id: UUID, issued: int, sold: int, root: str, counted_at: datetime, now: datetime
    ) -> list[Event]:
        """Certify how many tickets there are; what is certified already changes nothing."""
        if self.has_counted(issued, sold):
            return []
        certified = SoldTicketsCertified(
            concert_id=concert_id,
            number=self.number + 1,
            issued=issued,
            sold=sold,
            root=root,
            previous=self.digest,
            counted_at=counted_at,
            at=now,
        )
        return [certified]


def evolve(counter: SoldCounter, event: Event) -> SoldCounter:
    if not isinstance(event, SoldTicketsCertified):
        return counter
    digest = hashlib.sha256(statement_of(event)).hexdigest()
    return SoldCounter(event.number, event.issued, event.sold, event.root, digest)


def counter_id(concert_id: UUID) -> UUID:
    """Return the id of a concert's counter, which follows from the concert's."""
    return uuid5(concert_id, "sold-tickets")


def statement_of(certified: SoldTicketsCertified) -> bytes:
    """Return what is signed of a certificate."""
    return statement(
        str(certified.concert_id),
        certified.number,
        format_instant(certified.counted_at),
        certified.issued,
        certified.sold,
        certified.root,
        certified.previous,
    )


def statement(concert_id: str, number: int, counted_at: str, issued: int, sold: int, root: str, previous: str) -> bytes:
    """Write eight lines, the first of which keeps what is signed apart from codes and door lists."""
    lines = ("cloudbash-sold-tickets-1", concert_id, number, counted_at, issued, sold, root, previous)
    return "".join(f"{line}\n" for line in lines).encode()


SOLD_COUNTER = Aggregate("SoldCounter", SoldCounter(), evolve, snapshot_every=SNAPSHOT_EVERY)
