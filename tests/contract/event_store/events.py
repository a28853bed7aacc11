"""Events to store, and many hands to store them at once."""

from collections.abc import Callable
from uuid import UUID

from chalicelib.platform.eventsourcing.store import (
    ConcurrencyError,
    StoreUsage,
)
from chalicelib.platform.eventsourcing.stored import Head, StoredEvent, item_bytes
from chalicelib.shop.venues.events import VenueCreated, VenueDeleted
from tests.support.stored import item

DELETED = VenueDeleted()


def venue(description: str = "") -> VenueCreated:
    return VenueCreated(
        name="Ünïcödé \N{MUSICAL SYMBOL G CLEF}",
        description=description,
        capacity=1,
        address="",
        city="",
        country="",
        time_zone="UTC",
    )


def sized(size: int, stream_id: UUID | None = None, after: Head | None = None) -> StoredEvent:
    """An event whose item has exactly this many bytes by DynamoDB's rule."""
    bare = item_bytes(item(venue(), stream_id, after))
    made = item(venue("x" * (size - bare)), stream_id, after)
    assert item_bytes(made) == size
    return made


def spent(usage: StoreUsage) -> tuple[dict[str, int], float, float, int]:
    return dict(usage.requests), usage.read_units, usage.write_units, usage.items_written


def lost(append: Callable[[], None]) -> frozenset[UUID]:
    """The streams whose race this append lost; none if it won."""
    try:
        append()
    except ConcurrencyError as error:
        return error.streams
    return frozenset()
