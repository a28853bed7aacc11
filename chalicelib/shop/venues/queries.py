"""Answers questions about venues from the programme."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.http.paging import bad_cursor

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.venues.answers import Coordinates, Venue

_FIND = """
select id, name, description, capacity, address, city, country, time_zone, web_url, shared, latitude, longitude,
       organiser_id, version
  from venues
 where not deleted and name is not null and id = %(id)s
"""
_LIST = """
select id, name, description, capacity, address, city, country, time_zone, web_url, shared, latitude, longitude,
       organiser_id, version, sort_name
  from venues
 where not deleted and name is not null
   and (%(after_id)s::uuid is null or (sort_name, id) > (%(after_name)s, %(after_id)s))
 order by sort_name, id
 limit %(limit)s + 1
"""
_READABLE = "select id from venues where not deleted and name is not null and id = any(%(ids)s)"


def find_venue(programme: "Reader", venue_id: UUID) -> "Venue | None":
    """Return the venue unless it was deleted.

    Raises:
        Unavailable: the database is away.
    """
    rows = programme.fetch_all(_FIND, {"id": venue_id})
    return _venue(rows[0]) if rows else None


def list_venues(programme: "Reader", limit: int, after: Sequence[str] | None) -> tuple[list["Venue"], list[str] | None]:
    """List venues by name, with the key of the last one if more follow.

    Raises:
        InvalidInput: the key did not come from this API.
        Unavailable: the database is away.
    """
    name, venue_id = (None, None) if after is None else _key(after)
    rows = programme.fetch_all(_LIST, {"after_name": name, "after_id": venue_id, "limit": limit})
    page = rows[:limit]
    next_key = [page[-1]["sort_name"], str(page[-1]["id"])] if len(rows) > limit else None
    return [_venue(row) for row in page], next_key


def readable_venues(programme: "Reader", stream_ids: Collection[UUID]) -> list[UUID]:
    """Return those of the streams that are venues which anyone may read; without streams, nothing is asked.

    Raises:
        Unavailable: the database is away.
    """
    if not stream_ids:
        return []
    return [row["id"] for row in programme.fetch_all(_READABLE, {"ids": list(stream_ids)})]


def _key(after: Sequence[str]) -> tuple[str, UUID]:
    try:
        name, venue_id = after
        return name, UUID(venue_id)
    except ValueError:
        raise bad_cursor() from None


def _venue(row: Mapping[str, Any]) -> "Venue":
    organiser_id = row["organiser_id"]
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "description": row["description"],
        "capacity": row["capacity"],
        "address": row["address"],
        "city": row["city"],
        "country": row["country"],
        "time_zone": row["time_zone"],
        "web_url": row["web_url"],
        "coordinates": _coordinates(row),
        "shared": row["shared"],
        "organiser_id": str(organiser_id) if organiser_id else None,
        "version": row["version"],
    }


def _coordinates(row: Mapping[str, Any]) -> "Coordinates | None":
    if row["latitude"] is None:
        return None
    return {"latitude": row["latitude"], "longitude": row["longitude"]}
