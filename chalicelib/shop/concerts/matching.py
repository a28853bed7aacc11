"""Builds the conditions by which names, places and genres match what people type, and the rank of a match."""

from typing import Any, NamedTuple

from chalicelib.platform.search.letters import plain
from chalicelib.platform.search.sought import Sought, SoughtWord

_EXACT, _BEGUN, _MISTYPED, _PLACE, _SOMEHOW = 8, 5, 4, 3, 2
"""What a word adds to the rank: it is in the name, begins a word there, is one typo off, is of the venue, or less."""

_WHOLE_NAME = 50
_A_WORD = 100
MOST_RANK = 100_000
"""More than any match has: a search has a dozen words."""

_AT_VENUE = "({copied} or c.venue_name is null and c.venue_id = any(array(select p.id from venues p where {current})))"


def _at_venue(condition: str) -> str:
    """Apply a condition to the copied venue of a concert, or to the venue itself where there is no copy.

    These venues are found first, so that an index can serve the concerts at them.
    """
    return _AT_VENUE.format(copied=condition.format(of="c.venue_"), current=condition.format(of="p."))


_LOCATION = _at_venue(
    "{of}place_terms @@ (select case"
    " when exists(select from venues s where s.place_terms @@ %(location)s::tsquery)"
    " or exists(select from concerts s where s.venue_place_terms @@ %(location)s::tsquery) then %(location)s::tsquery"
    " else %(location_with_typos)s::tsquery end)"
)
"""Typos in a place are forgiven only if no place is called so: `Bern` is not near `Berg`."""

KM_OF_A_DEGREE = 111.0
"""A little less than a degree of latitude has (111.195 on this sphere), so that a box of degrees leaves nothing out."""

_NEAR = _at_venue(
    "{of}latitude between %(latitude)s - %(km)s / %(km_of_a_degree)s and %(latitude)s + %(km)s / %(km_of_a_degree)s"
    " and 2 * 6371.0088 * asind(least(1, sqrt(power(sind(({of}latitude - %(latitude)s) / 2), 2)"
    " + cosd({of}latitude) * cosd(%(latitude)s) * power(sind(({of}longitude - %(longitude)s) / 2), 2)))) * pi() / 180"
    " <= %(km)s"
)
"""The distance on a sphere, by the haversine of the angle."""


class Near(NamedTuple):
    """A place on earth, in degrees, and how many kilometres around it count."""

    latitude: float
    longitude: float
    km: float


class Matching(NamedTuple):
    """Conditions with their parameters, and an expression that is greater for better matches; "0" if nothing ranks."""

    conditions: list[str]
    parameters: dict[str, Any]
    rank: str


def matching(q: str | None, location: str | None, genre: str | None, near: Near | None) -> Matching:
    """Return what of the programme matches; what is empty or None matches everything.

    Every word of `q` is in the concert's name, typos forgiven, or in the venue's name, city or country; every word of
    `location` is in these.
    """
    found = Matching([], {}, "0") if not q else _of_name(Sought(q))
    if location:
        sought = Sought(location)
        found.conditions.append(_LOCATION if sought.words else "false")
        if sought.words:
            found.parameters.update(location=sought.strictly, location_with_typos=sought.loosely)
    if genre:
        found.conditions.append("c.genre_key = %(genre)s")
        found.parameters["genre"] = plain(genre)
    if near is not None:
        found.conditions.append(_NEAR)
        found.parameters.update(near._asdict(), km_of_a_degree=KM_OF_A_DEGREE)
    return found


def _of_name(sought: Sought) -> Matching:
    """Return what matches the words; one that is compared with an index comes as a subquery.

    Postgres takes a constant that may have many beginnings for one that most rows match, and reads them all.
    """
    if not sought.words:
        return Matching(["false"], {}, "0")
    conditions, ranks, parameters = [], [], {"whole": sought.whole}
    for place, word in enumerate(sought.words):
        parameters.update(_conditions_of(word, place))
        at_place = _at_venue(f"{{of}}place_terms @@ (select %(begun{place})s::tsquery)")
        conditions.append(f"(c.name_terms @@ (select %(somehow{place})s::tsquery) or {at_place})")
        ranks.append(
            f"case when c.name_words @@ %(exactly{place})s::tsquery then {_EXACT}"
            f" when c.name_words @@ %(begun{place})s::tsquery then {_BEGUN}"
            f" when c.name_terms @@ %(mistyped{place})s::tsquery then {_MISTYPED}"
            f" when c.name_terms @@ %(somehow{place})s::tsquery then {_SOMEHOW} else {_PLACE} end"
        )
    is_whole = f"case when c.name_words @@ %(whole)s::tsquery then {_WHOLE_NAME} else 0 end"
    rank = f"{_A_WORD} * ({' + '.join(ranks)}) + {is_whole} - least(c.name_length, {_WHOLE_NAME - 1})"
    return Matching(conditions, parameters, rank)


def _conditions_of(word: SoughtWord, place: int) -> dict[str, str]:
    return {
        f"exactly{place}": word.exactly,
        f"begun{place}": word.begun,
        f"mistyped{place}": word.mistyped,
        f"somehow{place}": word.somehow,
    }
