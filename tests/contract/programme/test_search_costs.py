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
from chalicelib.shop.concerts.api import LONGEST_FILTER, MOST_WORDS, ConcertFilters
from chalicelib.shop.concerts.queries import FORGIVEN_WORDS, search_concerts

FILTERS = ("q", "location", "genre")
EXPANSION_OF_UNACCENT = 3
"""The most characters that its rules make of one that NFKC leaves as it is: `©` becomes `(c)`."""


class Asked:
    """Remembers what Postgres would have been asked."""

    def __init__(self) -> None:
        self.query = ""
        self.parameters: Mapping[str, Any] = {}

    def fetch_all(self, query: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        self.query, self.parameters = query, parameters
        return []


def asked(**filters: str) -> Asked:
    found = Asked()
    search_concerts(found, parse_query(ConcertFilters, filters).to_search(), 20, None)
    return found


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("text", ["\ufdfa" * 200, "\ufdfa" * 12, "\u33a8" * 101, "\u2105" * 67])
def test_a_text_that_is_too_long_once_it_is_normalised_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        asked(**{name: text})
    assert [pointer for pointer, _ in refusal.value.fields] == [f"?{name}"]


@pytest.mark.parametrize("name", ["q", "location"])
@pytest.mark.parametrize("text", ["a " * 100, "a\u00a0" * 13, "\u00a8" * 13, "\ufdfa" * 4])
def test_too_many_words_are_refused_also_those_that_only_normalising_shows(name: str, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        asked(**{name: text})
    assert [pointer for pointer, _ in refusal.value.fields] == [f"?{name}"]


@pytest.mark.parametrize("q", ["\\" * 200, "%" * 200, "!?" * 100, "x" * 41, "ab", "c\\d"])
def test_typos_are_not_looked_for_where_there_are_no_trigrams_or_far_too_many(q: str) -> None:
    assert "%%>" not in asked(q=q).query


def test_typos_are_looked_for_in_the_first_long_words_only() -> None:
    found = asked(q=" ".join(["an", *(f"evening{number}" for number in range(11))]))
    assert found.query.count("%%>") == FORGIVEN_WORDS
    assert found.query.count("containing(") == MOST_WORDS


@settings(max_examples=150, derandomize=True, deadline=None)
@given(text=st.text(max_size=200), name=st.sampled_from(FILTERS))
def test_whatever_is_admitted_is_few_conditions_on_short_texts(shared_pool: Pool, text: str, name: str) -> None:
    try:
        found = asked(**{name: text})
    except InvalidInput:
        return
    assert found.query.count("containing(") <= MOST_WORDS
    assert found.query.count("%%>") <= FORGIVEN_WORDS
    texts = [value for value in found.parameters.values() if isinstance(value, str)]
    [row] = shared_pool.fetch_all(
        "select coalesce(sum(length(search_text(t))), 0) as total from unnest(%(texts)s::text[]) t", {"texts": texts}
    )
    assert row["total"] <= EXPANSION_OF_UNACCENT * LONGEST_FILTER
