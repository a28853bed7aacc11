"""Counts what a search finds, by genre, city and month."""

from typing import TYPE_CHECKING, cast

from chalicelib.shop.concerts.queries import ConcertSearch, conditions_of

if TYPE_CHECKING:
    from chalicelib.platform.readmodels.postgres.pool import Reader
    from chalicelib.shop.concerts.answers import Facets, FacetValue

MOST_VALUES = 50
"""Values of a facet that are counted; of more, those with the highest counts."""

_COUNTS = """
with found as (
    select c.genre, c.genre_key, coalesce(c.venue_city, v.city) as city,
           coalesce(c.venue_city_key, v.city_key) as city_key,
           date_trunc('month', c.starts_at at time zone
                      coalesce(c.venue_search_time_zone, v.search_time_zone, 'UTC')) as month
      from concerts c
      left join venues v on c.venue_name is null and v.id = c.venue_id and v.name is not null
     where {conditions}
), counted as (
    select case when grouping(genre_key) = 0 then 'genre'
                when grouping(city_key) = 0 then 'city'
                else 'month' end as facet,
           case when grouping(genre_key) = 0 then max(genre collate "C")
                when grouping(city_key) = 0 then max(city collate "C")
                else to_char(month, 'FMYYYY-MM') end as value,
           count(*) as count
      from found
     group by grouping sets ((genre_key), (city_key), (month))
    having coalesce(genre_key, city_key, month::text) <> ''
), ranked as (
    select *, row_number() over (partition by facet order by count desc, value collate "C") as place from counted
)
select facet, value, count from ranked where place <= %(most_values)s
 order by facet, case when facet = 'month' then value end collate "C", place
"""


def count_facets(programme: "Reader", search: ConcertSearch) -> "Facets":
    """Count everything that the search finds, on all its pages; a month is the local one at the venue.

    Genres and cities come with the highest count first, in one of their spellings; months in their order.
    Raises Unavailable.
    """
    conditions, parameters, _ = conditions_of(search)
    statement = _COUNTS.format(conditions=" and ".join(conditions))
    rows = programme.fetch_all(statement, {**parameters, "most_values": MOST_VALUES})
    facets: dict[str, list[FacetValue]] = {"genre": [], "city": [], "month": []}
    for row in rows:
        facets[row["facet"]].append({"value": row["value"], "count": row["count"]})
    return cast("Facets", facets)
