"""Describes what a request has beside its body: the parts of its path, its query and its headers."""

from collections.abc import Iterator
from typing import Any

from chalicelib.platform.http.requests import MAX_NAMED_STREAMS, Query
from chalicelib.platform.http.routes import Route
from ops.openapi.schemas import Schemas

Json = dict[str, Any]

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

HEADERS: dict[str, Json] = {
    "Idempotency-Key": {
        "description": "Makes the request safe to repeat: the same key with the same body is answered as the first "
        "time, and with another body refused. Without a key every request is a new one.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
        "example": "b7b9a3c2-0c6e-4c0c-9a53-8f1f0c1c2d3e",
    },
    "If-Match": {
        "description": "The version that the change is based on, as `ETag` had it. If the stream has another one by "
        "now, the change is refused with 412. With `*`, and without the header where it is not required, the newest "
        "version is changed.",
        "schema": {"type": "string", "pattern": '^("[0-9]{1,15}"|\\*)$'},
        "example": '"3"',
    },
    "Min-Version": {
        "description": "The streams and versions that the answer must reflect, as the answers to commands had them. "
        "It costs nothing where the read model is new enough, and otherwise the missing events are read.",
        "schema": {
            "type": "string",
            "pattern": f"^\\s*{_UUID}:[0-9]{{1,15}}\\s*(,\\s*{_UUID}:[0-9]{{1,15}}\\s*){{0,{MAX_NAMED_STREAMS - 1}}}$",
        },
        "example": "0c8a1d3e-64f5-4b0b-9d0f-6c1f2f4f8b7a:3",
    },
    "X-Correlation-Id": {
        "description": "A UUID that logs and events keep beside what the request does; anything else is ignored.",
        "schema": {"type": "string"},
        "example": "5b1f0c52-5f5a-4b58-9f3b-1a2b3c4d5e6f",
    },
}
"""The headers of requests that any route takes, by their names."""
_REQUIRED = "RequiredIfMatch"


def components() -> dict[str, Json]:
    shared = {_key(name): {"name": name, "in": "header", **described} for name, described in HEADERS.items()}
    return shared | {_REQUIRED: {"name": "If-Match", "in": "header", "required": True, **HEADERS["If-Match"]}}


def parameters_of(route: Route[Any], schemas: Schemas) -> list[Json]:
    """Return the parameters of a route, headers as references to those that several routes share."""
    names = [name for name in HEADERS if _takes(route, name)]
    keys = (_REQUIRED if name == "If-Match" and route.needs_if_match else _key(name) for name in names)
    return [*_in_path(route), *_in_query(route, schemas), *({"$ref": f"#/components/parameters/{key}"} for key in keys)]


def _takes(route: Route[Any], header: str) -> bool:
    match header:
        case "Idempotency-Key":
            return route.method != "GET" and route.role is not None
        case "If-Match":
            return route.takes_if_match
        case "Min-Version":
            return route.method == "GET"
    return True


def _in_path(route: Route[Any]) -> Iterator[Json]:
    for part in route.path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}")
            is_id = name.endswith("_id")
            schema = {"type": "string", "format": "uuid"} if is_id else {"type": "string"}
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(route: Route[Any], schemas: Schemas) -> Iterator[Json]:
    if route.reads is None or not issubclass(route.reads.model, Query):
        return
    whole = schemas.whole(route.reads.model)
    for name, schema in whole.get("properties", {}).items():
        plain = _without_null(schema)
        listed = {"style": "form", "explode": False} if plain.get("type") == "array" else {}
        required = {"required": True} if name in whole.get("required", []) else {}
        yield {"name": name, "in": "query", **required, **listed, "schema": plain}


def _without_null(schema: Json) -> Json:
    """A query cannot say null: whoever means nothing leaves the parameter out."""
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"} or value is not None}
    kinds = [kind for kind in rest.pop("anyOf", []) if kind != {"type": "null"}]
    return rest | kinds[0] if len(kinds) == 1 else rest | ({"anyOf": kinds} if kinds else {})


def _key(header: str) -> str:
    return header.replace("-", "")
