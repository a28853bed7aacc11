"""Answers questions about concerts from the programme."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.eventsourcing.event import JsonObject
from chalicelib.platform.eventsourcing.instants import as_utc, format_instant
from chalicelib.shop.concerts import dates
from chalicelib.shop.concerts.dates import When

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader

TYPOS_FROM_LENGTH = 5
"""Words of fewer letters and digits have too few trigrams to tell a typo from another word."""

TYPOS_UP_TO_LENGTH = 40
FORGIVEN_WORDS = 3
"""To look for typos costs Postgres some 30 µs a name and word, far more than to look for the very word."""

_CONCERTS = """
select c.id, c.name, c.description, c.genre, c.image_url, c.status, c.organiser_id, c.starts_at, c.ends_at,
       c.max_per_customer, c.version,
       case when v.id is not null then json_build_object(
           'id', v.id, 'name', v.name, 'address', v.address, 'city', v.city, 'country', v.country,
           'time_zone', v.time_zone, 'web_url', v.web_url) end as venue,
       (select coalesce(json_agg(json_build_object(
           'id', t.id, 'name', t.name,
           'price', json_build_object('amount', t.price_amount::text, 'currency', t.price_currency),
           'quantity', t.quantity, 'max_per_order', t.max_per_order,
           'sales_start', t.sales_start, 'sales_end', t.sales_end) order by t.added_at_version), '[]')
          from ticket_types t where t.concert_id = c.id) as ticket_types
  from concerts c
  left join venues v on v.id = c.venue_id and v.name is not null
 where c.name is not null"""
_FIND = _CONCERTS + " and c.status <> 'deleted' and c.id = %(id)s"
_SOONEST_FIRST = " order by c.sort_at, c.id limit %(limit)s + 1"
_LATEST_FIRST = " order by c.sort_at desc, c.id desc limit %(limit)s + 1"

_FILTERS = {
    "genre": "c.genre_search = search_text(%(genre)s)",
    "venue_id": "c.venue_id = %(venue_id)s",
}
_AFTER = "(c.sort_at, c.id) {} (coalesce(%(after_start)s::timestamptz, 'infinity'), %(after_id)s)"
_NAMED = """
select id, status, organiser_id from concerts where name is not null and status <> 'deleted' and id = any(%(ids)s)
union all
select id, null, organiser_id from venues where name is not null and not deleted and id = any(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class ConcertSearch:
    """The filters of a search; None does not filter.

    Every word of `q` is part of the name, small typos forgiven in the first FORGIVEN_WORDS long ones, and every word of
    `location` part of the venue's city, name or country. Case and accents never matter. Dates are those at the venue,
    both included. `when` filters by `now`.
    """

    q: str | None = None
    location: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    genre: str | None = None
    venue_id: UUID | None = None
    when: When = When.UPCOMING
    now: datetime | None = None


def find_concert(programme: "Reader", concert_id: UUID) -> JsonObject | None:
    """Return the concert, also a draft, unless it was deleted.

    Raises Unavailable.
    """
    rows = programme.fetch_all(_FIND, {"id": concert_id})
    return concert_of_row(rows[0]) if rows else None


def search_concerts(
    programme: "Reader", search: ConcertSearch, limit: int, after: Sequence[str] | None
) -> tuple[list[JsonObject], list[str] | None]:
    """List published concerts, soonest first and those without a date last, with the last one's key if more follow.

    Of what is past, the latest come first.

    Raises InvalidInput for a key that did not come from this API, or Unavailable.
    """
    parameters = {name: value for name, value in asdict(search).items() if value}
    conditions = ["c.status = 'published'"]
    conditions += [_FILTERS[name] for name in _FILTERS if name in parameters]
    conditions += dates.conditions_of(search)
    is_reversed = dates.is_latest_first(search)
    words = (search.q or "").split()
    forgiven = [index for index, word in enumerate(words) if _can_have_typos(word)][:FORGIVEN_WORDS]
    for index, word in enumerate(words):
        parameters[f"q{index}"] = word
        conditions.append(_in_name(f"q{index}", forgiving=index in forgiven))
    for index, word in enumerate((search.location or "").split()):
        parameters[f"location{index}"] = word
        conditions.append(f"v.location_search like containing(%(location{index})s)")
    if after is not None:
        parameters["after_start"], parameters["after_id"] = _parsed_key(after)
        conditions.append(_AFTER.format("<" if is_reversed else ">"))
    statement = " and ".join([_CONCERTS, *conditions]) + (_LATEST_FIRST if is_reversed else _SOONEST_FIRST)
    rows = programme.fetch_all(statement, {**parameters, "limit": limit})
    page = rows[:limit]
    return [concert_of_row(row) for row in page], _key(page[-1]) if len(rows) > limit else None


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


def _can_have_typos(word: str) -> bool:
    """Tell whether trigrams can tell it from other words: they are made of letters and digits only."""
    return len(word) <= TYPOS_UP_TO_LENGTH and sum(map(str.isalnum, word)) >= TYPOS_FROM_LENGTH


def _in_name(parameter: str, *, forgiving: bool) -> str:
    """Return the condition that a word is part of the name, or, if `forgiving`, similar to a part of it.

    `%>` is pg_trgm's word similarity above its default threshold, 0.6.
    """
    contained = f"c.name_search like containing(%({parameter})s)"
    return f"({contained} or c.name_search %%> search_text(%({parameter})s))" if forgiving else contained


def _key(row: Mapping[str, Any]) -> list[str]:
    return [_instant(row["starts_at"]) or "", str(row["id"])]


def _parsed_key(after: Sequence[str]) -> tuple[datetime | None, UUID]:
    try:
        start, concert_id = after
        return as_utc(datetime.fromisoformat(start)) if start else None, UUID(concert_id)
    except ValueError:
        raise InvalidInput(
            "The cursor did not come from this API.", (("?cursor", "did not come from this API"),)
        ) from None


def concert_of_row(row: Mapping[str, Any]) -> JsonObject:
    """Turn a row of the programme into the answer."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "description": row["description"],
        "genre": row["genre"],
        "image_url": row["image_url"],
        "max_per_customer": row["max_per_customer"],
        "status": row["status"],
        "organiser_id": str(row["organiser_id"]) if row["organiser_id"] else None,
        "starts_at": _instant(row["starts_at"]),
        "ends_at": _instant(row["ends_at"]),
        "venue": row["venue"],
        "ticket_types": [_ticket_type(ticket_type) for ticket_type in row["ticket_types"]],
        "version": row["version"],
    }


def _ticket_type(ticket_type: JsonObject) -> JsonObject:
    return {
        **ticket_type,
        "sales_start": _instant(ticket_type["sales_start"]),
        "sales_end": _instant(ticket_type["sales_end"]),
    }


def _instant(value: datetime | str | None) -> str | None:
    """Format an instant; inside a JSON column Postgres has written it as text."""
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return format_instant(instant) if instant else None
