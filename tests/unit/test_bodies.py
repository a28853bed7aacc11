"""Reading the body of a request: how large it may be, and how it is refused."""

import pytest

from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.requests import MAX_BODY_BYTES, Body, parse_body


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
    assert set(parse_body(Note, largest).text) == {letter}


@pytest.mark.parametrize("letter", ["x", "ö", "🎫"])
def test_one_byte_more_is_refused_and_the_refusal_names_the_limit(letter: str) -> None:
    with pytest.raises(InvalidInput, match=str(MAX_BODY_BYTES)) as refusal:
        parse_body(Note, note_of(MAX_BODY_BYTES + 1, letter))
    assert refusal.value.fields == (("", "is too large"),)


def test_what_is_too_large_is_refused_for_that_and_never_read() -> None:
    assert refusal_of(b"[" * (MAX_BODY_BYTES + 1)) == (("", "is too large"),)


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


def test_of_a_member_that_comes_twice_the_last_one_counts_as_everywhere_in_json() -> None:
    assert parse_body(Note, b'{"text": "one", "text": "two"}').text == "two"
