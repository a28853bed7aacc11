"""Builds the API's document, OpenAPI 3.1, from the routes and the errors."""

import inspect
import json
from pathlib import Path
from typing import Any

from chalicelib.platform.caller import Role
from chalicelib.platform.http.requests import Body, Query
from chalicelib.platform.http.routes import FORMS, Reads, Route
from chalicelib.shop.ceilings import CEILINGS
from ops.openapi import examples, links, parameters, responses
from ops.openapi.declarations import answers_of, context_of, routes
from ops.openapi.refusals import codes_of, facts_type, problem_schema, refusals, takes_body
from ops.openapi.schemas import Schemas

Json = dict[str, Any]

PLACE = Path(__file__).parents[2] / "docs" / "openapi.json"
VERSION = "1.0.0"

_DESCRIPTION = """Sells concert tickets.

Errors are problem documents (RFC 9457) with a stable `code` and the facts. Reads are eventually consistent: name with
`Min-Version` what an answer must reflect. Every write takes an `Idempotency-Key`, and every `PATCH` asks for
an `If-Match`, which is the `ETag` that was seen, or `*`.
Every `GET` is answered to `HEAD` as well, without content. `OPTIONS` says with `Allow` which methods a path has, and
any other is refused with 405 `method_not_allowed` and the same `Allow`.
Members may be added to answers at any time, so ignore those that you do not know."""


SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "api_key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "cbk_<id>_<secret>",
        "description": "An API key of an organiser; a route names the scopes of which the key needs one.",
    },
}


def build() -> Json:
    """Return the document as the code has it."""
    every = list(routes())
    codes = sorted({code for route in every for code in codes_of(route)})
    facts = {code: facts_type(refusals()[code]) for code in codes}
    schemas = Schemas([*_types(every), *facts.values()])
    operations = {(route.path, route.method.lower()): _operation(route, schemas) for route in every}
    shared = responses.shared(operations)
    paths: Json = {}
    for (path, method), operation in sorted(operations.items()):
        paths.setdefault(path, {})[method] = operation
    document: Json = {
        "openapi": "3.1.0",
        "info": {"title": "Cloudbash", "version": VERSION, "description": _DESCRIPTION},
        "tags": [{"name": name} for name in sorted({context_of(route.handler.__module__) for route in every})],
        "paths": paths,
        "components": {
            "securitySchemes": SCHEMES,
            "parameters": parameters.components(),
            "headers": responses.HEADERS,
            "responses": shared,
            "schemas": _parts(schemas, facts),
        },
    }
    examples.add_to(document, {code: refusals()[code].schema_name for code in codes})
    return document


def render() -> str:
    """Return the document as it is committed."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def _types(every: list[Route[Any]]) -> list[Any]:
    read = [route.reads.model for route in every if route.reads and issubclass(route.reads.model, Body | Query)]
    answered = [declared.content for route in every for declared in answers_of(route) if declared.content is not None]
    return [*read, *answered]


def _parts(schemas: Schemas, facts: dict[str, Any]) -> Json:
    """Return the shared schemas by name; queries and facts are described where they are used."""
    problems = {
        refusals()[code].schema_name: problem_schema(refusals()[code], schemas.whole(kind))
        for code, kind in facts.items()
    }
    taken_apart = {kind.__name__ for kind in facts.values()} | {
        route.reads.model.__name__ for route in routes() if route.reads and issubclass(route.reads.model, Query)
    }
    parts = {name: part for name, part in schemas.parts.items() if name not in taken_apart}
    return dict(sorted((parts | problems).items()))


_CLICK = {"List-Unsubscribe": "One-Click"}
ONE_CLICK = {
    "type": "object",
    "properties": {name: {"const": value} for name, value in _CLICK.items()},
    "required": list(_CLICK),
    "additionalProperties": False,
}
"""The form of RFC 8058, the only one that a route takes."""


def _operation(route: Route[Any], schemas: Schemas) -> Json:
    summary, description = described(route)
    body = {"requestBody": _body(route, route.reads, schemas)} if route.reads and takes_body(route) else {}
    answers = responses.responses_of(route, schemas)
    links.add_links(route.handler.__name__, answers)
    return {
        "operationId": route.handler.__name__,
        "tags": [context_of(route.handler.__module__)],
        "summary": summary,
        "description": description,
        "security": _security(route),
        "parameters": parameters.parameters_of(route, schemas),
        **body,
        "responses": answers,
        "x-role": "anyone" if route.role is None else str(route.role),
        "x-requests": requests_of(route),
    }


def described(route: Route[Any]) -> tuple[str, str]:
    """Return the first sentence of the handler's docstring, and the rest of it with who may call."""
    text = inspect.cleandoc(route.handler.__doc__ or "")
    first, _, rest = text.partition("\n\n")
    who = {None: "For anyone.", Role.CUSTOMER: "For whoever has a token."}
    described = [rest, who.get(route.role, f"For {route.role}.")]
    return " ".join(first.split()).removesuffix("."), "\n\n".join(filter(None, described))


def _security(route: Route[Any]) -> list[Json]:
    if route.role is not None:
        return [{"bearer": []}, *({"api_key": [scope]} for scope in route.scopes)]
    return [{}, {"bearer": []}] if route.takes_token else []


def _body(route: Route[Any], reads: Reads, schemas: Schemas) -> Json:
    if route.takes_forms:
        return {"required": False, "content": {kind: {"schema": ONE_CLICK, "example": _CLICK} for kind in FORMS}}
    schema = schemas.of(reads.model) if issubclass(reads.model, Body) else {"description": "As the sender defines it."}
    return {"required": not reads.is_optional, "content": {"application/json": {"schema": schema}}}


def requests_of(route: Route[Any]) -> Json:
    """Return what the route asks of the stores at most, by who calls: all that is not 0 of its ceilings."""
    name = f"{route.method} {route.path}"
    return {
        "anyone" if role is None else str(role): {key: count for key, count in cost._asdict().items() if count}
        for (path, role), cost in CEILINGS.items()
        if path == name
    }
