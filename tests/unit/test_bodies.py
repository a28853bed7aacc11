"""Reading the body of a request: how large it may be, and how it is refused."""

from typing import Annotated

import pytest
from pydantic import Field

from chalicelib.platform.errors import BodyTooLarge, InvalidInput
from chalicelib.platform.http.requests import (
    MAX_BODY_BYTES,
    WHOLE,
    Body,
    ensure_acceptable_size,
    ensure_no_body,
    parse_body,
)


class Note(Body):
    text: str
    copies: int = 1


def note_of(size: int, letter: str = "x") -> bytes:
    """A valid body of exactly this many bytes."""
    frame = len('{"text":""}')
    letters, rest = divmod(size - frame, len(letter.encode()))
    return f'{{"text":"{letter * letters}"}}{" " * rest}'.encode()


def refusal_of(raw: bytes) -> tuple[tuple[str, str], ...]:
    with pytest.raises(InvalidInput) as refusal:
        parse_body(Note, raw)
    return refusal.value.fields


@pytest.mark.parametrize("letter", ["x", "ö", "🎫"])
def test_a_body_may_have_just_as_many_bytes_as_the_limit_says(letter: str) -> None:
    largest = note_of(MAX_BODY_BYTES, letter)
    assert len(largest) == MAX_BODY_BYTES
    ensure_acceptable_size(largest)
    assert set(parse_body(Note, largest).text) == {letter}


@pytest.mark.parametrize("letter", ["x", "ö", "🎫"])
def test_one_byte_more_is_refused_and_the_refusal_names_the_limit(letter: str) -> None:
    with pytest.raises(BodyTooLarge, match=str(MAX_BODY_BYTES)) as refusal:
        ensure_acceptable_size(note_of(MAX_BODY_BYTES + 1, letter))
    assert refusal.value.facts == {"limit": MAX_BODY_BYTES}


@pytest.mark.parametrize("raw", [b"", b"{}", b" {\n} "])
def test_where_no_body_is_expected_an_empty_object_says_as_much_as_nothing(raw: bytes) -> None:
    ensure_no_body(raw)


@pytest.mark.parametrize("raw", [b"garbage", b"[]", b"null", b'{"quantity": 1}', b"\xff", b" ", b"{} {}"])
def test_where_no_body_is_expected_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        ensure_no_body(raw)


def test_an_empty_body_is_refused() -> None:
    assert refusal_of(b"") == (("", "is empty"),)


@pytest.mark.parametrize("raw", [b"{", b"no json", b'{"text": "\xff"}', b'{"text": "x"} {}', b"[" * 10_000])
def test_what_is_no_json_is_refused_as_a_whole(raw: bytes) -> None:
    [(pointer, reason)] = refusal_of(raw)
    assert (pointer, reason.startswith("is not JSON: ")) == ("#", True)


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"text"', b"1"])
def test_json_that_is_no_object_is_refused_as_a_whole(raw: bytes) -> None:
    assert [pointer for pointer, _ in refusal_of(raw)] == ["#"]


def test_every_field_in_error_is_named_by_its_pointer() -> None:
    fields = refusal_of(b'{"copies": "2", "te/x~t": 1}')
    assert {pointer for pointer, _ in fields} == {"#/text", "#/copies", "#/te~1x~0t"}


@pytest.mark.parametrize("copies", ['"2"', "2.5", "true", "null", "NaN", "[2]"])
def test_a_value_of_another_type_is_not_converted(copies: str) -> None:
    assert [pointer for pointer, _ in refusal_of(f'{{"text": "x", "copies": {copies}}}'.encode())] == ["#/copies"]


def test_a_member_that_comes_twice_is_refused_and_named() -> None:
    [(pointer, reason)] = refusal_of(b'{"text": "one", "text": "two"}')
    assert (pointer, '"text"' in reason) == ("#", True)


class Order(Body):
    quantity: Annotated[int, Field(ge=1, le=40), WHOLE]


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert parse_body(Order, b'{"quantity": 2.0}') == parse_body(Order, b'{"quantity": 2}')
    assert parse_body(Order, b'{"quantity": 4e1}').quantity == 40


@pytest.mark.parametrize(
    "written", ["1.5", "0.0", "41.0", "1e9", "1e400", "NaN", '"1"', '"1.0"', "true", "null", "[1]"]
)
def test_what_is_no_whole_number_within_the_bounds_is_refused_by_name(written: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_body(Order, f'{{"quantity": {written}}}'.encode())
    assert refusal.value.fields[0][0] in {"#", "#/quantity"}
