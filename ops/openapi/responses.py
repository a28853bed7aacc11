"""Describes what a route answers, and how it refuses."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from chalicelib.platform.http.answers import JSON, Answer
from chalicelib.platform.http.problems import title_of
from chalicelib.platform.http.routes import Route
from ops.openapi.declarations import Declared, answers_of
from ops.openapi.refusals import Refusal, by_status, codes_of
from ops.openapi.schemas import Schemas

Json = dict[str, Any]
PROBLEM = "application/problem+json"

_TEXT = {"type": "string"}
HEADERS: dict[str, Json] = {
    "ETag": {"description": 'The version of the stream in quotes, for `If-Match`, as in `"3"`.', "schema": _TEXT},
    "Location": {"description": "The path at which what was made can be read.", "schema": _TEXT},
    "Link": {
        "description": 'Names the next part of a file, with `rel="next"`; the last has none.',
        "schema": _TEXT,
    },
    "Door-List-Signature": {
        "description": "The id of a key of the concert, a point, and its signature over `door-list`, a line feed and "
        "the body, in base64url.",
        "schema": _TEXT,
    },
    "Content-Disposition": {"description": "The name under which browsers save the file.", "schema": _TEXT},
    "Cache-Control": {"description": "Who may keep the answer, and for how long.", "schema": _TEXT},
    "Vary": {"description": "The request headers that change the answer.", "schema": _TEXT},
    "Read-Model-Lag": {
        "description": "How many versions the read model lacked of each stream that `Min-Version` named.",
        "schema": _TEXT,
    },
    "Retry-After": {"description": "The seconds after which to ask again.", "schema": {"type": "integer"}},
    "RateLimit": {
        "description": "The limit that was reached, and in how many seconds `t` there is room again, as in "
        '`"cart-changes";r=0;t=5`.',
        "schema": _TEXT,
    },
    "RateLimit-Policy": {
        "description": 'How much the limit allows, `q`, in how many seconds, `w`, as in `"cart-changes";q=20;w=100`.',
        "schema": _TEXT,
    },
    "WWW-Authenticate": {"description": "Says that a bearer token is needed.", "schema": _TEXT},
}
"""The headers of responses that clients may want to read, by their names."""

_OF_STATUS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "RateLimit", "RateLimit-Policy"),
}


def responses_of(route: Route[Any], schemas: Schemas) -> dict[str, Json]:
    """Return the responses of a route by status."""
    found: dict[str, Json] = {}
    grouped: dict[HTTPStatus, list[Declared]] = {}
    for declared in answers_of(route):
        grouped.setdefault(declared.kind.status, []).append(declared)
    for status, several in grouped.items():
        found[str(int(status))] = _answer(route, status, several, schemas)
    for status, refused in sorted(by_status(codes_of(route)).items()):
        response = _refusal(status, refused)
        known = found.setdefault(str(int(status)), response)
        if known is not response:
            known["content"] |= response["content"]
            known["headers"] |= response["headers"]
    return dict(sorted(found.items()))


def _answer(route: Route[Any], status: HTTPStatus, several: list[Declared], schemas: Schemas) -> Json:
    response: Json = {"description": title_of(status), "headers": _headers(route, [one.kind for one in several])}
    contents: dict[str, list[Json]] = {}
    for kind, content in several:
        if content is not None:
            contents.setdefault(JSON, []).append(schemas.of(content))
        elif status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            contents[kind.content_type.partition(";")[0]] = [_file(kind)]
    if contents:
        response["content"] = {kind: {"schema": _any_of(found)} for kind, found in contents.items()}
    return response


def _file(kind: type[Answer[Any]]) -> Json:
    return {"type": "string"} if kind.content_type.startswith(("text/", "image/svg")) else {}


def _headers(route: Route[Any], kinds: list[type[Answer[Any]]]) -> Json:
    always = set.intersection(*(set(kind.always) for kind in kinds))
    sometimes = {name for kind in kinds for name in (*kind.always, *kind.sometimes)} | {"Cache-Control"}
    if route.method == "GET":
        sometimes.add("Read-Model-Lag")
    if route.is_public_read:
        sometimes.add("Vary")
    return _references(name for name in HEADERS if name in sometimes | always) | {
        name: {"required": True, **HEADERS[name]} for name in HEADERS if name in always
    }


def _references(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusal(status: HTTPStatus, refused: list[Refusal]) -> Json:
    codes = ", ".join(f"`{refusal.code}`" for refusal in refused)
    schema = _any_of([{"$ref": f"#/components/schemas/{refusal.schema_name}"} for refusal in refused])
    return {
        "description": f"{title_of(status)}: {codes}",
        "headers": _references(_OF_STATUS.get(status, ())),
        "content": {PROBLEM: {"schema": schema}},
    }


def _any_of(schemas: list[Json]) -> Json:
    different = [schema for place, schema in enumerate(schemas) if schema not in schemas[:place]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def shared(operations: Mapping[tuple[str, str], Json]) -> dict[str, Json]:
    """Move the refusals that several operations have in common to `components`, and return them by name."""
    seen: dict[str, Json] = {}
    for operation in operations.values():
        for status, response in operation["responses"].items():
            if set(response.get("content", {})) == {PROBLEM}:
                name = _name_of(status, response)
                seen[name] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(seen.items()))


def _name_of(status: str, response: Json) -> str:
    schema = response["content"][PROBLEM]["schema"]
    names = [one["$ref"].rpartition("/")[2].removesuffix("Problem") for one in schema.get("anyOf", [schema])]
    return f"{title_of(HTTPStatus(int(status))).replace(' ', '')}_{'_or_'.join(names)}"
