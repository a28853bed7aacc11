"""All events and aggregates of all contexts."""

from typing import Any

from chalicelib import contexts
from chalicelib.platform.eventsourcing.aggregate import Aggregate
from chalicelib.platform.eventsourcing.event import Event, event_classes


def all_event_classes() -> list[type[Event]]:
    """Every event that the code can read, by stored name."""
    contexts.load_events()
    return [cls for cls in event_classes() if cls.__module__.startswith("chalicelib.")]


def all_aggregates() -> list[Aggregate[Any]]:
    """Every aggregate, by name."""
    return sorted(contexts.aggregates().values(), key=lambda aggregate: aggregate.name)
