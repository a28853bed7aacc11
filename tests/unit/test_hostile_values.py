"""No value in any field of any body makes a 500: what does not fit the document is refused, and the field is named."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role
from tests.support.hostile import SOME_ID, VALUES
from tests.support.instances import Operation, Place, operations, places, replaced
from tests.support.request_scenario import Answered, GivenStreams, given_streams

EVERYBODY = Actor(UUID(int=7), frozenset(Role))
"""Has every role, so that no refusal is about roles."""

OPERATIONS = list(operations())
HERE = "stands here"
"""In a body, this is where the hostile value will stand."""


def named(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def fits(operation: Operation, place: Place, written: str) -> bool:
    """Whether the document allows the value there; what is no JSON, and no text of Unicode, it does not."""
    if written == "NaN" or "\\ud800" in written or '"a": 1, "a"' in written:
        return False
    return bool(operation.validator().is_valid(replaced(operation.body(), place, json.loads(written))))


def sent(given: GivenStreams, operation: Operation, place: Place, written: str) -> Answered:
    body = json.dumps(replaced(operation.body(), place, HERE)).replace(json.dumps(HERE), written)
    path = "/".join(SOME_ID if part.startswith("{") else part for part in operation.path.split("/"))
    return given.when_sent(EVERYBODY, operation.method, path, body.encode())


def pointers(answered: Answered) -> Iterator[str]:
    for error in answered.body.get("errors", []):
        yield error["pointer"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_a_body_of_the_document_fits_it_and_is_read(operation: Operation) -> None:
    assert operation.validator().is_valid(operation.body())
    answered = sent(given_streams({}), operation, next(places(operation.body())), "[]")
    assert answered.status in {403, 422}, answered.body


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_a_hostile_value_is_refused_by_a_pointer_or_allowed_by_the_document(operation: Operation) -> None:
    given = given_streams({})
    for place in places(operation.body()):
        for name, written in VALUES.items():
            answered = sent(given, operation, place, written)
            said = (name, place, answered.status, answered.body)
            assert answered.status < 500, said
            if not fits(operation, place, written):
                assert answered.status in {403, 422}, said
                assert answered.news == {}, said
                assert answered.status == 403 or any(is_about(pointer, place) for pointer in pointers(answered)), said


def is_about(pointer: str, place: Place) -> bool:
    """Whether it names the place, what lies in it, or, as a body does that is no JSON, all of it."""
    path = "".join(f"/{name}" for name in place)
    return pointer == "#" or pointer.removeprefix("#").startswith(path) or path.startswith(pointer.removeprefix("#"))
