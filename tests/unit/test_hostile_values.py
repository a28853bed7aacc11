"""No value in any field of a body or query makes a 500: what does not fit the document is refused by name."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest

from chalicelib.platform.caller import Actor, Role
from chalicelib.platform.errors import InvalidInput
from chalicelib.platform.http.requests import Query, parse_query
from tests.support.hostile import PARAMETERS, SOME_ID, VALUES, routes
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
    condition = {"if_match": "*"} if operation.method == "PATCH" else {}
    return given.when_sent(EVERYBODY, operation.method, path, body.encode(), **condition)


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


QUERIES = [
    (f"{method} {route.path}", route.reads.model)
    for method, _, route in routes()
    if route.reads is not None and issubclass(route.reads.model, Query)
]


@pytest.mark.parametrize("model", [model for _, model in QUERIES], ids=[route for route, _ in QUERIES])
def test_a_hostile_parameter_is_read_or_refused_by_its_name(model: type[Query]) -> None:
    required = {name: SOME_ID for name, field in model.model_fields.items() if field.is_required()}
    for name in model.model_fields:
        for text in PARAMETERS:
            assert refused_at(model, {**required, name: text}) in ([], [f"?{name}"]), ascii(text)


def refused_at(model: type[Query], parameters: dict[str, str]) -> list[str]:
    """The pointers of the refusal, none if the query is read."""
    try:
        parse_query(model, parameters)
    except InvalidInput as refusal:
        return [pointer for pointer, _ in refusal.fields]
    return []


def is_about(pointer: str, place: Place) -> bool:
    """Whether it names the place, what lies in it, or, as a body does that is no JSON, all of it."""
    path = "".join(f"/{name}" for name in place)
    return pointer == "#" or pointer.removeprefix("#").startswith(path) or path.startswith(pointer.removeprefix("#"))
