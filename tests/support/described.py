"""Holds every answer to the API's document: its status, headers and content, and the code and facts of a refusal."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from chalicelib.platform.http.browsers import EXPOSED
from ops.openapi import document
from tests.support import recording

Json = dict[str, Any]


class Described(NamedTuple):
    """What the document says of one route."""

    method: str
    path: re.Pattern[str]
    operation: Json


def ensure_described(
    method: str, path: str, status: int, headers: Mapping[str, str], content: bytes, sent: bytes = b""
) -> None:
    """Check an answer, unless the document does not know its route.

    Raises AssertionError, which says where it is not as declared.
    """
    operation = _operation(method, path)
    if operation is None:
        return
    where = f"{method} {path} answers {status}"
    assert str(status) in operation["responses"], f"{where}, which is not declared"
    response = _whole(operation["responses"][str(status)])
    given = {name.lower(): value for name, value in headers.items()}
    _ensure_headers(where, response.get("headers", {}), given)
    contents = response.get("content", {})
    if not contents:
        assert not content, f"{where} with content, and none is declared"
        return
    kind = given["content-type"].partition(";")[0]
    assert kind in contents, f"{where} with {kind}, which is not declared"
    if kind.endswith("json"):
        _ensure_schema(where, contents[kind]["schema"], content)
        recording.note(operation["operationId"], status, sent, content, kind)


def _ensure_headers(where: str, declared: Json, given: Mapping[str, str]) -> None:
    needed = {name.lower() for name, header in declared.items() if _whole(header).get("required")}
    assert needed <= given.keys(), f"{where} without {', '.join(needed - given.keys())}"
    told = {name.lower() for name in EXPOSED} & given.keys()
    undeclared = told - {name.lower() for name in declared}
    assert not undeclared, f"{where} with {', '.join(undeclared)}, which is not declared"


def _ensure_schema(where: str, schema: Json, content: bytes) -> None:
    validator = Draft202012Validator(
        {"components": _closed()["components"], **schema}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    body = json.loads(content)
    faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(body)]
    assert not faults, f"{where}, which does not fit: {faults} in {body}"


@cache
def _document() -> Json:
    """Return the document as it is committed, because building it takes a second; a test says when it is behind."""
    committed: Json = json.loads(document.PLACE.read_text(encoding="utf-8"))
    return committed


@cache
def _closed() -> Json:
    """Return the document as it is for us, who must declare every member that we answer with."""
    closed: Json = without_more(_document())
    return closed


def without_more(schema: Any) -> Any:
    """Return a schema that admits no members but those that it names."""
    if isinstance(schema, list):
        return [without_more(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {name: without_more(one) for name, one in schema.items()}
    is_object = schema.get("type") == "object" and "properties" in schema
    return {"additionalProperties": False, **inside} if is_object else inside


@cache
def _operations() -> list[Described]:
    return [
        Described(method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
        for path, methods in _document()["paths"].items()
        for method, operation in methods.items()
    ]


def _operation(method: str, path: str) -> Json | None:
    found = [one for one in _operations() if one.method == method and one.path.fullmatch(path)]
    # Of `/sales/orders` and `/{x}/orders` the one without a parameter is meant.
    return min(found, key=lambda one: one.path.pattern.count("[^/]+")).operation if found else None


def _whole(part: Json) -> Json:
    """Follow a reference into `components`."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: Json = _document()["components"][kind][name]
    return found
