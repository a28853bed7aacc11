"""What a search may cost Postgres is bounded in what it has to compare, whatever is asked."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import DictRow

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.requests import parse_query
from chalicelib.platform.readmodels.postgres.pool import Pool
from chalicelib.shop.concerts.filters import LONGEST_FILTER, MOST_WORDS, ConcertFilters
from chalicelib.shop.concerts.queries import search_concerts

FILTERS = ("q", "location", "genre")


class Asked:
    """Remembers what Postgres would have been asked, and asks it if it has one."""

    def __init__(self, pool: Pool | None = None) -> None:
        self._pool = pool
        self.query = ""
        self.parameters: Mapping[str, Any] = {}

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        self.query, self.parameters = query, parameters
        return [] if self._pool is None else self._pool.fetch_all(query, parameters)

    @property
    def terms(self) -> int:
        return max(str(value).count("'") // 2 for value in self.parameters.values())


def asked(pool: Pool | None, **filters: str) -> Asked:
    found = Asked(pool)
    search_concerts(found, parse_query(ConcertFilters, filters).to_search(), 20, None)
    return found


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("text", ["\ufdfa" * 200, "\ufdfa" * 12, "\u33a8" * 101, "\u2105" * 67])
def test_a_text_that_is_too_long_once_it_is_normalised_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        asked(None, **{name: text})
    assert [pointer for pointer, _ in refusal.value.fields] == [f"?{name}"]


@pytest.mark.parametrize("name", ["q", "location"])
@pytest.mark.parametrize("text", ["a " * 100, "a\u00a0" * 13, "\u00a8" * 13, "\ufdfa" * 4])
def test_too_many_words_are_refused_also_those_that_only_normalising_shows(name: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        asked(None, **{name: text})
    assert [pointer for pointer, _ in refusal.value.fields] == [f"?{name}"]


@pytest.mark.parametrize(
    "near", ["", "1", "1,2", "1,2,3,4", "a,2,3", "91,0,1", "0,181,1", "nan,0,1", "0,0,0", "0,0,501"]
)
def test_a_place_that_is_not_on_earth_or_too_wide_is_refused(near: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        asked(None, near=near)
    assert [pointer for pointer, _ in refusal.value.fields] == ["?near"]


@pytest.mark.parametrize(
    "text",
    ["ab/" * 66, "ö/" * 100, "a!b$c@d€" * 25, "abcdefghijklmnopqrstuvw-" * 8, "ü" * 200, "\u4eac" * 200, "a1b" * 66],
)
def test_signs_make_no_more_terms_than_a_few_a_letter(shared_pool: Pool, text: str) -> None:
    assert asked(shared_pool, q=text, location=text).terms <= 40 * LONGEST_FILTER


@settings(max_examples=150, derandomize=True, deadline=None)
@given(text=st.text(max_size=200), name=st.sampled_from(FILTERS))
def test_whatever_is_admitted_is_few_conditions_on_short_texts(shared_pool: Pool, text: str, name: str) -> None:
    try:
        found = asked(shared_pool, **{name: text})
    except InvalidInput:
        return
    assert found.query.count("%(somehow") <= 2 * MOST_WORDS
    assert found.terms <= 40 * LONGEST_FILTER
