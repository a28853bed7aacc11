"""Reads the streams of one concert's sale from the log: its pools, then the carts and orders that these name."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chalicelib.platform.errors import NotFound, RuleViolated
from chalicelib.platform.eventsourcing.codec import recorded
from chalicelib.platform.eventsourcing.event import Event
from chalicelib.platform.eventsourcing.history import created_at
from chalicelib.platform.eventsourcing.store import EventStore
from chalicelib.shop.concerts.concert import CONCERT, Concert
from chalicelib.shop.inventory.events import HoldPlacedOnOrder, TicketPoolEvent, TicketsHeld, TicketsSold
from chalicelib.shop.orders.events import OrderPlaced
from ops.progress import progress

READERS = 8
"""So many streams are read at a time: each waits for the network."""

Stream = tuple[int, Sequence[Event]]
"""The version of the first event, and the events."""

Streams = Mapping[UUID, Stream]


class NeverOnSale(RuleViolated):
    code = "never_on_sale"


class SharesStock(RuleViolated):
    """Ticket types of the concert share an area.

    A hold there may move quota between pools, and the log does not say between which, so no replay could be exact.
    """

    code = "shares_stock"


@dataclass(frozen=True, slots=True)
class Recording:
    """One concert's sale as the log has it until `until`."""

    concert: Concert
    pools: Streams
    carts: Streams
    orders: Streams
    until: datetime

    @property
    def stock(self) -> dict[UUID, list[TicketPoolEvent]]:
        """Return the events of each pool."""
        return {
            key: [event for event in events if isinstance(event, TicketPoolEvent)]
            for key, (_, events) in self.pools.items()
        }

    @property
    def customers(self) -> dict[UUID, UUID]:
        """Return whose each order is; what an organiser gave away is no customer's."""
        placed = {key: events[0] for key, (_, events) in self.orders.items() if events}
        return {
            key: event.customer_id
            for key, event in placed.items()
            if isinstance(event, OrderPlaced) and event.issued_by is None
        }


def read_concert(log: EventStore, concert_id: UUID, until: datetime) -> Concert:
    """Read a concert that was on sale, as it was at that instant.

    Raises:
        NotFound
        NeverOnSale
        SharesStock
        LogDamaged
        Unavailable
    """
    _, events = _read(log, concert_id, until)
    concert = CONCERT.fold(events)
    if concert.details is None:
        raise NotFound(f"There is no concert {concert_id}.")
    if not concert.pool_ids:
        raise NeverOnSale("The concert was never on sale, so there is nothing to replay.")
    if concert.area_pools:
        raise SharesStock("Ticket types of the concert share an area, and such a sale cannot be replayed exactly.")
    return concert


def read_sale(log: EventStore, concert: Concert, until: datetime) -> Recording:
    """Read what the log has of the concert's sale until that instant.

    Raises:
        LogDamaged
        Unavailable
    """
    pools = _read_all(log, "pools", concert.pool_ids, until)
    of_pools = [event for _, events in pools.values() for event in events]
    carts = dict.fromkeys(event.cart_id for event in of_pools if isinstance(event, TicketsHeld))
    orders = dict.fromkeys(event.order_id for event in of_pools if isinstance(event, HoldPlacedOnOrder | TicketsSold))
    return Recording(
        concert,
        pools,
        _read_all(log, "carts", carts, until),
        _read_all(log, "orders", orders, until),
        until,
    )


def _read_all(log: EventStore, what: str, keys: Collection[UUID], until: datetime) -> dict[UUID, Stream]:
    streams = {}
    with ThreadPoolExecutor(READERS) as readers, progress("Reading the log", len(keys), "streams") as advance:
        for key, stream in zip(keys, readers.map(lambda key: _read(log, key, until), keys), strict=True):
            streams[key] = stream
            advance(what, 1)
    return streams


def _read(log: EventStore, key: UUID, until: datetime) -> Stream:
    stored = [event for event in log.read(key) if created_at(event) <= until]
    return (stored[0].aggregate_version if stored else 0), [recorded(event).event for event in stored]
