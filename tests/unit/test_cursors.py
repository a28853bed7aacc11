"""Every cursor that the shop gives, the shop takes; whatever is none, it refuses."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.paging import Page, cursor_of
from chalicelib.platform.http.requests import parse_query

ANY_ID = "7e571d00-0000-4000-8000-00000000000f"
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)
"""What Postgres can hold: everything but NUL and halves of pairs."""


def taken(cursor: str) -> list[str] | None:
    return parse_query(Page, {"cursor": cursor}).after


@given(st.lists(texts, max_size=2))
def test_a_key_comes_back_from_its_cursor_as_it_was(key: list[str]) -> None:
    assert taken(str(cursor_of([*key, ANY_ID][:2]))) == [*key, ANY_ID][:2]


@pytest.mark.parametrize(
    "letter", ["\x01", "\x7f", '"', "\\", "\u0e01", "\u97f3", "\u200c", "\ufeff", "🎻", "\U0010ffff"]
)
def test_the_longest_key_has_a_cursor_that_is_taken(letter: str) -> None:
    key = [letter * 200, ANY_ID]
    assert taken(str(cursor_of(key))) == key


def test_a_cursor_of_the_time_before_is_taken_still() -> None:
    assert taken(base64.urlsafe_b64encode(json.dumps(["Björk", "1"]).encode()).decode()) == ["Björk", "1"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"1",
        b'["x", 1]',
        b'["x", null]',
        b'["\\ud800", "x"]',
        b'["a\\u0000b", "x"]',
        b'["\xff"]',
        b"[NaN]",
        b"[" * 1400,
        b"[" * 700 + b"]" * 700,
        b"1" * 1400,
        b'["x"',
    ],
)
def test_what_is_no_list_of_texts_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        taken(base64.urlsafe_b64encode(raw).decode())
    assert [pointer for pointer, _ in refusal.value.fields] == ["?cursor"]


@pytest.mark.parametrize("cursor", ["é", "W10", "WyJ4Il0=!", "WyJ 4Il0=", "*", "W" * 2001, "\ud800"])
def test_what_is_no_base64_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        taken(cursor)
