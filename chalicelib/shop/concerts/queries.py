"""Answers questions about concerts from the programme."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.platform.http.paging import bad_cursor
from chalicelib.shop.concerts import dates
from chalicelib.shop.concerts.dates import When
from chalicelib.shop.concerts.matching import MOST_RANK, Matching, Near, matching

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.concerts.answers import Concert, TicketType

_COLUMNS = """
select c.id, c.name, c.description, c.genre, c.image_url, c.status, c.organiser_id, c.starts_at, c.ends_at,
       c.max_per_customer, c.postponed, c.sales_closed, c.refundable_until, c.version,
       case when c.venue_name is not null then json_build_object(
           'id', c.venue_id, 'name', c.venue_name, 'address', c.venue_address, 'city', c.venue_city,
           'country', c.venue_country, 'time_zone', c.venue_time_zone, 'web_url', c.venue_web_url)
       when v.id is not null then json_build_object(
           'id', v.id, 'name', v.name, 'address', v.address, 'city', v.city, 'country', v.country,
           'time_zone', v.time_zone, 'web_url', v.web_url) end as venue,
       (select coalesce(json_agg(json_build_object(
           'id', t.id, 'name', t.name,
           'price', json_build_object('amount', t.price_amount::text, 'currency', t.price_currency),
           'quantity', t.quantity, 'max_per_order', t.max_per_order,
           'sales_start', t.sales_start, 'sales_end', t.sales_end,
           'area_id', t.area_id, 'ceiling', t.ceiling) order by t.added_at_version), '[]')
          from ticket_types t where t.concert_id = c.id) as ticket_types,
       (select coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'capacity', a.capacity)
                                 order by a.added_at_version), '[]')
          from areas a where a.concert_id = c.id) as areas"""
_VENUE = " left join venues v on c.venue_name is null and v.id = c.venue_id and v.name is not null"
_FIND = _COLUMNS + " from concerts c" + _VENUE + " where c.name is not null and c.status <> 'deleted' and c.id = %(id)s"
_LIST = """
with found as (
    select c.id, c.sort_at, {rank} as rank
      from concerts c {venue}
     where {conditions}
), page as materialized (
    select * from found f where {after} order by {order} limit %(limit)s + 1
)
{columns}, f.rank
  from page f join concerts c on c.id = f.id {venue}
 order by {order}
