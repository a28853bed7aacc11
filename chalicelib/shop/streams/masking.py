"""Hides from organisers whom the events of their streams are about.

A pool's events name carts and orders, and the people who wrote them. An organiser sees what happened to the stock, and
not to whom. An id is hidden unless its name is listed here, so a new field hides its id until somebody decides.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from chalicelib.platform.eventsourcing.event import JsonObject

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PUBLIC = frozenset(
    {
        "AggregateId",
        "EventId",
        "VenueId",
        "ConcertId",
        "TicketTypeId",
        "PoolId",
        "PoolIds",
        "HoldId",
        "HoldIds",
        "ChangeId",
        "Type.Id",
    }
)
"""Names of ids that tell of no person, cart or order; a name after a dot counts inside that member alone."""

HIDDEN = "hidden"
"""Stands in a path for the id of somebody or something that is hidden; as a value, a hidden id is null."""


def masked(items: Iterable[JsonObject], viewer: UUID) -> list[JsonObject]:
    """Return the events as this organiser may see them: of people's ids only the viewer's own is left."""
    return [_item(item, str(viewer)) for item in items]


def _item(item: JsonObject, viewer: str) -> JsonObject:
    shown = {viewer, item["aggregate_id"], *_public_ids(item["data"])}
    is_own = item["actor_id"] == viewer
    by_others: JsonObject = {} if is_own else {"actor_id": None, "correlation_id": None, "causation_id": None}
    data = item["data"] if isinstance(item["data"], dict) else None  # what is no object cannot be looked through
    masked_item = item | by_others | {"data": _without(data, shown)}
    if item.get("changes") is not None:
        masked_item["changes"] = [_change(change, shown) for change in item["changes"]]
    return masked_item


def _public_ids(value: Any, name: str = "", parent: str = "") -> Iterator[str]:
    """Give the ids under public names, wherever they are in the data of an event."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _public_ids(member, key, name)
    elif isinstance(value, list):
        for member in value:
            yield from _public_ids(member, name, parent)
    elif isinstance(value, str) and not _PUBLIC.isdisjoint({name, f"{parent}.{name}"}):
        yield value


def _without(value: Any, shown: set[str]) -> Any:
    """Return the value with null in place of each id that is not shown."""
    if isinstance(value, dict):
        return {HIDDEN if _is_hidden(key, shown) else key: _without(member, shown) for key, member in value.items()}
    if isinstance(value, list):
        return [_without(member, shown) for member in value]
    return None if _is_hidden(value, shown) else value


def _change(change: JsonObject, shown: set[str]) -> JsonObject:
    segments = change["path"].split("/")
    path = "/".join(HIDDEN if _is_hidden(segment, shown) else segment for segment in segments)
    return {"path": path, "before": _without(change["before"], shown), "after": _without(change["after"], shown)}


def _is_hidden(value: Any, shown: set[str]) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None and value not in shown
