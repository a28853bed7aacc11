"""Makes bodies that fit the API's document, and finds every place in one where something else can stand."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from ops.openapi.document import PLACE

Json = dict[str, Any]
Place = tuple[str | int, ...]

TEXTS = (
    "2030-01-01T20:00:00Z",
    "7e571d00-0000-4000-8000-00000000000f",
    "gudrun@example.org",
    "https://box-office.example/",
    "Europe/Amsterdam",
    "25.00",
    "EUR",
    "Guðrún",
    "x",
)
"""One of these fits whatever the document says of a text, the more special ones first."""


class Operation(NamedTuple):
    """A route whose document describes a JSON body."""

    method: str
    path: str
    schema: Json

    def validator(self) -> Any:
        whole = {**self.schema, "components": document()["components"]}
        return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def body(self) -> Json:
        """Return a body with every member that it may have."""
        made: Json = _instance(self.schema)
        return made


@cache
def document() -> Json:
    read: Json = json.loads(PLACE.read_text(encoding="utf-8"))
    return read


def operations() -> Iterator[Operation]:
    """Give every route that takes a JSON object, as the document has it."""
    for path, methods in document()["paths"].items():
        for method, described in methods.items():
            content = described.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            if "$ref" in schema:
                yield Operation(method.upper(), path, schema)


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Give the place of every member and item, outer ones first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield (*here, name)
        yield from places(one, (*here, name))


def replaced(body: Json, place: Place, value: Any) -> Json:
    """Return the body with something else at the place."""
    changed = copy.deepcopy(body)
    target: Any = changed
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = value
    return changed


def _instance(schema: Json) -> Any:
    schema = _whole(schema)
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if one != {"type": "null"})
        return _instance(schema)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            return {name: _instance(member) for name, member in schema.get("properties", {}).items()}
        case "array":
            return [_instance(schema["items"])]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return _text(schema)


def _text(schema: Json) -> str:
    check = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return next(text for text in TEXTS if check.is_valid(text))


def _whole(schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    named: Json = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return named