"""
_SOONEST_FIRST = "f.sort_at, f.id"
_LATEST_FIRST = "f.sort_at desc, f.id desc"

_VENUE_IS = "c.venue_id = %(venue_id)s"
_AFTER = "(f.sort_at, f.id) {} (coalesce(%(after_start)s::timestamptz, 'infinity'), %(after_id)s)"
_NAMED = """
select id, status, organiser_id from concerts where name is not null and status <> 'deleted' and id = any(%(ids)s)
union all
select id, null, organiser_id from venues where name is not null and not deleted and id = any(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class ConcertSearch:
    """The filters of a search; None does not filter. `matching` says what matches `q`, `location` and `genre`.

    Dates are those at the venue, both included. `when` filters by `now`.
    """

    q: str | None = None
    location: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    genre: str | None = None
    venue_id: UUID | None = None
    when: When = When.UPCOMING
    now: datetime | None = None
    near: Near | None = None


def find_concert(programme: "Reader", concert_id: UUID) -> "Concert | None":
    """Return the concert, also a draft, unless it was deleted.

    Raises Unavailable.
    """
    rows = programme.fetch_all(_FIND, {"id": concert_id})
    return concert_of_row(rows[0]) if rows else None


def search_concerts(
    programme: "Reader", search: ConcertSearch, limit: int, after: Sequence[str] | None
) -> tuple[list["Concert"], list[str] | None]:
    """List published concerts with the last one's key if more follow: best match first if `q` is given, else soonest.

    Those that match equally well, or without a query all, come by date, and those without a date last. Of what is past,
    the latest come first.
    Raises InvalidInput for a key that did not come from this API, or Unavailable.
    """
    is_ranked, is_reversed = bool(search.q), dates.is_latest_first(search)
    conditions, parameters, rank = conditions_of(search)
    after_key = "true"
    if after is not None:
        after_key = _after(is_ranked=is_ranked, is_reversed=is_reversed)
        parameters |= _parsed_key(after, is_ranked=is_ranked)
    by_date = _LATEST_FIRST if is_reversed else _SOONEST_FIRST
    statement = _LIST.format(
        rank=rank,
        conditions=" and ".join(conditions),
        after=after_key,
        order=f"f.rank desc, {by_date}" if is_ranked else by_date,
        columns=_COLUMNS,
        venue=_VENUE,
    )
    rows = programme.fetch_all(statement, {**parameters, "limit": limit})
    page = rows[:limit]
    key = _key(page[-1], is_ranked=is_ranked) if len(rows) > limit else None
    return [concert_of_row(row) for row in page], key


def _after(*, is_ranked: bool, is_reversed: bool) -> str:
    after = _AFTER.format("<" if is_reversed else ">")
    return f"(f.rank < %(after_rank)s or f.rank = %(after_rank)s and {after})" if is_ranked else after


def conditions_of(search: ConcertSearch) -> Matching:
    """Return what a published concert `c` at a venue `v` must be like, and the rank of a match."""
    parameters = {
        "venue_id": search.venue_id,
        "date_from": search.date_from,
        "date_to": search.date_to,
        "now": search.now,
    }
    conditions = ["c.name is not null", "c.status = 'published'", *dates.conditions_of(search)]
    if search.venue_id is not None:
        conditions.append(_VENUE_IS)
    found = matching(search.q, search.location, search.genre, search.near)
    return found._replace(conditions=[*conditions, *found.conditions], parameters={**parameters, **found.parameters})


def readable_streams(
    programme: "Reader", stream_ids: Collection[UUID], may_see: Callable[[Mapping[str, Any]], bool]
) -> list[UUID]:
    """Return those of the streams that are venues, or concerts that the caller may see; without streams, ask nothing.

    `may_see` is asked with the `status` and the `organiser_id` of a concert.
    Raises Unavailable.
    """
    if not stream_ids:
        return []
    rows = programme.fetch_all(_NAMED, {"ids": list(stream_ids)})
    return [row["id"] for row in rows if row["status"] is None or may_see(row)]


def _key(row: Mapping[str, Any], *, is_ranked: bool) -> list[str]:
    key = [_instant(row["starts_at"]) or "", str(row["id"])]
    return [str(row["rank"]), *key] if is_ranked else key


def _parsed_key(after: Sequence[str], *, is_ranked: bool) -> dict[str, Any]:
    try:
        *ranks, start, concert_id = after
        key = {"after_start": as_utc(datetime.fromisoformat(start)) if start else None, "after_id": UUID(concert_id)}
        return key | _parsed_rank(ranks, is_ranked=is_ranked)
    except ValueError:
        raise bad_cursor() from None


def _parsed_rank(ranks: Sequence[str], *, is_ranked: bool) -> dict[str, int]:
    """Read the rank, which only the key of a ranked list has.

    Raises ValueError.
    """
    if not is_ranked and not ranks:
        return {}
    [rank] = ranks if is_ranked else []
    if not -MOST_RANK <= int(rank) <= MOST_RANK:
        raise ValueError("no search ranks so high")
    return {"after_rank": int(rank)}


def concert_of_row(row: Mapping[str, Any]) -> "Concert":
    """Turn a row of the programme into the answer."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "description": row["description"],
        "genre": row["genre"],
        "image_url": row["image_url"],
        "max_per_customer": row["max_per_customer"],
        "status": row["status"],
        "postponed": row["postponed"],
        "sales_closed": row["sales_closed"],
        "refundable_until": _instant(row["refundable_until"]),
        "organiser_id": str(row["organiser_id"]) if row["organiser_id"] else None,
        "starts_at": _instant(row["starts_at"]),
        "ends_at": _instant(row["ends_at"]),
        "venue": row["venue"],
        "ticket_types": [_ticket_type(ticket_type) for ticket_type in row["ticket_types"]],
        "areas": row["areas"],
        "version": row["version"],
    }


def _ticket_type(ticket_type: JsonObject) -> "TicketType":
    return {
        "id": ticket_type["id"],
        "name": ticket_type["name"],
        "price": ticket_type["price"],
        "quantity": None if ticket_type["area_id"] else ticket_type["quantity"],
        "area_id": ticket_type["area_id"],
        "ceiling": ticket_type["ceiling"],
        "max_per_order": ticket_type["max_per_order"],
        "sales_start": _instant(ticket_type["sales_start"]),
        "sales_end": _instant(ticket_type["sales_end"]),
    }


def _instant(value: datetime | str | None) -> str | None:
    """Format an instant; inside a JSON column Postgres has written it as text."""
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return format_instant(instant) if instant else None
